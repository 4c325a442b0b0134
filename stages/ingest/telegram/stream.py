"""A JSON document too large for memory: its structure is walked, its long arrays are handed out in slices.

An array's items are cut at a border that its first item shows (``},`` newline, indent, ``{"id"``) and a slice is parsed
at once. A border is only a guess, which the parser proves: what starts at an item and parses as ``[...]`` is made of
whole items, for JSON leaves no second reading. Where a guess fails the items are found one by one by a scan that knows
strings. So the result never depends on how a file is laid out, only the speed does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import orjson

from stages.ingest.telegram.lenient import may_be_mended, mend, parse

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
# everything up to the next bracket that is not part of a string, or up to a string that does not end here
_PASS: Final = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR: Final = re.compile(rb'[^\s,:"{}\[\]]+')
_FIRST_KEY: Final = re.compile(rb'\{\s*"[^"\\]{1,40}"')
_INDENT: Final = re.compile(rb"\r?\n([ \t]*)\Z")
_QUOTE, _COMMA, _COLON, _OPEN, _CLOSE, _LIST, _LIST_END = b'",:{}[]'
_MOST: Final = 1 << 20
_SLICE: Final = 1 << 16
"""Bytes parsed at once: the objects of larger slices fall out of the cache, which takes twice the time."""
LONGEST: Final = 16 << 20
"""Bytes of the longest message, or other single value, that is read."""


class Broken(Exception):
    """From byte ``offset`` on the document makes no sense; ``cut`` where it merely ends too early."""

    def __init__(self, offset: int, *, cut: bool) -> None:
        super().__init__(offset)
        self.offset = offset
        self.cut = cut


@dataclass
class Damage:
    """Items that could not be parsed: how many, and where the first one starts."""

    count: int = 0
    offset: int = 0
    begins: bytes = b""

    def note(self, offset: int, raw: bytes) -> None:
        if not self.count:
            self.offset, self.begins = offset, raw[:400]
        self.count += 1


@dataclass(frozen=True)
class _Border:
    """How items of an array are parted: ``between`` two of them as it is mostly written and in any layout, and behind
    the ``last`` one. None where it cannot be told.
    """

    between: bytes | None = None
    anyhow: re.Pattern[bytes] | None = None
    last: re.Pattern[bytes] | None = None

    @classmethod
    def learn(cls, gap: bytes, item: bytes) -> "_Border":
        """From the white space before an item, and the item's beginning."""
        head = _FIRST_KEY.match(item)
        if head is None:
            return cls()
        indent = _INDENT.search(gap)
        last = None
        if indent and indent[1]:
            last = re.compile(rb"\}\r?\n[ \t]{0,%d}\]" % (len(indent[1]) - 1))
        anyhow = re.compile(rb"\}\s*,\s*\{\s*" + re.escape(head[0][1:].lstrip()))
        return cls(b"}," + gap + head[0], anyhow, last)


