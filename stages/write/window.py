"""A window as a model reads it: one JSON array a line, short ids, own messages apart from overlap.

A line of the block is ``["2026-03-02"]`` (a new day) or ``[id, "HH:MM", author, text]``, with a fifth element, an
object, where there is more to say: ``re`` (id that it replies to), ``kind``, ``pictures`` (``[id, description]``),
``media`` (descriptions), ``links`` (``[id, address, title]``), ``cut``. Ids are ``m1…mN`` for messages that the post
may report and ``c1…cN`` for context. JSON keeps every line break and quote of the chat inside a string, so no message
can end the block or pretend to be another; programs read it as surely as models do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa

from stages.archive.records import Enrichment
from stages.enrich.kinds import file_kind
from stages.write.bodies import spoken

BEGIN: Final = "<<<CHAT"
END: Final = "CHAT>>>"
MAX_TEXT: Final = 2_000
"""Most characters of one message that a prompt holds."""
LEFT_OUT: Final = "left out of the export"
"""What is said of a medium whose file the export does not hold."""
_SILENT: Final = frozenset(("deleted", "call"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_URL: Final = re.compile(r"(?<![\w+.])(?:https?://|www\.)[^\s<>\"`{}|\\^«»“”]+", re.I)
_CLOSING: Final = ".,;:!?'*_~…’)]"
_TRACKING: Final = re.compile(r"(?:utm_[^=&]*|fbclid|gclid)(?:=[^&]*)?", re.I)


@dataclass(frozen=True)
class WindowInput:
    """What one window's post is written from.

    ``messages``: columns of ``MESSAGES`` in ``seq`` order, overlap included; the post reports those with
    ``own_start_seq <= seq < own_end_seq``. ``enrichments`` by a candidate's value as written or a media name.
    ``timezone``: IANA name; ``language``: ``auto`` or a code.
    """

    index: int
    signature: str
    messages: pa.Table
    own_start_seq: int
    own_end_seq: int
    enrichments: Mapping[str, Enrichment]
    timezone: str
    language: str


@dataclass(frozen=True)
class Shown:
    """A picture or link that a post may use, and the message it came with."""

    source: str
    picture: Enrichment | None = None
    url: str = ""
    title: str = ""


@dataclass(frozen=True)
class Line:
    """One message of the prompt. ``said`` are its words in full, the prompt may hold fewer."""

    id: str
    message_id: str
    clock: str
    author: str | None
    said: str
    own: bool


@dataclass
class RenderedWindow:
    """The block for the prompt, and what the short ids in it stand for."""

    block: str = ""
    lines: dict[str, Line] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    own: int = 0


def render_window(window: WindowInput) -> RenderedWindow:
    """Render a window; linear in its text, a few microseconds a message."""
    rendered = RenderedWindow()
    rows = _rows(window.messages)
    known = _Known(window.enrichments)
    zone = ZoneInfo(window.timezone)
    short: dict[str, str] = {}
    pieces: list[bytes] = []
    people: dict[str, None] = {}
    counts = {"m": 0, "c": 0}
    day, minute, stamp = "", None, ""
    for seq, message_id, micros, author, kind, text, media, reply_to, edited in rows:
        if kind in _SILENT:
            continue
        own = window.own_start_seq <= seq < window.own_end_seq
        said = " ".join(spoken(text, kind, media, edited).split()) if author else " ".join(text.split())
        letter = "m" if own else "c"
        counts[letter] += 1
        ident = f"{letter}{counts[letter]}"
        short[message_id] = ident
        if micros // 60_000_000 != minute:
            minute = micros // 60_000_000
            stamp = (_EPOCH + timedelta(minutes=minute)).astimezone(zone).isoformat()
        if stamp[:10] != day:
            day = stamp[:10]
            pieces.append(orjson.dumps([day]))
        more: dict[str, Any] = {}
        if reply_to and reply_to in short:
            more["re"] = short[reply_to]
        if kind not in ("text", "media"):
            more["kind"] = kind
        if media or kind == "media":
            _add_media(more, ident, media, known, rendered)
        if "://" in said or "www." in said.lower():
            _add_links(more, ident, said, known, rendered)
        text_shown = said
        if len(said) > MAX_TEXT:
            text_shown, more["cut"] = said[:MAX_TEXT], True
        pieces.append(
            orjson.dumps(
                [ident, stamp[11:16], author, text_shown, more] if more else [ident, stamp[11:16], author, text_shown]
            )
        )
        rendered.lines[ident] = Line(ident, message_id, stamp[11:16], author, said, own)
        if author and own:
            people[author] = None
    rendered.people = tuple(people)
    rendered.own = counts["m"]
    rendered.block = b"\n".join([BEGIN.encode(), *pieces, END.encode()]).decode()
    return rendered


def parse_block(prompt: str) -> list[tuple[str, str, str, str | None, str, dict[str, Any]]]:
    """The lines of a rendered block as (id, day, HH:MM, author, text, more), in order.

    ``ValueError`` where the prompt holds no block.
    """
    start = prompt.find(BEGIN + "\n")
    end = prompt.rfind("\n" + END)
    if start < 0 or end < start:
        raise ValueError("the prompt holds no chat")
    lines: list[tuple[str, str, str, str | None, str, dict[str, Any]]] = []
    day = ""
    for line in prompt[start + len(BEGIN) + 1 : end].split("\n") if end > start + len(BEGIN) else ():
        item = orjson.loads(line)
        if len(item) == 1:
            day = item[0]
        else:
            lines.append((item[0], day, item[1], item[2], item[3], item[4] if len(item) > 4 else {}))
    return lines


class _Known:
    """Enrichments by what a message says: the value as written, or the same address in another spelling."""

    def __init__(self, enrichments: Mapping[str, Enrichment]) -> None:
        self._by_value = enrichments
        self._by_key: dict[str, Enrichment] | None = None

    def media(self, name: str) -> Enrichment | None:
        return self._by_value.get(name)

    def link(self, url: str) -> Enrichment | None:
        found = self._by_value.get(url)
        if found is not None:
            return found
        if self._by_key is None:
            self._by_key = {_canonical(e.value): e for e in self._by_value.values() if e.kind == "url"}
        return self._by_key.get(_canonical(url))


def _rows(messages: pa.Table) -> Sequence[tuple[Any, ...]]:
    columns = [
        messages.column("seq").to_pylist(),
        messages.column("message_id").to_pylist(),
        messages.column("ts").cast(pa.int64()).to_pylist(),
        messages.column("author").to_pylist(),
        messages.column("kind").to_pylist(),
        messages.column("text").to_pylist(),
        messages.column("media").to_pylist(),
        messages.column("reply_to").to_pylist(),
        messages.column("edited").to_pylist(),
    ]
    return list(zip(*columns, strict=True))


def _add_media(more: dict[str, Any], ident: str, names: Sequence[str], known: _Known, rendered: RenderedWindow) -> None:
    for name in names:
        enrichment = known.media(name)
        words = (enrichment.alt or enrichment.title) if enrichment else None
        if enrichment is not None and enrichment.kind == "image" and enrichment.files:
            picture = f"p{len(rendered.shown) + 1}"
            rendered.shown[picture] = Shown(ident, picture=enrichment)
            more.setdefault("pictures", []).append([picture, words or "Picture"])
        else:
            more.setdefault("media", []).append(words or file_kind(name).alt)
    if not names:
        more.setdefault("media", []).append(LEFT_OUT)


def _add_links(more: dict[str, Any], ident: str, said: str, known: _Known, rendered: RenderedWindow) -> None:
    for match in _URL.finditer(said):
        url = _without_closing(match.group())
        enrichment = known.link(url)
        title = (enrichment.title if enrichment else None) or _host(url)
        if not title:
            continue
        link = f"l{len(rendered.shown) + 1}"
        rendered.shown[link] = Shown(ident, url=url, title=title[:200])
        more.setdefault("links", []).append([link, url[:300], title[:200]])


def _without_closing(url: str) -> str:
    while url and url[-1] in _CLOSING:
        opening = {")": "(", "]": "["}.get(url[-1])
        if opening and url.count(opening) >= url.count(url[-1]):
            break
        url = url[:-1]
    return url


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2] if "://" in url else url.partition("/")[0]


def _canonical(url: str) -> str:
    scheme, separator, rest = url.rpartition("://") if "://" in url[:9] else ("", "", url)
    cut = min((at for at in (rest.find(mark) for mark in "/?#") if at >= 0), default=len(rest))
    tail, hash_mark, fragment = rest[cut:].partition("#")
    path, question, query = tail.partition("?")
    kept = "&".join(part for part in query.split("&") if not _TRACKING.fullmatch(part)) if question else ""
    return f"{scheme.lower()}{separator}{rest[:cut].lower()}{path}{'?' + kept if kept else ''}{hash_mark}{fragment}"
