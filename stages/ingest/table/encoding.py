"""A table's text as UTF-8, whatever it is written in: UTF-8, UTF-16, or a code page, which is then said.

The file is looked at once in full: a name with an accent may come late. What is damaged becomes U+FFFD and is counted.
"""

import codecs
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from stages.errors import BadInput
from stages.ingest.reader import Source
from stages.ingest.text import text_encoding

_CHUNK: Final = 1 << 20
_SAMPLE: Final = 1 << 16
_BAD: Final = "\ufffd".encode()
_WORD: Final = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_UNDEFINED: Final = frozenset(b"\x81\x8d\x8f\x90\x9d")
_PAGES: Final = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "iso8859_2", "iso8859_15", "koi8_r",
    "mac_roman", "cp850", "shift_jis", "euc_jp", "euc_kr", "gb18030", "big5",
]  # fmt: skip


@dataclass
class Text:
    """How a file's bytes become text: ``encoding``, whether a lone CR ends its lines, sentences about both."""

    encoding: str
    carriage: bool = False
    said: list[str] = field(default_factory=list)

    def opened(self, file: BinaryIO) -> BinaryIO:
        """The file as UTF-8 with LF at the ends of lines (CRLF stays); closing it closes the file."""
        return cast(BinaryIO, io.BufferedReader(_Utf8(file, self), _CHUNK))


def look(source: Source) -> Text:
    """The encoding of a file. Raises :class:`BadInput` for what is no text. Cost: one pass over the bytes."""
    encoding = text_encoding(source.path, source.head)
    if encoding != "utf-8":
        with source.open() as file:
            head = _Utf8(file, Text(encoding)).read(_SAMPLE) or b""
        return Text(encoding, _carriage(head))
    found = Text("utf-8", _carriage(source.head))
    counts = _Counts()
    with source.open() as file:
        while chunk := file.read(_CHUNK):
            counts.add(chunk)
    counts.finish()
    if counts.bad > counts.good:
        found.encoding = _code_page(bytes(counts.sample))
        found.said.append(f"The file is not UTF-8; it was read as {found.encoding}, which is a guess.")
    elif counts.bad:
        found.said.append(f"{counts.bad} bytes are no UTF-8; they were read as U+FFFD.")
    if counts.nuls:
        found.said.append(f"{counts.nuls} NUL characters were read as U+FFFD.")
    return found


def _carriage(head: bytes) -> bool:
    return b"\r" in head and b"\n" not in head


class _Counts:
    """Letters of several bytes that are whole, bytes that are none, and lines with such bytes."""

    def __init__(self) -> None:
        self.good = 0
        self.bad = 0
        self.nuls = 0
        self.sample = bytearray()
        self._rest = b""

    def add(self, chunk: bytes, *, final: bool = False) -> None:
        self.nuls += chunk.count(0)
        data = self._rest + chunk
        self._rest = b""
        if data.isascii():
            return
        if not final:
            data, self._rest = _whole(data)
        try:
            text = data.decode()
            self.good += len(data) - len(text)
        except UnicodeDecodeError:
            text = data.decode("utf-8", "replace")
            real = data.count(_BAD)
            bad = text.count("\ufffd") - real
            self.bad += bad
            self.good += max(len(text.encode()) - len(text) - 2 * bad, 0)
            for line in data.split(b"\n") if len(self.sample) < _SAMPLE else ():
                if not line.isascii() and len(self.sample) < _SAMPLE:
                    self.sample += line[:2_000] + b"\n"

    def finish(self) -> None:
        if self._rest:
            self.add(b"", final=True)


def _whole(data: bytes) -> tuple[bytes, bytes]:
    """The data without a letter that is cut at its end, and that rest."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return (data[:-back], data[-back:]) if need > back else (data, b"")
        if byte < 0x80:
            break
    return data, b""


def _code_page(sample: bytes) -> str:
    """The likeliest code page. Western words are mostly letters of ASCII; others go to the guesser."""
    words = _WORD.findall(sample)
    high = sum(byte >= 0x80 for word in words for byte in word)
    letters = sum(map(len, words)) - high
    if high <= letters and not (_UNDEFINED & set(sample)):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_PAGES).best()
    return best.encoding if best is not None else "cp1252" if not (_UNDEFINED & set(sample)) else "latin-1"


class _Utf8(io.RawIOBase):
    """The file in UTF-8 without a mark at its start, NULs and what is not valid as U+FFFD."""

    def __init__(self, file: BinaryIO, text: Text) -> None:
        self._file = file
        self._carriage = text.carriage
        self._plain = text.encoding == "utf-8"
        self._decode: Callable[..., str] = codecs.getincrementaldecoder(text.encoding)("replace").decode
        self._rest = b""
        self._ready = memoryview(b"")
        self._first = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            raw = self._file.read(_CHUNK)
            data = self._converted(raw)
            if self._first and data:
                data, self._first = data.removeprefix(codecs.BOM_UTF8), False
            self._ready = memoryview(data)
            if not raw:
                break
        part = self._ready[: len(buffer)]
        self._ready = self._ready[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def _converted(self, raw: bytes) -> bytes:
        if self._plain:
            data = self._rest + raw
            data, self._rest = _whole(data) if raw else (data, b"")
            if not data.isascii():
                try:
                    data.decode()
                except UnicodeDecodeError:
                    data = data.decode("utf-8", "replace").encode()
        else:
            data = self._decode(raw, not raw).encode("utf-8", "replace")
        if b"\0" in data:
            data = data.replace(b"\0", _BAD)
        return data.replace(b"\r", b"\n") if self._carriage else data

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def refuse_empty(what: str, rows: int) -> None:
    """Raises :class:`BadInput` for a table without rows."""
    if not rows:
        raise BadInput(f"{what} has no rows below its header; export the chat again.")
