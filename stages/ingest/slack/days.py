"""The entries of a day file, whole where it is small and streamed where it is large; what is broken is counted."""

import codecs
import gc
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import ijson
import orjson

from stages.errors import BadInput
from stages.ingest.nesting import refuse_depth
from stages.ingest.reader import Source
from stages.ingest.slack.values import entry
from stages.ingest.zips import Member

LARGE: Final = 16 << 20
"""Bytes from which on a file is streamed: as objects it takes several times as much memory."""
_CHUNK: Final = 2_000
_OVERLAP: Final = 8_192


@dataclass
class Damage:
    """What could not be read: files, their bytes, and where and why the first one failed.

    ``replaced`` counts characters that were no valid text, ``replaced_in`` says where the first one stands.
    """

    files: int = 0
    lost: int = 0
    replaced: int = 0
    replaced_in: str = ""
    first: str = ""
    why: str = ""
    refusals: list[BadInput] = field(default_factory=list)

    def add(self, member: Member, why: str, lost: int) -> None:
        """Count a file; ``lost`` are its bytes that were not understood."""
        if not self.files:
            self.first = place(member)
            self.why = why
        self.files += 1
        self.lost += lost


def place(member: Member) -> str:
    """Where something stands, for a person, without the name of a channel."""
    return f"entry {member.position} of the ZIP ({member.name.removesuffix('.json')})"


def day_blocks(source: Source, member: Member) -> Iterator[bytes]:
    """The bytes of a file in blocks that overlap, for searches; mostly one. What cannot be read ends them."""
    try:
        with source.open(member) as stream:
            tail = b""
            while block := stream.read(LARGE):
                yield tail + block
                tail = block[-_OVERLAP:]
    except BadInput:
        # the same happens when its messages are read, and is counted then
        return


def day_entries(source: Source, member: Member, damage: Damage, large: int = LARGE) -> Iterator[list[Any]]:
    """The entries of a list in the order of the file, some thousands at once. Memory: bounded by ``large`` bytes.

    What stands before a break is handed out, and the rest counted in ``damage``.
    """
    try:
        with source.open(member) as stream:
            data = stream.read(large)
            small = len(data) < large or not stream.read(1)
        if small:
            yield from _whole(data, member, damage)
        else:
            with source.open(member) as stream:
                yield from _streamed(_Counting(stream), member, damage)
    except BadInput as error:
        damage.refusals.append(error)
        damage.add(member, "it is damaged, encrypted or beyond the limits", member.size)


def json_list(source: Source, member: Member) -> list[dict[str, Any]] | None:
    """The objects of a list of users or conversations; None where it is broken. Memory: a few times the file's."""
    damage = Damage()
    found = [item for part in day_entries(source, member, damage, large=256 << 20) for item in part]
    return None if damage.files else [item for item in found if isinstance(item, dict)]


def _whole(data: bytes, member: Member, damage: Damage) -> Iterator[list[Any]]:
    collecting = gc.isenabled()
    # so many objects at once set off search after search for garbage among them, which is four fifths of the time
    gc.disable()
    try:
        loaded = orjson.loads(data)
    except orjson.JSONDecodeError:
        loaded = _lenient(data, member, damage)
    finally:
        if collecting:
            gc.enable()
    found = _listed(loaded)
    if found is None:
        damage.add(member, "it holds no list of messages", len(data))
    elif found:
        yield found


def _listed(loaded: object) -> list[Any] | None:
    if isinstance(loaded, list):
        return loaded
    inside = entry(loaded)
    if isinstance(inside.get("messages"), list):
        return list(inside["messages"])
    return [inside] if "ts" in inside else None


def _lenient(data: bytes, member: Member, damage: Damage) -> object:
    """What is JSON but for its letters, or the whole entries before a break."""
    text = data.decode(json.detect_encoding(data), "replace").removeprefix("\ufeff")
    replaced = text.count("\ufffd")
    if replaced and b"\xef\xbf\xbd" not in data:
        damage.replaced_in = damage.replaced_in or place(member)
        damage.replaced += replaced
    halves = "\\ud" in text.casefold()
    try:
        loaded = json.loads(text, strict=False)
        return _whole_characters(loaded) if halves else loaded
    except (ValueError, RecursionError):
        found, at = _before_break(text)
    damage.add(member, f"its JSON is broken at character {at}", len(data) - len(data) * at // max(len(text), 1))
    return _whole_characters(found) if halves else found


def _before_break(text: str) -> tuple[list[Any], int]:
    """Whole entries from the start of a list, and where the first one stands that is not whole."""
    at = len(text) - len(text.lstrip())
    if text[at : at + 1] != "[":
        return [], at
    found: list[Any] = []
    decoder = json.JSONDecoder(strict=False)
    at += 1
    while True:
        begin = at
        while begin < len(text) and text[begin] in ", \t\r\n":
            begin += 1
        try:
            item, at = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            return found, begin
        found.append(item)


def _whole_characters(value: Any) -> Any:
    """Half characters, which no text may hold, as question marks."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _streamed(counted: "_Counting", member: Member, damage: Damage) -> Iterator[list[Any]]:
    head = counted.peek()
    path = "item" if head == b"[" else "messages.item" if head == b"{" else ""
    part: list[Any] = []
    found = False
    try:
        for item in ijson.items(counted, path, use_float=True) if path else ():
            found = True
            part.append(item)
            if len(part) >= _CHUNK:
                yield part
                part = []
    except (ijson.JSONError, ValueError, RecursionError):
        damage.add(member, f"its JSON is broken near byte {counted.read_bytes}", member.size - counted.read_bytes)
    else:
        if not found:
            damage.add(member, "it holds no list of messages", member.size)
    if part:
        yield part


class _Counting:
    """A stream that knows how much of it was read, without a byte order mark at its start."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._head = b""
        self.read_bytes = 0

    def peek(self) -> bytes:
        """The first byte that is no space."""
        self._head = self._stream.read(4_096).removeprefix(codecs.BOM_UTF8)
        return self._head.lstrip()[:1]

    def read(self, size: int = -1) -> bytes:
        if self._head and size:
            part, self._head = self._head, b""
        else:
            part = self._stream.read(size)
        self.read_bytes += len(part)
        return refuse_depth(part)
