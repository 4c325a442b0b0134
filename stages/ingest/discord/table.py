"""Reads DiscordChatExporter's CSV: who, when, what, attachments and reactions, without ids of messages or replies."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from stages.errors import BadInput
from stages.ingest.discord.content import cleaned, framed
from stages.ingest.discord.dates import Dates
from stages.ingest.discord.events import is_fixed_sentence, sentence
from stages.ingest.discord.parts import as_utf8, counted
from stages.ingest.draft import Draft, DraftBuilder
from stages.ingest.names import fold
from stages.ingest.reader import Chat, ReadOptions, Source, Summary, Unparsed
from stages.ingest.zips import Member

_BATCH: Final = 20_000
_LONGEST_FIELD: Final = 1 << 20
_COLUMNS: Final = ("author", "date", "content", "attachments")
_PARTITION: Final = re.compile(r" \[part \d+\](?=\.[^.]*$)")
_NUMBER: Final = re.compile(r" \[part (\d+)\]\.[^.]*$")
_CHANNEL: Final = re.compile(r"- ([^-]+) \[\d{5,20}\]")
_COUNT: Final = re.compile(r" \((\d{1,9})\)(?:,|$)")
_NEXT_FILE: Final = re.compile(r",(?=https?://)")
_WORD: Final = r"\w[\w.\-]{0,31}(?<![.\-])"
_MENTION: Final = re.compile(rf"(?<![\w@.\u2068])@(?!everyone\b|here\b)({_WORD}(?: {_WORD}){{0,3}})")


@dataclass(frozen=True)
class CsvPart:
    """One CSV file; ``chat`` is what partitions of one channel share."""

    open: Callable[[], BinaryIO]
    where: str
    chat: str
    name: str
    number: int
    position: int | None = None


@dataclass
class _Columns:
    """Where in a row what stands."""

    count: int
    author: int
    date: int
    content: int
    attachments: int
    signer: int | None
    reactions: int | None


def looks_like_csv(head: bytes) -> bool:
    """Whether a file begins with the header of a CSV export, today's or an older one."""
    return _delimiter(_first_line(head)) is not None


def csv_parts(source: Source) -> list[CsvPart]:
    """The CSV files of an export; partitions of one channel follow one another."""
    if source.members is None:
        return [CsvPart(source.open, "The export", "", "", 1)]
    parts = []
    for member in source.members:
        if not member.name.lower().endswith(".csv") or not member.size:
            continue
        opening = partial(source.open, member)
        with opening() as stream:
            if not looks_like_csv(stream.read(4_096)):
                continue
        parts.append(_part(member, opening))
    order = {chat: index for index, chat in reversed(list(enumerate(part.chat for part in parts)))}
    return sorted(parts, key=lambda part: (order[part.chat], part.number))