class JsonStream:
    """A pull parser over ``file``, which starts with the document. ``block_bytes`` are read at once (1 MiB at most).

    The position stands before a value whenever a method returns or yields. Memory: a few blocks, or the longest item.
    """

    def __init__(self, file: BinaryIO, block_bytes: int) -> None:
        self._file = file
        self._block = max(1, min(block_bytes, _MOST))
        self._slice_bytes = min(self._block, _SLICE)
        self._data = b""
        self._at = 0
        self._base = 0
        self._ended = False
        self._gap = b""
        self.damage = Damage()

    @property
    def offset(self) -> int:
        """The position, in bytes from the document's start."""
        return self._base + self._at

    def peek(self) -> int:
        """The next byte that is no white space, or -1 at the end."""
        self._space()
        return self._data[self._at] if self._at < len(self._data) else -1

    def value(self) -> Any:
        """Reads one value whole. Raises :class:`Broken`."""
        self.peek()
        end = self._end()
        raw = self._data[self._at : end]
        try:
            result = parse(raw)
        except ValueError:
            raise self._broken() from None
        self._at = end
        return result

    def skip(self) -> None:
        """Passes over one value of any size. Raises :class:`Broken`."""
        if self.peek() not in (_OPEN, _LIST):
            self._at = self._end()
            return
        depth = 0
        while True:
            self._at = _PASS.match(self._data, self._at).end()  # type: ignore[union-attr]
            if self._at == len(self._data) or self._data[self._at] == _QUOTE:
                if not self._more():
                    raise self._broken()
                continue
            depth += 1 if self._data[self._at] in (_OPEN, _LIST) else -1
            self._at += 1
            if not depth:
                return

    def members(self) -> Iterator[str]:
        """The keys of the object at the position. The caller reads or skips the value of each before the next."""
        self._expect(_OPEN)
        if self.peek() == _CLOSE:
            self._at += 1
            return
        while True:
            if self.peek() != _QUOTE:
                raise self._broken()
            key = self.value()
            self._expect(_COLON)
            self.peek()
            yield key
            if self._expect(_COMMA, _CLOSE) == _CLOSE:
                return

    def elements(self) -> Iterator[None]:
        """Stops before each element of the array at the position; the caller reads or skips it before the next."""
        self._expect(_LIST)
        if self.peek() == _LIST_END:
            self._at += 1
            return
        while True:
            self.peek()
            yield None
            if self._expect(_COMMA, _LIST_END) == _LIST_END:
                return

    def items(self) -> Iterator[list[Any]]:
        """The values of the array at the position, in batches of 64 KiB.

        Items that cannot be parsed are counted in ``damage`` and passed over. Raises :class:`Broken` where the array
        has no end, after everything before it was handed out.
        """
        self._expect(_LIST)
        gap = self._space()
        if self._at < len(self._data) and self._data[self._at] == _LIST_END:
            self._at += 1
            return
        border = _Border.learn(gap, self._ahead(256))
        going, first = True, True
        while going:
            batch = self._slice(border)
            broken = None
            if batch is None:
                batch, broken = self._one_by_one(border)
            if batch:
                yield batch
            if broken:
                raise broken
            going = self._step(border)
            if going and first:
                # in one line, what stands between two items need not be what stands before the first
                border = _Border.learn(self._gap, self._ahead(256))
            first = False

    def _slice(self, border: _Border) -> list[Any] | None:
        """As many items as a slice holds, parsed at once; None where that cannot be done, and then nothing moved."""
        if border.between is None:
            return None
        self._ahead(self._slice_bytes)
        stop = min(len(self._data), self._at + self._slice_bytes)
        end = self._data.rfind(border.between, self._at, stop)
        if end < 0:
            # a long message, or the last one
            self._ahead(self._block)
            stop = len(self._data)
            end = self._data.find(border.between, self._at, stop)
        batch = self._parsed(end)
        if batch is not None:
            return batch
        last = border.last.search(self._data, self._at, stop) if border.last else None
        if last is not None:
            end = last.start()
            batch = self._parsed(end)
        return self._parsed(end, mended=True) if batch is None else batch

    def _parsed(self, end: int, *, mended: bool = False) -> list[Any] | None:
        """The items from the position to a brace at ``end``, if they are whole ones; and moves behind it."""
        if end < 0:
            return None
        raw = b"".join((b"[", memoryview(self._data)[self._at : end + 1], b"]"))
        if mended and not may_be_mended(raw):
            return None
        try:
            batch: list[Any] = orjson.loads(mend(raw) if mended else raw)
        except ValueError:
            return None
        self._at = end + 1
        return batch

    def _one_by_one(self, border: _Border) -> tuple[list[Any], Broken | None]:
        """Some items, each found by itself; and what keeps the next one from being found."""
        batch: list[Any] = []
        until = self.offset + self._slice_bytes
        while True:
            try:
                batch += self._guessed(border) or self._scanned()
            except (Broken, ValueError):
                try:
                    batch += self._rescued(border)
                except Broken as broken:
                    return batch, broken
            if self.offset >= until or self.peek() != _COMMA:
                return batch, None
            self._at += 1
            self.peek()

    def _guessed(self, border: _Border) -> list[Any]:
        """The item at the position if it ends at the next border held; nothing else moves."""
        end = self._next_border(border, self._at)
        if end < 0:
            return []
        try:
            item = orjson.loads(memoryview(self._data)[self._at : end + 1])
        except ValueError:
            return []
        self._at = end + 1
        return [item]

    def _scanned(self) -> list[Any]:
        """The item at the position, its end found by a scan."""
        end = self._end()
        item = parse(self._data[self._at : end])
        self._at = end
        return [item]

    def _next_border(self, border: _Border, start: int) -> int:
        """Where the next border stands in the bytes held, or -1."""
        between = border.anyhow.search(self._data, start) if border.anyhow else None
        end = between.start() if between else -1
        last = border.last.search(self._data, start, *(() if end < 0 else (end,))) if border.last else None
        return end if last is None else last.start()

    def _rescued(self, border: _Border) -> list[Any]:
        """The item at the position cut at the next border, if that makes sense of it; else it is counted."""
        start = self.offset
        self._to_border(border)
        raw = self._data[start - self._base : self._at]
        try:
            return [parse(raw)]
        except ValueError:
            self.damage.note(start, raw)
            return []

    def _to_border(self, border: _Border) -> None:
        """Moves behind the item's end as the next border shows it. Raises :class:`Broken` where none follows.

        What is passed stays in memory until the next read.
        """
        if border.between is None:
            raise self._broken()
        searched = self._at
        while True:
            end = self._next_border(border, searched)
            if end >= 0:
                self._at = end + 1
                return
            held = len(self._data) - self._at
            if held >= LONGEST or not self._more():
                raise self._broken()
            searched = max(self._at, self._at + held - _MOST // 16)

    def _step(self, border: _Border) -> bool:
        """Over the comma to the next item; False behind the array's end."""
        while True:
            byte = self.peek()
            if byte == _LIST_END:
                self._at += 1
                return False
            if byte == _COMMA:
                self._at += 1
                self._gap = self._space()
                if self.peek() == _LIST_END:
                    self._at += 1
                    return False
                return True
            if byte < 0:
                raise self._broken()
            start = self.offset
            self._to_border(border)
            self.damage.note(start, self._data[start - self._base : self._at])

    def _end(self) -> int:
        """Where the value at the position ends, in the bytes held."""
        while True:
            end = _value_end(self._data, self._at, final=self._ended)
            if end > self._at:
                return end
            if end == self._at or not self._more():
                raise self._broken()

    def _expect(self, *allowed: int) -> int:
        byte = self.peek()
        if byte not in allowed:
            raise self._broken()
        self._at += 1
        return byte

    def _space(self) -> bytes:
        """Passes over white space, and gives it."""
        while True:
            match = _SPACE.match(self._data, self._at)
            assert match is not None
            if match.end() < len(self._data) or not self._more():
                self._at = match.end()
                return match[0]

    def _ahead(self, size: int) -> bytes:
        """The next ``size`` bytes, or what is left."""
        while len(self._data) - self._at < size and self._more():
            pass
        return self._data[self._at : self._at + size]

    def _more(self) -> bool:
        """Reads on, as much as is held or a block; what lies before the position is dropped. False, and nothing
        moved, at the end.
        """
        held = len(self._data) - self._at
        if self._ended or held >= LONGEST:
            return False
        part = self._file.read(max(self._block, held))
        if not part:
            self._ended = True
            return False
        self._base += self._at
        self._data = self._data[self._at :] + part
        self._at = 0
        return True

    def _broken(self) -> Broken:
        return Broken(self.offset, cut=self._ended)


def _value_end(data: bytes, at: int, *, final: bool) -> int:
    """Where the value that starts at ``at`` ends; ``at`` where none starts there, -1 where ``data`` ends first.

    ``final``: nothing follows ``data``.
    """
    if at >= len(data):
        return -1
    if data[at] == _QUOTE:
        string = _STRING.match(data, at)
        return string.end() if string else -1
    if data[at] not in (_OPEN, _LIST):
        scalar = _SCALAR.match(data, at)
        if scalar is None:
            return at
        return scalar.end() if scalar.end() < len(data) or final else -1
    depth = 0
    while True:
        at = _PASS.match(data, at).end()  # type: ignore[union-attr]
        if at == len(data) or data[at] == _QUOTE:
            return -1
        depth += 1 if data[at] in (_OPEN, _LIST) else -1
        at += 1
        if not depth:
            return at
