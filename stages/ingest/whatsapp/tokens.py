"""The steps of a header, executed column-wise: every step advances a vector of byte positions over a whole block.

A step takes the block's bytes (padded, so that a look ahead never leaves it) and the positions that are still alive,
and returns which of them go on, where they stand then, and a value where the step reads one. No step can pass a line
feed, so a header never leaves its line. Cost: a few array operations per step, whatever the number of lines.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from stages.ingest.columns import Bytes, Ints, Mask

Step: TypeAlias = tuple[Mask, Ints, Ints | None]

PADDING: Final = 256
"""Zero bytes that must follow a block: no header is longer."""


@dataclass(frozen=True)
class Digits:
    """A digit system: the bytes before the last one of a digit, and the last byte of zero."""

    prefix: bytes
    zero: int

    @property
    def width(self) -> int:
        return len(self.prefix) + 1


DIGITS: Final = {
    "0": Digits(b"", 0x30),
    "٠": Digits(b"\xd9", 0xA0),
    "۰": Digits(b"\xdb", 0xB0),
    "०": Digits(b"\xe0\xa5", 0xA6),
    "০": Digits(b"\xe0\xa7", 0xA6),
    "๐": Digits(b"\xe0\xb9", 0x90),
    "၀": Digits(b"\xe1\x81", 0x80),
}


@dataclass(frozen=True)
class Field:
    """A number of ``low`` to ``high`` digits; ``name`` is a, b, c (the date's fields as written), h, m or s."""

    name: str
    low: int
    high: int
    digits: Digits

    def advance(self, data: Bytes, at: Ints) -> Step:
        width, last = self.digits.width, self.digits.width - 1
        value = np.zeros(len(at), np.int64)
        count = np.zeros(len(at), np.int64)
        for place in range(self.high):
            digit = data[at + last] - np.uint8(self.digits.zero)
            is_digit = digit < 10
            for offset, byte in enumerate(self.digits.prefix):
                is_digit &= data[at + offset] == byte
            if place:
                is_digit &= count == place
            value = np.where(is_digit, value * 10 + digit, value)
            count += is_digit
            at = at + is_digit * width
        return count >= self.low, at, value


@dataclass(frozen=True)
class Literal:
    """Exactly these bytes."""

    text: bytes

    def advance(self, data: Bytes, at: Ints) -> Step:
        good = data[at] == self.text[0]
        for offset in range(1, len(self.text)):
            good &= data[at + offset] == self.text[offset]
        return good, at + len(self.text), None


@dataclass(frozen=True)
class Gap:
    """One to three spaces of any width, with direction marks between them."""

    def advance(self, data: Bytes, at: Ints) -> Step:
        start = at
        at = _skip_marks(data, at)
        before = at
        for _ in range(3):
            at = at + _space(data, at)
        good = at > before
        return good, np.where(good, _skip_marks(data, at), start), None


@dataclass(frozen=True)
class Marks:
    """Any direction marks and byte order marks, or none."""

    def advance(self, data: Bytes, at: Ints) -> Step:
        return np.ones(len(at), np.bool_), _skip_marks(data, at), None


@dataclass(frozen=True)
class Half:
    """A word for a part of the day; its value is AM, PM or NIGHT. ``sample`` is the spelling that was met."""

    spellings: tuple[tuple[bytes, int], ...]
    sample: bytes

    def advance(self, data: Bytes, at: Ints) -> Step:
        value = np.zeros(len(at), np.int64)
        end = at.copy()
        open_rows = np.arange(len(at))
        for spelling, half in self.spellings:
            here = at[open_rows]
            good = data[here] == spelling[0]
            for offset in range(1, len(spelling)):
                good &= data[here + offset] == spelling[offset]
            hit = open_rows[good]
            value[hit] = half
            end[hit] += len(spelling)
            open_rows = open_rows[~good]
            if not len(open_rows):
                break
        return value > 0, end, value


Token: TypeAlias = Field | Literal | Gap | Marks | Half


def _space(data: Bytes, at: Ints) -> Ints:
    """The width of the space at each position: 0 where there is none."""
    first = data[at]
    width = (first == 0x20).astype(np.int64)
    if (first == 0xC2).any():
        width += 2 * ((first == 0xC2) & (data[at + 1] == 0xA0))
    wide = first == 0xE2
    if wide.any():
        third = data[at + 2]
        width += 3 * (wide & (data[at + 1] == 0x80) & ((third == 0xAF) | (third == 0x89)))
    return np.asarray(width, np.int64)


def _skip_marks(data: Bytes, at: Ints) -> Ints:
    for _ in range(4):
        width = mark_width(data, at)
        if not width.any():
            break
        at = at + width
    return at


def mark_width(data: Bytes, at: Ints) -> Ints:
    """The width of the direction mark or byte order mark at each position: 0 where there is none."""
    first = data[at]
    width = np.zeros(len(at), np.int64)
    if not (first >= 0xD8).any():
        return width
    second, third = data[at + 1], data[at + 2]
    general = (second == 0x80) & ((third == 0x8E) | (third == 0x8F) | ((third >= 0xAA) & (third <= 0xAE)))
    isolate = (second == 0x81) & (third >= 0xA6) & (third <= 0xA9)
    width += 3 * ((first == 0xE2) & (general | isolate))
    width += 3 * ((first == 0xEF) & (second == 0xBB) & (third == 0xBF))
    return np.asarray(width + 2 * ((first == 0xD8) & (second == 0x9C)), np.int64)
