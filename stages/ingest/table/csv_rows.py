"""A CSV as batches of rows: its fields out of blocks of bytes, only those of the columns that are wanted.

Rows of another length than the header's are counted and not shifted. Memory: a few blocks, whatever the file's size;
a block grows to hold a long row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.ingest.columns import Bytes, Ints, Mask
from stages.ingest.table.csv_split import CR, QUOTE, Dialect, Split, split
from stages.ingest.table.rows import Damage, Rows
from stages.ingest.unparsed import masked

_LONGEST_ROW: Final = 48 << 20
_SPACE: Final = 32


@dataclass
class CsvRows:
    """One pass over a CSV in UTF-8. ``width`` how many fields the header has, ``least`` how many a row must have,
    ``skipped`` rows before the first that counts (rows are numbered from the file's first line on).
    """

    dialect: Dialect
    width: int
    least: int
    skipped: int
    block_bytes: int
    damage: Damage = field(default_factory=Damage)
    short: int = 0
    first_short: int | None = None
    _number: int = 0

    def read(self, stream: BinaryIO, wanted: Sequence[int]) -> Iterator[Rows]:
        """The rows in batches of a block each."""
        for raw, found in blocks(stream, self.dialect, self.block_bytes):
            rows = self._rows(raw, found, wanted)
            if len(rows):
                yield rows

    def cells(self, raw: bytes, found: Split, width: int) -> list[pa.StringArray]:
        """Every row of a block as it is, ``width`` fields each, null where a row has fewer. For samples."""
        data = np.frombuffer(raw, np.uint8)
        before = np.concatenate((np.array([-1]), found.rows[:-1])) if len(found.rows) else found.rows
        ends = found.stops[found.rows]
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
        last = ends - ((ends > begins) & (data[np.maximum(ends - 1, 0)] == CR))
        counts = found.rows - before
        return [self._column(data, found.stops, before, counts, begins, last, at) for at in range(width)]

    def _rows(self, raw: bytes, found: Split, wanted: Sequence[int]) -> Rows:
        data = np.frombuffer(raw, np.uint8)
        n = len(found.rows)
        numbers = np.arange(self._number + 1, self._number + n + 1, dtype=np.int64)
        self._number += n
        # positions in ``stops``: of the last field of the row before, and how many fields the row has
        before = np.concatenate((np.array([-1]), found.rows[:-1]))
        counts = found.rows - before
        ends = found.stops[found.rows]
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
        last = ends - ((ends > begins) & (data[np.maximum(ends - 1, 0)] == CR))
        good = counts == self.width
        # more fields than the header has are nothing when they are empty: a delimiter too many
        over = np.flatnonzero(counts > self.width)
        good[over] = last[over] - found.stops[before[over] + self.width] == counts[over] - self.width
        blank = _blank(data, begins, last, counts, self.dialect.delimiter)
        under = (counts < self.width) & (counts >= self.least) & ~blank & ~found.broken
        good = (good | under) & ~found.broken & ~blank
        live = numbers > self.skipped
        self._count(raw, numbers, begins, last, live & ~good & ~blank, live & under)
        kept = np.flatnonzero(good & live)
        columns = [
            self._column(data, found.stops, before[kept], counts[kept], begins[kept], last[kept], at) for at in wanted
        ]
        return Rows(numbers[kept], columns)

    def _column(
        self, data: Bytes, stops: Ints, before: Ints, counts: Ints, begins: Ints, last: Ints, at: int
    ) -> pa.StringArray:
        there = counts > at
        place = np.where(there, before + 1 + at, 0)
        ends = np.minimum(stops[place], last)
        starts = np.where(at == 0, begins, stops[np.maximum(place - 1, 0)] + 1)
        starts = np.where(there, starts, begins)
        ends = np.where(there, np.maximum(ends, starts), starts)
        quoted = np.zeros(len(starts), np.bool_)
        if self.dialect.quoted:
            starts, ends = _trimmed(data, starts, ends)
            quoted = (ends - starts >= 2) & (data[np.minimum(starts, len(data) - 1)] == QUOTE)
            quoted &= data[np.maximum(ends - 1, 0)] == QUOTE
            starts, ends = starts + quoted, ends - quoted
        texts = strings(data, starts, ends)
        if quoted.any():
            texts = self._unescaped(texts, quoted)
        return texts if there.all() else pc.if_else(pa.array(there), texts, pa.scalar(None, pa.string()))

    def _unescaped(self, texts: pa.StringArray, quoted: Mask) -> pa.StringArray:
        if self.dialect.escaped:
            plain = pc.replace_substring_regex(texts, r'\\(["\\])|"(")', r"\1\2")
            return pc.if_else(pa.array(quoted), plain, texts)
        hit = pc.and_(pc.match_substring(texts, '""'), pa.array(quoted))
        if not pc.any(hit).as_py():
            return texts
        return pc.if_else(hit, pc.replace_substring(texts, '""', '"'), texts)

    def _count(self, raw: bytes, numbers: Ints, begins: Ints, last: Ints, bad: Mask, short: Mask) -> None:
        damage = self.damage
        rows = np.flatnonzero(bad)
        damage.count += len(rows)
        if len(rows) and damage.first is None:
            row = int(rows[0])
            damage.first = int(numbers[row])
            damage.looks_like = masked(raw[int(begins[row]) : int(last[row])][:400].decode("utf-8", "replace"))
        rows = np.flatnonzero(short)
        self.short += len(rows)
        if len(rows) and self.first_short is None:
            self.first_short = int(numbers[rows[0]])


def blocks(stream: BinaryIO, dialect: Dialect, block_bytes: int) -> Iterator[tuple[bytes, Split]]:
    """Blocks of whole rows with where their fields end; closes the stream. A row past 48 MB ends with its line."""
    rest = b""
    want = block_bytes
    with stream:
        while True:
            chunk = stream.read(want)
            final = not chunk
            raw = rest + chunk
            if final and raw and not raw.endswith(b"\n"):
                raw += b"\n"
            if not raw:
                return
            found = split(raw, dialect, final=final)
            if not found.used and not final and len(raw) > _LONGEST_ROW:
                cut = raw.rfind(b"\n") + 1
                found = split(raw[:cut], dialect, final=True)
            if found.used:
                yield raw[: found.used], found
                rest = raw[found.used :]
                want = block_bytes
            else:
                rest = raw
                # a long row is looked at again from its start: twice as much each time
                want = max(block_bytes, len(raw))
            if final:
                return


def strings(data: Bytes, starts: Ints, ends: Ints) -> pa.StringArray:
    """The texts between positions that never overlap and never decrease. One copy of their bytes."""
    n = len(starts)
    if not n:
        return pa.array([], pa.string())
    offsets = np.empty(2 * n, np.int32)
    offsets[0::2] = starts
    offsets[1::2] = ends
    both = pa.StringArray.from_buffers(2 * n - 1, pa.py_buffer(offsets), pa.py_buffer(data))
    return both.take(pa.array(np.arange(0, 2 * n - 1, 2, dtype=np.int64)))


def _blank(data: Bytes, begins: Ints, last: Ints, counts: Ints, delimiter: int) -> Mask:
    """Rows of nothing but delimiters and spaces."""
    blank: Mask = last - begins == counts - 1
    at = np.flatnonzero(~blank & (last - begins < 256) & np.isin(data[np.minimum(begins, len(data) - 1)], (_SPACE, 9)))
    for row in at.tolist():
        inside = data[begins[row] : last[row]]
        blank[row] = bool(((inside == delimiter) | (inside == _SPACE) | (inside == 9)).all())
    return blank


def _trimmed(data: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Without the spaces in front of an opening quote."""
    spaced = np.flatnonzero((ends > starts) & (data[np.minimum(starts, len(data) - 1)] == _SPACE))
    if not len(spaced):
        return starts, ends
    at, stop = starts[spaced], ends[spaced]
    while (more := (at < stop) & (data[np.minimum(at, len(data) - 1)] == _SPACE)).any():
        at = at + more
    quote = (at < stop) & (data[np.minimum(at, len(data) - 1)] == QUOTE)
    starts = starts.copy()
    starts[spaced[quote]] = at[quote]
    return starts, ends
