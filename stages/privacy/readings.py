"""How a file is read for the leak check: as text in blocks, as what a picture says about itself, as bytes.

Text is whatever decodes as UTF-8 (or UTF-16 with its mark) and holds no zero byte; compressed text is read too. In
other files, pictures above all, words of three letters occur by chance: once in some 3 MB of compressed pixels for each
name. So of raw bytes only passages count: a match of 7 bytes or more (6 outside ASCII: once in 10^13 bytes or less for
each name), or any match within 24 printable characters in a row. What is short and meant to be read stands in fields
that Pillow knows (EXIF, XMP, comments, colour profile), which are read as text, like all that follows a picture's end.
"""

import codecs
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from stages.privacy.pictures import end_of_picture, passages, told_by_picture

BLOCK: Final = 4 << 20
_OVERLAP: Final = 2048
_EDGE: Final = 600
_LONG_PASSAGE: Final = 24
_PRINTABLE: Final = bytes((9, 10, 13, *range(32, 127)))


class _Source(Protocol):
    """Whatever is read in pieces, a BinaryIO or a stream unpacked on the way."""

    def read(self, size: int, /) -> bytes: ...


class Reading:
    """A piece of a file as text. ``cut`` says whether the file goes on before and after it."""

    def __init__(
        self, text: str, start: int, suffix: str = "", cut: tuple[bool, bool] = (False, False), width: int = 0
    ) -> None:
        self.text = text
        self.suffix = suffix
        self._start = start
        self._cut = cut
        self._width = width

    def counts(self, start: int, end: int) -> bool:
        """Whether a match stands clear of where the piece was cut; else the next piece, or the last one, has it."""
        return not (self._cut[0] and start < _EDGE) and not (self._cut[1] and end > len(self.text) - _EDGE)

    def offset(self, start: int) -> int:
        """The byte in the file at which character ``start`` of the piece stands; -1 where there is none."""
        return -1 if self._start < 0 else self._start + self._bytes(start)

    def nowhere(self) -> "Reading":
        """The same piece, of bytes that do not stand in the file as they are."""
        self._start = -1
        return self

    def _bytes(self, start: int) -> int:
        return start * self._width if self._width else len(self.text[:start].encode("utf-8", "surrogateescape"))


class _Passages(Reading):
    """Runs of printable characters among other bytes, a line each."""

    def __init__(self, spans: list[tuple[int, bytes]], start: int) -> None:
        self._places = [place for place, _ in spans]
        self._lines: list[int] = []
        texts: list[str] = []
        size = 0
        for _, data in spans:
            texts.append(data.decode("utf-8", "replace"))
            self._lines.append(size)
            size += len(texts[-1]) + 1
        super().__init__("\n".join(texts), start)

    def counts(self, start: int, end: int) -> bool:
        matched = self.text[start:end]
        if len(matched.encode()) >= (7 if matched.isascii() else 6):
            return True
        line = self._lines[bisect_right(self._lines, start) - 1]
        after = self.text.find("\n", line)
        return (len(self.text) if after < 0 else after) - line >= _LONG_PASSAGE

    def _bytes(self, start: int) -> int:
        line = bisect_right(self._lines, start) - 1
        return self._places[line] + len(self.text[self._lines[line] : start].encode())


def read_file(path: Path) -> Iterator[Reading]:
    """The readings of one regular file. Memory: a few blocks, whatever its size. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
        file.seek(0)
        yield from _read(file, head, path.suffix.lower())


def _read(file: BinaryIO, head: bytes, suffix: str) -> Iterator[Reading]:
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        yield from _texts(file, "utf-16", suffix)
    elif head[:2] == b"\x1f\x8b":
        unpacked = _Unpacked(file)
        start = unpacked.read(1 << 16)
        encoding = _encoding(start)
        whole = _Joined(start, unpacked)
        inside = _texts(whole, encoding, suffix) if encoding else _bytes(whole)
        yield from (reading.nowhere() for reading in inside)
    elif encoding := _encoding(head):
        yield from _texts(file, encoding, suffix)
    else:
        yield from _bytes(file)
        file.seek(0)
        yield from (Reading(text, -1) for text in told_by_picture(file))
        end = end_of_picture(file)
        if end is not None:
            file.seek(end)
            yield from (reading.nowhere() for reading in _texts(file, "utf-8", ""))


def _encoding(head: bytes) -> str | None:
    """How a file that begins with ``head`` is read as text; None where it is none."""
    if b"\0" in head:
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        return "latin-1" if len(head.translate(None, _PRINTABLE)) < 0.1 * len(head) else None


def _texts(file: _Source, encoding: str, suffix: str) -> Iterator[Reading]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if encoding == "utf-8" else "replace")
    width = {"utf-16": 2, "latin-1": 1}.get(encoding, 0)
    kept, start, first = "", 0, True
    data = file.read(BLOCK)
    while data:
        ahead = file.read(BLOCK)
        text = kept + decoder.decode(data, final=not ahead)
        yield Reading(text, start, suffix, (not first, bool(ahead)), width)
        gone, kept = text[:-_OVERLAP], text[-_OVERLAP:]
        start += len(gone) * width if width else len(gone.encode("utf-8", "surrogateescape"))
        first, data = first and not gone, ahead


def _bytes(file: _Source) -> Iterator[Reading]:
    """Passages of printable characters, block by block; a passage that spans two blocks is read in the overlap."""
    kept, start = b"", 0
    while data := file.read(BLOCK):
        block = kept + data
        found = [(first, block[first:last]) for first, last in passages(block)]
        if found:
            yield _Passages(found, start)
        kept = block[-_OVERLAP:]
        start += len(block) - len(kept)


class _Unpacked:
    """A gzip stream unpacked as it is read; what is broken ends it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflate = zlib.decompressobj(31)

    def read(self, size: int) -> bytes:
        out = b""
        while not out:
            data = self._inflate.unconsumed_tail or self._file.read(1 << 16)
            if not data or self._inflate.eof:
                return out
            try:
                out = self._inflate.decompress(data, size)
            except zlib.error:
                return b""
        return out


class _Joined:
    """What was read already, then the rest; read once, from the start."""

    def __init__(self, start: bytes, rest: _Unpacked) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int) -> bytes:
        start, self._start = self._start, b""
        return start or self._rest.read(size)
