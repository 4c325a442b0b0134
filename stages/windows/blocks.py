"""Messages in the order of ``seq``: one pass where they are stored so, else block by block.

That storage is in order is verified and not arranged: a sort of the whole table costs more than everything else here
together. Where it is not, blocks of :data:`BLOCK_ROWS` messages are fetched, each put in order by itself, so that no
more than one of them is ever held.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stages.windows.columns import TableError, open_parquet
from stages.windows.query import duckdb_table, in_words

if TYPE_CHECKING:
    import ibis.expr.types as ir

Ints = NDArray[np.int64]

BATCH_ROWS: Final = 1 << 16
"""Messages in a batch where the reader may choose."""
BLOCK_ROWS: Final = 1 << 18
"""Messages in a block of a table that is not stored in order."""
_MEND: Final = "number the messages 0, 1, 2, … in their order, as `streamliner parse` does"
_PLACES: Final = np.arange(BATCH_ROWS)


class Stored(Protocol):
    """Messages in storage; ``names`` are its columns. What is asked for always includes ``seq``."""

    names: Sequence[str]

    def stream(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        """The messages [first, stop), and perhaps others, as they lie."""

    def block(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        """The messages [first, stop) alone, ordered by ``seq``."""


def stored(source: Any, *, coded: Sequence[str] = ()) -> Stored:
    """``source`` as something to read: a ``pa.Table``, ``pa.RecordBatchReader``, path of a Parquet file or Ibis table.

    A Parquet file's columns in ``coded`` come as dictionaries. Raises :class:`TableError` where there is no ``seq``.
    """
    if isinstance(source, pa.Table):
        found: Stored = _Arrow(source)
    elif isinstance(source, pa.RecordBatchReader):
        found = _Once(source)
    elif isinstance(source, str | Path):
        found = _Parquet(Path(source), coded)
    else:
        found = _ibis(source)
    if "seq" not in found.names:
        raise TableError(f"The table has no column seq: {_MEND}.")
    return found


def in_order(messages: Stored, names: Sequence[str], first: int, stop: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The messages [first, stop) in order as (seq of the batch's first, batch), dense throughout.

    One pass; from the first message found out of its place, or where the pass ends early, one query per block of
    :data:`BLOCK_ROWS`. Raises :class:`TableError` where ``seq`` has nulls, gaps or repeats, where messages are
    missing, and where what is out of order can be read only once.
    """
    ready = first
    for low, batch in _in_place(messages.stream(names, first, stop), first, stop):
        yield low, batch
        ready = low + batch.num_rows
    while ready < stop:
        began = ready
        for batch in messages.block(names, began, min(began + BLOCK_ROWS, stop)):
            seq = seqs(batch)
            run = _run(seq, ready)
            if run < len(seq):
                raise _broken(ready + run, int(seq[run]))
            yield ready, batch
            ready += run
        if ready == began:
            raise TableError(
                f"The table does not hold all messages of the plan (first missing {ready}): plan again over this table."
            )


