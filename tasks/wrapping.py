"""How every stage becomes a task: measured, not cached, its result in memory only, one limit held per batch.

Prefect's retries are for a batch whose worker died or whose provider was away; an item's own retries happen inside
the stage. A sentence meant for a person (bad input, a refused setting) is final and is never retried.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from stages.errors import StreamlinerError
from stages.metrics import timed
from tasks.slots import current_slots

CALLS: Final = "streamliner-write"
"""The limit of model calls in flight, of all runs together."""


def worth_retrying(_task: Any, _task_run: Any, state: Any) -> bool:
    """Retry condition of a batch: anything but an error that says it is final."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, StreamlinerError)


def stage_task(
    stage: Callable[..., Any],
    *,
    name: str,
    description: str,
    retries: int = 0,
    limit: str | None = None,
    slots: Callable[..., int] | None = None,
    calls: Callable[..., int] | None = None,
) -> Task[..., Any]:
    """The task that runs ``stage`` and returns :class:`stages.metrics.Timed`.

    ``limit`` names a global concurrency limit on the server, held once for the whole call for as many slots as
    ``slots(**arguments)`` says (none: not held); ``calls(**arguments)`` slots of :data:`CALLS` are held beside it.
    Limits are strict: one that does not exist is an error, never "unlimited". Nothing is persisted: results hold
    messages of the chat and stay in this process.
    """

    @functools.wraps(stage)
    def run(**arguments: Any) -> Any:
        # whoever holds both took them in this order, and whoever holds one waits for no other
        with (
            _held(limit, slots(**arguments) if slots else 1),
            _held(CALLS, calls(**arguments) if calls else 0),
        ):
            return timed(stage, **arguments)

    return Task(
        fn=run,
        name=name,
        description=description,
        task_run_name=name,
        retries=retries,
        retry_delay_seconds=exponential_backoff(backoff_factor=2) if retries else None,
        retry_jitter_factor=0.5 if retries else None,
        retry_condition_fn=worth_retrying if retries else None,
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
    )


def _held(limit: str | None, slots: int) -> AbstractContextManager[Any]:
    return nullcontext() if limit is None or slots == 0 else current_slots().hold(limit, slots)
