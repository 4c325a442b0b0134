"""Who is named in an export, and by which sign that stays the same when a person takes another name."""

import re
from collections.abc import Iterable
from typing import Any, BinaryIO, Final

from stages.ingest.telegram.lenient import parse

_CHAT: Final = 1 << 32
_CHANNEL: Final = 2 << 32
_OVERLAP: Final = 1 << 16
"""Bytes of a block that are looked at again with the next: longer than whatever names somebody."""

_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# a quote inside a string is escaped in JSON, so these can only be keys
_ONE: Final = re.compile(
    rb'"(?:from|actor|forwarded_from|saved_from|author|inviter|to|via_bot|peer_name|boost_peer_name|channel_name)"'
    rb"\s*+:\s*+(" + _TEXT + rb")",
    re.DOTALL,
)
_NONE: Final = re.compile(rb'null\s*,\s*"(?:from|actor)_id"\s*:\s*(' + _TEXT + rb"|\d+)", re.DOTALL)
_MANY: Final = re.compile(
    rb'"(?:members|participants)"\s*:\s*(\[(?:\s*(?:' + _TEXT + rb"|null)\s*,?)*\s*\])", re.DOTALL
)
_CARD: Final = re.compile(rb'"(?:contact|personal)_information"\s*:\s*(\{(?:[^"{}]++|' + _TEXT + rb")*+\})", re.DOTALL)
_MENTION: Final = re.compile(rb'"mention(?:_name)?"\s*,\s*"text"\s*:\s*(' + _TEXT + rb")", re.DOTALL)
_FLAT: Final = re.compile(rb'\{((?:[^"{}]++|' + _TEXT + rb")*+)\}", re.DOTALL)
_PRIVATE: Final = re.compile(
    rb'"name"\s*:\s*(' + _TEXT + rb')(?:\s*,\s*"id"\s*:\s*[-"\w]+)?\s*,\s*"type"\s*:\s*"(?:personal|bot)_chat"'
    rb'|"type"\s*:\s*"(?:personal|bot)_chat"(?:\s*,\s*"id"\s*:\s*[-"\w]+)?\s*,\s*"name"\s*:\s*(' + _TEXT + rb")",
    re.DOTALL,
)


def people(file: BinaryIO, block_bytes: int) -> set[str]:
    """Everybody whom the document names: senders, actors and members of events, mentions, forwards, cards, and the
    other side of private chats. Cost: scans of the bytes, nothing is parsed but the names. Memory: distinct names.
    """
    raw: set[bytes] = set()
    cards: set[bytes] = set()
    held = b""
    while part := file.read(block_bytes):
        block = held + part
        raw.update(_ONE.findall(block))
        if b"null" in block:
            raw.update(_NONE.findall(block))
        if b'"members"' in block or b'"participants"' in block:
            cards.update(_MANY.findall(block))
        if b'_information"' in block:
            cards.update(_CARD.findall(block))
        if b'"mention' in block:
            raw.update(_MENTION.findall(block))
            cards.update(_odd_mentions(block))
        if b'_chat"' in block:
            raw.update(one or other for one, other in _PRIVATE.findall(block))
        held = block[-_OVERLAP:]
    names = {name for value in raw for name in _read(value)}
    names.update(name for value in cards for name in _read(value))
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


def _odd_mentions(block: bytes) -> Iterable[bytes]:
    """Mentions whose keys stand in another order than Telegram Desktop's."""
    if len(_MENTION.findall(block)) == block.count(b'"mention"') + block.count(b'"mention_name"'):
        return ()
    return [b"{" + inner + b"}" for inner in _FLAT.findall(block) if b'"mention' in inner]


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
