"""Reading: one ordered pass over the messages hands out every window of a plan as a slice."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from stages.windows.blocks import in_order, stored
from stages.windows.columns import TableError

Held = TypeVar("Held")
Slice = TypeVar("Slice")


class Wanted(NamedTuple):
    """The windows of a plan: their numbers, and the messages [start, end) of each."""

    numbers: list[int]
    starts: list[int]
    ends: list[int]


def read_windows(
    source: Any, plan: pa.Table, *, columns: Sequence[str] | None = None
) -> Iterator[tuple[int, pa.Table]]:
    """Each window of ``plan`` with its messages, in order: (window_index, table of the source's columns).

    ``source``: ``pa.Table``, ``pa.RecordBatchReader``, the path of a Parquet file, or an Ibis table. ``plan`` may be
    part of a plan (rows left out, none moved); messages past its last window are not read. ``columns`` narrows what is
    read. A window is a slice of the batches that it lies in, without a copy.

    Stored in ``seq`` order, the messages take one query and one pass; memory is one window and one batch. From the
    first message out of its place on, they take a query per :data:`stages.windows.blocks.BLOCK_ROWS` messages, and one
    such block of memory (a ``pa.Table``: one sort of its numbers); a reader cannot be read again and is refused. One
    connection streams one answer: a query on the source's own connection between two windows ends the pass, and
    reading goes on by blocks. Raises :class:`TableError` where ``seq`` is missing, has nulls, gaps or repeats, or ends
    before the plan does.
    """
    wanted = windows_of(plan)
    messages = stored(source)
    names = list(messages.names if columns is None else columns)
    for name in names:
        if name not in messages.names:
            raise TableError(f"The table has no column {name}: ask for columns that it has.")
    if not wanted.numbers:
        return
    asked = list(dict.fromkeys(["seq", *names]))
    batches = in_order(messages, asked, wanted.starts[0], wanted.ends[-1])
    for index, slices in hand_out(batches, wanted, lambda batch: batch.select(names), _rows):
        yield index, pa.Table.from_batches(slices)


def windows_of(plan: pa.Table) -> Wanted:
    """The windows of a plan, seen to be in order; :class:`TableError` where they are not or a column is missing."""
    index, start, end = (_whole(plan, name) for name in ("window_index", "start_seq", "end_seq"))
    if (np.diff(start) <= 0).any() or (np.diff(end) <= 0).any() or (end <= start).any():
        raise TableError("The plan's windows are not in order: keep its rows as `plan_windows` made them.")
    return Wanted(index.tolist(), start.tolist(), end.tolist())


def hand_out(
    batches: Iterable[tuple[int, pa.RecordBatch]],
    wanted: Wanted,
    hold: Callable[[pa.RecordBatch], Held],
    cut: Callable[[Held, int, int], Slice],
) -> Iterator[tuple[int, list[Slice]]]:
    """Each wanted window's slices, in order: (window_index, slices).

    ``batches``: (seq of the first, batch), dense, together all that is wanted. ``hold`` makes of a batch in which a
    window lies what is kept as long as one does; ``cut`` takes its rows [a, b).
    """
    held: deque[tuple[int, int, Held]] = deque()
    numbers, starts, ends = wanted
    turn = 0
    for low, batch in batches:
        high = low + batch.num_rows
        if high > starts[turn]:
            held.append((low, high, hold(batch)))
        while ends[turn] <= high:
            # what is held lies, at least in part, in the window: what ends before it was let go
            start, end = starts[turn], ends[turn]
            slices = [cut(piece, max(start, first) - first, min(end, last) - first) for first, last, piece in held]
            yield numbers[turn], slices
            turn += 1
            if turn == len(ends):
                return
            while held and held[0][1] <= starts[turn]:
                held.popleft()


def _rows(batch: pa.RecordBatch, start: int, end: int) -> pa.RecordBatch:
    return batch.slice(start, end - start)


def _whole(plan: pa.Table, name: str) -> Any:
    if name not in plan.schema.names:
        raise TableError(f"The plan has no column {name}: use a table that `plan_windows` made.")
    return plan.column(name).cast(pa.int64()).to_numpy()
