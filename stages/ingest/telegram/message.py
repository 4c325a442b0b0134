"""One message of Telegram as a row: its text, its kind, its files, and what links it to others."""

from typing import Any, Final, NamedTuple

import orjson

from stages.ingest.draft import NO_KEY
from stages.ingest.telegram.people import full_name, peer
from stages.ingest.telegram.service import is_call, sentence, stable

_CHANNELS: Final = ("public_channel", "private_channel")
_CARDS: Final = frozenset(
    {
        "poll", "contact_information", "location_information", "place_name", "game_title", "invoice_information",
        "todo_list", "giveaway_information", "giveaway_results", "paid_stars_amount", "dice_emoji",
    }
)  # fmt: skip
"""Keys of what a message may hold besides text and a file."""
_INT64: Final = range(-(1 << 63), 1 << 63)


class Row(NamedTuple):
    """A message without its time, as the columns of :class:`stages.ingest.draft.Draft` describe it."""

    author: str | None
    text: str
    kind: str
    media: tuple[str, ...]
    edited: bool
    signer: str | None
    wording: str
    key: int
    reply: int
    reactions: int | None
    links: tuple[str, ...]


def read_message(message: dict[str, Any], chat_id: str, chat_kind: str, chat_name: str) -> Row:
    """The row of a message of any type. Types and fields that nobody knows yet are events, or left out."""
    links: list[str] = []
    text = message.get("text")
    entities = message.get("text_entities")
    if text is None:
        text = flat(entities, links)
    else:
        if type(text) is str and type(entities) is list:
            _hidden(entities, links)
        text = flat(text, links)
    media = file_names(message)
    kind, author, signer, wording = "text", None, None, None
    if is_event(message):
        kind = "call" if is_call(message) else "system"
        said = sentence(message) if message.get("action") or message.get("type") == "service" or not text else ""
        wording = stable(message) + ("\x1f" + text if text else "")
        text = "\n".join(part for part in (said, text) if part)
    else:
        signer = peer(message.get("from_id"))
        name = message.get("from")
        author = name if type(name) is str and name else signer
        if author is None and chat_kind in _CHANNELS:
            author = chat_name or None
            signer = f"channel{chat_id}"
        if media or any(key in message for key in ("media_type", "photo", "file")):
            kind = "media"
        if not _CARDS.isdisjoint(message):
            kind, shown = _card(message, kind, links)
            text = "\n".join(part for part in (text, shown) if part)
    return Row(
        author,
        text,
        kind,
        media,
        is_edited(message),
        signer,
        text if wording is None else wording,
        number(message.get("id")),
        _reply(message, chat_id),
        count_reactions(message["reactions"]) if "reactions" in message else None,
        tuple(dict.fromkeys(links)),
    )


def is_event(message: dict[str, Any]) -> bool:
    """Whether the chat did something, rather than a person wrote. What has no type is a message where it has no
    action; a type that nobody knows is an event.
    """
    kind = message.get("type")
    return "action" in message if kind is None else bool(kind != "message")


def flat(value: Any, links: list[str]) -> str:
    """The text of a string or a list of strings and entities, joined by nothing; hidden links go to ``links``."""
    if type(value) is str:
        return value
    if type(value) is not list:
        return ""
    parts = []
    for part in value:
        if type(part) is str:
            parts.append(part)
        elif type(part) is dict:
            shown = flat(part.get("text"), links)
            parts.append(shown)
            href = part.get("href")
            if href and type(href) is str and href != shown and part.get("type") == "text_link":
                links.append(href)
    return "".join(parts)


def number(value: Any) -> int:
    """A message's number, or NO_KEY."""
    if type(value) is str and value.removeprefix("-").isdecimal() and len(value) < 20:
        value = int(value)
    return value if type(value) is int and value in _INT64 else NO_KEY


def _hidden(entities: list[Any], links: list[str]) -> None:
    for part in entities:
        if type(part) is dict and part.get("type") == "text_link":
            href = part.get("href")
            if href and type(href) is str and href != part.get("text"):
                links.append(href)


