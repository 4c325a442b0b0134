"""Tasks are thin: which failures are worth another try, what a batch holds of a limit, what is never persisted."""

import pytest
from prefect.exceptions import MissingResult
from prefect.states import Failed

from flows.steps import ALL
from stages.errors import BadInput, StreamlinerError
from stages.settings import load_settings
from stages.windows.batches import WindowBatch, WindowRange
from stages.write.batch import slots_of
from tasks.limits import LIMITS
from tasks.wrapping import worth_retrying


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RuntimeError("the worker died"), True),
        (ConnectionError("away"), True),
        (MemoryError(), True),
        (MissingResult(), True),
        (BadInput("no chat"), False),
        (StreamlinerError("a name would be shown"), False),
    ],
)
def test_a_sentence_for_a_person_is_final_and_everything_else_is_tried_again(error: Exception, again: bool) -> None:
    assert worth_retrying(None, None, Failed(data=error)) is again


def test_a_batch_holds_as_many_slots_as_it_has_calls_in_flight() -> None:
    remote = load_settings(options={"llm.model": "openai/x", "llm.concurrency": 4}).settings
    offline = load_settings(options={"llm.model": "local/extractive"}).settings
    two, nine = (WindowBatch("a", 0, n, tuple(WindowRange(i, i, i + 1) for i in range(n))) for n in (2, 9))
    assert slots_of(batch=two, settings=remote, limit=None) == 2
    assert slots_of(batch=nine, settings=remote, limit=None) == 4
    assert slots_of(batch=nine, settings=offline, limit=None) == 0


def test_mapped_steps_are_retried_and_their_limits_are_made_by_the_deployment() -> None:
    for step in ALL:
        task = step.load_task()
        assert task.retries == (2 if step.limit else 0), step.name
        assert step.limit is None or step.limit in LIMITS
        assert task.log_prints is False
