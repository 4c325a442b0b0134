"""Who is named in an export, and by which sign that stays the same when a person takes another name."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final

import numpy as np

from stages.ingest.columns import Mask
from stages.ingest.telegram.lenient import parse

_CHAT: Final = 1 << 32
_CHANNEL: Final = 2 << 32
_OVERLAP: Final = 1 << 16
"""Bytes of a block that are looked at again with the next: longer than whatever names somebody."""

_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# a quote inside a string is escaped in JSON, so these can only be keys, or the types that tell what an object is
_FROM: Final = re.compile(rb'"from"\s*+:\s*+(' + _TEXT + rb")", re.DOTALL)
_OTHER: Final = re.compile(
    rb'"(?:actor|forwarded_from|saved_from|author|inviter|to|via_bot|peer_name|boost_peer_name|channel_name)"'
    rb"\s*+:\s*+(" + _TEXT + rb")",
    re.DOTALL,
)
_BEGINNINGS: Final = (
    b"act", b"for", b"sav", b"aut", b"inv", b'to"', b"via", b"pee", b"boo", b"cha", b"mem", b"par", b"con", b"per",
    b"men", b"bot",
)  # fmt: skip
"""The first three letters of every key and type that leads to a name, but for "from", which is everywhere."""
_NO_SENDER: Final = re.compile(rb'"from"\s*:\s*null\s*,\s*"from_id"\s*:\s*(' + _TEXT + rb"|\d+)", re.DOTALL)
_RARE: Final = (
    _OTHER,
    *(
        re.compile(pattern, re.DOTALL)
        for pattern in (
            rb'"actor"\s*:\s*null\s*,\s*"actor_id"\s*:\s*(' + _TEXT + rb"|\d+)",
            rb'"(?:members|participants)"\s*:\s*(\[(?:\s*(?:' + _TEXT + rb"|null)\s*,?)*\s*\])",
            rb'"(?:contact|personal)_information"\s*:\s*(\{(?:[^"{}]++|' + _TEXT + rb")*+\})",
            rb'"mention(?:_name)?"\s*,\s*"text"\s*:\s*(' + _TEXT + rb")",
        )
    ),
)
_FLAT: Final = re.compile(rb'\{(?:[^"{}]++|' + _TEXT + rb")*+\}", re.DOTALL)
_CHAT_NAME: Final = re.compile(rb'"name"\s*:\s*(' + _TEXT + rb")", re.DOTALL)
_NEAR: Final = 1_024
_CACHED: Final = 1 << 16
_QUOTE: Final = ord('"')


def people(file: BinaryIO, block_bytes: int) -> set[str]:
    """Everybody whom the document names: senders, actors and members of events, mentions, forwards, cards, and the
    other side of private chats. Cost: one scan of the bytes, nothing is parsed but the names. Memory: distinct names.
    """
    raw: set[bytes] = set()
    held = b""
    while part := file.read(max(block_bytes, 4 * _OVERLAP)):
        block = held + part
        raw.update(_FROM.findall(block))
        if b"null" in block:
            raw.update(_NO_SENDER.findall(block))
        for at in _places(block):
            raw.update(_rare(block, at))
        held = block[-_OVERLAP:]
    names = {name for value in raw for name in _read(value)}
    names.discard("")
    return names


def peer(value: Any) -> str | None:
    """``user12``, ``chat12`` or ``channel12``. Exports before 2021 write a number, with the kind in its high bits."""
    if type(value) is str:
        return value or None
    if type(value) is not int:
        return None
    if value >= _CHANNEL:
        return f"channel{value - _CHANNEL}"
    return f"chat{value - _CHAT}" if value >= _CHAT else f"user{value}"


def bare_id(value: Any, kind: str) -> str:
    """A chat's id as new exports write it; old ones hold the kind of a group or channel in the high bits."""
    if type(value) is int and kind.endswith(("group", "channel")):
        if value >= _CHANNEL:
            value -= _CHANNEL
        elif value >= _CHAT and kind == "private_group":
            value -= _CHAT
    return str(value) if type(value) in (int, str) else ""


def full_name(card: Any) -> str:
    """First and last name of a card, as one name."""
    if type(card) is not dict:
        return ""
    parts = (card.get("first_name"), card.get("last_name"))
    return " ".join(part.strip() for part in parts if type(part) is str and part.strip())


def listed(value: Any) -> list[str | None]:
    """The names of a list; None for people without one."""
    return [name if type(name) is str and name else None for name in value] if type(value) is list else []


def _table(pairs: Iterable[bytes]) -> Mask:
    table = np.zeros(1 << 16, np.bool_)
    table[[first | second << 8 for first, second in pairs]] = True
    return table


_FIRST_TWO: Final = _table(word[:2] for word in _BEGINNINGS)
_NEXT_TWO: Final = _table(word[1:] for word in _BEGINNINGS)


def _places(block: bytes) -> Iterator[int]:
    """Where strings stand that begin like a key or type that leads to a name. Cost: a pass of numpy, in the cache."""
    data = np.frombuffer(block, np.uint8)
    for start in range(0, len(data), _CACHED):
        part = data[start : start + _CACHED + 3]
        quotes = np.flatnonzero(part[:-3] == _QUOTE) + 1
        second = part[quotes + 1].astype(np.uint16)
        quotes = quotes[_FIRST_TWO[part[quotes] | second << 8]]
        third = part[quotes + 2].astype(np.uint16)
        yield from (quotes[_NEXT_TWO[part[quotes + 1] | third << 8]] + (start - 1)).tolist()


def _rare(block: bytes, at: int) -> Iterable[bytes]:
    """The JSON values that name somebody near what stands at ``at``."""
    for pattern in _RARE:
        found = pattern.match(block, at)
        if found:
            return [found[1]]
    if block.startswith(b'"mention', at):
        # the keys of an entity in another order than Telegram Desktop's; a brace may be part of a text
        braces = re.finditer(rb"\{", block[max(0, at - _NEAR) : at])
        entities = (_FLAT.match(block, max(0, at - _NEAR) + brace.start()) for brace in braces)
        return [entity[0] for entity in entities if entity and entity.end() > at]
    if block.startswith((b'"personal_chat', b'"bot_chat'), at):
        return _CHAT_NAME.findall(block, max(0, at - _NEAR), at + _NEAR)
    return ()


def _read(raw: bytes) -> list[str]:
    """The names in a JSON value that names somebody."""
    try:
        value = parse(raw)
    except ValueError:
        return []
    if type(value) is int:
        return [peer(value) or ""]
    if type(value) is list:
        return [name for name in listed(value) if name]
    if type(value) is not dict:
        return [str(value).removeprefix("@")]
    mentioned = value.get("text") if value.get("type") in ("mention", "mention_name") else None
    named = (full_name(value), value.get("username"), mentioned)
    return [name.removeprefix("@") for name in named if type(name) is str]
