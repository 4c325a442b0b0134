"""Columns of written times as numbers, column-wise: rows of one shape are read by slices, never one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.ingest.columns import Bytes, Codes, Ints, Mask
from stages.ingest.table.layouts import NAMED, NUMBER, Layout, layout_of
from stages.ingest.whatsapp.dates import to_days

UNREAD: Final = -9
FRACTION: Final = 10
"""Figures of a fraction that are kept."""
_LONGEST: Final = 96
_SECOND: Final = 1_000_000
_MOST_SHAPES: Final = 50_000


@dataclass
class Moments:
    """``n`` times as written. ``date`` what the date is (see layouts; UNREAD: no time), ``fields`` (3 x n) its figures
    as they stand (year, month and day of a month in letters; the number and its fraction in units of 1e-10), ``clock``
    microseconds of the day, ``offset`` microseconds east of UTC where ``zoned``, ``clocked`` whether a time of day is
    written.
    """

    date: Codes
    fields: Ints
    clock: Ints
    offset: Ints
    zoned: Mask
    clocked: Mask

    def __len__(self) -> int:
        return len(self.date)


class MomentReader:
    """Reads columns of times; what it knows of shapes it keeps.

    Cost: a pass over the bytes and one sort of numbers per batch, a microsecond of Python per new shape.
    """

    def __init__(self) -> None:
        self._layouts: dict[bytes, Layout | None] = {}
        weights = np.random.default_rng(7).integers(1, 1 << 62, _LONGEST, dtype=np.uint64)
        self._weights: npt.NDArray[np.uint64] = weights | np.uint64(1)

    def read(self, strings: pa.StringArray) -> Moments:
        """The times in a column, without spaces around them; null and empty are unread."""
        n = len(strings)
        found = Moments(
            np.full(n, UNREAD, np.int8),
            np.zeros((3, n), np.int64),
            np.zeros(n, np.int64),
            np.zeros(n, np.int64),
            np.zeros(n, np.bool_),
            np.zeros(n, np.bool_),
        )
        if not n:
            return found
        data, starts, lengths = _bytes(strings)
        for length in np.unique(lengths).tolist():
            if not 0 < length <= _LONGEST:
                continue
            rows = np.flatnonzero(lengths == length)
            matrix = data[starts[rows][:, None] + np.arange(length)]
            for shape, members in self._shapes(matrix):
                layout = self._layout(shape)
                if layout is not None:
                    _take(found, rows[members], matrix[members], layout)
        return found

    def _shapes(self, matrix: Bytes) -> Iterator[tuple[bytes, Ints]]:
        """Every shape of the rows with the rows that have it."""
        shapes = np.where((matrix >= 48) & (matrix <= 57), np.uint8(48), matrix)
        if (shapes == shapes[0]).all():
            yield shapes[0].tobytes(), np.arange(len(shapes), dtype=np.int64)
            return
        hashes = (shapes * self._weights[: shapes.shape[1]]).sum(axis=1, dtype=np.uint64)
        order = np.argsort(hashes, kind="stable")
        edges = np.flatnonzero(np.diff(hashes[order])) + 1
        for rows in np.split(order, edges):
            # two shapes of one hash are told apart: the first's rows are taken, then the others'
            left = rows
            while len(left):
                same = (shapes[left] == shapes[left[0]]).all(axis=1)
                yield shapes[left[0]].tobytes(), left[same]
                left = left[~same]

    def _layout(self, shape: bytes) -> Layout | None:
        if shape not in self._layouts:
            if len(self._layouts) >= _MOST_SHAPES:
                self._layouts.clear()
            try:
                self._layouts[shape] = layout_of(shape.decode())
            except UnicodeDecodeError:
                self._layouts[shape] = None
        return self._layouts[shape]


def _bytes(strings: pa.StringArray) -> tuple[Bytes, Ints, Ints]:
    written = np.frombuffer(strings.buffers()[1], np.int32)[strings.offset : strings.offset + len(strings) + 1]
    offsets: Ints = written.astype(np.int64)
    raw = strings.buffers()[2]
    data = np.frombuffer(raw, np.uint8) if raw is not None and raw.size else np.zeros(1, np.uint8)
    lengths: Ints = np.diff(offsets)
    if strings.null_count:
        lengths = np.where(strings.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    return data, offsets[:-1], lengths


def _take(found: Moments, rows: Ints, matrix: Bytes, layout: Layout) -> None:
    """Read the times of one shape. Those with an hour, minute or offset that is none stay unread."""

    def figures(part: str) -> Ints:
        start, end = layout.spans.get(part, (0, 0))
        value = np.zeros(len(rows), np.int64)
        for at in range(start, end):
            value = value * 10 + (matrix[:, at].astype(np.int64) - 48)
        return value

    def fraction() -> Ints:
        start, end = layout.spans.get("fraction", (0, 0))
        value: Ints = np.zeros(len(rows), np.int64)
        for at in range(start, min(end, start + FRACTION)):
            value = value * 10 + (matrix[:, at].astype(np.int64) - 48)
        return value * np.int64(10) ** (FRACTION - min(end - start, FRACTION))

    if layout.date == NUMBER:
        found.fields[0, rows], found.fields[1, rows] = figures("number"), fraction()
        found.date[rows] = NUMBER
        return
    good = np.ones(len(rows), np.bool_)
    if layout.date == NAMED:
        dated = np.stack((figures("year"), np.full(len(rows), layout.month, np.int64), figures("day")))
        good &= to_days(dated, "ymd")[1]
    else:
        dated = np.stack((figures("a"), figures("b"), figures("c")))
    hour, minute, second = figures("hour"), figures("minute"), figures("second")
    good &= (minute < 60) & (second < 60)
    if layout.half:
        good &= hour <= 12
        hour = hour % 12 + (12 if layout.half == 2 else 0)
    good &= hour < 24
    off_hour, off_minute = figures("off_hour"), figures("off_minute")
    good &= (off_hour <= 15) & (off_minute < 60)
    offset = layout.sign * (off_hour * 3600 + off_minute * 60) * _SECOND
    clock = ((hour * 60 + minute) * 60 + second) * _SECOND + fraction() // 10 ** (FRACTION - 6)
    kept = rows[good]
    found.date[kept] = layout.date
    found.fields[:, kept] = dated[:, good]
    found.clock[kept] = clock[good]
    found.offset[kept] = offset[good]
    found.zoned[kept] = layout.zoned
    found.clocked[kept] = layout.clocked
