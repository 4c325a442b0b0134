"""A message as HTML: a bubble, a card, or a line in the middle. Every piece of a message is escaped here."""

import re
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

from stages.site.cards import MOST, Cards
from stages.site.media import Media
from stages.site.text import addresses, clean, linkify
from stages.site.words import Words

HUES: Final = 18
"""Colours of authors; the style sheet has a rule for each, ``.h0`` to ``.h17``."""

_ID: Final = re.compile(r"[0-9A-Za-z_-]+")
_SAID_EDITED: Final = re.compile(r"\s*[\u200e\u200f]?<[\u200e\u200f]?[^<>\n]{5,60}>[\u200e\u200f]?\s*$")
_CARDS: Final = ("poll", "location", "contact")
_SHARES: Final = ("text", "media", "poll")
"""Kinds of messages whose links somebody shared; what an app writes of a place or a call has no card."""
_NOTE: Final = re.compile(r" ?[\u200e\u200f]?\([^()\n]{3,60}\)[\u200e\u200f]?")
_TIMES: Final = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440)]


class Message(NamedTuple):
    """A row of the table of messages; ``day`` and ``minute`` are local, ``ts`` is microseconds, UTC."""

    id: str
    ts: int
    day: int
    minute: int
    author: str | None
    kind: str
    text: str
    media: Sequence[str]
    reply_to: str | None
    edited: bool
    reactions: int | None = None
    topic: str | None = None
    links: Sequence[str] = ()


class Position(NamedTuple):
    """Where a message stands: page number from 1, local day and minute, who wrote it, the beginning of its text."""

    page: int
    day: int
    minute: int
    author: str | None
    excerpt: str


class Palette:
    """Each author's colour, in the order in which they first speak: as far apart as can be, the same on every page.

    It stays when the chat grows at its end.
    """

    def __init__(self) -> None:
        self._hues: dict[str, int] = {}

    def hue(self, alias: str) -> int:
        return self._hues.setdefault(alias, len(self._hues) % HUES)


def initials(alias: str) -> str:
    letters = [word[0] for word in clean(alias).split() if word[0].isalnum()]
    return "".join(letters[:2]).upper() or "?"


def time_of(minute: int) -> str:
    return _TIMES[minute]


class Bubbles:
    """Renders messages for pages at one depth below the site's root."""

    def __init__(self, words: Words, media: Media, cards: Cards, palette: Palette, root: str) -> None:
        self._words = words
        self._cards = cards
        self._palette = palette
        self._media = media
        self._root = root
        self._edited = f' <span class="ed">{words["edited"]}</span>'
        self._in_reply = words["in_reply"]

    def turn(self, author: str) -> str:
        """The beginning of what one person says without being interrupted; the page closes it with ``</div>``."""
        face = f'<span class="face" aria-hidden="true">{escape(initials(author))}</span>'
        return (
            f'<div class="turn h{self._palette.hue(author)}">{face}'
            f'<p class="who"><bdi>{escape(clean(author), quote=False)}</bdi></p>\n'
        )

    def message(self, message: Message, reply: Position | None, reply_link: str, cited: str) -> str:
        """One message. ``reply_link`` leads to what it answers, ``cited`` is HTML of the posts that point to it."""
        anchor = f"m-{message.id}"
        if not _ID.fullmatch(message.id):
            raise ValueError("a message id is made of letters, digits, dashes and underscores")
        if message.kind == "system" or message.author is None:
            inner = linkify(message.text.strip())
            return f'<p class="sys" id="{anchor}" dir="auto">{inner} <time>{_TIMES[message.minute]}</time>{cited}</p>\n'
        pieces = [f'<div class="msg" id="{anchor}">']
        if reply is not None:
            pieces.append(
                f'<a class="re" href="{reply_link}" dir="auto"><span class="vh">{self._in_reply} </span>'
                f"<b>{escape(clean(reply.author or ''), quote=False)}</b> {escape(reply.excerpt, quote=False)}</a>"
            )
        text = message.text
        for name in filter(None, message.media):
            text = without_phrase(text, name)
            pieces.append(self._media.inline(name, self._root))
        if message.edited:
            text = _SAID_EDITED.sub("", text)  # said beside the time instead
        text = text.strip()
        if text:
            pieces.append(self._text(message.kind, text, bool(message.media)))
        elif message.kind == "media" and not message.media:
            pieces.append(f'<p class="gone">{self._words["not_exported"]}</p>')
        pieces += [f'<p class="hid" dir="auto">{linkify(link)}</p>' for link in message.links]
        if self._cards.any and message.kind in _SHARES:
            pieces += self._pages([*addresses(text), *message.links])
        edited = self._edited if message.edited else ""
        pieces.append(
            f'<a class="at" href="#{anchor}"><time>{_TIMES[message.minute]}</time>{edited}</a>'
            f"{self._told(message)}{cited}</div>\n"
        )
        return "".join(pieces)

    def _pages(self, links: Sequence[str]) -> list[str]:
        """Cards of the pages that were read, each once, the first few."""
        found: dict[str, str] = {}
        for link in links:
            page = self._cards.page(link)
            if page is not None and page.key not in found and (card := self._cards.card(link, self._root)):
                found[page.key] = card
                if len(found) == MOST:
                    break
        return list(found.values())

    def _told(self, message: Message) -> str:
        """What few chats tell of a message: its topic and how many reactions it had."""
        topic = (
            f' <span class="ed" dir="auto">#{escape(clean(message.topic), quote=False)}</span>' if message.topic else ""
        )
        reactions = message.reactions or 0
        counted = self._words.count(reactions, "reaction", "reactions")
        return topic + (f' <span class="rx">{counted}</span>' if reactions else "")

    def _text(self, kind: str, text: str, with_media: bool) -> str:
        if kind == "deleted" or (kind == "media" and not with_media):
            look = "gone"
        else:
            look = kind if kind == "call" else "card" if kind in _CARDS else ""
        return f'<p class="{look}" dir="auto">{linkify(text)}</p>' if look else f'<p dir="auto">{linkify(text)}</p>'


def without_phrase(text: str, name: str) -> str:
    """A caption without the words by which the chat app names the attachment that is shown beside it."""
    before, found, after = text.partition(name)
    if not found:
        return text
    opened = before.rpartition("<")
    if opened[1] and ">" not in opened[2] and "\n" not in opened[2] and len(opened[2]) <= 40 and after.startswith(">"):
        return opened[0] + after[1:]  # <attached: NAME>
    if not before.strip("\u200e\u200f \n"):
        note = _NOTE.match(after)
        return after[note.end() :] if note else after if not after.strip() else text  # NAME (file attached)
    return text
