"""Messages on their way to disk: written as they come, put in order only where they are not, and renamed at the end.

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
import pyarrow.parquet as pq

from stages.archive.schema import MESSAGES
from stages.errors import BadInput, StreamlinerError
from stages.ingest.columns import Ints

# sorts four million rows in any order; more memory is no faster
_SORT_MEMORY: Final = "64MB"
_ROWS: Final = 60_000


class OrderedWriter:
    """Takes batches in source order, gives a Parquet file in ``seq`` order. ``seq`` must be the source position."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._partial = out.with_name(f".{out.name}.{os.getpid()}.part")
        self._sorted = out.with_name(f".{out.name}.{os.getpid()}.sorted")
        self._spill = out.with_name(f".{out.name}.{os.getpid()}.spill")
        self._writer = _parquet(self._partial)
        # compression runs beside parsing: it needs no interpreter
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None
        self._last: int | None = None
        self._in_order = True

    def write(self, batch: pa.RecordBatch, ts: Ints) -> None:
        """Add one batch; ``ts`` are its times as numbers, which tell whether anything must be sorted."""
        if not len(ts):
            return
        steps = ts if self._last is None else np.concatenate((np.array([self._last]), ts))
        self._in_order = self._in_order and bool((np.diff(steps) >= 0).all())
        self._last = int(ts[-1])
        self._wait()
        self._pending = self._pool.submit(self._writer.write_batch, batch)

    def finish(self) -> None:
        """Put the rows in (``ts``, position) order with a dense ``seq`` and rename the file to its place."""
        self._wait()
        self._writer.close()
        if self._in_order:
            os.replace(self._partial, self._out)
        else:
            self._sort()
            os.replace(self._sorted, self._out)

    def close(self) -> None:
        """Remove what is left over."""
        self._pool.shutdown(wait=True)
        # the file goes anyway, and what failed before must be what is heard of
        with suppress(OSError):
            self._writer.close()
        for path in (self._partial, self._sorted):
            path.unlink(missing_ok=True)
        if self._spill.is_dir():
            for left in self._spill.iterdir():
                left.unlink(missing_ok=True)
            self._spill.rmdir()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _sort(self) -> None:
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
                "SELECT * FROM read_parquet(?) ORDER BY ts, seq", [str(self._partial)]
            ).to_arrow_reader(_ROWS)
            with _parquet(self._sorted) as writer:
                position = 0
                for batch in rows:
                    columns = [column.cast(spec.type) for column, spec in zip(batch.columns, MESSAGES, strict=True)]
                    columns[0] = pa.array(np.arange(position, position + len(batch), dtype=np.int64))
                    position += len(batch)
                    writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=MESSAGES))


@contextmanager
def ordered_writer(out: Path) -> Iterator[OrderedWriter]:
    """A writer whose partial files are removed whatever happens.

    Raises :class:`BadInput` where the folder is missing or cannot be written, :class:`StreamlinerError` where the disk
    fails.
    """
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent} to write {out.name} into.")
    if out.is_dir():
        raise BadInput(f"{out} is a folder; name the Parquet file to write.")
    try:
        writer = OrderedWriter(out)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror or type(error).__name__}.") from None
    try:
        yield writer
    except OSError as error:
        raise StreamlinerError(f"{out} could not be written: {error.strerror or type(error).__name__}.") from error
    finally:
        writer.close()


def _parquet(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, MESSAGES, compression="zstd", use_dictionary=["author", "kind"])
