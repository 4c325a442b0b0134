"""One batch of windows of an archive becomes posts: one read of the archive, then one event loop for the batch.

Nothing is written here: the process that owns the archive keeps what comes back.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.records import Enrichment
from stages.archive.schema import MESSAGES
from stages.archive.store import Archive, borrow
from stages.enrich.store import TaskStore
from stages.llm import Door
from stages.llm.destination import is_offline
from stages.llm.refusals import Refusals
from stages.llm.usage import Call
from stages.settings import Settings
from stages.windows.batches import WindowBatch, read_batch
from stages.write.writer import WindowInput, WindowOutcome, write_windows


class CostLimit:
    """What the calls of a run may cost together, in US dollars; calls of unknown price count as nothing.

    A model that refuses the key or itself is asked by none of the doors again. ``on_call`` is told of every request
    that was sent, from the thread that sends them.
    """

    def __init__(self, dollars: float | None, on_call: Callable[[Call], None] | None = None) -> None:
        self.dollars = dollars
        self._on_call = on_call
        self._lock = Lock()
        self._doors: list[Door] = []
        self._refusals = Refusals()

    def door(self, settings: Settings) -> Door:
        """A door that sends nothing more once the run's calls have cost the limit."""
        door = Door(settings, may_call=self.allows, refusals=self._refusals, on_call=self._on_call)
        with self._lock:
            self._doors.append(door)
        return door

    def allows(self) -> bool:
        if self.dollars is None:
            return True
        with self._lock:
            return sum(door.usage.known_cost_usd for door in self._doors) < self.dollars

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of all prompts that were answered, and of the answers."""
        with self._lock:
            usages = [door.usage for door in self._doors]
        return sum(usage.tokens_in for usage in usages), sum(usage.tokens_out for usage in usages)

    @property
    def unanswered(self) -> bool:
        """Whether calls were sent, be it for posts, pages or pictures, and every one of them failed."""
        with self._lock:
            usages = [door.usage for door in self._doors]
        return any(usage.calls for usage in usages) and not any(usage.succeeded for usage in usages)


@dataclass(frozen=True)
class WrittenBatch:
    """The outcomes of a batch, and what its calls were: ``calls`` sent, ``succeeded`` of them, ``cost_usd`` or None
    where unknown. A window whose call was never sent has no outcome and waits."""

    outcomes: Sequence[WindowOutcome]
    calls: int
    succeeded: int
    cost_usd: float | None


def write_batch(batch: WindowBatch, *, settings: Settings, limit: CostLimit) -> WrittenBatch:
    """Write the posts of a batch of windows.

    Cost: four queries for the batch, whatever its size, one of them for messages; then the model's time. Memory is the
    batch's messages.
    """
    with borrow(batch.archive) as archive:
        inputs = _load(archive, batch, settings)
    door = limit.door(settings)
    outcomes = asyncio.run(write_windows(inputs, door))
    usage = door.usage
    return WrittenBatch(outcomes, usage.calls, usage.succeeded, usage.cost_usd)


def slots_of(batch: WindowBatch, *, settings: Settings, **_: Any) -> int:
    """How many calls to a provider the batch has in flight at most; the offline writer asks nobody."""
    return 0 if is_offline(settings.llm.model) else min(len(batch.windows), settings.llm.concurrency)


def _load(archive: Archive, batch: WindowBatch, settings: Settings) -> list[WindowInput]:
    numbers = [window.number for window in batch.windows]
    stored = (
        archive.cursor()
        .execute("SELECT * FROM windows WHERE window_index BETWEEN ? AND ?", [numbers[0], numbers[-1]])
        .to_arrow_table()
    )
    plan = stored.filter(pc.is_in(stored.column("window_index"), pa.array(numbers)))
    rows = {row["window_index"]: row for row in plan.to_pylist()}
    timezone = archive.meta("timezone") or settings.archive.timezone
    enrichments = _enrichments(archive, plan)
    return [
        WindowInput(
            index=index,
            signature=rows[index]["signature"],
            messages=messages.cast(MESSAGES),
            own_start_seq=rows[index]["own_start_seq"],
            own_end_seq=rows[index]["own_end_seq"],
            enrichments=enrichments,
            timezone=timezone,
            language=settings.site.language,
        )
        for index, messages in read_batch(batch)
    ]


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
