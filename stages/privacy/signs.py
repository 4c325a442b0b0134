"""What the bytes of a block of texts tell of each of them: which may hold a number, an address, an escape or a card,
and which have characters that letters can hide behind. A superset of what :mod:`stages.privacy.guard` finds.

Byte tests come first and see everything; RE2 sees the few rows that they leave.
"""

from collections.abc import Collection
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.privacy.numbers import SHORTEST

Flags = npt.NDArray[np.bool_]

_ESCAPE: Final = r"%[0-9A-Fa-f]{2}|&(?:#|[A-Za-z][A-Za-z0-9]{1,30};)|\\[uxnrtbf\"'/\\]"
_MOST_PHONES: Final = 200
_SPAN: Final = 256
"""Bytes that seven digits and what may part them take at most, digits of other scripts among them."""
# whatever is not ASCII counts as a sign between digits: it may be one, or a digit itself
_BETWEEN: Final = r"[ ().\-/\x{80}-\x{10ffff}]*"
_DIGITS: Final = rf"[0-9](?:{_BETWEEN}[0-9]){{{SHORTEST - 1}}}"
_STATED: Final = (
    r"\+|(?i:wa\.me/|whatsapp\.com/send|whatsapp://send|waid=|phone=|(?:tel|sms|smsto|callto|facetime|viber|signal):)"
)
# digits that begin a number stand alone, behind no letter and no sign of money, or begin with a double zero
_ALONE: Final = (
    rf"(?:^|[^0-9A-Za-z_#+,:=./\-]|(?:^|[^A-Za-z])[./\-]){_DIGITS}"
    rf"|(?:^|[^0-9])00(?:{_BETWEEN}[0-9]){{{SHORTEST - 2}}}"
)


