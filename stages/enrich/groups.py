"""Which tasks are worked on together: batches long enough for what starting one costs, short enough to lose little."""

import math
from collections.abc import Sequence
from typing import Final

from stages.enrich.store import Task
from stages.enrich.telling import told_by_models
from stages.settings import Settings

TOLD_FILES: Final = 8
"""Files of which models tell, per batch: what was paid for is kept when a batch ends."""


def workers_of(settings: Settings) -> int:
    """How much is worked on at once in this process."""
    return settings.performance.max_workers if settings.performance.parallel_processing else 1


def group_tasks(tasks: Sequence[Task], settings: Settings, most: int) -> list[list[Task]]:
    """Each task in one batch, in the order given but for two: files of which models tell come later, in batches of
    their own, and what was being worked on when the program ended comes last and alone, so that it takes nothing with
    it if it ends the program again. About ``most`` batches at most; a short queue is shared between the workers.
    """
    workers = workers_of(settings)
    told = told_by_models(settings) - {"url"}
    rest: list[Task] = []
    paid: list[Task] = []
    suspects: list[Task] = []
    for task in tasks:
        (suspects if task.suspect else paid if task.kind in told else rest).append(task)
    kinds = [(rest, settings.enrich.batch_size), (paid, TOLD_FILES), (suspects, 1)]
    groups: list[list[Task]] = []
    for part, largest in kinds:
        even = math.ceil(len(part) / workers)
        share = most * len(part) // len(tasks) if part else 0  # of the batches there may be
        size = max(min(largest, even), math.ceil(len(part) / max(share, 1)))
        groups += [part[start : start + size] for start in range(0, len(part), max(size, 1))]
    return groups
