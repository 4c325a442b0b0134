"""CSV files of messages: any delimiter, encoding and style of quotes, with a header or without."""

from collections.abc import Iterator, Sequence
from typing import Final

from stages.errors import BadInput
from stages.ingest.reader import Reader, ReadOptions, Source
from stages.ingest.table.csv_rows import CsvRows
from stages.ingest.table.dialect import SAMPLE, Sniffed, is_header, sniff
from stages.ingest.table.encoding import Text, look
from stages.ingest.table.names import folded, known_fields
from stages.ingest.table.reader import TableReader
from stages.ingest.table.rows import Damage, Rows
from stages.ingest.text import text_encoding

PLATFORM: Final = "csv"
_DISCORD: Final = ["authorid", "author", "date", "content"]
_MOST_PROSE: Final = 0.5
_TABLE: Final = 0.9
_FEW: Final = 2
_MOST_SAMPLE: Final = 64 << 20


def matches(source: Source) -> bool:
    """Whether the file is a CSV whose header names columns of a chat. Reads its first bytes alone."""
    found = _begun(source)
    if found is None or found.share < _MOST_PROSE:
        return False
    names = [name or "" for name in found.rows[0]]
    if [folded(name) for name in names[:4]] == _DISCORD or not is_header(names, found.rows[1:]):
        return False
    return len(known_fields(names)) >= 2


def is_table(source: Source) -> bool:
    """Whether the file is plainly a CSV, of whatever. Reads its first bytes alone."""
    found = _begun(source)
    return found is not None and found.share >= _TABLE and len(found.rows) > _FEW


def _begun(source: Source) -> Sniffed | None:
    """How a CSV of three columns or more begins; None for what is none."""
    if source.members is not None or source.head.startswith((b"PAR1", b"{", b"[")):
        return None
    try:
        encoding = text_encoding(source.path, source.head)
    except BadInput:
        return None
    head = _head(source, Text(encoding, b"\r" in source.head and b"\n" not in source.head), len(source.head))
    found = sniff(head, whole=len(source.head) >= source.size)
    return found if found is not None and found.width >= 3 else None


def open_reader(source: Source, options: ReadOptions) -> Reader:
    """A reader of the table. Raises :class:`BadInput` for what is no table, or no chat as far as can be seen."""
    if source.members is not None:
        raise BadInput("A ZIP is no CSV; unpack it and give the CSV itself.")
    table = CsvTable(source, options)
    return TableReader(table, options)


class CsvTable:
    """A CSV as a table (see :class:`stages.ingest.table.rows.Table`)."""

    what = "The CSV"
    unit = "row"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self._source = source
        self._block_bytes = options.block_bytes
        self._text = look(source)
        found = _sniffed(source, self._text)
        if found is None:
            raise BadInput(
                f"{source.path} is no CSV: no comma, semicolon, tab or pipe stands equally often in its first rows."
            )
        self._found = found
        self.least = 0
        self.prose: int | None = None
        self.more: dict[str, tuple[int, ...]] = {}
        self.named = self._is_named(found, options)
        below = found.rows[1:] if self.named else found.rows
        self.columns = self._columns(found, below)
        width = len(self.columns)
        self.sample = [[*row[:width], *[None] * (width - len(row))] for row in below]
        self.form = f"CSV, {found.dialect.name}"
        if self._text.encoding != "utf-8":
            self.form += f", {self._text.encoding}"
        if not self.named:
            self.form += ", no header"
        self._pass: CsvRows | None = None

    def read(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """All rows below the header."""
        self._pass = CsvRows(
            self._found.dialect, len(self.columns), self.least, self._found.skipped + self.named, self._block_bytes
        )
        yield from self._pass.read(self._text.opened(self._source.open()), wanted)

    def damage(self) -> Damage:
        """Rows of another length than the header's and rows whose quotes are never closed; and what was assumed."""
        done = self._pass
        if done is None:
            return Damage()
        damage = Damage(done.damage.count, done.damage.first, done.damage.looks_like, list(self._text.said))
        if damage.count:
            damage.said.append(
                f"{damage.count} rows have more or fewer fields than the {len(self.columns)} columns, or a quote that "
                f"is never closed; the first is row {damage.first}. They were not read."
            )
        if done.short:
            damage.said.append(
                f"{done.short} rows have fewer fields than the header, the first is row {done.first_short}; "
                "the missing ones were taken as empty."
            )
        return damage

    def _is_named(self, found: Sniffed, options: ReadOptions) -> bool:
        first = [(cell or "").strip() for cell in found.rows[0]]
        names = [name for name in options.mapping.values() if not name.startswith("#")]
        if any(name.strip() in first or set(map(str.strip, name.split("+"))) <= set(first) for name in names):
            return True
        return is_header(first, found.rows[1:])

    def _columns(self, found: Sniffed, below: list[list[str | None]]) -> tuple[str, ...]:
        if not self.named:
            return tuple(f"#{at + 1}" for at in range(found.width))
        names = [(name or "").strip() for name in found.rows[0]]
        # a delimiter at the header's end names no column, unless something stands there
        while names and not names[-1] and not any(len(row) >= len(names) and row[len(names) - 1] for row in below):
            names.pop()
        return tuple(names)


def _sniffed(source: Source, text: Text) -> Sniffed | None:
    """How the file is written, from its first rows; these may be long."""
    size = SAMPLE
    while True:
        head = _head(source, text, size)
        found = sniff(head, whole=len(head) < size)
        if (found is not None and len(found.rows) > 1) or len(head) < size or size >= _MOST_SAMPLE:
            return found
        size *= 8


def _head(source: Source, text: Text, size: int) -> bytes:
    with text.opened(source.open()) as file:
        head = file.read(size)
    # a letter of several bytes may be cut at the end, and there is nothing else to ignore
    return head.decode("utf-8", "ignore").encode()
