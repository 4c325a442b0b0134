"""Other ways to read windows and to build their lines, each measured beside the one we took.

Part of ``python -m benchmarks windows`` (``--only ways``); docs/adr/0001 gives the reasons with these figures.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.chats import write_messages
from benchmarks.measure import timed
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.render import render_lines
from stages.windows.spec import WindowSpec

COLUMNS: Final = ["ts", "author", "text"]
RANGE_ROWS: Final = 122_880
SAMPLED: Final = 200
"""Windows for which the query per window is run; its time is that of all in proportion."""
QUERY_PER_WINDOW: Final = "a query per window"
_NAMES: Final = "seq, ts, author, text"
_BATCH_ROWS: Final = 1 << 16
SQL_LINE: Final = (
    "concat(strftime(make_timestamp(epoch_us(ts)), '%Y-%m-%d %H:%M '), coalesce(nullif(author, ''), '*'), ': ', text,"
    " chr(10))"
)
"""The fastest that we found: a time with a zone takes twice as long to write."""


def one_pass(table: Any, plan: pa.Table) -> None:
    """Ours: as stored, verified, cut into windows."""
    for _ in read_windows(table, plan, columns=COLUMNS):
        pass


def ordered(table: Any, plan: pa.Table) -> None:
    """The whole table sorted by the engine; not yet cut."""
    _drain(_engine(table), f"SELECT {_NAMES} FROM messages ORDER BY seq")


def ranges(table: Any, plan: pa.Table) -> None:
    """A query per block of messages, each ordered; not yet cut."""
    for start in range(0, plan["end_seq"][-1].as_py(), RANGE_ROWS):
        stop = start + RANGE_ROWS
        _drain(_engine(table), f"SELECT {_NAMES} FROM messages WHERE seq >= {start} AND seq < {stop} ORDER BY seq")


def per_window(table: Any, plan: pa.Table) -> None:
    """A query per window, by range of ``seq``, for :data:`SAMPLED` windows at most."""
    for row in plan.take([*range(0, plan.num_rows, max(1, plan.num_rows // SAMPLED))][:SAMPLED]).to_pylist():
        inside = f"seq >= {row['start_seq']} AND seq < {row['end_seq']}"
        _drain(_engine(table), f"SELECT {_NAMES} FROM messages WHERE {inside} ORDER BY seq")


def joined(table: Any, plan: pa.Table) -> None:
    """One query that joins messages to the plan, so that each comes once per window, in order."""
    engine = _engine(table)
    engine.register("plan", plan)
    _drain(
        engine,
        f"SELECT window_index, {_NAMES} FROM messages JOIN plan ON seq >= start_seq AND seq < end_seq"
        " ORDER BY window_index, seq",
    )


def numbered(table: Any, plan: pa.Table) -> None:
    """One query with a window function that numbers messages and their windows; no overlap, no other unit."""
    size = plan["own_end_seq"][0].as_py()
    _drain(
        _engine(table),
        f"SELECT (row_number() OVER (ORDER BY ts, seq) - 1) // {size} AS w, {_NAMES} FROM messages ORDER BY w, seq",
    )


READING: Final[dict[str, Callable[[Any, pa.Table], None]]] = {
    "one pass as stored, verified and cut": one_pass,
    "ORDER BY seq over the whole": ordered,
    f"ranges of {RANGE_ROWS:,} rows, each ordered": ranges,
    QUERY_PER_WINDOW: per_window,
    "one query joined to the plan": joined,
    "one query with a window function": numbered,
}
"""What it is called and how it is done: from the DuckDB table ``messages``, by a plan over it."""


def kernels(table: Any) -> None:
    """Columns streamed, lines built by Arrow, a batch at a time; from a DuckDB table or a Parquet file."""
    if isinstance(table, Path):
        batches = pq.ParquetFile(table).iter_batches(_BATCH_ROWS, columns=_NAMES.split(", "))
    else:
        batches = _engine(table).execute(f"SELECT {_NAMES} FROM messages").to_arrow_reader(_BATCH_ROWS)
    for batch in batches:
        render_lines(batch)


def in_the_engine(table: Any) -> None:
    """Lines built by the engine, streamed with ``seq``; from a DuckDB table or a Parquet file."""
    if isinstance(table, Path):
        _drain(duckdb.connect(), f"SELECT seq, {SQL_LINE} AS line FROM '{table}'")
    else:
        _drain(_engine(table), f"SELECT seq, {SQL_LINE} AS line FROM messages")


def each_in_python(table: Any) -> None:
    """A Python object a message, as a template would have it."""
    for batch in _engine(table).execute(f"SELECT {_NAMES} FROM messages").to_arrow_reader(_BATCH_ROWS):
        columns = (batch.column(name).to_pylist() for name in COLUMNS)
        "".join(f"{ts:%Y-%m-%d %H:%M} {author or '*'}: {text}\n" for ts, author, text in zip(*columns, strict=True))


LINES: Final[dict[str, Callable[[Any], None]]] = {
    "Arrow, once a batch": kernels,
    "SQL, once": in_the_engine,
    "Python, a message at a time": each_in_python,
}
"""What it is called and how it is done: the lines of the DuckDB table ``messages``, without windows."""


def otherwise(folder: Path, options: argparse.Namespace) -> None:
    """Other ways to read windows and to build lines, against ours."""
    _, stored = write_messages(folder / "ways", options.rows)
    connection = ibis.duckdb.connect(stored, read_only=True)
    table = connection.table("messages")
    plan = plan_windows(table, WindowSpec("messages", 200))
    reading = timed({name: partial(way, table, plan) for name, way in READING.items()}, options.runs)
    lines = timed({name: partial(way, table) for name, way in LINES.items()}, options.runs)
    connection.disconnect()
    print(f"\nOther ways, {options.rows:,} messages of a DuckDB file: seconds, minimum of {options.runs} runs in turns")
    for title, times in ((f"{plan.num_rows:,} windows read", reading), ("lines built", lines)):
        least = {name: took.least for name, took in times.items()}
        if times is reading:
            least[QUERY_PER_WINDOW] *= max(1, plan.num_rows / SAMPLED)
        taken = next(iter(least.values()))
        for name, took in least.items():
            print(f"{title:<22} {name:<42} {took:8.3f} {took / taken:8.1f}x", flush=True)


def _engine(table: Any) -> duckdb.DuckDBPyConnection:
    connection = table.get_backend().con
    assert isinstance(connection, duckdb.DuckDBPyConnection)
    return connection


def _drain(engine: duckdb.DuckDBPyConnection, query: str) -> None:
    for _ in engine.execute(query).to_arrow_reader(_BATCH_ROWS):
        pass
