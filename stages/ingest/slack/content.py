"""What a message says, as markup with ids: its text, or what apps put into attachments and blocks; nothing twice."""

import re
from typing import Final

from stages.ingest.slack.blocks import blocks_source, links_of, text_object, url_source
from stages.ingest.slack.mrkdwn import source_text
from stages.ingest.slack.values import Entry, entries, entry, string

_TARGET: Final = re.compile(r"<[^<>|\n]*\||[<>]")
_WORD: Final = re.compile(r"\w+")
_SHORT: Final = 12
_MOST_READ: Final = 1 << 16
_NOTHING: Final = frozenset(("[no preview available]", "this content can't be displayed.", "no fallback"))


class Pieces:
    """Collects pieces of markup, each once: a piece that stands in what is there already adds nothing."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._read = " "
        self._whole: set[str] = set()

    def add(self, piece: str) -> None:
        """Keep a piece unless it was said before; a short one counts as said only where it stood alone."""
        read = _spoken(piece)
        if not piece.strip() or read in self._whole or (len(read) > _SHORT and read.strip() and read in self._read):
            return
        self._kept.append(piece)
        self._whole.add(read)
        if len(self._read) < _MOST_READ:
            self._read += read

    def __len__(self) -> int:
        return len(self._kept)

    def joined(self) -> str:
        """All pieces, each on lines of its own."""
        return "\n".join(self._kept)


def content_source(message: Entry) -> str:
    """The content of a message as markup with ids.

    A person's text stands for itself: blocks repeat it, and previews of links are not theirs. Messages of apps, and
    those without text, are read from everything that is in them.
    """
    text = source_text(message.get("text"))
    from_app = bool(message.get("bot_id")) or message.get("subtype") in ("bot_message", "slackbot_response")
    attached = entries(message["attachments"]) if message.get("attachments") else []
    if text and not from_app:
        shared = [item for item in attached if item.get("is_share")]
        if not shared:
            return text
        pieces = Pieces()
        pieces.add(text)
    else:
        pieces = Pieces()
        pieces.add(_fuller(text, blocks_source(message.get("blocks"))))
        shared = [item for item in attached if not (text and _is_preview(item))]
    for item in shared:
        _attachment(item, pieces)
    return pieces.joined()


def hidden_links(message: Entry) -> list[str]:
    """Addresses in attachments and blocks of an app that no text shows: pictures and buttons."""
    found = links_of(message.get("blocks")) if message.get("bot_id") else []
    for item in entries(message["attachments"]) if message.get("attachments") else ():
        if not _is_preview(item):
            found += [string(item.get("image_url")), *links_of(item.get("blocks")), *links_of(item.get("actions"))]
    return [url for url in found if url.startswith(("https://", "http://"))]


def _is_preview(item: Entry) -> bool:
    """Whether Slack made the attachment from a link in the text."""
    return bool(item.get("from_url") or item.get("is_msg_unfurl") or item.get("is_app_unfurl")) and not item.get(
        "is_share"
    )


def _fuller(text: str, blocks: str) -> str:
    """A text and the blocks beside it; the text of an app is mostly a short form of them."""
    if not text or not blocks:
        return text or blocks
    said, shown = _spoken(text), _spoken(blocks)
    if shown in said:
        return text
    return blocks if said in shown else f"{text}\n{blocks}"


def _attachment(item: Entry, pieces: Pieces) -> None:
    before = len(pieces)
    pieces.add(text_object(item.get("pretext")))
    title, link = source_text(item.get("title")), url_source(item.get("title_link"))
    pieces.add(f"<{link}|{title}>" if title and link and "<" not in title else title)
    shown = blocks_source(item.get("blocks")) or _lines_of_messages(item.get("message_blocks"))
    pieces.add(_fuller(text_object(item.get("text")), shown))
    for field in entries(item.get("fields")):
        name, value = source_text(field.get("title")), source_text(field.get("value"))
        pieces.add(f"{name}: {value}" if name and value else name or value)
    fallback = source_text(item.get("fallback"))
    nothing_shown = not (
        title or shown or string(item.get("text")) or item.get("fields") or string(item.get("pretext"))
    )
    if nothing_shown and len(pieces) == before and fallback.casefold() not in _NOTHING:
        pieces.add(fallback)


def _lines_of_messages(value: object) -> str:
    return "\n".join(blocks_source(entry(item.get("message")).get("blocks")) for item in entries(value))


def _spoken(source: str) -> str:
    """The words of a piece between spaces, without the targets of links: what is compared."""
    words = _WORD.findall(_TARGET.sub(" ", source).casefold())
    return f" {' '.join(words) or source.strip()} "