def _in_place(batches: Iterator[pa.RecordBatch], first: int, stop: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """What of [first, stop) lies in order, up to the first message that does not."""
    due: int | None = None
    began = first
    for batch in batches:
        seq = seqs(batch)
        if len(seq) == 0:
            continue
        low = int(seq[0]) if due is None else due
        if due is None:
            if low > first:
                return
            began = low
        due = low + _run(seq, low)
        start, end = max(first, low), min(stop, due)
        if start < end:
            yield start, batch.slice(start - low, end - start)
        if due >= stop:
            return
        if due < low + len(seq):
            # blocks go on behind what was handed out, where they do not meet it a second time
            if began <= (found := int(seq[due - low])) < due:
                raise _broken(due, found)
            return


def seqs(messages: pa.RecordBatch | pa.Table) -> Ints:
    """The column ``seq``; :class:`TableError` where one is null."""
    column = messages.column("seq")
    if column.null_count:
        raise TableError(f"The column seq has nulls: {_MEND}.")
    return np.asarray(column.cast(pa.int64()).to_numpy())


def _run(seq: Ints, due: int) -> int:
    """How many numbers go on from ``due`` one by one."""
    for start in range(0, len(seq), BATCH_ROWS):
        piece = seq[start : start + BATCH_ROWS]
        wrong = piece - (due + start) != _PLACES[: len(piece)]
        if wrong.any():
            return start + int(wrong.argmax())
    return len(seq)


def _broken(due: int, found: int) -> TableError:
    what = f"repeats (first {found})" if found < due else f"gaps (first missing {due})"
    return TableError(f"The column seq has {what}: {_MEND}.")


class _Arrow:
    """A table in memory: out of order, its numbers are sorted once and each block is taken from where it lies."""

    def __init__(self, table: pa.Table) -> None:
        self.names = table.schema.names
        self._table = table
        self._sorted: tuple[Ints, Ints] | None = None

    def stream(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        yield from self._table.select(list(names)).to_batches()

    def block(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        if self._sorted is None:
            seq = seqs(self._table)
            order = np.argsort(seq, kind="stable")
            self._sorted = (seq[order], order)
        seq, order = self._sorted
        low, high = np.searchsorted(seq, [first, stop])
        if low < high:
            yield _gathered(self._table.select(list(names)).to_batches(), order[low:high])


def _gathered(batches: list[pa.RecordBatch], rows: Ints) -> pa.RecordBatch:
    """These rows, in this order, taken batch by batch: a take from the whole table copies the whole table first."""
    starts = np.cumsum([0] + [batch.num_rows for batch in batches])
    by_place = np.argsort(rows)
    places = rows[by_place]
    cuts = np.searchsorted(places, starts)
    pieces = [
        batch.take(pa.array(places[low:high] - start))
        for batch, start, low, high in zip(batches, starts[:-1], cuts[:-1], cuts[1:], strict=True)
        if low < high
    ]
    back = np.empty_like(by_place)
    back[by_place] = np.arange(len(rows))
    return pa.concat_batches(pieces).take(pa.array(back))


class _Once:
    """A reader: what it has handed out is gone, so it must be in order."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self.names = reader.schema.names
        self._reader = reader
        self._ended = False

    def stream(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        for batch in self._reader:
            yield batch.select(list(names))
        self._ended = True

    def block(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        if not self._ended:
            raise TableError(
                "The messages do not come in the order of seq, or it has gaps or repeats (where"
                f" {first} was due): a reader is read once, so write its table ordered by seq, numbered 0, 1, 2, …."
            )
        yield from ()


class _Parquet:
    """A file: only the row groups that can hold what is wanted are read, by its own statistics of ``seq``."""

    def __init__(self, path: Path, coded: Sequence[str]) -> None:
        with open_parquet(path) as file:
            self.names = file.schema_arrow.names
            self._metadata = file.metadata
        self._path = path
        self._coded = [name for name in coded if name in self.names]

    def stream(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._path, metadata=self._metadata, read_dictionary=self._coded) as file:
            yield from file.iter_batches(BATCH_ROWS, row_groups=self._groups(first, stop), columns=list(names))

    def block(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        pieces = []
        for batch in self.stream(names, first, stop):
            seq = seqs(batch)
            inside = (seq >= first) & (seq < stop)
            if inside.any():
                pieces.append(batch.filter(pa.array(inside)))
        if pieces:
            whole = pa.concat_batches(pieces)
            pieces.clear()
            yield whole.take(pa.array(np.argsort(seqs(whole), kind="stable")))

    def _groups(self, first: int, stop: int) -> list[int]:
        metadata = self._metadata
        at = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == "seq")
        groups = []
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(at).statistics
            if statistics is None or not statistics.has_min_max or (statistics.max >= first and statistics.min < stop):
                groups.append(group)
        return groups


def _ibis(source: Any) -> Stored:
    import ibis.expr.types as ir

    if not isinstance(source, ir.Table):
        raise TypeError(f"source must be a pyarrow table or reader, a path, or an Ibis table, not {type(source)}")
    # a table by its name needs nothing of the backend but its address
    return _Ibis(source) if duckdb_table(source) is None else _DuckDB(source)


class _Ibis:
    """A table of any backend."""

    def __init__(self, source: Any) -> None:
        self.names = source.columns
        self._source = source

    def stream(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        yield from self._range(names, first, stop).to_pyarrow_batches(chunk_size=BATCH_ROWS)

    def block(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        yield from self._range(names, first, stop).order_by("seq").to_pyarrow_batches(chunk_size=BATCH_ROWS)

    def _range(self, names: Sequence[str], first: int, stop: int) -> Any:
        source = self._source
        return source.filter(source.seq >= first, source.seq < stop).select(list(names))


class _DuckDB(_Ibis):
    """A table of DuckDB: the same queries, written without Ibis's compiler, which takes longer than ten windows.

    From the first message on, the pass has no condition either: who has enough stops the stream.
    """

    def stream(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        yield from self._query(names, f"WHERE {_between(first, stop)}" if first > 0 else "")

    def block(self, names: Sequence[str], first: int, stop: int) -> Iterator[pa.RecordBatch]:
        yield from self._query(names, f"WHERE {_between(first, stop)} ORDER BY seq")

    def _query(self, names: Sequence[str], rest: str) -> Iterator[pa.RecordBatch]:
        table = self._source.op()
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        words = f"SELECT {columns} FROM ({in_words(table, _itself)}) {rest}"
        yield from self._source.get_backend().raw_sql(words).to_arrow_reader(BATCH_ROWS)


def _itself(table: "ir.Table") -> "ir.Table":
    return table


def _between(first: int, stop: int) -> str:
    return f"seq >= {first} AND seq < {stop}"
