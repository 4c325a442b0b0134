"""Text of any encoding that phones and people write, as a stream of UTF-8; and what is no text, said in a sentence."""

import codecs
import io
from pathlib import Path
from typing import BinaryIO, Final, cast

from stages.errors import BadInput

_MAGIC: Final = (
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3\0", "a database"),
    (b"PAR1", "a Parquet file"),
    (b"OggS", "a sound file"),
    (b"ID3", "a sound file"),
    (b"{\\rtf", "a rich text document"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
)


def text_encoding(what: Path | str, head: bytes) -> str:
    """``utf-8``, ``utf-16-le`` or ``utf-16-be``. Raises :class:`BadInput` for what is no text, a picture, a sound."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16-le" if head[0] == 0xFF else "utf-16-be"
    for magic, name in _MAGIC:
        if head.startswith(magic) and (len(magic) > 2 or magic == b"\x1f\x8b" or b"\0" in head[:64]):
            raise BadInput(f"{what} is {name}, not a chat export.")
    if head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE", b"AVI ")):
        raise BadInput(f"{what} is a picture, sound or film, not a chat export.")
    zeros = head.count(0)
    if zeros > len(head) // 4:
        # UTF-16 without a mark: every other byte of the digits, signs and spaces of the headers is zero
        odd = head[1::2].count(0)
        even = zeros - odd
        if odd > 9 * even and odd > len(head) // 5:
            return "utf-16-le"
        if even > 9 * odd and even > len(head) // 5:
            return "utf-16-be"
    control = sum(head.count(byte) for byte in (*range(9), *range(14, 27), 28, 29, 30, 31))
    if control * 20 > len(head):
        raise BadInput(f"{what} is a binary file, not a chat export.")
    return "utf-8"


def decoded(file: BinaryIO, encoding: str) -> BinaryIO:
    """The stream as UTF-8 without a byte order mark at its start; closing it closes ``file``."""
    if encoding == "utf-8":
        return cast(BinaryIO, io.BufferedReader(_SkipMark(file), 1 << 20))
    return cast(BinaryIO, io.BufferedReader(_Transcoded(file, encoding), 1 << 20))


class _SkipMark(io.RawIOBase):
    """The file without a byte order mark at its start."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._head: bytes | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._head is None:
            self._head = self._file.read(3).removeprefix(codecs.BOM_UTF8)
        if self._head:
            part = self._head[: len(buffer)]
            self._head = self._head[len(part) :]
        else:
            part = self._file.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Transcoded(io.RawIOBase):
    """UTF-16 as UTF-8, streamed; what is not valid becomes U+FFFD."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""
        self._first = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            raw = self._file.read(1 << 18)
            text = self._decoder.decode(raw, final=not raw)
            if self._first and text:
                text, self._first = text.removeprefix("\ufeff"), False
            # a lone surrogate decodes to U+FFFD already; "replace" keeps the encoder from failing on any
            self._ready = text.encode("utf-8", "replace")
            if not raw:
                break
        part = self._ready[: len(buffer)]
        self._ready = self._ready[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()
