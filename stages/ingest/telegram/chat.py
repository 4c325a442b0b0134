"""One chat that is being read: its messages become rows, most of them on a short way."""

from collections.abc import Iterator
from typing import Any

from stages.ingest.draft import NO_KEY, Draft
from stages.ingest.telegram.message import read_message
from stages.ingest.telegram.outline import Head
from stages.ingest.telegram.report import Report
from stages.ingest.telegram.rows import Rows
from stages.ingest.telegram.seen import NONE, ByNumber, Topics, mark
from stages.ingest.telegram.times import moment
from stages.ingest.telegram.usual import Run, Shapes
from stages.ingest.zone import LocalTimes


class ChatInHand:
    """Reads the messages of one chat, in their order. Memory: a draft, and 12 bytes a message (24 in a forum)."""

    def __init__(self, head: Head, zone: LocalTimes, report: Report) -> None:
        self.head = head
        self.entries = 0
        self._report = report
        self._rows = Rows(head.stable, zone)
        self._met = ByNumber()
        self._top = -(1 << 63)
        self._shapes = Shapes()
        self._topics = Topics()

    def take(self, messages: list[Any]) -> Iterator[Draft]:
        """Reads messages; hands out a draft where enough have come together."""
        shape_of, run = self._shapes.of, Run(old=False)
        for message in messages:
            if type(message) is not dict:
                self._report.without_date(message)
                continue
            shape = shape_of(message)
            if shape is None or shape.old is not run.old:
                self._move(run)
                run = Run(old=False if shape is None else shape.old)
            if shape is None:
                self._read(message)
            else:
                run.add(message, shape)
        self._move(run)
        if self._rows.is_full():
            yield self._draft()

    def rest(self) -> Iterator[Draft]:
        """The rows that are left, if there are any."""
        if len(self._rows):
            yield self._draft()

    def senders(self) -> Iterator[tuple[str | None, str | None]]:
        """Who wrote, as pairs of a name and an id."""
        return iter(self._rows.senders)

    def _draft(self) -> Draft:
        self._met.extend(*self._rows.not_remembered())
        return self._rows.take()

    def _move(self, run: Run) -> None:
        """Reads usual messages all at once, if they are."""
        if not run.messages:
            return
        if not run.move(self._rows, self._top):
            for message in run.messages:
                self._read(message)
            return
        self._top = run.keys[-1]
        self.entries += len(run.keys)
        self._report.local_only += len(run.keys) if run.old else 0
        if self._topics:
            for at, (key, reply) in enumerate(zip(run.keys, run.replies, strict=True)):
                title = self._topics.of(key, reply)
                if title is not None:
                    self._rows.topic(title, run.first + at)

    def _read(self, message: dict[str, Any]) -> None:
        """Reads any message."""
        when = moment(message)
        if when is None:
            self._report.without_date(message)
            return
        head = self.head
        row = read_message(message, head.stable, head.kind, head.name)
        key = row.key
        if key != NO_KEY:
            if key > self._top:
                self._top = key
            elif self._was_met(key, when[0]):
                return
            elif self._met.get(key) != NONE:
                self._report.shared += 1
                key = NO_KEY
        seconds, local = when
        self._rows.add(row, seconds, key, local=local)
        self.entries += 1
        self._report.local_only += local
        if row.author is None and row.kind not in ("system", "call"):
            self._report.silent += 1
        title = message.get("title") if message.get("action") == "topic_created" else None
        if type(title) is str:
            self._rows.topic(self._topics.opened(key, title))
        elif self._topics:
            self._set_topic(key, row.reply)

    def _was_met(self, key: int, seconds: float) -> bool:
        """Whether a message with this number was sent at this time before; counts it."""
        self._met.extend(*self._rows.not_remembered())
        again = self._met.get(key) == mark(seconds)
        self._report.twice += again
        return again

    def _set_topic(self, key: int, reply: int) -> None:
        title = self._topics.of(key, reply)
        if title is not None:
            self._rows.topic(title)
