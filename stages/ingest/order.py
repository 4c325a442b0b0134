"""Messages on their way to disk: written as they come, put in order only where they are not, and renamed at the end.

Where a source links messages (replies) or knows more of them (reactions, topics, hidden links), that is joined at the
end, in the same pass that puts them in order.

What is written is pseudonymous already. Partial files stand beside the result under hidden names and are removed on
every way out.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.archive.schema import DETAILS, MESSAGES
from stages.errors import BadInput, StreamlinerError
from stages.ingest.columns import Ints

if TYPE_CHECKING:
    import duckdb

# sorts four million rows in any order; more memory is no faster
_SORT_MEMORY: Final = "64MB"
_ROWS: Final = 60_000
_LINKED_MEMORY: Final = "160MB"
LINKED: Final = pa.schema(
    [
        *MESSAGES,
        pa.field("_chat", pa.int32(), nullable=False),
        pa.field("_key", pa.int64(), nullable=False),
        pa.field("_reply", pa.int64(), nullable=False),
        *DETAILS,
    ]
)


class OrderedWriter:
    """Takes batches in source order, gives a Parquet file in ``seq`` order. ``seq`` must be the source position.

    Batches have the columns of ``schema``: MESSAGES, or LINKED for sources that link their messages.
    """

    def __init__(self, out: Path, *, linked: bool = False) -> None:
        self.linked = linked
        self.schema = LINKED if linked else MESSAGES
        self._out = out
        self._partial = out.with_name(f".{out.name}.{os.getpid()}.part")
        self._sorted = out.with_name(f".{out.name}.{os.getpid()}.sorted")
        self._spill = out.with_name(f".{out.name}.{os.getpid()}.spill")
        self._writer = _parquet(self._partial, self.schema)
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
        if self._in_order and not self.linked:
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
            "memory_limit": _LINKED_MEMORY if self.linked else _SORT_MEMORY,
            "threads": 1,
            "temp_directory": str(self._spill),
            "preserve_insertion_order": True,
        }
        with duckdb.connect(":memory:", config=config) as connection:
            # a view takes no parameters
            quoted = str(self._partial).replace("'", "''")
            connection.execute(f"CREATE VIEW part AS SELECT * FROM read_parquet('{quoted}')")
            schema = pa.schema([*MESSAGES, *(self._present(connection) if self.linked else ())])
            rows = connection.execute(
                f"SELECT {', '.join(f'p.{name}' for name in schema.names)} FROM {self._joined()} ORDER BY p.ts, p.seq"
            ).to_arrow_reader(_ROWS)
            with _parquet(self._sorted, schema) as writer:
                position = 0
                for batch in rows:
                    columns = [column.cast(spec.type) for column, spec in zip(batch.columns, schema, strict=True)]
                    columns[0] = pa.array(np.arange(position, position + len(batch), dtype=np.int64))
                    position += len(batch)
                    writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))

    def _present(self, connection: "duckdb.DuckDBPyConnection") -> tuple[pa.Field, ...]:
        """The details that at least one message has."""
        counts = connection.execute(
            f"SELECT {', '.join(f'count({spec.name})' for spec in DETAILS)} FROM part"
        ).fetchone()
        return tuple(spec for spec, count in zip(DETAILS, counts or (), strict=True) if count)

    def _joined(self) -> str:
        if not self.linked:
            return "part p"
        # only messages that are answered are held while the others stream by; of a repeated key the first is meant
        return (
            "(SELECT m.* REPLACE (t.message_id AS reply_to) FROM part m LEFT JOIN ("
            "  SELECT _chat, _key, arg_min(message_id, seq) AS message_id FROM part"
            "  WHERE _key >= 0 AND (_chat, _key) IN (SELECT (_chat, _reply) FROM part WHERE _reply >= 0)"
            "  GROUP BY _chat, _key) t ON t._chat = m._chat AND t._key = m._reply) p"
        )


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


def _parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=["author", "kind"])
