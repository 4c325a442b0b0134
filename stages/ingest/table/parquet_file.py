"""Parquet files of messages, row group by row group; also those that ``streamliner parse`` writes."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.archive.schema import MESSAGES
from stages.errors import BadInput
from stages.ingest.reader import Reader, ReadOptions, Source
from stages.ingest.table.cells import as_strings, as_texts
from stages.ingest.table.reader import TableReader
from stages.ingest.table.rows import Damage, Rows

PLATFORM: Final = "parquet"
_MAGIC: Final = b"PAR1"
_ROWS: Final = 16_384
_SAMPLE: Final = 400
_BUFFER: Final = 1 << 20
_ERRORS: Final = (pa.ArrowException, OSError, ValueError)


def matches(source: Source) -> bool:
    """Whether the file begins and ends as Parquet does."""
    if source.members is not None or not source.head.startswith(_MAGIC) or source.size < 12:
        return False
    with source.open() as file:
        file.seek(-len(_MAGIC), 2)
        return file.read() == _MAGIC


def open_reader(source: Source, options: ReadOptions) -> Reader:
    """A reader of the table. Raises :class:`BadInput` for what is damaged, and for a table that is plainly no chat."""
    if source.members is not None:
        raise BadInput("A ZIP is no Parquet file; unpack it and give the file itself.")
    if not source.head.startswith(_MAGIC):
        raise BadInput(f"{source.path} is no Parquet file.")
    return TableReader(ParquetTable(source), options)


class ParquetTable:
    """A Parquet file as a table (see :class:`stages.ingest.table.rows.Table`)."""

    what = "The Parquet file"
    unit = "row"
    named = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self.least = 0
        self.prose: int | None = None
        file = self._opened()
        try:
            self._paths = list(_leaves(file.schema_arrow))
            self.columns = tuple(".".join(path) for path in self._paths)
            self._ours = set(MESSAGES.names) <= set(self.columns)
            links = (self.columns.index("links"),) if self._ours and "links" in self.columns else None
            self.more: dict[str, tuple[int, ...]] = {"links": links} if links else {}
            self.form = "Parquet, messages as parse writes them" if self._ours else "Parquet"
            self.sample = self._sample(file)
        finally:
            file.close()

    def read(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """All rows. Raises :class:`BadInput` where the file is damaged."""
        file = self._opened()
        seen = 0
        try:
            names = list(dict.fromkeys(".".join(self._paths[at]) for at in wanted))
            for batch in file.iter_batches(batch_size=_ROWS, columns=names, use_threads=False):
                columns = [as_strings(_field(batch, self._paths[at])) for at in wanted]
                yield Rows(np.arange(seen + 1, seen + len(batch) + 1, dtype=np.int64), columns)
                seen += len(batch)
        except _ERRORS as error:
            raise self._damaged(f" behind row {seen}") from error
        finally:
            file.close()

    def damage(self) -> Damage:
        """Nothing: a damaged Parquet file is refused."""
        said = ["The names are those that stand in the file, and ids are made anew."] if self._ours else []
        return Damage(said=said)

    def _opened(self) -> Any:
        try:
            return pq.ParquetFile(self._source.path, pre_buffer=False, buffer_size=_BUFFER)
        except _ERRORS as error:
            raise self._damaged("") from error

    def _damaged(self, where: str) -> BadInput:
        return BadInput(f"{self._source.path} is a Parquet file that is damaged or cut off{where}; export it again.")

    def _sample(self, file: Any) -> list[list[str | None]]:
        try:
            batch = next(file.iter_batches(batch_size=_SAMPLE, use_threads=False), None)
        except _ERRORS as error:
            raise self._damaged("") from error
        if batch is None or not len(batch):
            return []
        columns = [as_texts(as_strings(_field(batch, path))).to_pylist() for path in self._paths]
        return [list(row) for row in zip(*columns, strict=True)]


def _leaves(schema: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all columns, those inside structs as well."""
    for spec in schema:
        if pa.types.is_struct(spec.type):
            yield from _leaves(spec.type, (*at, spec.name))
        else:
            yield (*at, spec.name)


def _field(batch: Any, path: tuple[str, ...]) -> pa.Array:
    column = batch.column(path[0])
    return pc.struct_field(column, list(path[1:])) if len(path) > 1 else column
