"""What planning needs of a table: each message's time and the running sum of the lines' bytes.

One query, two columns: the time, and the place in the order together with the weight in one number, so that nothing
is sorted, in the engine or here: a message is put where its ``seq`` says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stages.errors import BadInput
from stages.windows.render import LINE_BYTES, line_weights

Ints = NDArray[np.int64]

_BATCH_ROWS: Final = 1 << 20
_WEIGHT_BITS: Final = 32
_MOST_ROWS: Final = 1 << 31
_EARLIEST_US: Final = -30_610_224_000_000_000  # the year 1000
_LATEST_US: Final = 221_845_392_000_000_000  # the year 9000
_MEND: Final = "number the messages 0, 1, 2, … in their order, as `streamliner parse` does"


class TableError(BadInput, ValueError):
    """A table of messages (or a plan) that cannot be used: says what is wrong with it and how to mend it."""


@dataclass(frozen=True)
class Columns:
    """``ts`` in microseconds, shape (N,), never decreasing; ``sums`` of the lines' bytes, shape (N + 1,), from 0."""

    ts: Ints
    sums: Ints


def load_columns(source: Any) -> Columns:
    """Fetch and check what planning needs. 16 bytes a message and one batch; linear.

    ``source``: ``pa.Table``, ``pa.RecordBatchReader``, the path of a Parquet file, or an Ibis table. Rows may come in
    any order. Raises :class:`TableError` where ``seq`` is missing or not 0..N-1 without gap or repeat, and where ``ts``
    is naive, null, out of the years 1000 to 9000, or decreases along ``seq``.
    """
    collected = _Collected()
    if isinstance(source, pa.Table | pa.RecordBatchReader):
        check_schema(source.schema)
        batches = source.to_batches(max_chunksize=_BATCH_ROWS) if isinstance(source, pa.Table) else source
        for batch in batches:
            collected.add(_whole(batch.column("seq")), micros(batch.column("ts")), line_weights(batch))
    elif isinstance(source, str | Path):
        collected.add_query(_from_parquet(Path(source)))
    else:
        collected.add_query(_from_ibis(source, check=True))
    return collected.finish()


