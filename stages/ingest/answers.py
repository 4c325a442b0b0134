"""Which message each reply answers: the source's own numbers become ids, by joins of integers that spill to disk.

Messages answer forwards and backwards and in any file of an export, so this is known at the end only.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_MEMORY: Final = "96MB"
_ROWS: Final = 60_000
SIDES: Final = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("_chat", pa.int32(), nullable=False),
        pa.field("_key", pa.int64(), nullable=False),
        pa.field("_reply", pa.int64(), nullable=False),
    ]
)
"""The numbers that a source gives its messages, and those that they answer; -1 for none."""


def with_answers(messages: Path, sides: Path, spill: Path) -> Iterator[pa.RecordBatch]:
    """The rows of ``messages`` (in the order of ``seq``, dense) with ``reply_to`` filled in.

    Of several messages with one number the first is meant; a number that no message has is no reply. Cost: three
    narrow joins and one pass; memory is bounded, whatever the number of messages (six million, half of them replies:
    under 100 MB).
    """
    answers = _answers(messages, sides, spill)
    seqs, ids = np.empty(0, np.int64), pa.array([], pa.string())
    position = 0
    for batch in _batches(messages):
        end = position + batch.num_rows
        while (not len(seqs) or seqs[-1] < end) and (more := next(answers, None)) is not None:
            seqs = np.concatenate((seqs, more.column(0).to_numpy()))
            ids = pa.concat_arrays([ids, more.column(1).cast(pa.string())])
        count = int(np.searchsorted(seqs, end))
        at = np.full(batch.num_rows, -1, np.int64)
        at[seqs[:count] - position] = np.arange(count)
        place = batch.schema.get_field_index("reply_to")
        yield batch.set_column(place, batch.schema.field(place), ids.take(pa.array(at, mask=at < 0)))
        seqs, ids, position = seqs[count:], ids.slice(count), end


def _batches(messages: Path) -> Iterator[pa.RecordBatch]:
    """A row group at a time: batches across groups would hold several of them."""
    file = pq.ParquetFile(messages)
    for group in range(file.num_row_groups):
        yield from file.read_row_group(group, use_threads=False).combine_chunks().to_batches()


def _answers(messages: Path, sides: Path, spill: Path) -> Iterator[pa.RecordBatch]:
    """(seq of a reply, id of what it answers), in the order of seq."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "threads": 1,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        for name, path in (("messages", messages), ("sides", sides)):
            quoted = str(path).replace("'", "''")  # a view takes no parameters
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{quoted}')")
        # integers alone are held; ids stream by
        connection.execute(
            "CREATE TABLE targets AS SELECT s._chat, s._key, min(s.seq) AS target FROM sides s"
            " SEMI JOIN (SELECT _chat, _reply FROM sides WHERE _reply >= 0) r"
            " ON r._chat = s._chat AND r._reply = s._key WHERE s._key >= 0 GROUP BY s._chat, s._key"
        )
        connection.execute(
            "CREATE TABLE answers AS SELECT s.seq, t.target FROM sides s"
            " JOIN targets t ON t._chat = s._chat AND t._key = s._reply WHERE s._reply >= 0"
        )
        yield from connection.execute(
            "SELECT a.seq, m.message_id FROM messages m JOIN answers a ON a.target = m.seq ORDER BY a.seq"
        ).to_arrow_reader(_ROWS)