class CsvReader:
    """One export in CSV. Messages have no ids there, and chats none either."""

    def __init__(self, parts: list[CsvPart], source: Source, options: ReadOptions) -> None:
        self._options = options
        self._chats: dict[str, list[CsvPart]] = {}
        for part in parts:
            self._chats.setdefault(part.chat, []).append(part)
        self._chosen = self._choose()
        self._files = {fold(member.name): member.name for member in source.members or ()}
        self._dates = Dates(options.zone, options.date_order)
        self._names: set[str] | None = None
        self._entries: dict[str, int] = {}
        self._lost = 0
        self._first = ""
        self._events = 0
        self.consumed = frozenset(part.position for part in parts if part.position is not None)

    def names(self) -> Collection[str]:
        """All authors, with and without the number behind the name."""
        return self._survey()

    def drafts(self) -> Iterator[Draft]:
        """Batches of some twenty thousand messages."""
        self._survey()
        for chat in self._chosen:
            builder = DraftBuilder()
            entries = 0
            for part in self._chats[chat]:
                for line, row, columns in self._rows(part):
                    if not self._add(builder, row, columns):
                        self._lose(part, line)
                        continue
                    entries += 1
                    if len(builder) >= _BATCH:
                        yield _framed(builder)
            if len(builder):
                yield _framed(builder)
            self._entries[chat] = entries
        entries = sum(self._entries.values())
        if self._lost > entries:
            raise BadInput(
                f"Only {entries} of {entries + self._lost} rows could be read, the first that could not is "
                f"{self._first}; export the channel again, best as JSON."
            )
        if not entries:
            raise BadInput("The Discord export holds no message; export the channel again.")

    def summary(self) -> Summary:
        """What was read, and what was taken for an event."""
        summary = Summary(
            format=f"DiscordChatExporter, CSV, dates as {self._dates.words}",
            evidence=self._dates.evidence,
            ambiguous=self._dates.ambiguous,
            date_order=self._dates.order,
            chats=[
                Chat(number, "", parts[0].name, "channel", self._entries.get(chat, 0))
                for number, (chat, parts) in enumerate(self._chats.items(), 1)
            ],
        )
        if self._events:
            summary.warnings.append(
                f"{counted(self._events, 'message')} exactly what Discord says of joins, pins and the like; "
                "read as an event without an author."
            )
        if self._lost:
            summary.unparsed = Unparsed(self._lost, self._first, "")
            summary.warnings.append(f"{counted(self._lost, 'row')} not understood, the first is {self._first}.")
        return summary

    def _survey(self) -> set[str]:
        if self._names is None:
            self._names = set()
            for chat in self._chosen:
                for part in self._chats[chat]:
                    for _, row, columns in self._rows(part):
                        if len(row) == columns.count:
                            self._names.add(row[columns.author])
                            self._dates.learn(row[columns.date])
            self._dates.decide()
            self._names |= {name.rpartition("#")[0] for name in self._names if re.search(r"#\d{4}$", name)}
            self._names = {name.strip() for name in self._names if name.strip()}
        return self._names

    def _rows(self, part: CsvPart) -> Iterator[tuple[int, list[str], _Columns]]:
        """(line, fields, columns) of each row."""
        with part.open() as stream:
            lead = stream.read(3)
        encoding = "utf-16" if lead[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        limit = csv.field_size_limit(_LONGEST_FIELD)
        try:
            with part.open() as stream, io.TextIOWrapper(stream, encoding, errors="replace", newline="") as text:
                header = text.readline()
                delimiter = _delimiter(header)
                if delimiter is None:
                    raise BadInput(f"{part.where} has no header of DiscordChatExporter; export the channel again.")
                columns = _columns(header, delimiter)
                rows = csv.reader(text, delimiter=delimiter)
                while True:
                    line = rows.line_num + 2
                    try:
                        row = next(rows)
                    except StopIteration:
                        return
                    except csv.Error:
                        row = []
                        yield line, row, columns
                        continue
                    if len(row) == columns.count + 1 and not row[-1]:
                        row = row[:-1]
                    if row:
                        yield line, row, columns
        finally:
            csv.field_size_limit(limit)

    def _add(self, builder: DraftBuilder, row: list[str], columns: _Columns) -> bool:
        if len(row) != columns.count:
            return False
        moment = self._dates.read(row[columns.date])
        if moment is None:
            return False
        utc, local = moment
        author: str | None = row[columns.author].strip()
        signer = row[columns.signer].strip() if columns.signer is not None else author
        content = cleaned(row[columns.content])
        media = [name for url in _split(row[columns.attachments]) if (name := self._media(url))]
        kind, text = "media" if media else "text", _MENTION.sub(self._mentioned, content)
        if not media and is_fixed_sentence(content):
            kind = "call" if content.startswith("Started a call") else "system"
            text = sentence("", content, framed(author) if author else "")
            author = None
            self._events += 1
        builder.add(
            utc,
            author or None,
            text,
            kind=kind,
            media=media,
            local=local,
            signer=signer or None,
            wording=content or "\n".join(media),
            reactions=_reactions(row[columns.reactions]) if columns.reactions is not None else None,
        )
        return True

    def _mentioned(self, match: re.Match[str]) -> str:
        """A mention with the name in it framed: the longest that an author bears, else every word that looks like one.

        CSV does not tell where a name of several words ends, and one that is cut would show the rest of it.
        """
        words = match.group(1).split(" ")
        known = self._survey()
        sizes = [size for size in range(len(words), 0, -1) if " ".join(words[:size]) in known]
        size = sizes[0] if sizes else 1
        while not sizes and size < len(words) and words[0][0].isupper() and words[size][0].isupper():
            size += 1
        return " ".join([framed(" ".join(words[:size])), *words[size:]])

    def _media(self, url: str) -> str:
        """The base name, without what follows a question mark, as the ZIP has it."""
        path = urlsplit(url).path if "://" in url[:12] else url
        name = path.replace("\\", "/").rsplit("/", 1)[-1]
        return self._files.get(fold(name)) or self._files.get(fold(unquote(name))) or cleaned(unquote(name))

    def _lose(self, part: CsvPart, line: int) -> None:
        self._lost += 1
        if not self._first:
            self._first = f"line {line}" if part.where == "The export" else f"line {line} of {part.where.lower()}"

    def _choose(self) -> list[str]:
        wanted, chats = self._options.chat, list(self._chats)
        if wanted is None:
            return chats
        named = [chat for chat in chats if self._chats[chat][0].name == wanted.lstrip("#")]
        if len(named) == 1:
            return named
        if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(chats):
            return [chats[int(wanted) - 1]]
        raise BadInput(
            f"{'Several chats' if named else 'No chat'} of the export {'are' if named else 'is'} called so; "
            f"it holds {len(chats)}, numbered from 1: give a number."
        )


def _framed(builder: DraftBuilder) -> Draft:
    draft = builder.take()
    draft.framed = True
    return draft


def _first_line(head: bytes) -> str:
    return as_utf8(head[:4_096]).split(b"\n", 1)[0].decode("utf-8", "replace")


def _header_names(header: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([header.strip("\r\n\ufeff ")], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [name.strip().lower() for name in names]


def _delimiter(header: str) -> str | None:
    for delimiter in (",", ";"):
        names = _header_names(header, delimiter)
        if all(name in names for name in _COLUMNS) and len(names) <= 7:
            return delimiter
    return None


def _columns(header: str, delimiter: str) -> _Columns:
    names = _header_names(header, delimiter)
    while names and not names[-1]:
        names.pop()
    author, date, content, attachments = (names.index(name) for name in _COLUMNS)
    return _Columns(
        len(names),
        author,
        date,
        content,
        attachments,
        names.index("authorid") if "authorid" in names else None,
        names.index("reactions") if "reactions" in names else None,
    )


def _part(member: Member, opening: Callable[[], BinaryIO]) -> CsvPart:
    number = _NUMBER.search(member.path)
    channel = _CHANNEL.search(member.name)
    return CsvPart(
        opening,
        f"Entry {member.position} of the ZIP",
        _PARTITION.sub("", member.path),
        channel[1].strip() if channel else member.name.rpartition(".")[0],
        int(number[1]) if number else 1,
        member.position,
    )


def _split(attachments: str) -> list[str]:
    """Addresses may hold commas: they are parted where the next begins. Paths are parted at each comma."""
    if not attachments:
        return []
    if attachments.startswith(("http://", "https://")):
        return _NEXT_FILE.split(attachments)
    return [part for part in attachments.split(",") if part]


def _reactions(written: str) -> int | None:
    """The total of ``👍 (3),name (1)``."""
    return min(sum(map(int, _COUNT.findall(written))), (1 << 31) - 1) if written else None
