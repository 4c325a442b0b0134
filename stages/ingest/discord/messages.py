"""The messages of one JSON file as objects, some thousand at a time.

DiscordChatExporter writes every message on lines of its own, and a line feed cannot stand inside a string of JSON: so
messages are cut apart by bytes and read in blocks. Any other layout goes through ijson, event by event. Both give the
same; the first is several times faster and loses, in a damaged file, nothing but the damaged message.
"""

import codecs
import gc
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeAlias

import ijson
import orjson

from stages.ingest.discord.parts import Part, messages_start, utf8_chunks
from stages.ingest.nesting import refuse_depth

Messages: TypeAlias = list[dict[str, Any]]

_EVENT_CHUNK: Final = 1 << 18
_CLOSED: Final = b"}}"
_LISTS: Final = (
    (b"attachments", b"embeds", b"stickers", b"reactions", b"mentions", b"inlineEmojis"),
    (b"attachments", b"embeds", b"stickers", b"reactions", b"mentions"),
    (b"attachments", b"embeds", b"reactions", b"mentions"),
)
"""How versions of the exporter write that nothing hangs on a message."""
_MOST_AUTHORS: Final = 20_000
_LONGEST: Final = 32 << 20
"""No message is longer: what is has another layout than it began with."""
_LAYOUT: Final = re.compile(rb"(\r?\n)([ \t]+)\{\r?\n")
_START: Final = re.compile(rb'\{\s*"id"\s*:\s*"\d+"\s*,\s*"type"\s*:\s*"?\w*"?\s*,\s*"timestamp"')
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


@dataclass
class Damage:
    """What of a file could not be read: how many messages, the byte of the first, whether the end is missing."""

    lost: int = 0
    first: int | None = None
    cut: bool = False
    replaced: bool = False

    def lose(self, count: int, at: int) -> None:
        self.lost += count
        self.first = at if self.first is None else self.first


def read_messages(part: Part, damage: Damage, *, by_events: bool = False) -> Iterator[Messages]:
    """The messages in the file's order. ``by_events`` takes the general way where the fast one would do.

    Lists that are empty may be left out. Cost: linear; memory is that of one block of 4 MiB and its objects.
    """
    with part.open() as stream:
        chunks = utf8_chunks(stream)
        head = next(chunks, b"")
        while (start := messages_start(head)) is None:
            more = next(chunks, None)
            if more is None:
                damage.cut = True
                return
            head += more
        layout = None if by_events else _LAYOUT.match(head, start)
        if layout is None:
            yield from _by_events(head, chunks, damage)
        else:
            yield from _by_lines(head, start, chunks, (layout[1], layout[2]), damage)


def _by_lines(
    head: bytes, start: int, chunks: Iterator[bytes], layout: tuple[bytes, bytes], damage: Damage
) -> Iterator[Messages]:
    feed, indent = layout
    authors = _Authors(feed, indent)
    close = feed + indent + b"}"
    between = close + b"," + feed + indent + b"{"
    offset, data = start, b""
    for chunk in chain((head[start:],), chunks):
        # what was searched before is not searched again
        seek = max(len(data) - len(between), 0)
        data += chunk
        cut = data.rfind(between, seek)
        if cut < 0:
            if len(data) > _LONGEST:
                yield from _by_events(b'{"messages":[' + data, chunks, damage)
                return
            continue
        yield _objects(data[: cut + len(close)], between, offset, damage, authors)
        taken = cut + len(close) + 1
        offset, data = offset + taken, data[taken:]
    end = data.rfind(close)
    if end >= 0:
        end += len(close)
        yield _objects(data[:end], between, offset, damage, authors)
        rest = data[end:]
    else:
        rest = data
    if not rest.lstrip(b", \t\r\n").startswith(b"]"):
        damage.cut = True
        if rest.strip(b", \t\r\n"):
            damage.lose(1, offset + len(data) - len(rest))


