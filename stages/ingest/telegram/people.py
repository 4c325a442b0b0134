"""Who is named in an export, and by which sign that stays the same when a person takes another name."""

from typing import Any, Final

_ALONE: Final = ("from", "actor", "forwarded_from", "saved_from", "author", "inviter", "to", "peer_name")
_RARE: Final = frozenset(
    {"members", "contact_information", "reactions", "via_bot", "boost_peer_name", "channel_name", "participants"}
)
_CHAT: Final = 1 << 32
_CHANNEL: Final = 2 << 32


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


def gather(message: dict[str, Any], into: set[str]) -> None:
    """Adds everybody whom a message names. Cost: about a microsecond."""
    for key in _ALONE:
        name = message.get(key)
        if name and type(name) is str:
            into.add(name)
    if not _RARE.isdisjoint(message):
        _gather_rare(message, into)
    for key in ("text", "text_entities"):
        parts = message.get(key)
        if type(parts) is list:
            for part in parts:
                if type(part) is dict and part.get("type") in ("mention", "mention_name"):
                    name = part.get("text")
                    if type(name) is str:
                        into.add(name.removeprefix("@"))


def _gather_rare(message: dict[str, Any], into: set[str]) -> None:
    into.update(name for name in listed(message.get("members")) if name)
    into.update(name for name in listed(message.get("participants")) if name)
    into.add(full_name(message.get("contact_information")))
    for key in ("via_bot", "boost_peer_name", "channel_name"):
        name = message.get(key)
        if type(name) is str:
            into.add(name.removeprefix("@"))
    reactions = message.get("reactions")
    for reaction in reactions if type(reactions) is list else ():
        recent = reaction.get("recent") if type(reaction) is dict else None
        for one in recent if type(recent) is list else ():
            if type(one) is dict and type(one.get("from")) is str:
                into.add(one["from"])
