"""Messages on their way to disk: written as they come, put in order only where they are not, and renamed at the end.

Where a source numbers its messages, the numbers go to a file of their own and become replies at the end.

What is written is pseudonymous already. Partial files stand beside the result under hidden names and are removed on
every way out.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.archive.schema import DETAILS, MESSAGES
from stages.errors import BadInput, StreamlinerError
from stages.ingest.answers import SIDES, with_answers
from stages.ingest.columns import Ints
from stages.parquet import messages_writer

# sorts four million rows in any order; more memory is no faster
_SORT_MEMORY: Final = "64MB"
_ROWS: Final = 60_000
_GROUP_ROWS: Final = 40_000
_GROUP_BYTES: Final = 8 << 20
"""Where a row group ends depends on its rows alone: the file is the same whatever the size of the blocks was."""


class OrderedWriter:
    """Takes batches in source order, gives a Parquet file in ``seq`` order. ``seq`` must be the source position.

    Batches have the columns of ``schema``: MESSAGES, and DETAILS where ``linked``, for sources that link their
    messages or know more of them. Columns of DETAILS that no message fills are left out of the file.
    """

    def __init__(self, out: Path, *, linked: bool = False) -> None:
        self.linked = linked
        self.schema = pa.schema([*MESSAGES, *DETAILS]) if linked else MESSAGES
        self._out = out
        here = f".{out.name}.{os.getpid()}"
        self._partial, self._sides, self._filled, self._sorted = (
            out.with_name(f"{here}.{ending}") for ending in ("part", "sides", "filled", "sorted")
        )
        self._spill = out.with_name(f"{here}.spill")
        self._writer = messages_writer(self._partial, self.schema)
        self._side_writer = pq.ParquetWriter(self._sides, SIDES, compression="zstd") if linked else None
        # compression runs beside parsing: it needs no interpreter
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None
        self._last: int | None = None
        self._in_order = True
        self._replies = False
        self._held: list[tuple[pa.RecordBatch, pa.RecordBatch | None]] = []
        self._held_rows = self._held_bytes = 0
        self._present: set[str] = set()

    def write(self, batch: pa.RecordBatch, ts: Ints, sides: pa.RecordBatch | None = None) -> None:
        """Add one batch; ``ts`` are its times as numbers, which tell whether anything must be sorted. ``sides`` are
        the numbers of its messages (SIDES), where ``linked``."""
        if not len(ts):
            return
        steps = ts if self._last is None else np.concatenate((np.array([self._last]), ts))
        self._in_order = self._in_order and bool((np.diff(steps) >= 0).all())
        self._last = int(ts[-1])
        if sides is not None:
            self._replies = self._replies or pc.max(sides.column("_reply")).as_py() >= 0
            self._present |= {spec.name for spec in DETAILS if batch.column(spec.name).null_count < len(ts)}
        sizes = np.cumsum(batch.column("text_bytes").to_numpy(), dtype=np.int64)
        start = 0
        while start < len(ts):
            done = int(sizes[start - 1]) if start else 0
            full = int(np.searchsorted(sizes, done + _GROUP_BYTES - self._held_bytes)) + 1
            end = min(start + _GROUP_ROWS - self._held_rows, full, len(ts))
            part = slice(start, end)
            self._held.append((batch[part], None if sides is None else sides[part]))
            self._held_rows += end - start
            self._held_bytes += int(sizes[end - 1]) - done
            if self._held_rows >= _GROUP_ROWS or self._held_bytes >= _GROUP_BYTES:
                self._flush()
            start = end

    def finish(self) -> None:
        """Put the rows in (``ts``, position) order with a dense ``seq`` and rename the file to its place."""
        self._flush()
        self._wait()
        self._writer.close()
        ready = self._partial
        schema = pa.schema([*MESSAGES, *(spec for spec in DETAILS if spec.name in self._present)])
        if self._side_writer is not None:
            self._side_writer.close()
            if self._replies or schema != self.schema:
                self._fill(schema)
                ready = self._filled
        if not self._in_order:
            self._sort(ready, schema)
            ready = self._sorted
        os.replace(ready, self._out)

    def close(self) -> None:
        """Remove what is left over."""
        self._pool.shutdown(wait=True)
        # the file goes anyway, and what failed before must be what is heard of
        with suppress(OSError):
            self._writer.close()
            if self._side_writer is not None:
                self._side_writer.close()
        for path in (self._partial, self._sides, self._filled, self._sorted):
            path.unlink(missing_ok=True)
        if self._spill.is_dir():
            for left in self._spill.iterdir():
                left.unlink(missing_ok=True)
            self._spill.rmdir()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _flush(self) -> None:
        """Hand what is held to the disk, as one row group: an account of many small chats has as many batches."""
        held, self._held = self._held, []
        self._held_rows = self._held_bytes = 0
        if held:
            self._wait()
            self._pending = self._pool.submit(self._store, held)

    def _store(self, held: list[tuple[pa.RecordBatch, pa.RecordBatch | None]]) -> None:
        self._writer.write_table(pa.Table.from_batches([batch for batch, _ in held]).combine_chunks())
        sides = [side for _, side in held if side is not None]
        if sides and self._side_writer is not None:
            self._side_writer.write_table(pa.Table.from_batches(sides))

    def _fill(self, schema: pa.Schema) -> None:
        with messages_writer(self._filled, schema) as writer:
            for batch in with_answers(self._partial, self._sides, self._spill):
                self._wait()
                self._pending = self._pool.submit(writer.write_batch, batch.select(schema.names))
            self._wait()

    def _sort(self, unsorted: Path, schema: pa.Schema) -> None:
        """External: past its memory limit DuckDB spills to a folder beside the result."""
        import duckdb

        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _SORT_MEMORY,
            "threads": 1,
            "temp_directory": str(self._spill),
            "preserve_insertion_order": True,
        }
        with duckdb.connect(":memory:", config=config) as connection:
            rows = connection.execute(
                "SELECT * FROM read_parquet(?) ORDER BY ts, seq", [str(unsorted)]
            ).to_arrow_reader(_ROWS)
            with messages_writer(self._sorted, schema) as writer:
                position = 0
                for batch in rows:
                    columns = [column.cast(spec.type) for column, spec in zip(batch.columns, schema, strict=True)]
                    columns[0] = pa.array(np.arange(position, position + len(batch), dtype=np.int64))
                    position += len(batch)
                    writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


@contextmanager
def ordered_writer(out: Path, *, linked: bool = False) -> Iterator[OrderedWriter]:
    """A writer whose partial files are removed whatever happens.

    Raises :class:`BadInput` where the folder is missing or cannot be written, :class:`StreamlinerError` where the disk
    fails.
    """
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent} to write {out.name} into.")
    if out.is_dir():
        raise BadInput(f"{out} is a folder; name the Parquet file to write.")
    try:
        writer = OrderedWriter(out, linked=linked)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror or type(error).__name__}.") from None
    try:
        yield writer
    except OSError as error:
        raise StreamlinerError(f"{out} could not be written: {error.strerror or type(error).__name__}.") from error
    finally:
        writer.close()