class _Authors:
    """Authors as they were written, each read once: half of an export are the same few of them again and again."""

    def __init__(self, feed: bytes, indent: bytes) -> None:
        # a line that begins so is a key of a message itself: what is deeper stands further in
        step = indent + indent[: len(indent) // 2]
        self._start = feed + step + b'"author": {' + feed
        self._end = feed + step + b"}"
        line = feed + step
        # most messages end in lists that hold nothing: what is not there need not be read
        self._empty = [
            b"," + b",".join(line + b'"%s": []' % name for name in names) + feed + indent + b"}" for names in _LISTS
        ]
        self._table: dict[bytes, int] = {}
        self._authors: list[dict[str, Any]] = []

    def objects(self, block: bytes) -> list[Any]:
        """The messages of a block. Raises :class:`orjson.JSONDecodeError` where it is no JSON."""
        if len(self._authors) > _MOST_AUTHORS:
            self._table, self._authors = {}, []
        pieces = [b"["]
        past = 0
        at = block.find(self._start)
        while at >= 0:
            start = at + len(self._start)
            end = block.find(self._end, start)
            if end < 0:
                break
            blob = block[start:end]
            number = self._table.get(blob)
            if number is None:
                number = self._add(blob)
            # a number stands for the author until the block is read
            pieces += (block[past:start], b'"":%d' % number)
            past = end + len(self._end)
            for empty in self._empty:
                if block.startswith(empty, past):
                    pieces.append(_CLOSED)
                    past += len(empty)
                    break
            else:
                pieces.append(b"}")
            at = block.find(self._start, past)
        pieces += (block[past:], b"]")
        messages: list[Any] = _loads(b"".join(pieces))
        authors = self._authors
        for message in messages:
            if isinstance(message, dict):
                author = message.get("author")
                if isinstance(author, dict) and "" in author:
                    message["author"] = authors[author[""]]
        return messages

    def _add(self, blob: bytes) -> int:
        author = orjson.loads(b"{" + blob + b"}")
        self._authors.append(author)
        self._table[blob] = len(self._authors) - 1
        return len(self._authors) - 1


def _loads(raw: bytes) -> Any:
    """JSON without the search for garbage that so many new objects set off: there is none among them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return orjson.loads(raw)
    finally:
        if enabled:
            gc.enable()


def _objects(block: bytes, between: bytes, offset: int, damage: Damage, authors: _Authors) -> Messages:
    try:
        return _dicts(authors.objects(block), offset, damage)
    except orjson.JSONDecodeError:
        pass
    found: Messages = []
    join = between.index(b",")
    at = 0
    while at < len(block):
        end = block.find(between, at)
        end = len(block) if end < 0 else end + join
        message = _object(block[at:end], damage)
        if message is None:
            damage.lose(1, offset + at)
        else:
            found.append(message)
        at = end + 1
    return found


def _object(raw: bytes, damage: Damage) -> dict[str, Any] | None:
    """One message, with what is no valid text in it replaced."""
    text = raw.decode("utf-8", "replace")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    scrubbed: dict[str, Any] = _scrubbed(message)
    damage.replaced |= scrubbed != message or ("\ufffd" in text and b"\xef\xbf\xbd" not in raw)
    return scrubbed


def _scrubbed(value: Any) -> Any:
    """Half surrogates, which a name cut in two leaves, cannot be written as UTF-8."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_scrubbed(each) for each in value]
    if isinstance(value, dict):
        return {key: _scrubbed(each) for key, each in value.items()}
    return value


def _dicts(values: list[Any], offset: int, damage: Damage) -> Messages:
    found = [value for value in values if isinstance(value, dict)]
    if len(found) < len(values):
        damage.lose(len(values) - len(found), offset)
    return found


def _by_events(head: bytes, chunks: Iterator[bytes], damage: Damage) -> Iterator[Messages]:
    events = ijson.sendable_list()
    parser = ijson.items_coro(events, "messages.item", use_float=True)
    offset = 0
    pieces = _valid(_pieces(head, chunks), damage)
    for chunk in pieces:
        try:
            parser.send(refuse_depth(chunk))
        except ijson.JSONError:
            # the parser cannot go on; what is left is counted, so that nobody takes a part for the whole
            read = len(events)
            yield _dicts(list(events), offset, damage)
            starts = [match.start() for match in _START.finditer(chunk)]
            left = len(starts) - read + sum(len(_START.findall(piece)) for piece in pieces)
            damage.lose(max(left, 1), offset + (starts[read] if read < len(starts) else 0))
            return
        if events:
            yield _dicts(list(events), offset, damage)
            del events[:]
        offset += len(chunk)
    try:
        parser.close()
    except ijson.JSONError:
        damage.cut = True
        if events:
            yield _dicts(list(events), offset, damage)


def _pieces(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for at in range(0, len(head), _EVENT_CHUNK):
        yield head[at : at + _EVENT_CHUNK]
    for chunk in chunks:
        for at in range(0, len(chunk), _EVENT_CHUNK):
            yield chunk[at : at + _EVENT_CHUNK]


def _valid(pieces: Iterator[bytes], damage: Damage) -> Iterator[bytes]:
    """The pieces with invalid UTF-8 replaced: the parser stops at it."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        if piece.isascii() and decoder.getstate() == (b"", 0):
            yield piece
            continue
        text = decoder.decode(piece)
        damage.replaced |= "\ufffd" in text and b"\xef\xbf\xbd" not in piece
        yield text.encode("utf-8", "replace")