def file_names(message: dict[str, Any]) -> tuple[str, ...]:
    """The base names of the files that were exported; reasons in brackets stand where one was not."""
    get = message.get
    names = []
    for path in (get("photo"), get("file"), get("contact_vcard")):
        if path and type(path) is str and not (path[0] == "(" and path[-1] == ")"):
            name = path.replace("\\", "/").rpartition("/")[2]
            if name:
                names.append(name)
    return tuple(names)


def is_edited(message: dict[str, Any]) -> bool:
    """Old versions write ``edited`` in 1970 (or, west of Greenwich, at the end of 1969) for what was never edited."""
    if "edited_unixtime" in message:
        return message["edited_unixtime"] not in (None, "", "0", 0)
    edited = message.get("edited")
    return bool(edited) and not (type(edited) is str and edited.startswith(("1970-01-01T", "1969-12-31T")))


def count_reactions(reactions: Any) -> int:
    """All reactions together."""
    total = 0
    for one in reactions if type(reactions) is list else ():
        count = one.get("count") if type(one) is dict else None
        total += count if type(count) is int and count > 0 else 0
    return min(total, (1 << 31) - 1)


def _reply(message: dict[str, Any], chat_id: str) -> int:
    """The number of the message that is answered, unless it stands in another chat."""
    other = peer(message.get("reply_to_peer_id"))
    if other is not None and other.lstrip("abcdefghijklmnopqrstuvwxyz") != chat_id:
        return NO_KEY
    return number(message.get("reply_to_message_id"))


def _card(message: dict[str, Any], kind: str, links: list[str]) -> tuple[str, str]:
    """The kind of a message that holds more than text and a file, and what it shows."""
    poll, contact = message.get("poll"), message.get("contact_information")
    if type(poll) is dict:
        return "poll", _listing(poll.get("question"), poll.get("answers"), links)
    if type(contact) is dict:
        shown = (full_name(contact), contact.get("phone_number"))
        return "contact", "\n".join(part for part in shown if type(part) is str and part)
    if "location_information" in message or "place_name" in message:
        return "location", _place(message)
    todo = message.get("todo_list")
    if type(todo) is dict:
        return kind, _listing(todo.get("title"), todo.get("answers") or todo.get("items"), links)
    if "game_title" in message:
        if type(message.get("game_link")) is str:
            links.append(message["game_link"])
        return kind, _lines(message.get("game_title"), message.get("game_description"))
    if "invoice_information" in message:
        invoice = message["invoice_information"]
        if type(invoice) is str:
            # written as a string that holds JSON
            try:
                invoice = orjson.loads(invoice)
            except ValueError:
                return kind, "Invoice"
        known = type(invoice) is dict
        return kind, (_lines(invoice.get("title"), invoice.get("description")) if known else "") or "Invoice"
    if "paid_stars_amount" in message:
        return "media", ""
    if "dice_emoji" in message:
        return kind, _lines(message.get("dice_emoji"))
    return kind, "Giveaway" if "giveaway_information" in message else "Results of a giveaway"


def _place(message: dict[str, Any]) -> str:
    point = message.get("location_information")
    where = None
    if type(point) is dict:
        both = (point.get("latitude"), point.get("longitude"))
        if all(type(part) in (int, float, str) for part in both):
            where = f"https://maps.google.com/?q={both[0]},{both[1]}"
    return _lines(message.get("place_name"), message.get("address"), where)


def _listing(title: Any, entries: Any, links: list[str]) -> str:
    listed = entries if type(entries) is list else []
    lines = [flat(entry.get("text") if type(entry) is dict else entry, links) for entry in listed]
    return "\n".join(part for part in (flat(title, links), *(f"- {line}" for line in lines)) if part)


def _lines(*parts: Any) -> str:
    return "\n".join(part for part in parts if type(part) is str and part)
