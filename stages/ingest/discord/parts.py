"""The files of a DiscordChatExporter export: which they are, what each says of itself, and how they make chats.

An export is one JSON file or a ZIP of them: a big channel comes in partitions, and each channel is a chat of its own.
Files are known by what is in them; names are labels only.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Final

from stages.errors import BadInput
from stages.ingest.reader import Source

CHUNK: Final = 4 << 20
HEAD: Final = 1 << 16
_LONGEST_HEADER: Final = 1 << 20
_MOST_LOOKED_AT: Final = 2_000
_MESSAGES: Final = re.compile(rb'"messages"\s*:\s*\[')
_FIRST_ID: Final = re.compile(rb'\s*\{\s*"id"\s*:\s*"?(\d{1,19})\b')
_THREADS: Final = frozenset({"GuildNewsThread", "GuildPublicThread", "GuildPrivateThread", "10", "11", "12"})
_KINDS: Final = {
    "DirectTextChat": "direct messages", "DirectGroupTextChat": "group of direct messages",
    "GuildVoiceChat": "voice channel", "GuildStageVoice": "voice channel", "GuildNews": "news channel",
    "GuildForum": "forum", "GuildNewsThread": "thread", "GuildPublicThread": "thread", "GuildPrivateThread": "thread",
    "1": "direct messages", "3": "group of direct messages", "10": "thread", "11": "thread", "12": "thread",
}  # fmt: skip


@dataclass(frozen=True)
class Channel:
    """What a file says of its channel. ``direct``: its name is that of people."""

    id: str
    name: str
    kind: str
    direct: bool
    thread: bool


@dataclass(frozen=True)
class Part:
    """One JSON file: ``where`` names it in sentences, ``first`` is its first message's id (0 where it has none)."""

    open: Callable[[], BinaryIO]
    where: str
    channel: Channel
    first: int
    position: int | None = None


def looks_like_json(head: bytes) -> bool:
    """Whether a file's first bytes are those of a JSON export: an object with a guild and a channel."""
    text = as_utf8(head).lstrip()
    return text.startswith(b"{") and _key(text, b"guild") and _key(text, b"channel")


def as_utf8(head: bytes) -> bytes:
    """A file's first bytes without a byte order mark, UTF-16 turned into UTF-8."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").encode()
    return head.removeprefix(codecs.BOM_UTF8)


def utf8_chunks(stream: BinaryIO, size: int = CHUNK) -> Iterator[bytes]:
    """The file in pieces, as :func:`as_utf8`. Invalid bytes of UTF-8 stay as they are."""
    first = stream.read(size)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        while first:
            yield decoder.decode(first).encode("utf-8", "replace")
            first = stream.read(size)
        return
    yield first.removeprefix(codecs.BOM_UTF8)
    while chunk := stream.read(size):
        yield chunk


def json_parts(source: Source) -> list[Part]:
    """The JSON files of an export in its order. Raises :class:`BadInput` where the only one says nothing of itself."""
    if source.members is None:
        return [_part(source.open, "The export")]
    found = []
    candidates = [member for member in source.members if member.name.lower().endswith(".json") and member.size]
    for member in candidates[:_MOST_LOOKED_AT]:
        opening = partial(source.open, member)
        with opening() as stream:
            head = stream.read(HEAD)
        if looks_like_json(head):
            found.append(_part(opening, f"Entry {member.position} of the ZIP", member.position))
    return found


def by_channel(parts: Iterable[Part]) -> list[list[Part]]:
    """Partitions of one channel together, in the order of their first messages; channels as they first come."""
    channels: dict[str, list[Part]] = {}
    for part in parts:
        channels.setdefault(part.channel.id, []).append(part)
    return [sorted(group, key=lambda part: part.first) for group in channels.values()]


def counted(number: int, thing: str) -> str:
    """``1 row is`` or ``2 rows are``."""
    return f"1 {thing} is" if number == 1 else f"{number:,} {thing}s are"


def words(kind: str) -> str:
    """A channel's type for a person."""
    return _KINDS.get(kind, "channel")


def messages_start(head: bytes) -> int | None:
    """Where the list of messages begins, behind its bracket."""
    match = _MESSAGES.search(head)
    return match.end() if match else None


def _key(text: bytes, name: bytes) -> bool:
    return re.search(rb'"%s"\s*:\s*\{' % name, text) is not None


def _part(opening: Callable[[], BinaryIO], where: str, position: int | None = None) -> Part:
    head, match = b"", None
    with opening() as stream:
        for chunk in utf8_chunks(stream, HEAD):
            head += chunk
            match = match or _MESSAGES.search(head)
            if (match and len(head) > match.end() + HEAD // 2) or len(head) > _LONGEST_HEADER:
                break
    if match is None:
        raise BadInput(f"{where} looks like a Discord export but has no list of messages; export the channel again.")
    header = _header(head[: match.start()])
    if header is None:
        raise BadInput(
            f"{where} does not say before its messages which channel it is of; "
            "export the channel again with DiscordChatExporter."
        )
    first = _FIRST_ID.match(head, match.end())
    return Part(opening, where, _channel(header), int(first[1]) if first else 0, position)


def _header(raw: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(raw.decode("utf-8", "replace").rstrip().rstrip(",") + "}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(header.get("channel"), dict):
        return None
    return header


def _channel(header: dict[str, Any]) -> Channel:
    channel = header["channel"]
    guild = header.get("guild")
    kind = str(channel.get("type") or "")
    direct = kind in ("DirectTextChat", "DirectGroupTextChat", "1", "3") or (
        isinstance(guild, dict) and str(guild.get("id")) == "0"
    )
    return Channel(str(channel.get("id") or ""), str(channel.get("name") or ""), kind, direct, kind in _THREADS)