def check_schema(schema: pa.Schema) -> None:
    """Raise :class:`TableError` unless there is an integer ``seq``, a ``ts`` with a zone, and the text or its size."""
    kinds = dict(zip(schema.names, schema.types, strict=True))
    if "seq" not in kinds:
        raise TableError(f"The table has no column seq: {_MEND}.")
    if not pa.types.is_integer(kinds["seq"]):
        raise TableError(f"The column seq holds {kinds['seq']} and not integers: {_MEND}.")
    if "ts" not in kinds or not pa.types.is_timestamp(kinds["ts"]):
        found = f"holds {kinds['ts']}" if "ts" in kinds else "is missing"
        raise TableError(f"The column ts {found}: it must be a timestamp with time zone, in UTC.")
    if kinds["ts"].tz is None:
        raise TableError("The column ts is naive: cast it to a timestamp with time zone, in UTC.")
    if "text" not in kinds and "text_bytes" not in kinds:
        raise TableError("The table has neither text nor text_bytes: add the column text, or its size in UTF-8 bytes.")
    if "text_bytes" in kinds and not pa.types.is_integer(kinds["text_bytes"]):
        raise TableError(f"The column text_bytes holds {kinds['text_bytes']}: it must hold integers, as int32.")
    for name in ("author", "text"):
        kind = kinds.get(name, pa.string())
        if not _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
            raise TableError(f"The column {name} holds {kind}: it must hold strings.")


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_null(kind)
    )


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file, opened and its columns checked; :class:`TableError` where it is not one."""
    if not path.is_file():
        raise TableError(f"There is no file {path}: name a Parquet file of messages, as `streamliner parse` makes it.")
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} is not a Parquet file of messages, as `streamliner parse` makes it.") from error
    check_schema(file.schema_arrow)
    return file


def micros(times: Any) -> Ints:
    """Times as microseconds since the epoch; :class:`TableError` where one is null."""
    if times.null_count:
        raise TableError("The column ts has nulls: every message needs a time; fill it from the message before.")
    return _whole(times.cast(pa.timestamp("us", tz=times.type.tz), safe=False).cast(pa.int64()))


class _Collected:
    """Batches of (seq, ts, weight) in any order, put into the order of ``seq`` at the end."""

    def __init__(self) -> None:
        self.rows = 0
        self.in_order = True
        self.seqs: list[Ints] = []
        self.times: list[Ints] = []
        self.weights: list[NDArray[np.uint32]] = []

    def add(self, seq: Ints, ts: Ints, weight: Ints) -> None:
        self.in_order = self.in_order and bool(np.array_equal(seq, np.arange(self.rows, self.rows + len(seq))))
        if not self.in_order and not self.seqs:
            self.seqs.append(np.arange(self.rows))
        if not self.in_order:
            self.seqs.append(seq)
        if len(weight) and not 0 <= int(weight.min()) <= int(weight.max()) < 1 << _WEIGHT_BITS:
            raise TableError("The column text_bytes has impossible values: it must count the UTF-8 bytes of text.")
        self.times.append(ts)
        self.weights.append(weight.astype(np.uint32))
        self.rows += len(seq)

    def add_query(self, batches: Iterator[pa.RecordBatch]) -> None:
        for batch in batches:
            packed = _whole(batch.column("place"))
            if len(packed) and packed.min() < 0:
                if (packed == -2).any():
                    raise TableError("The column text_bytes has impossible values: it must count the bytes of text.")
                raise TableError(f"The column seq has values that are null, negative or far too large: {_MEND}.")
            self.add(packed >> _WEIGHT_BITS, micros(batch.column("ts")), packed & ((1 << _WEIGHT_BITS) - 1))

    def finish(self) -> Columns:
        ts = np.concatenate([np.empty(0, np.int64), *self.times])
        self.times.clear()
        weight = np.concatenate([np.empty(0, np.uint32), *self.weights])
        self.weights.clear()
        if not self.in_order:
            seq = np.concatenate(self.seqs)
            _check_dense(seq, self.rows)
            ts, weight = _place(ts, seq), _place(weight, seq)
        back = np.flatnonzero(ts[1:] < ts[:-1])
        if len(back):
            raise TableError(
                f"The column ts decreases along seq (at seq {int(back[0]) + 1}): number the messages again in order"
                " of ts, equal times in the order of the source."
            )
        if len(ts) and not _EARLIEST_US <= int(ts[0]) <= int(ts[-1]) < _LATEST_US:
            raise TableError("The column ts has times outside the years 1000 to 9000: correct them at the source.")
        sums = np.zeros(self.rows + 1, np.int64)
        np.cumsum(weight, dtype=np.int64, out=sums[1:])
        return Columns(ts, sums)


def _check_dense(seq: Ints, rows: int) -> None:
    outside = (seq < 0) | (seq >= rows)
    seen = np.bincount(seq[~outside], minlength=rows)
    repeated = np.flatnonzero(seen > 1)
    if len(repeated):
        raise TableError(f"The column seq has repeats (first {int(repeated[0])}): {_MEND}.")
    if outside.any():
        missing = int(np.flatnonzero(seen == 0)[0])
        raise TableError(f"The column seq has gaps (first missing {missing}): {_MEND}.")


def _place(values: NDArray[Any], seq: Ints) -> NDArray[Any]:
    placed = np.empty_like(values)
    placed[seq] = values
    return placed


def _whole(values: Any) -> Ints:
    if values.null_count:
        raise TableError(f"The column seq has nulls: {_MEND}.")
    return np.asarray(values.cast(pa.int64()).to_numpy(zero_copy_only=False))


def _from_parquet(path: Path) -> Iterator[pa.RecordBatch]:
    import ibis

    open_parquet(path).close()
    connection = ibis.duckdb.connect()
    try:
        # a name is a name: its brackets and stars are no pattern
        name = "".join(f"[{sign}]" if sign in "[*?" else sign for sign in str(path))
        yield from _from_ibis(connection.read_parquet(name), check=False)
    finally:
        connection.disconnect()


def _from_ibis(source: Any, *, check: bool) -> Iterator[pa.RecordBatch]:
    """The one query: ``ts``, and ``place`` = seq * 2^32 + weight (-1: no usable seq, -2: no usable weight)."""
    import ibis
    import ibis.expr.types as ir

    if not isinstance(source, ir.Table):
        raise TypeError(f"source must be a pyarrow table or reader, a path, or an Ibis table, not {type(source)}")
    if check:
        check_schema(source.schema().to_pyarrow())

    @ibis.udf.scalar.builtin(name="strlen")  # type: ignore[untyped-decorator]
    def utf8_bytes(text: str) -> int: ...  # type: ignore[empty-body]

    names = source.columns
    size = source.text_bytes if "text_bytes" in names else utf8_bytes(source.text.cast("string"))
    size = size.cast("int64").coalesce(0)
    author = (
        ibis.greatest(utf8_bytes(source.author.cast("string")).coalesce(0), 1) if "author" in names else ibis.literal(1)
    )
    seq = source.seq.cast("int64")
    place = ibis.cases(
        (~seq.between(0, _MOST_ROWS - 1).coalesce(False), -1),
        (~size.between(0, _MOST_ROWS - 1), -2),
        else_=seq * (1 << _WEIGHT_BITS) + size + author + LINE_BYTES,
    )
    query = source.select(ts=source.ts, place=place.cast("int64"))
    yield from query.to_pyarrow_batches(chunk_size=_BATCH_ROWS)
