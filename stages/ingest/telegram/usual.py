"""Messages as most of them are, read many at once: what they are made of is checked by column, not one by one.

Telegram Desktop writes the keys of a message in one order, so messages have few shapes; a shape tells at once whether a
message is a usual one, and what else than a text it has.
"""

from dataclasses import dataclass, field
from operator import itemgetter, lt
from typing import Any, Final, NamedTuple

from stages.ingest.draft import KIND_CODES, NO_KEY
from stages.ingest.telegram.message import count_reactions, file_names, flat, is_edited
from stages.ingest.telegram.rows import Rows

_NEEDED: Final = ("id", "type", "date_unixtime", "from", "from_id", "text", "text_entities")
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
_USUAL: Final = _SHOWN | _SILENT | {_REPLY, *_NEEDED}
_GET: Final = itemgetter(*_NEEDED)
_MOST_SHAPES: Final = 1_000
_MOST: Final = (1 << 63) - 1
_MEDIA_CODE: Final = KIND_CODES["media"]


class Shape(NamedTuple):
    """Whether messages with these keys answer another one, and whether they may have more than a text."""

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
            usual = message.keys() <= _USUAL and message.keys() >= set(_NEEDED)
            shape = Shape(_REPLY in message, not _SHOWN.isdisjoint(message)) if usual else None
            if len(self._known) < _MOST_SHAPES:
                self._known[keys] = shape
            return shape


@dataclass
class Run:
    """Usual messages that follow one another."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    more: list[int] = field(default_factory=list)

    def add(self, message: dict[str, Any], shape: Shape) -> None:
        if shape.more:
            self.more.append(len(self.messages))
        self.messages.append(message)
        self.replies.append(message[_REPLY] if shape.answers else NO_KEY)

    def move(self, rows: Rows, top: int) -> int | None:
        """Adds all to ``rows`` and gives the last number; None, and nothing done, where something is not as usual.

        Usual are numbers that ascend above ``top``, senders with a name and an id, a time in UTC.
        """
        try:
            keys, types, times, authors, signers, texts, entities = zip(*map(_GET, self.messages), strict=True)
            if not (
                set(map(type, keys)) == {int}
                and keys[0] > top
                and all(map(lt, keys, keys[1:]))
                and keys[-1] <= _MOST
                and set(types) == {"message"}
                and set(map(type, times)) == {str}
                and set(map(len, times)) == {10}
                and all(map(str.isdecimal, times))
                and set(map(type, authors)) == {str} == set(map(type, signers))
                and all(authors)
                and all(signers)
                and set(map(type, self.replies)) == {int}
                and max(self.replies) <= _MOST
                and min(self.replies) >= -_MOST
            ):
                return None
            if any(map(_hides, texts, entities)):
                return None
            links: dict[int, tuple[str, ...]] = {}
            if set(map(type, texts)) != {str}:
                texts = tuple(_flattened(texts, links))
        except (TypeError, AttributeError, KeyError):
            return None
        first = rows.extend(list(map(int, times)), authors, signers, texts, keys, self.replies)
        for at, hidden in links.items():
            rows.links[first + at] = hidden
        for at in self.more:
            _add_more(rows, first + at, self.messages[at])
        return int(keys[-1])


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
