"""One batch of windows of an archive becomes posts: one read of the archive, then one event loop for the batch.

Nothing is written here: the process that owns the archive keeps what comes back.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pyarrow as pa

from stages.archive.records import Enrichment
from stages.archive.schema import MESSAGES
from stages.archive.store import Archive, borrow
from stages.enrich.store import TaskStore
from stages.llm import Door
from stages.llm.destination import is_offline
from stages.settings import Settings
from stages.windows.read import read_windows
from stages.write.writer import WindowInput, WindowOutcome, write_windows


class CostLimit:
    """What the calls of a run may cost together, in US dollars; calls of unknown price count as nothing."""

    def __init__(self, dollars: float | None) -> None:
        self.dollars = dollars
        self._lock = Lock()
        self._doors: list[Door] = []

    def door(self, settings: Settings) -> Door:
        """A door that sends nothing more once the run's calls have cost the limit."""
        door = Door(settings, may_call=self.allows)
        with self._lock:
            self._doors.append(door)
        return door

    def allows(self) -> bool:
        if self.dollars is None:
            return True
        with self._lock:
            return sum(door.usage.known_cost_usd for door in self._doors) < self.dollars


@dataclass(frozen=True)
class WrittenBatch:
    """The outcomes of a batch, and what its calls were: ``calls`` sent, ``succeeded`` of them, ``cost_usd`` or None
    where unknown. A window whose call was never sent has no outcome and waits."""

    outcomes: Sequence[WindowOutcome]
    calls: int
    succeeded: int
    cost_usd: float | None


def write_batch(archive_folder: str, *, windows: Sequence[int], settings: Settings, limit: CostLimit) -> WrittenBatch:
    """Write the posts of these windows (their numbers in the plan).

    Cost: three queries for the batch, whatever its size, then the model's time; memory is the batch's messages.
    """
    with borrow(archive_folder) as archive:
        inputs = _load(archive, windows, settings)
    door = limit.door(settings)
    outcomes = asyncio.run(write_windows(inputs, door))
    usage = door.usage
    return WrittenBatch(outcomes, usage.calls, usage.succeeded, usage.cost_usd)


def slots_of(*, windows: Sequence[int], settings: Settings, **_: Any) -> int:
    """How many calls to a provider the batch has in flight at most; the offline writer asks nobody."""
    return 0 if is_offline(settings.llm.model) else min(len(windows), settings.llm.concurrency)


def _load(archive: Archive, windows: Sequence[int], settings: Settings) -> list[WindowInput]:
    cursor = archive.cursor()
    plan = cursor.execute(
        "SELECT * FROM windows WHERE list_contains(?, window_index) ORDER BY window_index", [list(windows)]
    ).to_arrow_table()
    timezone = archive.meta("timezone") or settings.archive.timezone
    enrichments = _enrichments(archive, plan)
    loaded = []
    rows = {row["window_index"]: row for row in plan.to_pylist()}
    for run in _neighbours(plan):
        low, high = run.column("start_seq")[0].as_py(), run.column("end_seq")[-1].as_py()
        columns = ", ".join(MESSAGES.names)
        reader = cursor.execute(
            f"SELECT {columns} FROM messages WHERE seq >= ? AND seq < ? ORDER BY seq", [low, high]
        ).to_arrow_reader(1 << 16)
        for index, messages in read_windows(reader, run):
            row = rows[index]
            loaded.append(
                WindowInput(
                    index=index,
                    signature=row["signature"],
                    messages=messages.cast(MESSAGES),
                    own_start_seq=row["own_start_seq"],
                    own_end_seq=row["own_end_seq"],
                    enrichments=enrichments,
                    timezone=timezone,
                    language=settings.site.language,
                )
            )
    return loaded


def _neighbours(plan: pa.Table) -> list[pa.Table]:
    """The plan in runs of windows that follow each other, so that a gap between two is not read."""
    indexes = plan.column("window_index").to_pylist()
    breaks = [place for place in range(1, len(indexes)) if indexes[place] != indexes[place - 1] + 1]
    return [plan.slice(low, high - low) for low, high in zip([0, *breaks], [*breaks, len(indexes)], strict=True)]


def _enrichments(archive: Archive, plan: pa.Table) -> Mapping[str, Enrichment]:
    """What is known about anything that these windows mention, by its value as written."""
    cursor = archive.cursor()
    cursor.register("batch_windows", plan.select(["start_seq", "end_seq"]))
    keys = cursor.execute(
        """SELECT DISTINCT m.key FROM mentions m WHERE EXISTS (
             SELECT 1 FROM batch_windows w WHERE m.seq >= w.start_seq AND m.seq < w.end_seq)"""
    ).fetchall()
    cursor.unregister("batch_windows")
    known = TaskStore(cursor).enrichments([key for (key,) in keys])
    return {enrichment.value: enrichment for enrichment in known}
