"""A window as a model reads it: one JSON array a line, short ids, own messages apart from overlap.

A line of the block is ``["2026-03-02"]`` (a new day) or ``[id, "HH:MM", author, text]``, with a fifth element, an
object, where there is more to say: ``re`` (id that it replies to), ``kind``, ``pictures`` (``[id, description]``),
``media`` (descriptions), ``heard`` (what a program understood of them), ``links`` (``[id, address, title]``, and the
page's description where the page was read), ``cut``. Ids are ``m1…mN`` for messages that the post may report and
``c1…cN`` for context. JSON keeps every line break and quote of the chat and of pages inside a string, so nobody can
end the block or pretend to be another; programs read it as surely as models do.
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
from stages.enrich.wording import one_line
from stages.write.bodies import spoken
from stages.write.known import Known

BEGIN: Final = "<<<CHAT"
END: Final = "CHAT>>>"
MAX_TEXT: Final = 2_000
"""Most characters of one message that a prompt holds."""
MAX_TITLE: Final = 200
MAX_PAGE: Final = 300
"""Most characters of a page's description that a prompt holds."""
MAX_PAGES: Final = 5
"""Most pages of one message that are described."""
MAX_HEARD: Final = 2_000
"""Most characters of one transcript that a prompt holds."""
LEFT_OUT: Final = "left out of the export"
"""What is said of a medium whose file the export does not hold."""
_SILENT: Final = frozenset(("deleted", "call"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_URL: Final = re.compile(r"(?<![\w+.])(?:https?://|www\.)[^\s<>\"`{}|\\^«»“”]+", re.I)
_CLOSING: Final = ".,;:!?'*_~…’)]"
_LASTING: Final = re.compile(r", \d+:\d\d$")


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
    """A picture or link that a post may use, and the message it came with; ``text`` is what the page says of itself."""

    source: str
    picture: Enrichment | None = None
    url: str = ""
    title: str = ""
    text: str = ""


@dataclass(frozen=True)
class Line:
    """One message of the prompt. ``said`` are its words in full, the prompt may hold fewer; ``heard`` what a program
    understood of its sound."""

    id: str
    message_id: str
    clock: str
    author: str | None
    said: str
    own: bool
    heard: str = ""


@dataclass
class RenderedWindow:
    """The block for the prompt, and what the short ids in it stand for. ``pages`` and ``heard``: whether it holds words
    of pages or transcripts."""

    block: str = ""
    lines: dict[str, Line] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    own: int = 0
    pages: bool = False
    heard: bool = False


def render_window(window: WindowInput) -> RenderedWindow:
    """Render a window; linear in its text, a few microseconds a message."""
    rendered = RenderedWindow()
    rows = _rows(window.messages)
    known = Known(window.enrichments)
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
        heard = " ".join(more.get("heard", ()))
        rendered.lines[ident] = Line(ident, message_id, stamp[11:16], author, said, own, heard)
        rendered.heard = rendered.heard or bool(heard)
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


def _add_media(more: dict[str, Any], ident: str, names: Sequence[str], known: Known, rendered: RenderedWindow) -> None:
    for name in names:
        enrichment = known.media(name)
        if enrichment is not None and enrichment.kind == "image" and enrichment.files:
            picture = f"p{len(rendered.shown) + 1}"
            rendered.shown[picture] = Shown(ident, picture=enrichment)
            more.setdefault("pictures", []).append([picture, enrichment.alt or enrichment.title or "Picture"])
        else:
            more.setdefault("media", []).append(_described(name, enrichment))
        if enrichment is not None and (heard := one_line(enrichment.transcript or "", MAX_HEARD)):
            more.setdefault("heard", []).append(heard)
    if not names:
        more.setdefault("media", []).append(LEFT_OUT)


def _described(name: str, file: Enrichment | None) -> str:
    """A file in words: ``Voice note, 0:12``, ``PDF document, “The plan”``."""
    words = (file.alt or file.title) if file else None
    if file is None or words is None:
        return file_kind(name).alt
    if file.seconds is not None and not _LASTING.search(words):
        minutes, rest = divmod(max(1, round(file.seconds)), 60)
        return f"{words}, {minutes}:{rest:02d}"
    if file.kind == "document" and file.alt and file.title not in (None, file.value, name):
        return f"{words}, “{one_line(file.title or '', MAX_TITLE)}”"
    return words


def _add_links(more: dict[str, Any], ident: str, said: str, known: Known, rendered: RenderedWindow) -> None:
    """The links of a message; of pages that were read their own words, as they say them and no more than that."""
    pages = 0
    for match in _URL.finditer(said):
        url = _without_closing(match.group())
        page = known.link(url)
        title = (page.title if page else None) or _host(url)
        if not title:
            continue
        told: list[str] = []
        if page is not None and page.fetched and pages < MAX_PAGES:
            pages += 1
            title = one_line(title, MAX_TITLE) or _host(url)
            told = [one_line(page.text or "", MAX_PAGE)]
        link = f"l{len(rendered.shown) + 1}"
        rendered.shown[link] = Shown(ident, url=url, title=title[:MAX_TITLE], text="".join(told))
        more.setdefault("links", []).append([link, url[:300], title[:MAX_TITLE], *told])
    rendered.pages = rendered.pages or pages > 0


def _without_closing(url: str) -> str:
    while url and url[-1] in _CLOSING:
        opening = {")": "(", "]": "["}.get(url[-1])
        if opening and url.count(opening) >= url.count(url[-1]):
            break
        url = url[:-1]
    return url


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2] if "://" in url else url.partition("/")[0]
