"""The transcript: every message on a page of its own day, in pages that are small enough to open anywhere.

One pass, bounded memory: a page is written when it is full. Plain string building, since a template per message
would cost more than everything else on the site together. Positions are kept of wanted messages only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

import pyarrow as pa

from stages.archive.schema import DETAILS
from stages.site.bubbles import Bubbles, Message, Position
from stages.site.text import one_line
from stages.site.words import Clock, Words, day_of

MAX_MESSAGES: Final = 200
MAX_BYTES: Final = 90_000
_CHROME_BYTES: Final = 4_000
"""What a page's head, navigation and foot may weigh."""

_ROWS_AT_ONCE: Final = 4096
_REMEMBERED: Final = 2_000
_COLUMNS: Final = ("message_id", "ts", "author", "kind", "text", "media", "reply_to", "edited")


@dataclass
class Page:
    """A page that is full. ``days`` are days since 1970-01-01, local, from first to last."""

    number: int
    days: tuple[int, int]
    messages: int
    body: str
    last: bool


@dataclass
class Index:
    """What is known after the pass. ``days``: local day -> (first page, messages)."""

    positions: dict[str, Position] = field(default_factory=dict)
    days: dict[int, list[int]] = field(default_factory=dict)
    authors: set[str] = field(default_factory=set)
    messages: int = 0
    pages: int = 0
    first_ts: int | None = None
    last_ts: int | None = None


def page_name(number: int) -> str:
    return f"transcript/{number:04d}.html"


def write_transcript(
    batches: Iterable[pa.RecordBatch],
    words: Words,
    bubbles: Bubbles,
    cited: Mapping[str, str],
    wanted: Callable[[str], bool],
    emit: Callable[[Page], None],
) -> Index:
    """Hand every page to ``emit`` in order and return where the wanted messages are.

    ``cited`` gives the HTML of the way back for each message that a post points to. Time grows with the messages,
    memory with the largest page, the wanted messages, the days and the authors.
    """
    index = Index()
    builder = _Builder(words, bubbles, cited, wanted, emit, index)
    for message in _rows(batches, Clock(words.zone)):
        builder.add(message)
    builder.finish()
    return index


class _Builder:
    def __init__(
        self,
        words: Words,
        bubbles: Bubbles,
        cited: Mapping[str, str],
        wanted: Callable[[str], bool],
        emit: Callable[[Page], None],
        index: Index,
    ) -> None:
        self._words, self._bubbles, self._cited, self._wanted = words, bubbles, cited, wanted
        self._emit, self._index = emit, index
        # what an answer can point back to: the last thousands of messages, in two halves of which the older is dropped
        self._recent: dict[str, tuple[int, Message]] = {}
        self._before: dict[str, tuple[int, Message]] = {}
        self._number = 1
        self._waiting: Page | None = None
        self._start()

    def _start(self) -> None:
        self._pieces: list[str] = []
        self._bytes = self._count = 0
        self._first_day = self._day = -1
        self._speaker: str | None = None
        self._open = False
        self._shown: set[str] = set()

    def add(self, message: Message) -> None:
        piece = self._render(message)
        weight = len(piece.encode())
        if self._count and (self._count >= MAX_MESSAGES or self._bytes + weight > MAX_BYTES - _CHROME_BYTES):
            self._close_page()
            piece = self._render(message)  # day and author are said again at the top of a page
            weight = len(piece.encode())
        self._pieces.append(piece)
        self._bytes += weight
        self._count += 1
        self._note(message)

    def finish(self) -> None:
        if self._count:
            self._close_page()
        if self._waiting:
            self._waiting.last = True
            self._emit(self._waiting)
            self._index.pages = self._waiting.number

    def _render(self, message: Message) -> str:
        day_changes = message.day != self._day
        speaks = message.kind != "system" and message.author is not None
        turn = day_changes or not self._open or not speaks or message.author != self._speaker
        html: list[str] = []
        if turn and self._open:
            html.append("</div>\n")
        if day_changes:
            day = day_of(message.day)
            html.append(f'<h2 class="day" id="d-{day}"><span>{self._words.weekday(day)}</span></h2>\n')
        if turn and speaks:
            html.append(self._bubbles.turn(message.author or ""))
        answered = message.reply_to or ""
        found = self._recent.get(answered) or self._before.get(answered)
        reply = _position(*found) if found else None
        link = f"{page_name(reply.page).rpartition('/')[2]}#m-{message.reply_to}" if reply else ""
        back = self._cited.get(message.id, "")
        html.append(self._bubbles.message(message, reply, link, "" if back in self._shown else back))
        return "".join(html)

    def _note(self, message: Message) -> None:
        """Remember what the next message's markup depends on, and where this one is."""
        if self._first_day < 0:
            self._first_day = message.day
        self._day = message.day
        self._open = message.kind != "system" and message.author is not None
        self._speaker = message.author if self._open else None
        if back := self._cited.get(message.id):
            self._shown.add(back)
        index = self._index
        if self._wanted(message.id):
            index.positions.setdefault(message.id, _position(self._number, message))
        if len(self._recent) >= _REMEMBERED:
            self._before, self._recent = self._recent, {}
        self._recent[message.id] = (self._number, message)
        index.days.setdefault(message.day, [self._number, 0])[1] += 1
        if message.author is not None:
            index.authors.add(message.author)
        index.messages += 1
        index.first_ts = message.ts if index.first_ts is None else index.first_ts
        index.last_ts = message.ts

    def _close_page(self) -> None:
        if self._open:
            self._pieces.append("</div>\n")
        page = Page(self._number, (self._first_day, self._day), self._count, "".join(self._pieces), False)
        if self._waiting:  # held back until it is known whether another one follows
            self._emit(self._waiting)
        self._waiting = page
        self._number += 1
        self._start()


def _position(page: int, message: Message) -> Position:
    return Position(page, message.day, message.minute, message.author, one_line(message.text, 90))


def _rows(batches: Iterable[pa.RecordBatch], clock: Clock) -> Iterator[Message]:
    """Messages one by one; Python objects exist for a few thousand rows at a time."""
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            part = batch.slice(start, _ROWS_AT_ONCE)
            columns = [
                part.column("ts").cast(pa.int64()).to_pylist() if name == "ts" else part.column(name).to_pylist()
                for name in _COLUMNS
            ]
            details = [part.column(spec.name).to_pylist() for spec in DETAILS if spec.name in part.schema.names]
            rows = zip(*details, strict=True) if details else repeat((None, None, None), part.num_rows)
            for row, (reactions, topic, links) in zip(zip(*columns, strict=True), rows, strict=True):
                identity, ts, author, kind, text, media, reply_to, edited = row
                day, minute = clock.local_minute(ts)
                yield Message(
                    identity, ts, day, minute, author, kind, text, media or (), reply_to, edited, reactions, topic,
                    links or (),
                )  # fmt: skip
