"""Batches of windows: what one task is told of the windows that it works on, and how it reads them.

A task is given the place of its windows in the archive and never their messages, so that what passes through an
orchestrator is a few numbers. It reads them itself, by one query for the batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from stages.archive.schema import MESSAGES
from stages.archive.store import borrow
from stages.windows.read import read_windows
from stages.windows.split import even_cuts

BATCH_BYTES: Final = 32 << 20
"""Most that a batch weighs: few enough bytes that some batches may be in work at once."""
MESSAGE_BYTES: Final = 512
"""What a message weighs in memory beside its line, while it is worked on."""
_LARGEST: Final = 10**15
_ARROW_ROWS: Final = 1 << 16


class WindowRange(NamedTuple):
    """A window's number in the plan, and its messages ``[start_seq, end_seq)``."""

    number: int
    start_seq: int
    end_seq: int


@dataclass(frozen=True)
class WindowBatch:
    """Windows to work on together: numbers alone, whatever they hold.

    ``archive``: its folder; ``start_seq``, ``end_seq``: where the first window begins and the last one ends; of the
    messages between them those of ``windows`` (in the plan's order) are wanted.
    """

    archive: str
    start_seq: int
    end_seq: int
    windows: tuple[WindowRange, ...]


def batch_windows(
    archive: str, plan: pa.Table, *, most_windows: int, most_bytes: int = BATCH_BYTES
) -> list[WindowBatch]:
    """Share the windows of ``plan`` (of a plan's rows those that are wanted, in order) between the fewest even batches.

    A batch holds at most ``most_windows`` windows that together weigh at most ``most_bytes``: their lines, and
    :data:`MESSAGE_BYTES` a message. A window weighs at least an even share of that, so that neither many small nor a
    few large ones make a batch long; one above it is a batch of its own. Linear in the windows. ``most_windows`` or
    ``most_bytes`` outside 1 to 10^15: ``ValueError``.
    """
    for name, value in (("most_windows", most_windows), ("most_bytes", most_bytes)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST:
            raise ValueError(f"{name} must be a whole number from 1 to 10^15, not {value!r}.")
    index, start, end, size = (
        plan.column(name).to_numpy() for name in ("window_index", "start_seq", "end_seq", "n_bytes")
    )
    most_bytes = max(most_bytes, most_windows)
    weights = np.maximum(size + MESSAGE_BYTES * (end - start), -(-most_bytes // most_windows))
    rows = [WindowRange(*row) for row in zip(index.tolist(), start.tolist(), end.tolist(), strict=True)]
    cuts = even_cuts(weights.astype(np.int64), most_bytes)
    return [
        WindowBatch(archive, rows[low].start_seq, rows[high - 1].end_seq, tuple(rows[low:high]))
        for low, high in pairwise(cuts)
    ]


def read_batch(batch: WindowBatch, *, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
    """Each window of the batch with its messages, in order: (window's number, table of ``columns``).

    One query for the batch, ordered by ``seq``; what lies in a gap between windows is not read. A window is a slice of
    the batches that the engine hands out. ``columns``: names of ``MESSAGES``, by default all. Memory is a window and a
    batch of rows beside what the engine sorts. Raises :class:`ValueError` for another column,
    :class:`stages.windows.columns.TableError` where the archive does not hold the windows, and
    :class:`stages.errors.StreamlinerError` where it is not open in this process.
    """
    names = list(MESSAGES.names if columns is None else columns)
    unknown = [name for name in names if name not in MESSAGES.names]
    if unknown:
        raise ValueError(f"columns must be some of {', '.join(MESSAGES.names)}, not {unknown[0]!r}.")
    if not batch.windows:
        return
    runs = _runs(batch.windows)
    # a cursor of its own: who works on a window may ask the archive meanwhile
    with borrow(batch.archive) as archive, archive.cursor().cursor() as cursor:
        rows = _Rows(_query(cursor, runs, list(dict.fromkeys(["seq", *names]))))
        for run in runs:
            yield from read_windows(rows.take(run[-1].end_seq - run[0].start_seq), _plan(run), columns=names)


def _runs(windows: Sequence[WindowRange]) -> list[list[WindowRange]]:
    """The windows in runs without a gap."""
    runs = [[windows[0]]]
    for before, window in pairwise(windows):
        if window.start_seq > before.end_seq:
            runs.append([])
        runs[-1].append(window)
    return runs


def _query(
    cursor: duckdb.DuckDBPyConnection, runs: Sequence[Sequence[WindowRange]], names: Sequence[str]
) -> pa.RecordBatchReader:
    lows, highs = [run[0].start_seq for run in runs], [run[-1].end_seq for run in runs]
    wanted = "seq >= ? AND seq < ?"
    values: list[int | list[int]] = [lows[0], highs[-1]]
    if len(runs) > 1:
        # one look-up a row however many runs there are; as many comparisons would grow with their product
        wanted += " AND seq IN (SELECT unnest(range(low, high)) FROM (SELECT unnest(?) AS low, unnest(?) AS high))"
        values += [lows, highs]
    query = f"SELECT {', '.join(names)} FROM messages WHERE {wanted} ORDER BY seq"
    return cursor.execute(query, values).to_arrow_reader(_ARROW_ROWS)


def _plan(run: Sequence[WindowRange]) -> pa.Table:
    number, start, end = zip(*run, strict=True)
    return pa.table({"window_index": number, "start_seq": start, "end_seq": end})


class _Rows:
    """The rows of a reader, handed out a number of them at a time."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader
        self._left: pa.RecordBatch | None = None

    def take(self, rows: int) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self._reader.schema, self._pieces(rows))

    def _pieces(self, rows: int) -> Iterator[pa.RecordBatch]:
        while rows > 0:
            batch = next(self._reader, None) if self._left is None else self._left
            if batch is None:
                return
            piece = batch.slice(0, rows)
            self._left = batch.slice(rows) if batch.num_rows > rows else None
            rows -= piece.num_rows
            yield piece
