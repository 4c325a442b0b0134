"""One chat that is being read: its messages become rows, most of them on a short way."""

from collections.abc import Iterator
from typing import Any, Final

from stages.ingest.draft import NO_KEY, Draft
from stages.ingest.telegram.message import flat, read_message
from stages.ingest.telegram.outline import Head
from stages.ingest.telegram.report import Report
from stages.ingest.telegram.rows import Rows
from stages.ingest.telegram.seen import NONE, ByNumber, Topics
from stages.ingest.telegram.times import moment
from stages.ingest.zone import LocalTimes

_PLAIN: Final = frozenset(
    {"id", "type", "date", "date_unixtime", "from", "from_id", "text", "text_entities", "reply_to_message_id"}
)
"""What a message has that is a text and nothing else."""
_HASH: Final = (1 << 32) - 1


class ChatInHand:
    """Reads the messages of one chat, in their order. Memory: a draft, and 12 bytes a message (24 in a forum)."""

    def __init__(self, head: Head, zone: LocalTimes, report: Report) -> None:
        self.head = head
        self.entries = 0
        self._report = report
        self._rows = Rows(head.stable, zone)
        self._met = ByNumber()
        self._topics = Topics()

    def take(self, messages: list[Any]) -> Iterator[Draft]:
        """Reads messages; hands out a draft where enough have come together."""
        plain, rows = _PLAIN, self._rows
        for message in messages:
            if type(message) is not dict:
                self._report.without_date(message)
                continue
            if not (message.keys() <= plain and self._short(message)):
                self._long(message)
            if rows.is_full():
                yield rows.take()

    def rest(self) -> Iterator[Draft]:
        """The rows that are left, if there are any."""
        if len(self._rows):
            yield self._rows.take()

    def _short(self, message: dict[str, Any]) -> bool:
        """Reads a message that somebody wrote and that is new; False, and nothing done, for all others."""
        key, text, sent = message.get("id"), message.get("text"), message.get("date_unixtime")
        author, signer = message.get("from"), message.get("from_id")
        entities = message.get("text_entities")
        reply = message.get("reply_to_message_id", NO_KEY)
        if (
            message.get("type") != "message"
            or type(key) is not int
            or type(reply) is not int
            or type(sent) is not str
            or len(sent) != 10
            or not sent.isdecimal()
            or type(author) is not str
            or type(signer) is not str
            or not author
            or not signer
            or not -_HASH <= key <= _HASH
            or not -_HASH <= reply <= _HASH
            or not self._met.is_new(key)
        ):
            return False
        if type(text) is not str:
            if type(text) is not list:
                return False
            links: list[str] = []
            text = flat(text, links)
            if links:
                return False
        elif entities and not (type(entities) is list and len(entities) == 1 and _is_plain(entities[0])):
            return False
        self._rows.plain(int(sent), author, signer, text, key, reply)
        self._met.put(key, hash(text) & _HASH)
        self.entries += 1
        if self._topics:
            self._set_topic(key, reply)
        return True

    def _long(self, message: dict[str, Any]) -> None:
        """Reads any message."""
        when = moment(message)
        if when is None:
            self._report.without_date(message)
            return
        head = self.head
        row = read_message(message, head.stable, head.kind, head.name)
        key = row.key
        if key != NO_KEY:
            mark = hash(row.wording) & _HASH
            met = NONE if self._met.is_new(key) else self._met.get(key)
            if met == mark:
                self._report.twice += 1
                return
            if met == NONE:
                self._met.put(key, mark)
            else:
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

    def _set_topic(self, key: int, reply: int) -> None:
        title = self._topics.of(key, reply)
        if title is not None:
            self._rows.topic(title)

    def senders(self) -> Iterator[tuple[str | None, str | None]]:
        """Who wrote, as pairs of a name and an id."""
        return iter(self._rows.senders)


def _is_plain(entity: Any) -> bool:
    return type(entity) is dict and entity.get("type") != "text_link"
