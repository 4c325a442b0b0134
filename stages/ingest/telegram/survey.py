"""A first look through an export: its chats, who is named in it, and what is wrong with it.

Names must be known before the first text is handed out, and a chat's id may stand behind its messages.
"""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from stages.ingest.draft import NO_KEY
from stages.ingest.telegram.message import number
from stages.ingest.telegram.people import bare_id, full_name, gather, peer
from stages.ingest.telegram.stream import Broken, Damage, JsonStream
from stages.ingest.telegram.times import naive_seconds, unix_seconds
from stages.ingest.telegram.walk import Step, walk
from stages.ingest.zone import LocalTimes

_CLOCKS: Final = 4_096
_NAMELESS: Final = {"saved_messages": "Saved Messages", "replies": "Replies"}
_PERSONAL: Final = ("personal_chat", "bot_chat")


@dataclass
class ChatSeen:
    """One chat: its ``id`` as written, ``stable`` as every export writes it; ``repeated`` are numbers that several of
    its messages bear.
    """

    id: str = ""
    stable: str = ""
    kind: str = ""
    name: str = ""
    entries: int = 0
    repeated: frozenset[int] = frozenset()


@dataclass
class _Hand:
    """A chat, or the document itself, while it is walked through."""

    fields: dict[str, Any] = field(default_factory=dict)
    keys: "array[int]" = field(default_factory=lambda: array("q"))
    chat: ChatSeen | None = None


@dataclass
class Survey:
    """What was seen. ``senders`` are pairs of a name and an id; ``dateless`` messages have no time of any kind.

    ``clocks`` are pairs (local, UTC) of messages that have both times, ``local_only`` counts those with a local one.
    """

    chats: list[ChatSeen] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    senders: set[tuple[str, str]] = field(default_factory=set)
    clocks: list[tuple[int, int]] = field(default_factory=list)
    local_only: int = 0
    damage: Damage = field(default_factory=Damage)
    broken: Broken | None = None
    beyond: int | None = None

    def homonyms(self) -> int:
        """How many names are borne by several people."""
        return sum(count > 1 for count in Counter(name for name, _ in self.senders).values())

    def clock_error(self, zone: LocalTimes) -> int | None:
        """By how many seconds the exporting computer's clock was mostly ahead of UTC, if ``zone`` says otherwise."""
        if not self.clocks or not self.local_only:
            return None
        local, utc = np.array(self.clocks, np.int64).T
        wrong = zone.to_utc(local) != utc
        if wrong.mean() <= 0.5:
            return None
        return int(Counter((local - utc)[wrong].tolist()).most_common(1)[0][0])


def survey(stream: JsonStream) -> Survey:
    """Walks the whole document. Cost: mostly parsing; memory: names, and 8 bytes a message of one chat at a time."""
    found = Survey(damage=stream.damage)
    hand = outer = _Hand()
    try:
        for step, what in walk(stream):
            if step is Step.MESSAGES:
                if hand.chat is None:
                    hand.chat = ChatSeen()
                    found.chats.append(hand.chat)
                hand.chat.entries += len(what)
                _look(what, found, hand.keys)
            elif step is Step.FIELD:
                hand.fields[what[0]] = what[1]
            elif step is Step.OWNER:
                found.names.add(full_name(what))
                found.names.add(_text(what.get("username")).removeprefix("@"))
            elif step is Step.BEGIN:
                hand = outer if what else _Hand()
            else:
                _close(hand, found)
                hand = outer
        if stream.peek() >= 0:
            found.beyond = stream.offset
    except Broken as broken:
        found.broken = broken
        _close(hand, found)
        _close(outer, found)
    found.names.discard("")
    return found


def _look(messages: list[Any], found: Survey, keys: "array[int]") -> None:
    names, senders = found.names, found.senders
    for message in messages:
        if type(message) is not dict:
            continue
        gather(message, names)
        keys.append(number(message.get("id")))
        name, sign = message.get("from"), message.get("from_id")
        if sign is not None:
            if type(name) is str and name:
                senders.add((name, sign if type(sign) is str else peer(sign) or ""))
            else:
                names.add(peer(sign) or "")
        elif type(message.get("actor_id")) is str and not message.get("actor"):
            names.add(message["actor_id"])
        seconds = unix_seconds(message.get("date_unixtime"))
        if seconds is None or len(found.clocks) < _CLOCKS:
            local = naive_seconds(message.get("date"))
            if local is not None and not local[1]:
                if seconds is None:
                    found.local_only += 1
                else:
                    found.clocks.append((int(local[0]), seconds))


def _close(hand: _Hand, found: Survey) -> None:
    """Fills in what is known of a chat once it has been walked through."""
    chat, fields = hand.chat, hand.fields
    if chat is None:
        return
    chat.kind = _text(fields.get("type"))
    name = _text(fields.get("name"))
    if chat.kind in _PERSONAL:
        found.names.add(name)
    chat.id = str(fields["id"]) if type(fields.get("id")) in (int, str) else ""
    chat.stable = bare_id(fields.get("id"), chat.kind) or name
    chat.name = name or _NAMELESS.get(chat.kind, "")
    chat.repeated = _repeated(hand.keys)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _repeated(keys: "array[int]") -> frozenset[int]:
    """The numbers that occur more than once. Cost: a comparison where they ascend, else a sort."""
    numbers = np.array(keys, np.int64)
    numbers = numbers[numbers != NO_KEY]
    if (numbers[1:] > numbers[:-1]).all():
        return frozenset()
    numbers.sort()
    return frozenset(numbers[1:][numbers[1:] == numbers[:-1]].tolist())
