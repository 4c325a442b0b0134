"""What a file is, from its content and never from its name; and a stream of the chat's text in UTF-8.

A file that is not regular is refused before it is opened. Every refusal is one sentence that says what was found.
"""

import codecs
import io
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits
from stages.ingest.zips import Member, list_members, open_member

_SNIFF: Final = 1 << 16
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


@dataclass(frozen=True)
class ChatSource:
    """Where the chat's text is: ``open`` gives it as UTF-8 bytes from the start, any number of times.

    ``members`` are the other files of the ZIP, ``chat_member`` the position of the text, or None for a plain text.
    """

    open: Callable[[], BinaryIO]
    size: int
    members: tuple[Member, ...] = ()
    chat_member: int | None = None


def find_chat(path: Path, score: Callable[[bytes], float], limits: ZipLimits | None = None) -> ChatSource:
    """The chat in a text file or ZIP; ``score`` says which share of a text's first lines are headers (0..1).

    Raises :class:`BadInput` for what is missing, empty, a folder, not a regular file, a picture, binary, another
    app's export, or a ZIP without a chat.
    """
    limits = limits or ZipLimits()
    size = _regular(path)
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFF)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _in_zip(path, score, limits)
    encoding = _encoding(path, head)
    return ChatSource(lambda: _decoded(path.open("rb"), encoding), size)


def _regular(path: Path) -> int:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be looked at: {getattr(error, 'strerror', None) or error}.") from None
    if stat.S_ISDIR(status.st_mode):
        raise BadInput(f"{path} is a folder; give the export's ZIP or text file itself.")
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(f"{path} is not a regular file; give the export's ZIP or text file itself.")
    if status.st_size == 0:
        raise BadInput(f"{path} is empty; export the chat again.")
    return status.st_size


def _encoding(what: Path | str, head: bytes) -> str:
    """``utf-8``, ``utf-16-le`` or ``utf-16-be``. Raises :class:`BadInput` for what is no text, or another app's."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16-le" if head[0] == 0xFF else "utf-16-be"
    for magic, name in _MAGIC:
        if head.startswith(magic) and (len(magic) > 2 or b"\0" in head[:64]):
            raise BadInput(f"{what} is {name}, not a chat export (ZIP or text).")
    if head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE", b"AVI ")):
        raise BadInput(f"{what} is a picture, sound or film, not a chat export (ZIP or text).")
    if head.startswith((b"\x1f\x8b",)):
        raise BadInput(f"{what} is a gzip file, not a chat export (ZIP or text).")
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
        raise BadInput(f"{what} is a binary file, not a chat export (ZIP or text).")
    _refuse_other_apps(what, head)
    return "utf-8"


def _refuse_other_apps(what: Path | str, head: bytes) -> None:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    first = start.split(b"\n", 1)[0]
    if start.startswith((b"{", b"[{")) or (start.startswith(b"[") and start[1:].lstrip().startswith(b"{")):
        raise BadInput(
            f"{what} is JSON, as Telegram, Discord or Signal export it; "
            "this version reads WhatsApp exports (ZIP or text)."
        )
    if first.startswith(b"AuthorID,Author,Date,Content"):
        raise BadInput(f"{what} is a Discord export (CSV); this version reads WhatsApp exports (ZIP or text).")
    if start[:200].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadInput(f"{what} is a web page or XML, not a chat export (ZIP or text).")


def _in_zip(path: Path, score: Callable[[bytes], float], limits: ZipLimits) -> ChatSource:
    members = list_members(path, limits)
    texts = [member for member in members if member.name.lower().endswith(".txt") and member.size > 0]
    if any(member.encrypted for member in texts) or (members and all(member.encrypted for member in members)):
        raise BadInput(f"The ZIP {path} is encrypted; export the chat again without a password, or unpack it first.")
    graded = [(_rank(member), _headers(path, member, score, limits), member) for member in texts]
    # documents that people sent end in .txt as well: a chat is what has headers
    graded = [(rank, share, member) for rank, share, member in graded if share >= (0.05 if rank == 2 else 0.001)]
    if not graded:
        raise BadInput(f"The ZIP {path} holds no chat that can be read{_why_no_chat(members)}.")
    best = min(rank for rank, _, _ in graded)
    chats = [(share, member) for rank, share, member in graded if rank == best]
    if len(chats) > 1 and best < 2:
        raise BadInput(f"The ZIP {path} holds {len(chats)} chats; unpack it and give each chat's text file on its own.")
    chat = max(chats, key=lambda pair: (pair[0], pair[1].size))[1]
    others = tuple(member for member in members if member.position != chat.position)
    with _member_stream(path, chat, limits) as file:
        encoding = _encoding("The chat in the ZIP", file.read(_SNIFF))
    return ChatSource(lambda: _decoded(_member_stream(path, chat, limits), encoding), chat.size, others, chat.position)


def _rank(member: Member) -> int:
    """0 the name that iOS gives, 1 a name that WhatsApp gives in some language, 2 any other."""
    stem = member.name.lower()
    return 0 if stem == "_chat.txt" else 1 if "whatsapp" in stem else 2


def _headers(path: Path, member: Member, score: Callable[[bytes], float], limits: ZipLimits) -> float:
    with _member_stream(path, member, limits) as file:
        head = file.read(_SNIFF)
    try:
        encoding = _encoding("A text in the ZIP", head)
    except BadInput:
        return 0.0
    if encoding != "utf-8":
        head = head.decode(encoding, "replace").encode()
    return score(head.removeprefix(codecs.BOM_UTF8))


def _member_stream(path: Path, member: Member, limits: ZipLimits) -> BinaryIO:
    return open_member(path, member.position, limit=min(limits.chat_bytes, limits.max_bytes), limits=limits)


def _why_no_chat(members: list[Member]) -> str:
    names = {member.name.lower() for member in members}
    if {"users.json", "channels.json"} & names:
        return ": it is a Slack export, and this version reads WhatsApp exports"
    if "result.json" in names:
        return ": it is a Telegram export, and this version reads WhatsApp exports"
    if any(name.endswith(".zip") for name in names):
        return " but another ZIP; unpack it and give the inner one"
    if not members:
        return ": it is empty"
    return "; a WhatsApp export has a _chat.txt or a text file whose lines begin with a date and time"


def _decoded(file: BinaryIO, encoding: str) -> BinaryIO:
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
