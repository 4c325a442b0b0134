"""Where the chat's text is: the file itself, or that member of a ZIP which has the headers of a chat."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from stages.errors import BadInput
from stages.ingest.reader import Source
from stages.ingest.text import decoded, text_encoding
from stages.ingest.whatsapp.grammar import read_header
from stages.ingest.zips import Member

_SNIFF: Final = 1 << 16
_ANY_NAME: Final = 2
_FULL_OF_HEADERS: Final = 0.2


@dataclass(frozen=True)
class ChatSource:
    """``open`` gives the chat's text as UTF-8 bytes from the start, any number of times.

    ``members`` are the other files of the ZIP, ``chat_member`` the position of the text, or None for a plain text;
    ``said`` is what must be known of the choice.
    """

    open: Callable[[], BinaryIO]
    size: int
    members: tuple[Member, ...] = ()
    chat_member: int | None = None
    said: tuple[str, ...] = ()


def header_share(head: bytes) -> float:
    """Which share of a text's lines (the first 200 that are not empty) are headers by the general grammar."""
    lines = [line for line in head.decode("utf-8", "replace").split("\n") if line.strip()][:200]
    return sum(read_header(line.rstrip("\r")[:200]) is not None for line in lines) / len(lines) if lines else 0.0


def looks_like_chat(source: Source) -> bool:
    """Whether a text, or a text in a ZIP, has a line that begins as messages do. Reads 64 KiB of each text."""
    if source.members is None:
        return _share("The file", source.head) > 0
    return bool(_graded(source))


def find_chat(source: Source) -> ChatSource:
    """The chat in a text file or ZIP.

    Raises :class:`BadInput` for what is no text, for a ZIP without a chat or with several.
    """
    if source.members is None:
        encoding = text_encoding(source.path, source.head)
        return ChatSource(lambda: decoded(source.open(), encoding), source.size)
    graded = _graded(source)
    if not graded:
        raise BadInput(f"The ZIP {source.path} holds no chat that can be read{_why_no_chat(source.members)}.")
    best = min(rank for rank, _, _ in graded)
    chats = [(share, member) for rank, share, member in graded if rank == best]
    if best == _ANY_NAME:
        # without a name that tells, several texts full of headers are several chats
        chats = [pair for pair in chats if pair[0] >= _FULL_OF_HEADERS] or [max(chats, key=lambda pair: pair[0])]
    if len(chats) > 1:
        raise BadInput(
            f"The ZIP {source.path} holds {len(chats)} chats; unpack it and give each chat's text file on its own."
        )
    chat = chats[0][1]
    others = tuple(member for member in source.members if member.position != chat.position)
    encoding = text_encoding("The chat in the ZIP", _head(source, chat))
    named = sum(rank < _ANY_NAME for rank, _, _ in graded)
    said = (
        f"The ZIP holds {named} texts that are named and written like chats; the one with the name that iOS gives was "
        "read. Unpack the ZIP and give the other one on its own if that is the chat.",
    )
    return ChatSource(
        lambda: decoded(source.open(chat), encoding), chat.size, others, chat.position, said if named > 1 else ()
    )


def _graded(source: Source) -> list[tuple[int, float, Member]]:
    """(rank of the name, share of headers, member) of the texts that may be the chat."""
    texts = [member for member in source.members or () if member.name.lower().endswith(".txt") and member.size > 0]
    graded = [(_rank(member), _share("A text in the ZIP", _head(source, member)), member) for member in texts]
    # documents that people sent end in .txt as well: a chat is what has headers
    return [(rank, share, member) for rank, share, member in graded if share >= (0.05 if rank == _ANY_NAME else 0.001)]


def _rank(member: Member) -> int:
    """0 the name that iOS gives, 1 a name that WhatsApp gives in some language, 2 any other."""
    stem = member.name.lower()
    return 0 if stem == "_chat.txt" else 1 if "whatsapp" in stem else _ANY_NAME


def _share(what: str, head: bytes) -> float:
    try:
        encoding = text_encoding(what, head)
    except BadInput:
        return 0.0
    if encoding != "utf-8":
        head = head.decode(encoding, "replace").removeprefix("\ufeff").encode("utf-8", "replace")
    return header_share(head.removeprefix(codecs.BOM_UTF8))


def _head(source: Source, member: Member) -> bytes:
    with source.open(member) as file:
        return file.read(_SNIFF)


def _why_no_chat(members: tuple[Member, ...]) -> str:
    names = {member.name.lower() for member in members}
    if any(name.endswith(".zip") for name in names):
        return " but another ZIP; unpack it and give the inner one"
    if not members:
        return ": it is empty"
    if any(name.endswith((".html", ".htm")) for name in names):
        return " but web pages; export the chat again as JSON"
    return (
        "; a WhatsApp export has a text whose lines begin with a date and time, Telegram's a result.json, "
        "Slack's a folder of days for each channel"
    )
