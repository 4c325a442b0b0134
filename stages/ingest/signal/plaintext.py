"""Reads Signal's own export of all chats in plain text: JSON lines, one frame of its backup format a line.

First come the account and the recipients, then chats, then the messages of all chats as they were received. Numbers
of 64 bits are written as strings, bytes in Base64.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stages.errors import BadInput
from stages.ingest.draft import Draft, DraftBuilder
from stages.ingest.reader import Chat, ReadOptions, Source, Summary, Unparsed
from stages.ingest.signal.chats import ChatFile
from stages.ingest.signal.frames import People, message
from stages.ingest.unparsed import masked

_BATCH: Final = 20_000


@dataclass
class _Conversation:
    """A chat: whom or what it is with, and how many messages of it were read."""

    id: str
    name: str
    kind: str
    entries: int = 0


class PlaintextReader:
    """One such export. Ids are made of the times that Signal itself knows messages by, so they never change."""

    def __init__(self, source: Source, file: ChatFile, options: ReadOptions) -> None:
        self._file = file
        self._options = options
        self._people = People(member.name for member in source.members or ())
        self._chats: dict[str, _Conversation] = {}
        self._surveyed = False
        self._lost = 0
        self._first: int | None = None
        self._looks_like = ""
        self.consumed = frozenset() if file.position is None else frozenset({file.position})

    def names(self) -> Collection[str]:
        """Every contact by all of their names, and the owner."""
        self._survey()
        return self._people.names

    def drafts(self) -> Iterator[Draft]:
        """Batches of some twenty thousand messages; chats lie between one another as they do in the export."""
        self._survey()
        chosen = self._choose()
        builders = {number: DraftBuilder(chat.id) for number, chat in self._chats.items() if number in chosen}
        waiting = 0
        for line, frame in self._frames():
            item = frame.get("chatItem")
            if not isinstance(item, dict):
                continue
            number = str(item.get("chatId"))
            if number in self._chats and number not in chosen:
                continue
            row = message(item, self._people) if number in builders else None
            if row is None:
                self._lose(line, "")
                continue
            builders[number].add(**row)
            self._chats[number].entries += 1
            waiting += 1
            if waiting >= _BATCH:
                yield from _taken(builders)
                waiting = 0
        yield from _taken(builders)
        entries = sum(chat.entries for chat in self._chats.values())
        if self._lost > entries or not entries:
            raise BadInput(
                f"Only {entries} of {entries + self._lost} messages of the Signal export could be read, the first that "
                f"could not is in line {self._first or 1}; export the chats again."
            )

    def summary(self) -> Summary:
        """Chats, and what was not read."""
        summary = Summary(
            format="Signal, plaintext export (JSON lines)",
            evidence="every message carries its time in UTC",
            chats=[
                Chat(number, chat.id, chat.name, chat.kind, chat.entries)
                for number, chat in enumerate(self._chats.values(), 1)
            ],
        )
        if self._lost:
            summary.unparsed = Unparsed(self._lost, f"line {self._first}", self._looks_like)
            summary.warnings.append(f"Messages that could not be read: {self._lost}, the first is line {self._first}.")
        return summary

    def _survey(self) -> None:
        if self._surveyed:
            return
        self._surveyed = True
        for _, frame in self._frames(items=False):
            if isinstance(account := frame.get("account"), dict):
                self._people.own(account)
            elif isinstance(recipient := frame.get("recipient"), dict):
                self._people.add(recipient)
            elif isinstance(chat := frame.get("chat"), dict):
                whom = str(chat.get("recipientId"))
                self._chats[str(chat.get("id"))] = _Conversation(
                    # the key of a group is a secret: what is made of it tells nothing
                    hashlib.sha256(self._people.signer(whom).encode()).hexdigest()[:16],
                    self._people.title(whom),
                    self._people.kind(whom),
                )
        self._lost, self._first = 0, None

    def _choose(self) -> set[str]:
        wanted = self._options.chat
        if wanted is None:
            return set(self._chats)
        found = [number for number, chat in self._chats.items() if wanted in (chat.id, chat.name)]
        if len(found) == 1:
            return set(found)
        if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(self._chats):
            return {list(self._chats)[int(wanted) - 1]}
        raise BadInput(
            f"No chat of the export is the one that was asked for; it holds {len(self._chats)}, numbered from 1: "
            "give a number, or a chat's name or id."
        )

    def _frames(self, *, items: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
        """(line, frame); without ``items`` messages are passed over unread."""
        with self._file.open() as stream:
            for number, raw in enumerate(stream, 1):
                if not raw.strip() or (not items and raw.startswith(b'{"chatItem"')):
                    continue
                try:
                    frame = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
                except orjson.JSONDecodeError:
                    frame = None
                if isinstance(frame, dict):
                    yield number, frame
                else:
                    self._lose(number, raw[:200].decode("utf-8", "replace"))

    def _lose(self, line: int, text: str) -> None:
        self._lost += 1
        if self._first is None:
            self._first, self._looks_like = line, masked(text)


def _taken(builders: dict[str, DraftBuilder]) -> Iterator[Draft]:
    for builder in builders.values():
        if len(builder):
            draft = builder.take()
            draft.framed = True
            yield draft
