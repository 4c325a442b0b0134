"""What planning needs of a table: each message's time and the running sum of the lines' bytes.

Nothing is sorted, in an engine or here: a message is put where its ``seq`` says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stages.errors import BadInput
from stages.windows.render import line_weights

Ints = NDArray[np.int64]
Batches = Iterator[tuple[Ints, Ints, Ints]]

MOST_ROWS: Final = 1 << 31
MEND: Final = "number the messages 0, 1, 2, … in their order, as `streamliner parse` does"
_BATCH_ROWS: Final = 1 << 17
_FIRST_ROWS: Final = 1 << 20
_EARLIEST_US: Final = -30_610_224_000_000_000  # the year 1000
_LATEST_US: Final = 221_845_392_000_000_000  # the year 9000


class TableError(BadInput, ValueError):
    """A table of messages (or a plan) that cannot be used: says what is wrong with it and how to mend it."""


def impossible_sizes() -> TableError:
    return TableError("The column text_bytes has impossible values: it must count the UTF-8 bytes of text.")


@dataclass(frozen=True)
class Columns:
    """``ts`` in microseconds, shape (N,), never decreasing; ``sums`` of the lines' bytes, shape (N + 1,), from 0."""

    ts: Ints
    sums: Ints


def load_columns(source: Any) -> Columns:
    """Fetch and check what planning needs. 16 bytes a message and one batch (28 out of order); linear.

    ``source``: ``pa.Table``, ``pa.RecordBatchReader``, the path of a Parquet file, or an Ibis table. Rows may come in
    any order. Raises :class:`TableError` where ``seq`` is missing or not 0..N-1 without gap or repeat, and where ``ts``
    is naive, null, out of the years 1000 to 9000, or decreases along ``seq``.
    """
    if isinstance(source, str | Path):
        return _from_parquet(Path(source))
    collected = _Collected(source.num_rows if isinstance(source, pa.Table) else _FIRST_ROWS)
    if isinstance(source, pa.Table | pa.RecordBatchReader):
        check_schema(source.schema)
        batches = source.to_batches(max_chunksize=_BATCH_ROWS) if isinstance(source, pa.Table) else source
        return collected.all_of(_taken(batch) for batch in batches)
    import ibis.expr.types as ir

    if not isinstance(source, ir.Table):
        raise TypeError(f"source must be a pyarrow table or reader, a path, or an Ibis table, not {type(source)}")
    from stages.windows.query import fetch

    return collected.all_of(fetch(source))


def check_schema(schema: pa.Schema) -> None:
    """Raise :class:`TableError` unless there is an integer ``seq``, a ``ts`` with a zone, and the text or its size."""
    kinds = dict(zip(schema.names, schema.types, strict=True))
    if "seq" not in kinds:
        raise TableError(f"The table has no column seq: {MEND}.")
    if not pa.types.is_integer(kinds["seq"]):
        raise TableError(f"The column seq holds {kinds['seq']} and not integers: {MEND}.")
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
        # buffering ahead would hold the whole file's compressed bytes by its end
        file = pq.ParquetFile(path, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} is not a Parquet file of messages, as `streamliner parse` makes it.") from error
    check_schema(file.schema_arrow)
    return file


def micros(times: Any) -> Ints:
    """Times as microseconds since the epoch; :class:`TableError` where one is null."""
    if times.null_count:
        raise TableError("The column ts has nulls: every message needs a time; fill it from the message before.")
    return whole(times.cast(pa.timestamp("us", tz=times.type.tz), safe=False).cast(pa.int64()))


