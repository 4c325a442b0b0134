"""Any table of messages as a reader: two passes over its rows, column-wise. Raw names stay in memory.

The first pass settles what needs the whole file (day and month, the unit of numbers, who writes, which chats there
are), the second gives the messages. Memory: a few batches, the names, and the chats.
"""

from collections.abc import Collection, Iterator

import numpy as np

from stages.errors import BadInput
from stages.ingest.draft import Draft
from stages.ingest.reader import Chat, ReadOptions, Summary, Unparsed
from stages.ingest.table.batches import Batches, Notes, clean_names
from stages.ingest.table.cells import as_texts
from stages.ingest.table.guess import guess
from stages.ingest.table.mapping import NEEDED, resolve, written
from stages.ingest.table.rows import Table
from stages.ingest.table.times import TimeColumn, joined
from stages.ingest.table.values import distinct
from stages.ingest.unparsed import masked


class TableReader:
    """One table; see :class:`stages.ingest.reader.Reader`.

    Raises :class:`BadInput` where the columns are not plain, no row or less than half of them could be read, the order
    asked for does not fit, or the chat asked for is none.
    """

    def __init__(self, table: Table, options: ReadOptions) -> None:
        self._table = table
        self._options = options
        given = resolve(options.mapping, table.columns, named=table.named, what=table.what)
        if not table.sample:
            raise BadInput(f"{table.what} has no rows; export the chat again.")
        complete = all(field in given for field in NEEDED)
        self._fields = (
            given if complete else guess(table.columns, table.sample, what=table.what, named=table.named, given=given)
        )
        self._fields = {**self._fields, **table.more}
        self._evidence = ["columns as mapped"] if given else []
        if not complete:
            self._evidence.append("columns by name")
        self._said: list[str] = []
        if "reply_to" in self._fields and "id" not in self._fields:
            self._fields = {field: at for field, at in self._fields.items() if field != "reply_to"}
            self._said.append("Replies need the column of the messages' ids as well (--map id=…); they were left out.")
        table.least = max(at for field in NEEDED for at in self._fields[field]) + 1
        table.prose = self._fields["text"][0]
        column = written(table.columns, self._fields["ts"])
        self._times = TimeColumn(table.unit, column, mapped="ts" in given)
        self._notes = Notes()
        self._chats: dict[str, int] = {}
        self._picked: str | None = None
        self._authors: set[str] | None = None
        self._read = 0
        self._lost = 0
        self._first_lost: tuple[int, str] | None = None

    def names(self) -> Collection[str]:
        """Every author; the first pass. Grows with distinct names alone."""
        if self._authors is not None:
            return self._authors
        fields = {field: self._fields[field] for field in ("ts", "author", "chat") if field in self._fields}
        wanted = [at for positions in fields.values() for at in positions]
        clock = len(fields["ts"])
        authors: set[str] = set()
        for rows in self._table.read(wanted):
            good = self._times.observe(rows.columns[:clock], rows.numbers)
            self._read += int(good.sum())
            self._lose(rows.numbers, rows.columns[:clock], ~good)
            authors.update(name for name in clean_names(distinct(as_texts(rows.columns[clock]))[1]) if name)
            if "chat" in fields:
                codes, chats = distinct(as_texts(rows.columns[clock + 1]).filter(good))
                for chat, count in zip(clean_names(chats), np.bincount(codes, minlength=len(chats)), strict=True):
                    self._chats[chat or ""] = self._chats.get(chat or "", 0) + int(count)
        self._refuse_unread()
        self._times.settle(self._options.date_order)
        self._pick()
        self._authors = authors
        return authors

    def drafts(self) -> Iterator[Draft]:
        """The messages in the file's order; of a table with several chats, each batch chat by chat."""
        self.names()
        fields = list(self._fields)
        wanted = [at for positions in self._fields.values() for at in positions]
        clock = len(self._fields["ts"])
        batches = Batches(self._times, self._options.zone, self._picked, self._notes)
        self._read = self._lost = 0
        self._first_lost = None
        for rows in self._table.read(wanted):
            columns = {
                field: column if field in ("media", "links") else as_texts(column)
                for field, column in zip(
                    [field for field in fields if field != "ts"], rows.columns[clock:], strict=True
                )
            }
            good, drafts = batches.take(rows.columns[:clock], columns)
            self._read += int(good.sum())
            self._lose(rows.numbers, rows.columns[:clock], ~good)
            yield from drafts
        self._refuse_unread()

    def summary(self) -> Summary:
        """What was seen. Sentences count rows and say where the first of each stands."""
        table = self._table
        mapped = ", ".join(f"{field}={written(table.columns, at)}" for field, at in self._fields.items())
        damage = table.damage()
        chats = [Chat(at + 1, id, id, "chat", count) for at, (id, count) in enumerate(self._chats.items())]
        if self._picked is not None:
            chats = [chat for chat in chats if chat.id == self._picked]
        warnings = [*self._said, *self._times.warnings, *damage.said, *self._notes.sentences(table.unit)]
        if self._lost:
            warnings.append(
                f"{self._lost} {table.unit}s have no time that can be read; they were left out, the first is "
                f"{table.unit} {self._first_lost[0] if self._first_lost else 0}."
            )
        return Summary(
            format=f"{table.form}, {mapped}",
            evidence=", ".join([*self._evidence, *dict.fromkeys(self._times.evidence)]),
            ambiguous=self._times.ambiguous,
            date_order=self._times.date_order,
            warnings=warnings,
            chats=chats or [Chat(1, "", "", "chat", self._read)],
            unparsed=self._unparsed(),
        )

    def _lose(self, numbers: np.ndarray, columns: list, bad: np.ndarray) -> None:  # type: ignore[type-arg]
        rows = np.flatnonzero(bad)
        self._lost += len(rows)
        if len(rows) and self._first_lost is None:
            row = int(rows[0])
            shown = joined([column.slice(row, 1) for column in columns])[0].as_py()
            self._first_lost = int(numbers[row]), masked(shown or "")

    def _unparsed(self) -> Unparsed | None:
        damage = self._table.damage()
        firsts = [self._first_lost] if self._first_lost else []
        if damage.first is not None:
            firsts.append((damage.first, damage.looks_like))
        if not firsts:
            return None
        number, looks_like = min(firsts)
        return Unparsed(self._lost + damage.count, f"{self._table.unit} {number}", looks_like)

    def _refuse_unread(self) -> None:
        unparsed = self._unparsed()
        if unparsed and unparsed.count > self._read:
            raise BadInput(
                f"{unparsed.where.capitalize()} did not parse ({unparsed.looks_like!r}), and {unparsed.count} of "
                f"{unparsed.count + self._read} {self._table.unit}s are like it; say with --map which columns hold the "
                "time, the author and the text, or repair the file."
            )
        if not self._read:
            raise BadInput(f"{self._table.what} has no {self._table.unit} with a time; export the chat again.")

    def _pick(self) -> None:
        asked = self._options.chat
        if asked is None:
            return
        chats = list(self._chats) or [""]
        if asked.isascii() and asked.isdigit() and 1 <= int(asked) <= len(chats):
            self._picked = chats[int(asked) - 1]
            return
        found = [chat for chat in chats if chat == asked] or [
            chat for chat in chats if chat.casefold() == asked.strip().casefold()
        ]
        if len(found) != 1:
            many = f"{len(chats)} chats" if len(chats) > 1 else "one chat"
            raise BadInput(
                f"--chat picks none of the export's chats: it holds {many}; give a number from 1 to {len(chats)}, or "
                "its name as it stands in the table."
            )
        self._picked = found[0]
