"""Where the fields and rows of a CSV end: by numpy over bytes where quotes are strict, row by row where they are not.

Strict: a quote opens at the start of a field alone, closes before a delimiter or a line's end alone, and is doubled
(or escaped) inside. Both ways agree on what is strict; other quotes are read leniently, and one that is never closed
costs its own row and no other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from stages.ingest.columns import Bytes, Ints, Mask

QUOTE: Final = 34
LF: Final = 10
CR: Final = 13
_SPACE: Final = 32
_BACKSLASH: Final = 92
_SPAN: Final = 1 << 16


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written: its delimiter (one byte), whether quotes mean anything, whether backslashes escape."""

    delimiter: int
    quoted: bool = True
    escaped: bool = False

    @property
    def name(self) -> str:
        return {44: "comma", 59: "semicolon", 9: "tab", 124: "pipe"}.get(self.delimiter, repr(chr(self.delimiter)))


@dataclass(frozen=True)
class Split:
    """``stops`` where fields end (the position of the delimiter or line feed), ``rows`` which of them end a row (their
    positions in ``stops``), ``broken`` which rows hold a quote that is never closed, ``used`` where the last row ends.
    """

    stops: Ints
    rows: Ints
    broken: Mask
    used: int


def split(raw: bytes, dialect: Dialect, *, final: bool) -> Split:
    """The whole rows at the beginning of ``raw``, which starts at a row; with ``final`` all of it, and ``raw`` ends
    with a line feed then. Cost: linear where quotes are strict.
    """
    data = np.frombuffer(raw, np.uint8)
    parts: list[tuple[Ints, Mask, Mask]] = []
    at = 0
    while at < len(raw):
        stops, is_end, odd = _strict(data[at:], dialect, final)
        if odd is None:
            count = int(np.flatnonzero(is_end)[-1]) + 1 if is_end.any() else 0
        else:
            count = int(np.count_nonzero(stops < odd))
            ends = np.flatnonzero(is_end[:count])
            count = int(ends[-1]) + 1 if len(ends) else 0
        if count:
            parts.append((stops[:count] + at, is_end[:count], np.zeros(count, np.bool_)))
            at += int(stops[count - 1]) + 1
        if odd is None:
            break
        part, after = lenient(raw, at, max(_SPAN, (len(raw) - at) // 8), dialect, final=final)
        parts.append(part)
        if after == at:
            break
        at = after
    if not parts:
        return Split(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_), 0)
    stops = np.concatenate([part[0] for part in parts])
    rows = np.flatnonzero(np.concatenate([part[1] for part in parts]))
    broken = np.concatenate([part[2] for part in parts])[rows]
    return Split(stops, rows, broken, at)


def _strict(data: Bytes, dialect: Dialect, final: bool) -> tuple[Ints, Mask, int | None]:
    """Ends of fields, which of them end rows, and the position of the first quote that is not strict."""
    stops = np.flatnonzero((data == dialect.delimiter) | (data == LF))
    if not dialect.quoted:
        return stops, data[stops] == LF, None
    quotes = np.flatnonzero(data == QUOTE)
    if dialect.escaped and len(quotes):
        quotes = quotes[~_escaped(data, quotes)]
    if not len(quotes):
        return stops, data[stops] == LF, None
    stops = stops[np.searchsorted(quotes, stops) % 2 == 0]
    is_end = data[stops] == LF
    opens, closes = quotes[0::2], quotes[1::2]
    before = data[np.maximum(opens - 1, 0)]
    good = (opens == 0) | (before == dialect.delimiter) | (before == LF)
    good[1:] |= closes[: len(opens) - 1] + 1 == opens[1:]
    odd = [int(opens[~good][0])] if not good.all() else []
    last = len(data) - 1
    after = data[np.minimum(closes + 1, last)]
    second = data[np.minimum(closes + 2, last)]
    good = (after == dialect.delimiter) | (after == LF) | ((after == CR) & ((second == LF) | (closes + 2 > last)))
    good |= closes == last
    pairs = min(len(closes), len(opens) - 1)
    good[:pairs] |= closes[:pairs] + 1 == opens[1 : pairs + 1]
    if not good.all():
        odd.append(int(closes[~good][0]))
    if final and len(quotes) % 2:
        odd.append(int(quotes[-1]))
    return stops, is_end, min(odd) if odd else None


def _escaped(data: Bytes, quotes: Ints) -> Mask:
    """Which quotes stand behind an odd number of backslashes."""
    result = np.zeros(len(quotes), np.bool_)
    left = np.flatnonzero((quotes > 0) & (data[np.maximum(quotes - 1, 0)] == _BACKSLASH))
    for row in left.tolist():
        at = int(quotes[row]) - 1
        count = 0
        while at - count >= 0 and data[at - count] == _BACKSLASH:
            count += 1
        result[row] = count % 2 == 1
    return result


def lenient(raw: bytes, at: int, span: int, dialect: Dialect, *, final: bool) -> tuple[tuple[Ints, Mask, Mask], int]:
    """Rows from ``at`` on, at least ``span`` bytes of them: ends of fields, which end rows, which of these are broken;
    and where the next row begins (``at`` itself where not one row is whole). A few hundred nanoseconds a field.
    """
    stops: list[int] = []
    ends: list[bool] = []
    broken: list[bool] = []
    start = at
    while at < len(raw) and at - start < span:
        row = _row(raw, at, dialect, final)
        if row is None:
            break
        fields, whole = row
        stops += fields
        ends += [False] * (len(fields) - 1) + [True]
        broken += [not whole] * len(fields)
        at = fields[-1] + 1
    return (np.array(stops, np.int64), np.array(ends, np.bool_), np.array(broken, np.bool_)), at


def _row(raw: bytes, at: int, dialect: Dialect, final: bool) -> tuple[list[int], bool] | None:
    """Ends of one row's fields and whether its quotes are closed; None where it is not whole."""
    stops: list[int] = []
    delimiter = bytes((dialect.delimiter,))
    while True:
        begin = at
        while dialect.quoted and raw[begin : begin + 1] == b" " and dialect.delimiter != _SPACE:
            begin += 1
        if dialect.quoted and raw[begin : begin + 1] == b'"':
            close = _close(raw, begin, dialect, final)
            if close is None:
                return None
            if close < 0:
                end = raw.find(b"\n", begin)
                return None if end < 0 else ([end], False)
            at = close + 1
        feed = raw.find(b"\n", at)
        comma = raw.find(delimiter, at, feed if feed >= 0 else len(raw))
        if comma >= 0:
            stops.append(comma)
            at = comma + 1
        elif feed >= 0:
            stops.append(feed)
            return stops, True
        else:
            return None


def _close(raw: bytes, begin: int, dialect: Dialect, final: bool) -> int | None:
    """Where the quote that opens at ``begin`` is closed; -1 where it never is, None where that cannot be seen yet."""
    at = begin + 1
    while True:
        quote = raw.find(b'"', at)
        if quote < 0:
            return -1 if final else None
        after = raw[quote + 1 : quote + 3]
        if dialect.escaped and _backslashes(raw, quote, begin) % 2:
            at = quote + 1
        elif after[:1] == b'"':
            at = quote + 2
        elif not after[:1]:
            return quote if final else None
        elif after[0] in (dialect.delimiter, LF) or (after[0] == CR and after[1:] in (b"\n", b"")):
            return quote
        elif raw[quote - 1] in (dialect.delimiter, LF) and b"\n" in raw[begin:quote]:
            # it stands where a field of a later row begins: the first one was never closed
            return -1
        else:
            at = quote + 1


def _backslashes(raw: bytes, quote: int, begin: int) -> int:
    count = 0
    while quote - count - 1 > begin and raw[quote - count - 1] == _BACKSLASH:
        count += 1
    return count
