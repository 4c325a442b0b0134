"""Messages of Slack as rows of a draft: who, when, what, which kind, to whom it answers."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stages.ingest.draft import NO_KEY, DraftBuilder
from stages.ingest.reader import Unparsed
from stages.ingest.slack.content import content_source, hidden_links
from stages.ingest.slack.events import CALLS, ORDINARY, call_source, event_source, is_event
from stages.ingest.slack.mrkdwn import Mrkdwn, without_tokens
from stages.ingest.slack.people import People
from stages.ingest.slack.seen import Seen
from stages.ingest.slack.uploads import Uploads, file_ids, outside_links, shared
from stages.ingest.slack.values import Entry, entries, entry, microseconds, name_of, number, string
from stages.ingest.unparsed import masked

_WORD: Final = re.compile("[a-z][a-z_]{1,40}")
_LOG: Final = frozenset(("message_changed", "message_replied", "message_deleted"))
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
    """Reads the entries of one conversation into a builder. Cost: some ten microseconds a message."""

    def __init__(self, builder: DraftBuilder, people: People, markup: Mrkdwn, uploads: Uploads, tally: Tally) -> None:
        self._builder = builder
        self._people = people
        self._markup = markup
        self._uploads = uploads
        self._tally = tally
        self._seen = Seen()
        self._gone: set[int] = set()
        self.letters = 0
        """Characters given to the builder since somebody set this to 0."""

    def read(self, found: Sequence[Any], where: str, first: int) -> None:
        """Take a batch of entries; ``first`` is the number of the first one in its file, from 1."""
        batch: list[tuple[int, Entry]] = []
        deleted: list[tuple[int, Entry]] = []
        for at, raw in enumerate(found, first):
            message = entry(raw)
            subtype = message.get("subtype")
            inner: Entry = {}
            if subtype in _LOG:
                inner = entry(message.get("previous_message" if subtype == "message_deleted" else "message"))
            stamp = microseconds(message.get("deleted_ts") or inner.get("ts") or message.get("ts"))
            if stamp is None:
                self._tally.not_read(f"{where}, message {at}", raw)
            elif subtype == "message_deleted":
                deleted.append((stamp, message))
            else:
                batch.append((stamp, message))
        self._seen.expect([stamp for stamp, _ in (*batch, *deleted)])
        # what was deleted the same day is known as deleted before its text comes
        self._gone = set()
        for stamp, message in deleted:
            self._deletion(stamp, message)
        for stamp, message in batch:
            self._entry(stamp, message)

    def _entry(self, stamp: int, message: Entry) -> None:
        if stamp in self._gone:
            return
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
        files = shared(message)
        kind = "media" if files else "text"
        if message.get("blocks") and message.get("bot_id"):
            kind = "call" if any(block.get("type") == "call" for block in entries(message["blocks"])) else kind
        wording = source or (file_ids(message) if files else "")
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
        thread = microseconds(message.get("thread_ts"))
        written = kind in ("text", "media")
        text = self._markup.text(source)
        links = [*hidden_links(message), *outside_links(message)] if written else []
        self._builder.add(
            stamp,
            author,
            text,
            kind=kind,
            media=self._uploads.names(message) if kind == "media" else (),
            edited=written and bool(message.get("edited")),
            signer=signer,
            wording=wording,
            # of two messages with one stamp, answers go to the first
            key=stamp if met == "new" else NO_KEY,
            reply=thread if thread is not None and thread != stamp else NO_KEY,
            reactions=_reactions(message.get("reactions")),
            links=dict.fromkeys(url for url in map(without_tokens, links) if url not in text),
        )
        self.letters += len(text) + len(wording)
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


def _reactions(value: object) -> int | None:
    """How often people reacted, all signs together; None where nobody did."""
    total = sum(max(number(item.get("count")), 0) or _length(item.get("users")) for item in entries(value))
    return min(total, _MOST_REACTIONS) or None


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
