"""Messages of Slack as rows of a draft: who, when, what, which kind, to whom it answers."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stages.ingest.draft import NO_KEY
from stages.ingest.reader import Unparsed
from stages.ingest.slack.content import content_source, hidden_links
from stages.ingest.slack.events import CALLS, ORDINARY, call_source, event_source, is_event
from stages.ingest.slack.mrkdwn import Mrkdwn, source_text, without_tokens
from stages.ingest.slack.people import People
from stages.ingest.slack.rows import Rows
from stages.ingest.slack.seen import Seen
from stages.ingest.slack.uploads import Uploads, file_ids, outside_links, shared
from stages.ingest.slack.values import Entry, entries, entry, microseconds, name_of, number, string
from stages.ingest.unparsed import masked

_WORD: Final = re.compile("[a-z][a-z_]{1,40}")
_LOG: Final = frozenset(("message_changed", "message_replied", "message_deleted"))
_RICH: Final = frozenset(
    ("subtype", "bot_id", "bot_profile", "attachments", "files", "file", "room", "comment", "username")
)
"""What a message of a person that is nothing but text does not have."""
_MOST_REACTIONS: Final = (1 << 31) - 1


@dataclass
class Tally:
    """What was counted while messages were read."""

    read: int = 0
    again: int = 0
    revisions: int = 0
    deleted_later: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    unparsed: int = 0
    first_unparsed: tuple[str, str] = ("", "")

    def not_read(self, where: str, what: object) -> None:
        """Count an entry that is no message."""
        if not self.unparsed:
            self.first_unparsed = (where, masked(json.dumps(what, ensure_ascii=False, default=str)[:240]))
        self.unparsed += 1

    def as_unparsed(self) -> Unparsed | None:
        """The same for the summary."""
        return Unparsed(self.unparsed, *self.first_unparsed) if self.unparsed else None


class Messages:
    """Reads the entries of one conversation into rows. Cost: some ten microseconds a message."""

    def __init__(self, rows: Rows, people: People, markup: Mrkdwn, uploads: Uploads, tally: Tally) -> None:
        self._rows = rows
        self._people = people
        self._markup = markup
        self._uploads = uploads
        self._tally = tally
        self._seen = Seen()
        self._gone: set[int] = set()
        self._names: dict[str, str] = {}

    def read(self, found: Sequence[Any], where: str, first: int) -> None:
        """Take a batch of entries; ``first`` is the number of the first one in its file, from 1."""
        stamps = [_stamp(raw) for raw in found]
        self._seen.expect([stamp for stamp in stamps if stamp is not None])
        # what was deleted the same day is known as deleted before its text comes
        self._gone = set()
        for stamp, raw in zip(stamps, found, strict=True):
            if stamp is not None and raw.get("subtype") == "message_deleted":
                self._deletion(stamp, raw)
        gone = self._gone
        for at, (stamp, raw) in enumerate(zip(stamps, found, strict=True), first):
            if stamp is None:
                self._tally.not_read(f"{where}, message {at}", raw)
            elif gone and (stamp in gone or raw.get("subtype") == "message_deleted"):
                continue
            elif _RICH.isdisjoint(raw) and raw.get("text") and raw.get("user"):
                self._plain(stamp, raw)
            elif raw.get("subtype") != "message_deleted":
                self._entry(stamp, raw)

    def _plain(self, stamp: int, message: Entry) -> None:
        """A person's text and nothing else, as most are: what :meth:`_entry` does with it, in half the time."""
        source, user = message["text"], message["user"]
        if type(source) is not str or type(user) is not str:
            self._entry(stamp, message)
            return
        if not source.isascii() or "\r" in source or "xox" in source:
            source = source_text(source)
        name = self._names.get(user)
        if name is None:
            name = self._names[user] = self._people.name(user)
        met = self._seen.meet(stamp, user, source)
        if met == "again":
            self._tally.again += 1
            return
        reply = NO_KEY
        if "thread_ts" in message:
            thread = microseconds(message["thread_ts"])
            reply = thread if thread is not None and thread != stamp else NO_KEY
        self._rows.add(
            stamp,
            name,
            self._markup.text(source) if "<" in source or "&" in source else source,
            "text",
            "edited" in message and bool(message["edited"]),
            user,
            source,
            stamp if met == "new" else NO_KEY,
            reply,
        )
        if "reactions" in message:
            self._rows.more((), _reactions(message["reactions"]), ())
        self._tally.read += 1

    def _entry(self, stamp: int, message: Entry) -> None:
        subtype = string(message.get("subtype"))
        if subtype in _LOG:
            inner = entry(message.get("message"))
            if self._seen.knows(stamp) or not inner:
                self._tally.revisions += 1
                return
            message = {**inner, "edited": inner.get("edited") or subtype == "message_changed"}
            subtype = string(message.get("subtype"))
        if subtype in CALLS:
            source = call_source(message)
            room = string(entry(message.get("room")).get("id"))
            self._add(stamp, message, None, None, source, "call", wording=f"{subtype} {room}" if room else source)
        elif subtype == "tombstone":
            source = string(message.get("text")) or "This message was deleted."
            self._add(stamp, message, None, None, source, "deleted")
        elif subtype in ORDINARY:
            self._ordinary(stamp, message)
        elif is_event(subtype):
            self._add(stamp, message, None, None, event_source(message), "system")
        else:
            self._tally.unknown[subtype if _WORD.fullmatch(subtype) else "another"] += 1
            if message.get("user") and message.get("text"):
                self._ordinary(stamp, message)
            else:
                self._add(stamp, message, None, None, event_source(message), "system")

    def _ordinary(self, stamp: int, message: Entry) -> None:
        author, signer = self._author(message)
        source = content_source(message)
        files = message.get("files") or message.get("file")
        kind = "media" if files and shared(message) else "text"
        if message.get("bot_id") and message.get("blocks"):
            kind = "call" if any(block.get("type") == "call" for block in entries(message["blocks"])) else kind
        wording = source or (file_ids(message) if kind == "media" else "")
        self._add(stamp, message, author, signer, source, kind, wording=wording)

    def _add(
        self, stamp: int, message: Entry, author: str | None, signer: str | None, source: str, kind: str,
        wording: str | None = None,
    ) -> None:  # fmt: skip
        wording = source if wording is None else wording
        met = self._seen.meet(stamp, signer or wording, wording)
        if met == "again":
            self._tally.again += 1
            return
        thread = message.get("thread_ts")
        if thread is not None:
            thread = microseconds(thread)
        written = kind == "text" or kind == "media"
        text = self._markup.text(source)
        links: list[str] = []
        if written and (message.get("attachments") or message.get("bot_id") or kind == "media"):
            links = [*hidden_links(message), *outside_links(message)]
        self._rows.add(
            stamp,
            author,
            text,
            kind,
            written and bool(message.get("edited")),
            signer,
            wording,
            # of two messages with one stamp, answers go to the first
            stamp if met == "new" else NO_KEY,
            thread if thread is not None and thread != stamp else NO_KEY,
        )
        self._rows.more(
            self._uploads.names(message) if kind == "media" else (),
            _reactions(message["reactions"]) if message.get("reactions") else None,
            dict.fromkeys(url for url in map(without_tokens, links) if url not in text) if links else (),
        )
        self._tally.read += 1

    def _deletion(self, stamp: int, message: Entry) -> None:
        before = entry(message.get("previous_message"))
        if self._seen.knows(stamp):
            self._tally.deleted_later += stamp not in self._gone
            return
        self._gone.add(stamp)
        author, signer = self._author(before)
        self._add(stamp, {"thread_ts": before.get("thread_ts")}, author, signer, "This message was deleted.", "deleted")

    def _author(self, message: Entry) -> tuple[str | None, str | None]:
        """The name that a message is shown under, and the id behind it."""
        user, bot = string(message.get("user")), string(message.get("bot_id"))
        if not user and not bot:
            user = string(entry(message.get("comment")).get("user"))
        if user and not bot and message.get("subtype") != "bot_message":
            return self._people.name(user), user
        # an app may post under any name, and that one is shown
        name = (
            name_of(message.get("username"))
            or self._people.known(user)
            or name_of(entry(message.get("bot_profile")).get("name"))
            or self._people.bots.get(bot)
            or user
            or bot
        )
        return (name, user or bot or name) if name else (None, None)


def _stamp(raw: object) -> int | None:
    """When a message was written, and by that its id; of a record of edits, those of the message itself."""
    if type(raw) is not dict:
        return None
    subtype = raw.get("subtype")
    if subtype is None or string(subtype) not in _LOG:
        return microseconds(raw.get("ts"))
    inner = entry(raw.get("previous_message" if subtype == "message_deleted" else "message"))
    return microseconds(raw.get("deleted_ts") or inner.get("ts") or raw.get("ts"))


def _reactions(value: object) -> int | None:
    """How often people reacted, all signs together; None where nobody did."""
    total = sum(max(number(item.get("count")), 0) or _length(item.get("users")) for item in entries(value))
    return min(total, _MOST_REACTIONS) or None


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
