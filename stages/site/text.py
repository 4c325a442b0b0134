"""Hostile text made harmless: what pages, attributes, feeds and scripts may hold of what people wrote."""

import re
from collections.abc import Iterator
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit

REL: Final = "nofollow noopener noreferrer"

# not allowed in HTML or XML, or able to turn the text around them: controls, non-characters, surrogates, bidi
# embeddings, overrides and isolates (each message has `dir="auto"`, so that none is needed)
_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr((plane << 16) + 0xFFFE)}{chr((plane << 16) + 0xFFFF)}" for plane in range(17))
    + "]"
)
_LINK: Final = re.compile(r"(?<![\w@/.:-])(?:https?://|www\.(?=[^\s.]))[^\s<>\"`{}|\\^\u00ab\u00bb\u201c\u201d]+", re.I)
_CLOSING: Final = ".,;:!?'*_~…’)]"


def clean(text: str) -> str:
    """Without characters that break a document or the direction of the text around it; line ends become ``\\n``."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HARMFUL.sub("", text) if _HARMFUL.search(text) else text


def one_line(text: str, limit: int) -> str:
    """Cleaned, blanks united, at most ``limit`` characters; cut between words, since half a word may be a name."""
    words = " ".join(clean(text[: limit * 4]).split())
    if len(words) <= limit:
        return words
    whole, blank, _ = words[:limit].rpartition(" ")
    return (whole if blank else words[: limit - 1]) + "…"


def web_address(address: str, *, mail: bool = False) -> str | None:
    """The address if it is http or https with a host (or ``mailto:`` where allowed), else None."""
    if clean(address) != address or any(char.isspace() for char in address):
        return None
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if mail and parts.scheme == "mailto":
        return address if "@" in parts.path else None
    return address if parts.scheme in ("http", "https") and host else None


def linkify(text: str) -> str:
    """Cleaned text as HTML, its web addresses as links. Line breaks stay as they are (``white-space: pre-wrap``)."""
    text = clean(text)
    pieces: list[str] = []
    end = 0
    for start, shown, address in _links(text):
        pieces.append(escape(text[end:start], quote=False))
        pieces.append(f'<a href="{escape(address)}" rel="{REL}">{escape(shown, quote=False)}</a>')
        end = start + len(shown)
    pieces.append(escape(text[end:], quote=False))
    return "".join(pieces)


def addresses(text: str) -> list[str]:
    """The web addresses of a text, as they are written."""
    return [shown for _, shown, _ in _links(clean(text))]


def _links(text: str) -> Iterator[tuple[int, str, str]]:
    """(where it begins, as written, as it is asked for) of each web address."""
    if "://" not in text and "www." not in text and "WWW." not in text:
        return
    for match in _LINK.finditer(text):
        shown = _without_closing(match.group())
        address = web_address(shown if "://" in shown[:8] else f"https://{shown}")
        if address is not None:
            yield match.start(), shown, address


def relative(path: str) -> str:
    """A path inside the site as a URL, to be put after ``../`` as often as its page is deep."""
    return quote(path, safe="/-._~")


def _without_closing(link: str) -> str:
    """Without the punctuation that closes a sentence; a bracket stays where its opening one is in the link."""
    while link and link[-1] in _CLOSING:
        opening = {")": "(", "]": "["}.get(link[-1])
        if opening and link.count(opening) >= link.count(link[-1]):
            break
        link = link[:-1]
    return link
