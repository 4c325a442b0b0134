"""Batches: each task in one, long enough, and short where something would be lost."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.enrich.groups import TOLD_FILES, group_tasks
from stages.enrich.store import Task
from stages.settings import Settings, load_settings

KINDS = ("url", "image", "audio", "document")


def task(number: int, kind: str, attempts: int = 0, tried: bool = False) -> Task:
    return Task(f"{kind}{number}", kind, f"{kind}{number}", number, 1, attempts, tried)


def configured(**options: object) -> Settings:
    return load_settings(options={name.replace("__", "."): value for name, value in options.items()}).settings


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kinds=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2), st.booleans()), max_size=60),
    size=st.integers(1, 60),
    workers=st.integers(1, 4),
    vision=st.booleans(),
    most=st.integers(3, 40),
)
def test_each_task_is_in_one_batch_and_batches_are_few(
    kinds: list[tuple[str, int, bool]], size: int, workers: int, vision: bool, most: int
) -> None:
    tasks = [task(number, *kind) for number, kind in enumerate(kinds)]
    model = "openai/sees" if vision else None
    given_settings = configured(enrich__batch_size=size, performance__max_workers=workers, llm__vision_model=model)
    groups = group_tasks(tasks, given_settings, most)
    flat = [one for group in groups for one in group]
    assert sorted(one.first_seq for one in flat) == list(range(len(tasks)))
    assert all(groups)
    assert len(groups) <= most + 3
    for ours in ("url", "document"):
        seqs = [one.first_seq for one in flat if one.kind == ours and not one.suspect]
        assert seqs == sorted(seqs)


def test_files_that_models_tell_of_are_in_short_batches_and_a_suspect_is_alone_and_last() -> None:
    tasks = [task(n, "url") for n in range(100)] + [task(n, "image") for n in range(100, 140)]
    tasks.insert(0, task(500, "image", attempts=1))
    told = group_tasks(tasks, configured(llm__vision_model="openai/sees", enrich__batch_size=50), 200)
    assert [len(group) for group in told] == [50, 50, *[TOLD_FILES] * 5, 1]
    assert told[-1][0].first_seq == 500
    plain = group_tasks(tasks, configured(enrich__batch_size=50), 200)
    assert [len(group) for group in plain] == [50, 50, 40, 1]


def test_a_short_queue_is_shared_between_the_workers() -> None:
    tasks = [task(n, "url") for n in range(10)]
    assert [len(group) for group in group_tasks(tasks, configured(performance__max_workers=2), 200)] == [5, 5]
    serial = configured(performance__max_workers=2, performance__parallel_processing=False)
    assert [len(group) for group in group_tasks(tasks, serial, 200)] == [10]
    assert group_tasks([], serial, 200) == []
