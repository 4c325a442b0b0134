"""The line of a message as a model reads it, and what it weighs.

A line is ``YYYY-MM-DD HH:MM author: text`` and a line feed, the time in UTC, ``*`` for no author. Its weight is its
UTF-8 bytes (tokens: a quarter of them, rounded up) and can be computed without building it.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stages.windows.spec import MINUTE_US

LINE_BYTES: Final = len("2026-01-31 23:59 : \n")
"""Bytes of a line beside its author and its text."""
NOBODY: Final = "*"
_DAY_MINUTES: Final = 24 * 60
_MINUTES: Final = np.array([f" {minute // 60:02}:{minute % 60:02}" for minute in range(_DAY_MINUTES)], dtype="S6")
SLICE_ROWS: Final = 1 << 15
SLICE_BYTES: Final = 1 << 24


def line_weights(messages: pa.Table | pa.RecordBatch, unit: str = "bytes") -> NDArray[np.int64]:
    """The weight of each message's line, in ``bytes`` or ``tokens``; shape (rows,), int64.

    Takes the bytes of the text from ``text_bytes`` where that column is there, else from ``text``; needs no ``ts``.
    """
    names = messages.schema.names
    total = np.full(messages.num_rows, LINE_BYTES, dtype=np.int64)
    if "text_bytes" in names:
        total += _numbers(messages.column("text_bytes"))
    else:
        total += _numbers(pc.binary_length(_plain(messages.column("text"))))
    if "author" in names:
        # nobody, or an empty name, is written as one sign
        total += np.maximum(_numbers(pc.binary_length(_plain(messages.column("author")))), 1)
    else:
        total += 1
    return to_tokens(total) if unit == "tokens" else total


def to_tokens(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes as tokens, ``ceil(bytes / 4)`` for each message."""
    return -(-weights // 4)


def render_lines(messages: pa.Table | pa.RecordBatch) -> pa.ChunkedArray:
    """The lines of messages as strings, one a row, in order; columns ``ts`` (UTC), ``author``, ``text`` are read.

    Vectorised: each distinct author is written once per 32,768 rows, each day once per run of it, and no Python object
    is made per message. Linear in the bytes of the text.
    """
    batches = messages.to_batches() if isinstance(messages, pa.Table) else [messages]
    chunks = [lines_of(piece) for batch in batches for _, piece in line_slices(batch)]
    return pa.chunked_array(chunks, type=pa.string())


def join_lines(lines: pa.ChunkedArray | pa.Array) -> str:
    """All lines as one text; copies each byte once."""
    chunks = lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]
    return b"".join(_bytes(chunk) for chunk in chunks).decode("utf-8")


def line_slices(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """A batch in slices whose lines are built at once: (row of the first, slice) of :data:`SLICE_ROWS` rows and
    :data:`SLICE_BYTES` of text at most, or of one row; they fit the processor's cache and a string array's offsets.
    """
    for start in range(0, batch.num_rows, SLICE_ROWS):
        piece = batch.slice(start, SLICE_ROWS)
        ends = np.cumsum(_text_bytes(piece.column("text")))
        row = 0
        while row < piece.num_rows:
            taken = int(ends[row - 1]) if row else 0
            end = max(int(ends.searchsorted(taken + SLICE_BYTES, "right")), row + 1)
            yield start + row, piece.slice(row, end - row)
            row = end


def lines_of(batch: pa.RecordBatch) -> pa.StringArray:
    """The lines of one of the slices of :func:`line_slices`; an array from offset 0."""
    text = _plain(batch.column("text"))
    if text.null_count:
        text = pc.fill_null(text, "")
    stamps = _stamps(_micros(batch.column("ts")))
    return pc.binary_join_element_wise(stamps, _heads(batch), text, "\n", "")


def _heads(batch: pa.RecordBatch) -> pa.StringArray:
    """`` author: `` per row, put together once per distinct author."""
    if "author" not in batch.schema.names:
        return pa.repeat(f" {NOBODY}: ", batch.num_rows)
    coded = batch.column("author")
    if not pa.types.is_dictionary(coded.type):
        coded = pc.dictionary_encode(_plain(coded))
    # one more, empty, for those without a name
    names = pc.fill_null(pa.concat_arrays([_plain(coded.dictionary), pa.array([""])]), "")
    heads = pc.binary_join_element_wise(" ", pc.if_else(pc.equal(names, ""), NOBODY, names), ": ", "")
    return heads.take(pc.fill_null(coded.indices.cast(pa.int32()), len(names) - 1))


def _stamps(ts: NDArray[np.int64]) -> pa.StringArray:
    """``YYYY-MM-DD HH:MM`` of each time, one or more: a date is written once per run of its day."""
    day, minute = np.divmod(ts // MINUTE_US, _DAY_MINUTES)
    starts = np.flatnonzero(np.concatenate(([True], day[1:] != day[:-1])))
    dates = np.datetime_as_string(day[starts].astype("datetime64[D]")).astype("S10")
    stamps = np.empty(len(ts), dtype=[("date", "S10"), ("minute", "S6")])
    stamps["date"] = np.repeat(dates, np.diff(np.append(starts, len(ts))))
    stamps["minute"] = _MINUTES[minute]
    offsets = np.arange(len(ts) + 1, dtype=np.int32) * stamps.itemsize
    return pa.StringArray.from_buffers(len(ts), pa.py_buffer(offsets), pa.py_buffer(stamps.view(np.uint8)))


def _bytes(lines: pa.Array) -> bytes:
    if len(lines) == 0:
        return b""
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int32)
    start, end = int(offsets[lines.offset]), int(offsets[lines.offset + len(lines)])
    return bytes(memoryview(lines.buffers()[2])[start:end])


def _plain(texts: Any) -> Any:
    """Text without a dictionary or a view, which the kernels for lengths and joins do not take."""
    kind = texts.type
    return texts if pa.types.is_string(kind) else texts.cast(pa.string())


def _text_bytes(texts: pa.Array) -> NDArray[np.int64]:
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = texts.cast(pa.large_string())
    return _numbers(pc.binary_length(texts))


def _numbers(values: Any) -> NDArray[np.int64]:
    filled = pc.fill_null(values.cast(pa.int64()), 0)
    return np.asarray(filled.to_numpy(zero_copy_only=False) if isinstance(filled, pa.Array) else filled.to_numpy())


def _micros(times: Any) -> NDArray[np.int64]:
    cast = times.cast(pa.timestamp("us", tz=times.type.tz), safe=False).cast(pa.int64())
    return np.asarray(cast.to_numpy(zero_copy_only=False) if isinstance(cast, pa.Array) else cast.to_numpy())
