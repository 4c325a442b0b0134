"""Headers of one exact layout, matched eight bytes at a time: what makes most lines cheap.

The general program (:class:`~stages.ingest.whatsapp.shape.Shape`) walks a header token by token. Most lines of a file
have one of a few layouts, which differ in nothing but the digits. A layout is learnt from a line that the program
matched, and from then on compared as whole words; what has no layout goes to the program, so the results are the same.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from stages.ingest.columns import Bytes, Ints
from stages.ingest.whatsapp.scan import at_each, without
from stages.ingest.whatsapp.shape import Matched, Shape
from stages.ingest.whatsapp.tokens import DIGITS, Field, Half, Literal

_SAMPLE: Final = 256
_MOST_LAYOUTS: Final = 24
_MOST_BYTES: Final = 96
_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")


class Layout(NamedTuple):
    """One spelling of a header: its bytes with 0 for every digit, where each number's digits begin and end, and what
    its word for a part of the day means (0 for none)."""

    template: bytes
    numbers: tuple[tuple[str, int, int], ...]
    half: int


@dataclass
class Matcher:
    """Matches one shape, like its own ``match``, and learns layouts on the way. One for each reading of a file."""

    shape: Shape
    _layouts: list[Layout] = field(default_factory=list)
    _hits: dict[Layout, int] = field(default_factory=dict)
    _learns: bool = True
    _seen: set[bytes] = field(default_factory=set)

    def match(self, data: Bytes, starts: Ints) -> Matched:
        """What the shape's program finds at the line starts of a padded block, in order. Cost: some 40 ns a line."""
        if self._learns and not self._layouts:
            self._learn(data, starts[:_SAMPLE])
        left: Ints | None = None
        parts: list[Matched] = []
        for layout in self._layouts:
            rows, heads = _begin_so(layout, data, starts if left is None else starts[left])
            if not len(rows):
                continue
            rows = rows if left is None else left[rows]
            parts.append(self._read(layout, starts, rows, heads))
            self._hits[layout] = self._hits.get(layout, 0) + len(rows)
            left = without(np.arange(len(starts)) if left is None else left, rows, len(starts))
            if not len(left):
                break
        self._layouts.sort(key=lambda layout: -self._hits.get(layout, 0))
        left = np.arange(len(starts)) if left is None else left
        if len(left):
            others = self.shape.match(data, starts[left])
            if self._learns and len(others.rows) * 50 > len(starts):
                self._learn(data, starts[left[others.rows[:_SAMPLE]]])
            if len(others.rows) or not parts:
                parts.append(Matched(left[others.rows], others.body, others.fields, others.clock))
        return _joined(parts)

    def _learn(self, data: Bytes, starts: Ints) -> None:
        """Take the layouts of lines that the program matches."""
        matched = self.shape.match(data, starts)
        for row, body in zip(matched.rows.tolist(), matched.body.tolist(), strict=True):
            start = int(starts[row])
            template = data[start:body].tobytes().translate(_ZEROS)
            if body - start > _MOST_BYTES or template in self._seen:
                continue
            self._seen.add(template)
            template = _template(data[start:body].tobytes())
            if any(layout.template == template for layout in self._layouts):
                continue
            layout = _layout(self.shape, data, start, template)
            if layout is None or len(self._layouts) >= _MOST_LAYOUTS:
                self._learns = False
                return
            self._layouts.append(layout)

    def _read(self, layout: Layout, starts: Ints, rows: Ints, heads: Bytes) -> Matched:
        values = {name: _number(heads, begin, end) for name, begin, end in layout.numbers}
        half = np.full(len(rows), layout.half) if layout.half else None
        clock, good = self.shape.clock(values, half)
        fields = np.stack([values[name] for name in "abc"])
        matched = Matched(rows, starts[rows] + len(layout.template), self.shape.years(fields), clock)
        return matched if good.all() else matched.only(np.flatnonzero(good))


def _begin_so(layout: Layout, data: Bytes, starts: Ints) -> tuple[Ints, Bytes]:
    """Which of the lines begin with a header of this layout (positions in ``starts``), and its bytes in each."""
    width = -len(layout.template) // 8 * -8
    heads = at_each(data, np.dtype(f"V{width}"))[starts].view(np.uint64).reshape(-1, width // 8)
    good = np.ones(len(starts), np.bool_)
    for column, literal, kept, sixes in _steps(layout):
        read = heads[:, column]
        good &= (read & kept) == literal
        if sixes:
            # digits are 0x30-0x39: with six more, those past them show another first half
            good &= ((read + sixes) & kept) == literal
    rows = np.flatnonzero(good)
    return rows, (heads if len(rows) == len(heads) else heads[rows]).view(np.uint8)


@lru_cache(256)
def _steps(layout: Layout) -> list[tuple[int, np.uint64, np.uint64, np.uint64]]:
    """Words to compare: which of them, what must stand there, the bits that count, six for each digit."""
    template = layout.template
    digits = bytearray(len(template))
    for _, begin, end in layout.numbers:
        digits[begin:end] = b"\1" * (end - begin)
    kept = bytes(0xF0 if digit else 0xFF for digit in digits)
    sixes = bytes(6 if digit else 0 for digit in digits)
    parts = range(0, len(template), 8)
    return [
        (at // 8, _word(template[at : at + 8]), _word(kept[at : at + 8]), _word(sixes[at : at + 8])) for at in parts
    ]


def _word(part: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(part, "little"))


def _number(heads: Bytes, begin: int, end: int) -> Ints:
    """Digits that are known to be digits, as numbers: one, two or four of them."""
    value = (heads[:, begin] & 15).astype(np.int64)
    for place in range(begin + 1, end):
        value *= 10
        value += heads[:, place] & 15
    return value


def _template(written: bytes) -> bytes:
    return bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in written)


def _layout(shape: Shape, data: Bytes, start: int, written: bytes) -> Layout | None:
    """The layout of a line that the shape's program matched; None where no layout says it all."""
    fields = [token for token in shape.tokens if isinstance(token, Field)]
    plain = all(token.digits is DIGITS["0"] for token in fields)
    literals = [token.text for token in shape.tokens if isinstance(token, Literal)]
    # a header that ends in optional marks or spaces depends on what follows it
    if not plain or not isinstance(shape.tokens[-1], Literal) or any(map(_has_digit, literals)):
        return None
    numbers = []
    at = 0
    for token in fields:
        while at < len(written) and not _has_digit(written[at : at + 1]):
            at += 1
        begin = at
        while at < len(written) and _has_digit(written[at : at + 1]):
            at += 1
        if at - begin not in (1, 2, 4) or not token.low <= at - begin <= token.high:
            return None
        numbers.append((token.name, begin, at))
    if _has_digit(written[at:]):
        return None
    return Layout(written.translate(_ZEROS), tuple(numbers), _half(shape, data, start))


def _half(shape: Shape, data: Bytes, start: int) -> int:
    at = np.array([start], np.int64)
    for token in shape.tokens:
        _, at, value = token.advance(data, at)
        if isinstance(token, Half):
            assert value is not None
            return int(value[0])
    return 0


def _has_digit(text: bytes) -> bool:
    return any(0x30 <= byte <= 0x39 for byte in text)


def _joined(parts: list[Matched]) -> Matched:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros(0, np.int64)
        return Matched(none, none, np.zeros((3, 0), np.int64), none)
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows, kind="stable")
    return Matched(
        rows[order],
        np.concatenate([part.body for part in parts])[order],
        np.concatenate([part.fields for part in parts], axis=1)[:, order],
        np.concatenate([part.clock for part in parts])[order],
    )
