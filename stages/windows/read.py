"""Reading: one ordered pass over the messages hands out every window of a plan as a slice.

Messages lie in ``seq`` order; that is verified on the way and not arranged, because a sort of the whole table costs
more than everything else here together.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.windows.columns import TableError, open_parquet

_BATCH_ROWS: Final = 1 << 16


def read_windows(
    source: Any, plan: pa.Table, *, columns: Sequence[str] | None = None
) -> Iterator[tuple[int, pa.Table]]:
    """Each window of ``plan`` with its messages, in order: (window_index, table of the source's columns).

    ``source``: ``pa.Table``, ``pa.RecordBatchReader``, the path of a Parquet file, or an Ibis table, stored in ``seq``
    order; one pass, one query. ``plan`` may be part of a plan (rows left out, none moved); messages past its last
    window are not read. ``columns`` narrows what is read. A window is a slice of the batches that it lies in, without
    a copy; memory is one window and one batch. Raises :class:`TableError` where ``seq`` is missing, out of order, has
    gaps or repeats, or ends before the plan does.
    """
    index, start, end = (_whole(plan, name) for name in ("window_index", "start_seq", "end_seq"))
    if (np.diff(start) <= 0).any() or (np.diff(end) <= 0).any() or (end <= start).any():
        raise TableError("The plan's windows are not in order: keep its rows as `plan_windows` made them.")
    if len(start) == 0:
        return
    wanted = list(zip(index.tolist(), start.tolist(), end.tolist(), strict=True))
    held: deque[tuple[int, int, pa.RecordBatch]] = deque()
    turn, ready = 0, None
    for batch in _batches(source, wanted[0][1], wanted[-1][2], columns):
        if batch.num_rows == 0:
            continue
        low = _checked(batch, ready)
        if ready is None and low > wanted[0][1]:
            break
        ready = low + batch.num_rows
        if ready > wanted[turn][1]:
            held.append((low, ready, batch if columns is None else batch.select(list(columns))))
        while turn < len(wanted) and wanted[turn][2] <= ready:
            number, first, stop = wanted[turn]
            yield number, _cut(held, first, stop)
            turn += 1
            while held and (turn == len(wanted) or held[0][1] <= wanted[turn][1]):
                held.popleft()
        if turn == len(wanted):
            return
    raise TableError(
        f"The table does not hold all messages of the plan ({wanted[turn][1]} to {wanted[turn][2] - 1} are wanted):"
        " plan again over this table."
    )


def _cut(held: deque[tuple[int, int, pa.RecordBatch]], start: int, end: int) -> pa.Table:
    pieces = [
        batch.slice(max(start - low, 0), min(end, high) - max(start, low))
        for low, high, batch in held
        if low < end and high > start
    ]
    return pa.Table.from_batches(pieces)


def _checked(batch: pa.RecordBatch, expected: int | None) -> int:
    """The batch's first ``seq``, once it is seen to go on from ``expected`` one by one."""
    column = batch.column("seq")
    if column.null_count:
        raise TableError("The column seq has nulls: number the messages 0, 1, 2, … in their order.")
    seq = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    first = int(seq[0]) if expected is None else expected
    wrong = np.flatnonzero(seq != np.arange(first, first + len(seq)))
    if len(wrong):
        raise TableError(
            f"The messages are not stored in the order of seq, or it has gaps or repeats (where {first + int(wrong[0])}"
            " was due): write the table ordered by seq, numbered 0, 1, 2, …."
        )
    return first


def _batches(source: Any, first: int, stop: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    names = None if columns is None else list(dict.fromkeys(["seq", *columns]))
    if isinstance(source, pa.Table | pa.RecordBatchReader):
        _need_seq(source.schema.names)
        yield from source.to_batches() if isinstance(source, pa.Table) else source
    elif isinstance(source, str | Path):
        with open_parquet(Path(source)) as file:
            groups = _row_groups(file, first, stop)
            yield from file.iter_batches(batch_size=_BATCH_ROWS, row_groups=groups, columns=names)
    else:
        yield from _from_ibis(source, first, stop, names)


def _row_groups(file: pq.ParquetFile, first: int, stop: int) -> list[int]:
    """The row groups that the windows may lie in, by the file's own statistics of ``seq``."""
    metadata = file.metadata
    at = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == "seq")
    groups = []
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(at).statistics
        if statistics is None or not statistics.has_min_max or (statistics.max >= first and statistics.min < stop):
            groups.append(group)
    return groups


def _from_ibis(source: Any, first: int, stop: int, names: list[str] | None) -> Iterator[pa.RecordBatch]:
    import ibis.expr.types as ir

    if not isinstance(source, ir.Table):
        raise TypeError(f"source must be a pyarrow table or reader, a path, or an Ibis table, not {type(source)}")
    _need_seq(source.columns)
    query = source.filter(source.seq >= first, source.seq < stop)
    yield from (query if names is None else query.select(names)).to_pyarrow_batches(chunk_size=_BATCH_ROWS)


def _need_seq(names: Sequence[str]) -> None:
    if "seq" not in names:
        raise TableError("The table has no column seq: number the messages 0, 1, 2, … in their order.")


def _whole(plan: pa.Table, name: str) -> Any:
    if name not in plan.schema.names:
        raise TableError(f"The plan has no column {name}: use a table that `plan_windows` made.")
    return plan.column(name).cast(pa.int64()).to_numpy()
