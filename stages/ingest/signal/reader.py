"""Reads what signal-export writes: a folder a chat, as Markdown or JSON lines, with local times."""

import re
from collections.abc import Collection, Iterator
from typing import Final

import numpy as np

from stages.errors import BadInput
from stages.ingest.draft import NO_KEY, Draft, DraftBuilder
from stages.ingest.names import fold
from stages.ingest.reader import Chat, ReadOptions, Source, Summary, Unparsed
from stages.ingest.signal.body import Body
from stages.ingest.signal.chats import ChatFile
from stages.ingest.signal.entries import Entry, Seen, Shape, json_entries, markdown_entries, survey
from stages.ingest.signal.header import NOBODY, OWNER
from stages.ingest.signal.replies import Earlier

_BATCH: Final = 20_000
_DAY: Final = 86_400
_NOT_NAMES: Final = frozenset({OWNER, NOBODY, "Note to Self", "None", ""})
_JOINED: Final = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")


class SignalReader:
    """One export of signal-export, of one chat or many. Chats have no id there, and messages none either."""

    def __init__(self, source: Source, files: list[ChatFile], options: ReadOptions) -> None:
        self._files = files
        self._options = options
        self._chosen = self._choose()
        self._members = {fold(member.name): member.name for member in source.members or ()}
        self._shapes: dict[int, Shape] = {}
        self._people: set[str] | None = None
        self._seen: dict[int, Seen] = {}
        self._entries: dict[int, int] = {}
        self._back = 0
        self._first_back = ""
        self._next = 0
        self.consumed = frozenset(
            position for file in files for position in (file.position, *file.beside) if position is not None
        )

    def names(self) -> Collection[str]:
        """Everybody who writes or reacts. The owner is called "Me", which is nobody's name."""
        people = self._survey() - _NOT_NAMES
        # newer versions leave the spaces out of names: in a text the parts stand alone
        return people | {spaced for name in people if (spaced := _JOINED.sub(" ", name)) != name}

    def drafts(self) -> Iterator[Draft]:
        """Batches of some twenty thousand messages, chat by chat."""
        self._survey()
        for index in self._chosen:
            rows: list[tuple[Entry, int]] = []
            earlier, latest = Earlier(), -(1 << 62)
            seen = self._seen[index] = Seen()
            self._entries[index] = 0
            for entry in self._read(index, seen):
                if entry.local < latest - _DAY:
                    self._step_back(index, entry.line)
                latest = max(latest, entry.local)
                reply = earlier.find(entry.body.quote) if entry.body.quote else None
                rows.append((entry, NO_KEY if reply is None else reply))
                earlier.add(_said(entry.body), self._next + len(rows) - 1)
                if len(rows) >= _BATCH:
                    yield self._batch(index, rows)
                    rows = []
            if rows:
                yield self._batch(index, rows)
        self._refuse_little()

    def summary(self) -> Summary:
        """Forms, chats, and what was not read as a message."""
        forms = sorted({form.words for shape in self._shapes.values() for form in shape.forms})
        lines = any(file.kind == "lines" for file in self._files)
        summary = Summary(
            format="signal-export, "
            + " and ".join([*(f"Markdown, {form}" for form in forms), *["JSON lines"] * lines]),
            evidence="year first",
            date_order="ymd",
            chats=[
                Chat(number, "", file.name, "chat", self._entries.get(number - 1, 0))
                for number, file in enumerate(self._files, 1)
            ],
        )
        self._warn(summary)
        return summary

    def _warn(self, summary: Summary) -> None:
        for index, seen in self._seen.items():
            where = "" if len(self._files) == 1 else f" of chat {index + 1}"
            if seen.preamble:
                summary.warnings.append(f"{_lines(seen.preamble)} before the first message{where} and left out.")
            if seen.strays:
                summary.warnings.append(
                    f"{_begin(seen.strays)} like a message in another form or place, the first is line "
                    f"{seen.first_stray}{where}; kept as text of the message before."
                )
            if seen.lost:
                before = summary.unparsed
                summary.unparsed = Unparsed(
                    seen.lost + (before.count if before else 0),
                    before.where if before else f"line {seen.first}{where}",
                    before.looks_like if before else seen.looks_like,
                )
        if summary.unparsed:
            summary.warnings.append(
                f"Messages that could not be read: {summary.unparsed.count}, the first is {summary.unparsed.where}."
            )
        if self._back:
            summary.warnings.append(
                f"The time steps back more than a day {self._back} times, first at {self._first_back}: "
                "a message that was pasted into another looks the same."
            )

    def _survey(self) -> set[str]:
        if self._people is None:
            self._people = set()
            for index in self._chosen:
                file = self._files[index]
                if file.kind == "markdown":
                    shape = self._shapes[index] = survey(file.open)
                    self._people |= shape.people
                else:
                    for entry in json_entries(file.open, Seen()):
                        self._people.add(entry.sender)
                        self._people.update(entry.body.people)
        return self._people

    def _read(self, index: int, seen: Seen) -> Iterator[Entry]:
        file = self._files[index]
        if file.kind == "markdown":
            return markdown_entries(file.open, self._shapes[index], seen)
        return json_entries(file.open, seen)

    def _batch(self, index: int, rows: list[tuple[Entry, int]]) -> Draft:
        builder = DraftBuilder()
        utc = self._options.zone.to_utc(np.array([entry.local for entry, _ in rows], np.int64))
        for (entry, reply), seconds in zip(rows, utc.tolist(), strict=True):
            body = entry.body
            event = entry.sender in (NOBODY, "") and not body.text and not body.media
            author = None if event or not entry.sender else entry.sender
            media = [self._members.get(fold(name), name) for name in body.media]
            builder.add(
                seconds * 1_000_000 + entry.micro,
                author,
                "An event that the export does not describe." if event else body.text,
                kind="system" if event else body.kind,
                media=media,
                local=entry.local,
                wording=body.text or "\n".join(body.media),
                key=self._next,
                reply=reply,
                reactions=body.reactions,
            )
            self._next += 1
        self._entries[index] += len(rows)
        return builder.take()

    def _step_back(self, index: int, line: int) -> None:
        self._back += 1
        if not self._first_back:
            self._first_back = f"line {line}" + ("" if len(self._files) == 1 else f" of chat {index + 1}")

    def _choose(self) -> list[int]:
        wanted = self._options.chat
        if wanted is None:
            return list(range(len(self._files)))
        named = [index for index, file in enumerate(self._files) if file.name == wanted]
        if len(named) == 1:
            return named
        if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(self._files):
            return [int(wanted) - 1]
        raise BadInput(
            f"No chat of the export is the one that was asked for; it holds {len(self._files)}, numbered from 1: "
            "give a number, or a chat's name as its folder has it."
        )

    def _refuse_little(self) -> None:
        entries = sum(self._entries.values())
        lost = sum(seen.lost for seen in self._seen.values())
        if lost > entries or not entries:
            first = next((seen.first for seen in self._seen.values() if seen.first), 1)
            raise BadInput(
                f"Only {entries} of {entries + lost} messages of the Signal export could be read, the first that could "
                f"not is in line {first}; export the chat again."
            )


def _said(body: Body) -> str:
    """What a message says beside what it quotes."""
    return body.text.partition("\n\n")[2] if body.quote else body.text


def _begin(number: int) -> str:
    return "1 line begins" if number == 1 else f"{number:,} lines begin"


def _lines(number: int) -> str:
    return "1 line stands" if number == 1 else f"{number} lines stand"