def column_bytes(texts: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """The offsets of a string array from 0 on, and its bytes. Nothing is copied but offsets."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    buffer = texts.buffers()[2]
    data = np.frombuffer(buffer, np.uint8)[offsets[0] : offsets[-1]] if buffer is not None else np.empty(0, np.uint8)
    return (offsets - offsets[0] if offsets[0] else offsets), data


def matches(texts: pa.Array, pattern: str) -> Flags:
    """Which of the texts hold the pattern (RE2); false for null."""
    found: Flags = pc.fill_null(pc.match_substring_regex(texts, pattern), False).to_numpy(zero_copy_only=False)
    return found


class Signs:
    """Tells rows apart for the numbers that are known: ``phones`` are digit strings, ``any_number`` says that others
    are known by MAC only, so that whatever has seven digits may be one.
    """

    def __init__(self, phones: Collection[str] = (), *, any_number: bool = False) -> None:
        ends = sorted({digits[-SHORTEST:] for digits in phones})
        self._possible: str | None = None
        if not any_number and len(ends) <= _MOST_PHONES:
            known = [_BETWEEN.join(end) for end in ends]
            self._possible = "|".join([_STATED, _ALONE, *known])

    def told(self, texts: pa.StringArray) -> tuple[Flags, Flags]:
        """(rows with a number, an address, a mention, an escape or a card; rows with characters to look at closely).

        Both may hold more rows than they must.
        """
        offsets, data = column_bytes(texts)
        told = np.zeros(len(texts), np.bool_)
        closer = np.zeros(len(texts), np.bool_)
        told[_rows(offsets, np.flatnonzero(data == 0x40))] = True
        self._escapes(texts, offsets, data, told)
        self._numbers(texts, offsets, data, told)
        told[_rows(offsets, _cards(data))] = True
        closer[_rows(offsets, _beyond(data))] = True
        return told, closer

    def _escapes(self, texts: pa.StringArray, offsets: Any, data: Any, told: Flags) -> None:
        signs = (data == 0x25) | (data == 0x26) | (data == 0x5C)
        rows = np.unique(_rows(offsets, np.flatnonzero(signs)))
        rows = rows[~told[rows]]
        if len(rows):
            told[rows[matches(texts.take(pa.array(rows)), _ESCAPE)]] = True

    def _numbers(self, texts: pa.StringArray, offsets: Any, data: Any, told: Flags) -> None:
        digits = np.flatnonzero((data - np.uint8(0x30)) < 10)
        if len(digits) < SHORTEST:
            return
        # the seventh digit stands within a bounded distance of the first, and in the same row
        near = digits[SHORTEST - 1 :] - digits[: -SHORTEST + 1] <= _SPAN
        first, last = digits[: -SHORTEST + 1][near], digits[SHORTEST - 1 :][near]
        rows = _rows(offsets, first)
        rows = np.unique(rows[last < offsets[rows + 1]])
        rows = rows[~told[rows]]
        if len(rows) and self._possible is not None:
            rows = rows[matches(texts.take(pa.array(rows)), self._possible)]
        told[rows] = True


def _rows(offsets: Any, positions: Any) -> Any:
    """The row that holds each byte position; empty rows hold none."""
    return np.searchsorted(offsets, positions, side="right") - 1


def _cards(data: Any) -> Any:
    """Where ``.vcf`` stands, and the colon of ``begin:vcard``, in any case; cut-off ends of the block count."""
    dots = np.flatnonzero(data == 0x2E)
    for place, letter in enumerate(b"vcf", 1):
        dots = dots[_lower(data, dots + place) == letter] if len(dots) else dots
    colons = np.flatnonzero(data == 0x3A)
    for place, letter in zip((1, -1, 2, -2), b"vnci", strict=True):
        colons = colons[_lower(data, colons + place) == letter] if len(colons) else colons
    return np.concatenate((dots, colons))


def _lower(data: Any, at: Any) -> Any:
    return data[np.clip(at, 0, len(data) - 1)] | 0x20


def _beyond(data: Any) -> Any:
    """Where characters stand that are to be looked at closely: all but letters of Latin-1 and Latin Extended-A, Greek
    and Cyrillic, and without the usual emoji, dashes and quotes."""
    high = np.flatnonzero((data == 0xC2) | (data >= 0xD2) | ((data >= 0xC6) & (data <= 0xCD)))
    if not len(high):
        return high
    last = len(data) - 1
    first, second = data[high], data[np.minimum(high + 1, last)]
    third, fourth = data[np.minimum(high + 2, last)], data[np.minimum(high + 3, last)]
    pictures = (first == 0xF0) & (second == 0x9F) & _is_picture(third, fourth)
    signs = (first == 0xE2) & (_SYMBOLS[second] | ((second == 0x80) & _PUNCTUATION[third]))
    signs |= ((first == 0xE2) & (second == 0x9D) & (third == 0xA4)) | ((first == 0xC2) & _LATIN_SIGNS[second])
    # what makes a picture of the picture before it, and what joins two
    wide = (first == 0xEF) & (second == 0xB8) & (third == 0x8F)
    joiner = (first == 0xE2) & (second == 0x80) & (third == 0x8D)
    inside = (wide | joiner) & _behind_picture(data, high)
    return high[~(pictures | signs | inside)]


def _table(*ranges: tuple[int, int]) -> Flags:
    table = np.zeros(256, np.bool_)
    for begin, end in ranges:
        table[begin : end + 1] = True
    return table


_SYMBOLS: Final = _table((0x87, 0x8F), (0x94, 0x9C))
"""Second bytes of U+21C0-U+23FF and U+2500-U+273F: arrows, signs, shapes, no letter or number."""
_PUNCTUATION: Final = _table((0x90, 0x9F), (0xA0, 0xA7), (0xB0, 0xBA))
"""Third bytes of U+2010-U+203A without what has no shape: dashes, quotes, dots."""
_LATIN_SIGNS: Final = _table((0xA0, 0xA9), (0xAB, 0xAC), (0xAE, 0xB1), (0xB6, 0xB7), (0xBB, 0xBB), (0xBF, 0xBF))
"""Second bytes of signs in U+00A0-U+00BF."""


def _is_picture(third: Any, fourth: Any) -> Any:
    """Of U+1F000-U+1FFFF, by the last two bytes: U+1F1E6-U+1F1FF flags, U+1F300-U+1FAFF."""
    return ((third == 0x87) & (fourth >= 0xA6)) | ((third >= 0x8C) & (third <= 0xAB))


def _behind_picture(data: Any, at: Any) -> Any:
    """Whether a picture, or what makes one, stands right before a position."""
    fourth, third, second, first = (data[np.maximum(at - back, 0)] for back in (4, 3, 2, 1))
    picture = (fourth == 0xF0) & (third == 0x9F) & _is_picture(second, first)
    symbol = (third == 0xE2) & (_SYMBOLS[second] | ((second == 0x9D) & (first == 0xA4)))
    wide = (third == 0xEF) & (second == 0xB8) & (first == 0x8F)
    return (at >= 3) & (picture | symbol | wide)
