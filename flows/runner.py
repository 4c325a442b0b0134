"""Two ways to run the same steps: in this process, or as tasks of a Prefect flow run.

Both yield the results of mapped batches as they end, so that what is done is kept even when the run stops. A batch
that fails as a whole comes back as its exception and never hides the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Protocol

from flows.steps import Step
from stages.metrics import Timed, timed

if TYPE_CHECKING:
    from tasks.slots import Slots

Batch = Mapping[str, Any]

WAITING: Final = 16
"""Batches under way at once whose work is to wait: one slow site in each must not keep all other sites waiting."""


class Runner(Protocol):
    """What a pipeline needs of its surroundings."""

    def call(self, step: Step, **arguments: Any) -> Timed[Any]:
        """Run one step and wait. Raises what the stage raises."""

    def map(
        self, step: Step, batches: Sequence[Batch], sizes: Sequence[int], stopped: Event
    ) -> Iterator[tuple[int, Timed[Any] | Exception]]:
        """Run a step over batches of arguments; yields (position, result or error) in the order of their ends.

        ``sizes`` are the numbers of items in the batches, for whoever watches. Raises KeyboardInterrupt once
        ``stopped`` is set, after a result.
        """


class DirectRunner:
    """Calls the stages in this process with a pool of threads; Prefect is not imported."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def call(self, step: Step, **arguments: Any) -> Timed[Any]:
        return timed(step.load_stage(), **arguments)

    def map(
        self, step: Step, batches: Sequence[Batch], sizes: Sequence[int], stopped: Event
    ) -> Iterator[tuple[int, Timed[Any] | Exception]]:
        stage = step.load_stage()
        workers = WAITING if step.waits and self.workers > 1 else self.workers
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=step.name)
        futures = {pool.submit(timed, stage, **batch): index for index, batch in enumerate(batches)}
        try:
            for future in as_completed(list(futures)):
                position = futures.pop(future)
                yield position, _result(future)
                if stopped.is_set():
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            # what has not begun is dropped; what runs ends and is kept, a model's answer is worth the wait
            for future in [future for future in futures if future.cancel()]:
                futures.pop(future)
            for future in as_completed(list(futures)):
                yield futures[future], _result(future)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Timed[Any]]) -> Timed[Any] | Exception:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error


def _named(step: Step, number: int, of: int, size: int) -> str:
    return f"{step.name} {number} of {of} ({size:,} {'item' if size == 1 else 'items'})"


class PrefectRunner:
    """Submits the tasks that wrap the stages, inside the flow run that is going on."""

    def __init__(self, slots: "Slots") -> None:
        self._slots = slots
        self._progress: Any = None

    def call(self, step: Step, **arguments: Any) -> Timed[Any]:
        result: Timed[Any] = step.load_task()(**arguments)
        return result

    def map(
        self, step: Step, batches: Sequence[Batch], sizes: Sequence[int], stopped: Event
    ) -> Iterator[tuple[int, Timed[Any] | Exception]]:
        from prefect.futures import as_completed as prefect_as_completed

        from tasks.artifacts import ProgressArtifact
        from tasks.slots import NoSlotsError

        task = step.load_task()
        self._slots.give_back()  # this run holds the archive: what is lent to another is lent to a dead one
        futures = [
            task.with_options(task_run_name=_named(step, number, len(batches), size)).submit(**batch)
            for number, (batch, size) in enumerate(zip(batches, sizes, strict=True), 1)
        ]
        positions = {future.task_run_id: index for index, future in enumerate(futures)}
        self._progress = self._progress or ProgressArtifact()
        self._progress.begin(step.name, sum(sizes))
        refused: NoSlotsError | None = None
        for future in prefect_as_completed(futures):
            value = future.result(raise_on_failure=False)
            position = positions[future.task_run_id]
            if isinstance(value, NoSlotsError):
                refused = value  # all that follow are; what still works is kept first
                continue
            self._progress.advance(sizes[position])
            yield position, value
            if stopped.is_set():
                raise KeyboardInterrupt
        if refused is not None:
            raise refused