class _Collected:
    """Batches of (seq, ts, weight) in any order, put into the order of ``seq`` at the end.

    Arrays are made for ``rows``, and grow by an eighth where that was too few: memory is moved by the system then,
    not held twice.
    """

    def __init__(self, rows: int) -> None:
        self.rows = 0
        self.ts = np.empty(rows, np.int64)
        self.sums = np.zeros(rows + 1, np.int64)
        self.seq: NDArray[np.uint32] | None = None

    def all_of(self, batches: Batches) -> Columns:
        for seq, ts, weight in batches:
            self._add(seq, ts, weight)
        return self._finished()

    def _add(self, seq: Ints, ts: Ints, weight: Ints) -> None:
        low, high = self.rows, self.rows + len(seq)
        if high > len(self.ts):
            self._resize(max(high, low + low // 8))
        if self.seq is None and not np.array_equal(seq, np.arange(low, high)):
            self.seq = np.arange(len(self.ts), dtype=np.uint32)
        if self.seq is not None:
            if len(seq) and not 0 <= int(seq.min()) <= int(seq.max()) < MOST_ROWS:
                raise TableError(f"The column seq has values that are negative or far too large: {MEND}.")
            self.seq[low:high] = seq
        self.ts[low:high] = ts
        self.sums[low + 1 : high + 1] = weight
        self.rows = high

    def _resize(self, rows: int) -> None:
        self.ts.resize(rows, refcheck=False)
        self.sums.resize(rows + 1, refcheck=False)
        if self.seq is not None:
            self.seq.resize(rows, refcheck=False)

    def _finished(self) -> Columns:
        self._resize(self.rows)
        if self.seq is not None:
            _check_dense(self.seq)
            self.ts = _placed(self.ts, self.seq)
            self.sums[1:] = _placed(self.sums[1:], self.seq)
            self.seq = None
        ts, sums = self.ts, self.sums
        back = ts[1:] < ts[:-1]
        if back.any():
            raise TableError(
                f"The column ts decreases along seq (at seq {int(back.argmax()) + 1}): number the messages again in"
                " order of ts, equal times in the order of the source."
            )
        if len(ts) and not _EARLIEST_US <= int(ts[0]) <= int(ts[-1]) < _LATEST_US:
            raise TableError("The column ts has times outside the years 1000 to 9000: correct them at the source.")
        running_sums(sums)
        return Columns(ts, sums)


def running_sums(weights: Ints) -> None:
    """Turn ``weights``, from 0 and a message each, into their running sums, in place; linear."""
    for low in range(0, len(weights), _BATCH_ROWS):
        part = weights[max(low - 1, 0) : low + _BATCH_ROWS]
        np.cumsum(part, out=part)


def _check_dense(seq: NDArray[np.uint32]) -> None:
    rows = len(seq)
    seen = np.zeros(rows, bool)
    for low in range(0, rows, _BATCH_ROWS):
        part = seq[low : low + _BATCH_ROWS]
        seen[part[part < rows]] = True
    if seen.all():
        return
    repeated = np.flatnonzero(np.bincount(seq[seq < rows]) > 1)
    if len(repeated):
        raise TableError(f"The column seq has repeats (first {int(repeated[0])}): {MEND}.")
    raise TableError(f"The column seq has gaps (first missing {int(seen.argmin())}): {MEND}.")


def _placed(values: Ints, seq: NDArray[np.uint32]) -> Ints:
    placed = np.empty_like(values)
    for low in range(0, len(seq), _BATCH_ROWS):
        placed[seq[low : low + _BATCH_ROWS]] = values[low : low + _BATCH_ROWS]
    return placed


def whole(values: Any) -> Ints:
    """A column of ``seq`` or of what was made of it; :class:`TableError` where one is null."""
    if values.null_count:
        raise TableError(f"The column seq has nulls: {MEND}.")
    return np.asarray(values.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False))


def _taken(batch: pa.RecordBatch) -> tuple[Ints, Ints, Ints]:
    if "text_bytes" in batch.schema.names:
        least, most = pc.min_max(batch.column("text_bytes")).values()
        if least.is_valid and not 0 <= least.as_py() <= most.as_py() < MOST_ROWS:
            raise impossible_sizes()
    return whole(batch.column("seq")), micros(batch.column("ts")), _weights(batch)


def _weights(batch: pa.RecordBatch) -> Ints:
    """Bytes of the lines; an author out of a dictionary is measured once."""
    at = batch.schema.get_field_index("author")
    if at < 0 or not pa.types.is_dictionary(batch.schema.field(at).type):
        return line_weights(batch)
    author = batch.column(at)
    lengths = pc.fill_null(pc.binary_length(author.dictionary.cast(pa.string())), 0)
    beyond_one = np.append(np.maximum(lengths.to_numpy(zero_copy_only=False), 1) - 1, 0)
    which = pc.fill_null(author.indices.cast(pa.int64()), len(lengths)).to_numpy(zero_copy_only=False)
    return np.asarray(line_weights(batch.drop_columns(["author"])) + beyond_one[which])


def _from_parquet(path: Path) -> Columns:
    """One pass over the small columns (and the text only where its size is not stored), without an engine."""
    with open_parquet(path) as file:
        kinds = dict(zip(file.schema_arrow.names, file.schema_arrow.types, strict=True))
        metadata = file.metadata
    wanted = ("seq", "ts", "author", "text_bytes" if "text_bytes" in kinds else "text")
    coded = ["author"] if kinds.get("author") == pa.string() else None
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=coded, pre_buffer=False) as file:
        batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=[name for name in wanted if name in kinds])
        try:
            return _Collected(metadata.num_rows).all_of(_taken(batch) for batch in batches)
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"{path} is damaged and cannot be read to its end: make it anew.") from error
