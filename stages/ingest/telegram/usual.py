"""Messages as most of them are, read many at once: what they are made of is checked by column, not one by one.

Telegram Desktop writes the keys of a message in one order, so messages have few shapes; a shape tells at once whether a
message is a usual one, and what else than a text it has.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter, lt
from typing import Any, Final, NamedTuple

import numpy as np

from stages.ingest.draft import KIND_CODES, NO_KEY
from stages.ingest.telegram.message import count_reactions, file_names, flat, is_edited
from stages.ingest.telegram.people import peer
from stages.ingest.telegram.rows import Rows

_ALWAYS: Final = ("id", "type", "from", "from_id", "text")
_NOW: Final = (*_ALWAYS, "date_unixtime", "text_entities")
_ONCE: Final = (*_ALWAYS, "date")
"""What messages had before 2022."""
_REPLY: Final = "reply_to_message_id"
_MEDIA: Final = frozenset({"photo", "file", "media_type"})
_SHOWN: Final = _MEDIA | {"edited", "edited_unixtime", "reactions"}
_SILENT: Final = frozenset(
    {
        "date", "thumbnail", "sticker_emoji", "mime_type", "duration_seconds", "width", "height", "file_name",
        "file_size", "photo_file_size", "thumbnail_file_size", "media_spoiler", "forwarded_from", "forwarded_from_id",
        "saved_from", "via_bot", "author", "performer", "title", "inline_bot_buttons",
    }
)  # fmt: skip
"""Keys that change nothing in a row."""
_USUAL: Final = _SHOWN | _SILENT | {_REPLY, *_NOW}
_GET_NOW: Final = itemgetter(*_NOW)
_GET_ONCE: Final = itemgetter(*_ONCE)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_MOST_SHAPES: Final = 1_000
_MOST: Final = (1 << 63) - 1
_MEDIA_CODE: Final = KIND_CODES["media"]


class Shape(NamedTuple):
    """Of messages with these keys: whether they are ``old`` (dated by a local clock, without a list of entities),
    whether they answer another one, and whether they may have more than a text.
    """

    old: bool
    answers: bool
    more: bool


class Shapes:
    """Shapes that were met, by the tuple of their keys."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Shape | None] = {}

    def of(self, message: dict[str, Any]) -> Shape | None:
        """The shape of a usual message; None for any other."""
        keys = tuple(message)
        try:
            return self._known[keys]
        except KeyError:
            shape = None
            old = "date_unixtime" not in message
            if message.keys() <= _USUAL and message.keys() >= set(_ONCE if old else _NOW):
                shape = Shape(old, _REPLY in message, not _SHOWN.isdisjoint(message))
            if len(self._known) < _MOST_SHAPES:
                self._known[keys] = shape
            return shape


@dataclass
class Run:
    """Usual messages that follow one another, all of them ``old`` or none; the places of those that answer others, and
    of those that may have more than a text. Once moved, ``first`` is the place of the first row.
    """

    old: bool
    messages: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    more: list[int] = field(default_factory=list)
    first: int = 0
    keys: tuple[int, ...] = ()
    replies: list[int] = field(default_factory=list)

    def add(self, message: dict[str, Any], shape: Shape) -> None:
        messages = self.messages
        if shape.more:
            self.more.append(len(messages))
        if shape.answers:
            self.answers.append(len(messages))
        messages.append(message)

    def move(self, rows: Rows, top: int) -> bool:
        """Adds all to ``rows``; False, and nothing done, where something is not as usual.

        Usual are numbers that ascend above ``top``, senders with an id, and a time.
        """
        links: dict[int, tuple[str, ...]] = {}
        try:
            columns = list(zip(*map(_GET_ONCE if self.old else _GET_NOW, self.messages), strict=True))
            keys, types, authors, signers, texts, times = columns[:6]
            if not (
                set(map(type, keys)) == {int}
                and keys[0] > top
                and all(map(lt, keys, keys[1:]))
                and keys[-1] <= _MOST
                and set(types) == {"message"}
                and set(map(type, times)) == {str}
                and set(map(type, authors)) <= {str, type(None)}
                and not any(map(_hides, texts, self._entities(columns)))
            ):
                return False
            signers = _signed(signers)
            replies = self._answered()
            seconds = _local(times) if self.old else _universal(times)
            if set(map(type, texts)) != {str}:
                texts = tuple(_flattened(texts, links))
        except (TypeError, AttributeError, KeyError, ValueError):
            return False
        if not all(authors):
            authors = tuple(author or signer for author, signer in zip(authors, signers, strict=True))
        self.first, self.keys, self.replies = (
            rows.extend(seconds, authors, signers, texts, keys, replies),
            keys,
            replies,
        )
        if self.old:
            rows.local += range(self.first, self.first + len(keys))
        for at, hidden in links.items():
            rows.links[self.first + at] = hidden
        for at in self.more:
            _add_more(rows, self.first + at, self.messages[at])
        return True

    def _entities(self, columns: list[tuple[Any, ...]]) -> Iterable[Any]:
        if not self.old:
            return columns[6]
        return (message.get("text_entities", ()) for message in self.messages)

    def _answered(self) -> list[int]:
        """The number that each answers. Raises ``ValueError`` where it is none."""
        replies = [NO_KEY] * len(self.messages)
        for at in self.answers:
            answered = self.messages[at][_REPLY]
            if type(answered) is not int or not -_MOST <= answered <= _MOST:
                raise ValueError
            replies[at] = answered
        return replies


def _signed(signers: tuple[Any, ...]) -> tuple[str, ...]:
    """Ids of senders as they are written today. Raises ``ValueError`` where there is none."""
    if set(map(type, signers)) != {str}:
        signers = tuple(map(peer, signers))
    if not all(signers):
        raise ValueError
    return signers


def _universal(times: tuple[str, ...]) -> list[int]:
    if set(map(len, times)) != {10} or not all(map(str.isdecimal, times)):
        raise ValueError
    return list(map(int, times))


def _local(times: tuple[str, ...]) -> list[int]:
    """Seconds of dates like 2020-12-31T23:59:59. Raises ``ValueError`` for any other."""
    if set(map(len, times)) != {19} or not all(map(_DATE.fullmatch, times)):
        raise ValueError
    seconds: list[int] = np.array(times, "datetime64[s]").astype(np.int64).tolist()
    return seconds


def _flattened(texts: tuple[Any, ...], links: dict[int, tuple[str, ...]]) -> list[str]:
    result = []
    for at, text in enumerate(texts):
        if type(text) is not str:
            if type(text) is not list:
                raise TypeError
            found: list[str] = []
            text = flat(text, found)
            if found:
                links[at] = tuple(dict.fromkeys(found))
        result.append(text)
    return result


def _hides(text: object, entities: list[dict[str, Any]]) -> bool:
    """Whether entities may hide a link that a text without parts cannot show; Telegram Desktop writes it in parts."""
    return type(text) is str and (len(entities) > 1 or (len(entities) == 1 and entities[0]["type"] == "text_link"))


def _add_more(rows: Rows, at: int, message: dict[str, Any]) -> None:
    if not _MEDIA.isdisjoint(message):
        rows.kinds[at] = _MEDIA_CODE
        names = file_names(message)
        if names:
            rows.media[at] = names
    if is_edited(message):
        rows.edited.append(at)
    if "reactions" in message:
        rows.reactions[at] = count_reactions(message["reactions"])
