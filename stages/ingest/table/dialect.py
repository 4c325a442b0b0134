"""How a CSV is written, from its first rows: delimiter, quotes, escapes, and whether it has a header."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stages.ingest.table.csv_rows import CsvRows
from stages.ingest.table.csv_split import Dialect, Split, split
from stages.ingest.table.names import known_fields
from stages.ingest.table.times import readable

SAMPLE: Final = 1 << 18
_DELIMITERS: Final = b",;\t|"
_MOST_ROWS: Final = 400
_LONGEST_NAME: Final = 120
_SEP: Final = re.compile(rb"\xef?\xbb?\xbf?\"?sep=(.)\"?\r?\n", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[\d.,:+\-/\s]*\d[\d.,:+\-/\s]*")
_DOUBLED: Final = re.compile(rb'[^,;\t|\n"]""[^,;\t|\r\n"]')


@dataclass(frozen=True)
class Sniffed:
    """``skipped`` rows before the first that counts (``sep=``, empty ones), ``rows`` the first ones, ``share`` how many
    of them have the usual number of fields, which is ``width``.
    """

    dialect: Dialect
    skipped: int
    rows: list[list[str | None]]
    width: int
    share: float


def sniff(head: bytes, *, whole: bool) -> Sniffed | None:
    """How the CSV that begins with ``head`` (UTF-8) is written; ``whole`` if that is all of it. None for no table."""
    skipped = 0
    delimiters = _DELIMITERS
    if match := _SEP.match(head):
        delimiters, skipped = match[1], 1
    if not whole:
        head = head[: head.rfind(b"\n") + 1] or head
    head = head if head.endswith(b"\n") else head + b"\n"
    best: tuple[tuple[float, ...], Sniffed] | None = None
    for dialect in _dialects(head, delimiters):
        found = _read(head, dialect, skipped, final=whole)
        if found is None or found[0].width < 2:
            continue
        sniffed, alike = found
        known = len(known_fields([name or "" for name in sniffed.rows[0]]))
        plain = dialect.escaped != bool(_DOUBLED.search(head))
        rank = (known, round(alike, 2), round(sniffed.share, 2), sniffed.width, dialect.quoted, plain)
        if best is None or rank > best[0]:
            best = rank, sniffed
    return best[1] if best else None


def _dialects(head: bytes, delimiters: bytes) -> list[Dialect]:
    found = []
    for delimiter in delimiters:
        if delimiter not in head:
            continue
        found.append(Dialect(delimiter))
        opened, framed = (len(pattern.findall(head)) for pattern in _quotes(delimiter))
        # where most fields that begin with a quote end with one, quotes have a meaning
        if opened > 2 * framed:
            found.append(Dialect(delimiter, quoted=False))
        if b'\\"' in head:
            found.append(Dialect(delimiter, escaped=True))
    return found


def _quotes(delimiter: int) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Fields that begin with a quote; those that end with one as well."""
    sign = re.escape(bytes((delimiter,)))
    return re.compile(rb'(?:^|%s)"' % sign, re.M), re.compile(rb'(?:^|%s)"[^"\n]*"(?=%s|\r?$)' % (sign, sign), re.M)


def _read(head: bytes, dialect: Dialect, skipped: int, *, final: bool) -> tuple[Sniffed, float] | None:
    """The first rows under a dialect, and the share of those that have as many fields as the first one."""
    found = split(head, dialect, final=final)
    if not len(found.rows):
        found = split(head, dialect, final=True)
    found = Split(found.stops, found.rows[:_MOST_ROWS], found.broken[:_MOST_ROWS], found.used)
    counts = np.diff(found.rows, prepend=-1)
    ends = found.stops[found.rows]
    begins = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    texts = [head[begin:end].strip(b"\r \t") for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
    filled = [at for at, text in enumerate(texts) if at >= skipped and text.strip(bytes((dialect.delimiter,)))]
    if not filled:
        return None
    usual = Counter(counts[filled].tolist())
    width = max(usual, key=lambda count: (usual[count], count))
    rows = _cells(head, found, dialect, max(usual))
    kept = [rows[at][: int(counts[at])] for at in filled if not found.broken[at]]
    if not kept:
        return None
    share = usual[width] / len(filled)
    return Sniffed(dialect, filled[0], kept, width, share), float((counts[filled] == counts[filled[0]]).mean())


def _cells(head: bytes, found: Split, dialect: Dialect, width: int) -> list[list[str | None]]:
    """Every row of a sample, cell by cell, ``width`` cells each."""
    reader = CsvRows(dialect, width, 0, 0, 0)
    columns = reader.cells(head, found, width)
    return [list(row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]


def is_header(cells: Sequence[str | None], below: Sequence[Sequence[str | None]]) -> bool:
    """Whether a row names columns: words, all different, none of them a time or a number."""
    names = [(cell or "").strip() for cell in cells]
    filled = [name for name in names if name]
    if len(filled) * 2 < len(names) or len(set(filled)) < len(filled):
        return False
    if any(len(name) > _LONGEST_NAME for name in filled) or any(_NUMBER.fullmatch(name) for name in filled):
        return False
    if any(sum(readable([name])) for name in filled):
        return False
    # a first message is no header: something below it is a time or a number, and that is not above it
    return bool(known_fields(filled)) or _figures_below(below)


def _figures_below(below: Sequence[Sequence[str | None]]) -> bool:
    width = max((len(row) for row in below), default=0)
    columns = [[row[at] for row in below[:50] if at < len(row) and row[at]] for at in range(width)]
    return any(sum(readable(column)) > 0.5 or _numbers(column) for column in columns)


def _numbers(column: Sequence[str | None]) -> bool:
    return bool(column) and all(_NUMBER.fullmatch((value or "").strip()) for value in column)
