"""What a table's file offers, whatever its format: names of columns, first rows, and batches of the columns wanted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from stages.ingest.columns import Ints


@dataclass(frozen=True)
class Rows:
    """``n`` rows: where each stands in the file, and one array for each column that was asked for.

    Arrays are strings with nulls; Parquet's may also be timestamps, dates and lists of strings.
    """

    numbers: Ints
    columns: list[pa.Array]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass
class Damage:
    """What one pass over a file could not read: how many rows, where the first stands, its form; and sentences."""

    count: int = 0
    first: int | None = None
    looks_like: str = ""
    said: list[str] = field(default_factory=list)


class Table(Protocol):
    """A table's file.

    ``form`` in words ("CSV, comma"), ``what`` in two ("The CSV"), ``unit`` what a row is called in sentences,
    ``columns`` their names, ``named`` whether these stand in the file (a CSV may have no header), ``sample`` the first
    rows, one cell a column; ``more`` columns that nobody maps (``links`` of a file that parse wrote). The reader sets
    ``least``, how many fields a row must have to be read, and ``prose``, which column is the text.
    """

    form: str
    what: str
    unit: str
    columns: tuple[str, ...]
    named: bool
    least: int
    prose: int | None
    more: dict[str, tuple[int, ...]]
    sample: list[list[str | None]]

    def read(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """All rows in batches, with the columns of these positions. Any number of times; a pass of its own each."""

    def damage(self) -> Damage:
        """What the last pass met, once it is over."""
