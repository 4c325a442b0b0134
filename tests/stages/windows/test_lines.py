"""The lines of a window are those that its plan weighs, from every kind of source, in every byte."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.windows.lines import read_lines
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.render import render_lines
from stages.windows.spec import WindowSpec

Make = Callable[..., pa.Table]
SLICE_ROWS, SLICE_BYTES = 32_768, 16_777_216
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -30_610_224_000_000_000, 221_845_391_999_999_999
AUTHORS = ["Élan", "", None, "🙂 Quiet\nHeron", "*"]
TEXTS = ["", None, "two\nlines\n", "olá 🙂", "\x00 \u2028 'quoted' \"%d\" \\", "x" * 3_000]


def written(time: int, author: str | None, text: str | None) -> str:
    moment = EPOCH + timedelta(microseconds=time)
    return f"{moment:%Y-%m-%d %H:%M} {author or '*'}: {text or ''}\n"


@pytest.fixture(scope="module")
def rows() -> list[tuple[int, str | None, str | None]]:
    times = [FIRST, -62_135_596_800_000 * 10, -60_000_001, -1, 0, 59_999_999, 60_000_000, 951_782_399_999_999, LAST]
    times += [10**15 + i // 7 * 30_000_001 for i in range(400)]
    return [
        (time, AUTHORS[i % len(AUTHORS)], TEXTS[i % len(TEXTS)] if i % 4 else f"text {i}")
        for i, time in enumerate(sorted(times))
    ]


@pytest.fixture(scope="module")
def chat(rows: list[tuple[int, str | None, str | None]]) -> pa.Table:
    times, authors, texts = zip(*rows, strict=True)
    return pa.table(
        {
            "seq": range(len(rows)),
            "ts": pa.array(times, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "author": pa.array(authors, pa.string()),
            "text": pa.array(texts, pa.string()),
        }
    )


def in_duckdb_elsewhere(table: pa.Table, folder: Path) -> Any:
    connection = duckdb.connect()
    stored = ibis.duckdb.from_connection(connection).create_table("messages", table)
    connection.execute("SET TimeZone = 'Asia/Kathmandu'")
    return stored


def in_parquet(table: pa.Table, folder: Path) -> Path:
    pq.write_table(table, folder / "chat.parquet", row_group_size=100)
    return folder / "chat.parquet"


def changed(**kinds: pa.DataType) -> Callable[[pa.Table, Path], pa.Table]:
    def change(table: pa.Table, folder: Path) -> pa.Table:
        for name, kind in kinds.items():
            table = table.set_column(table.schema.names.index(name), name, table[name].cast(kind))
        return table

    return change


CODED = pa.dictionary(pa.int8(), pa.string())
SOURCES: dict[str, Callable[[pa.Table, Path], Any]] = {
    "arrow": lambda table, folder: table,
    "chunks": lambda table, folder: pa.concat_tables([table.slice(i, 13) for i in range(0, table.num_rows, 13)]),
    "reader": lambda table, folder: table.to_reader(max_chunksize=33),
    "coded": changed(author=CODED, text=pa.dictionary(pa.int32(), pa.large_string())),
    "large": changed(author=pa.large_string(), text=pa.large_string()),
    "views": changed(author=pa.string_view(), text=pa.string_view()),
    "another zone": changed(ts=pa.timestamp("us", tz="America/Sao_Paulo")),
    "parquet": in_parquet,
    "coded parquet": lambda table, folder: in_parquet(changed(author=CODED, text=CODED)(table, folder), folder),
    "duckdb": lambda table, folder: ibis.duckdb.connect().create_table("messages", table),
    "duckdb elsewhere": in_duckdb_elsewhere,
    "expression": lambda table, folder: (
        ibis.duckdb.connect().create_table("messages", table).mutate(text=ibis._.text + ibis.literal(""))
    ),
    "memtable": lambda table, folder: ibis.memtable(table),
    "datafusion": lambda table, folder: ibis.datafusion.connect().create_table("messages", table),
}
EVERY_SOURCE = pytest.mark.parametrize("store", SOURCES.values(), ids=SOURCES)


@EVERY_SOURCE
def test_a_windows_lines_are_those_that_its_plan_weighs(
    rows: list[tuple[int, str | None, str | None]], chat: pa.Table, tmp_path: Path, store: Any
) -> None:
    plan = plan_windows(chat, WindowSpec("bytes", 900, 0.3))
    lines = dict(read_lines(store(chat, tmp_path), plan))
    assert list(lines) == plan["window_index"].to_pylist()
    for row in plan.to_pylist():
        expected = "".join(written(*row) for row in rows[row["start_seq"] : row["end_seq"]]).encode()
        assert lines[row["window_index"]] == expected
        assert len(expected) == row["n_bytes"]


@EVERY_SOURCE
def test_part_of_a_plan_is_read_alone(chat: pa.Table, tmp_path: Path, store: Any) -> None:
    some = plan_windows(chat, WindowSpec("messages", 7)).take([2, 3, 20])
    whole = [line.encode() for line in render_lines(chat).to_pylist()]
    expected = [(i, b"".join(whole[7 * i : 7 * i + 8])) for i in (2, 3, 20)]
    assert list(read_lines(store(chat, tmp_path), some)) == expected
    assert list(read_lines(store(chat, tmp_path), some.slice(0, 0))) == []


@EVERY_SOURCE
@pytest.mark.parametrize("nameless", ["left out", "all null"])
def test_a_chat_without_authors(chat: pa.Table, tmp_path: Path, store: Any, nameless: str) -> None:
    silent = chat.set_column(2, "author", pa.nulls(chat.num_rows, pa.string()))
    plan = plan_windows(silent, WindowSpec("messages", 100))
    expected = list(read_lines(silent, plan))
    assert b" *: " in expected[0][1]
    source = store(silent, tmp_path)
    if nameless == "left out" and isinstance(source, pa.Table | ibis.expr.types.Table):
        source = source.drop_columns(["author"]) if isinstance(source, pa.Table) else source.drop("author")
    assert list(read_lines(source, plan)) == expected


def test_authors_of_no_type_at_all_have_none(chat: pa.Table, tmp_path: Path) -> None:
    silent = chat.set_column(2, "author", pa.nulls(chat.num_rows))
    plan = plan_windows(silent, WindowSpec("messages", 100))
    expected = list(read_lines(chat.drop_columns(["author"]), plan))
    assert list(read_lines(silent, plan)) == expected
    assert list(read_lines(in_parquet(silent, tmp_path), plan)) == expected


ROWS = st.lists(
    st.tuples(st.integers(FIRST, LAST), st.none() | st.sampled_from(AUTHORS), st.none() | st.text(max_size=20)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, size=st.integers(1, 5))
def test_any_messages_from_an_engine_are_written_as_the_rules_say(
    rows: list[tuple[int, str | None, str | None]], size: int
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    times, authors, texts = zip(*rows, strict=True)
    table = pa.table(
        {
            "seq": range(len(rows)),
            "ts": pa.array(times, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "author": pa.array(authors, pa.string()),
            "text": pa.array(texts, pa.string()),
        }
    )
    plan = plan_windows(table, WindowSpec("messages", size, 0))
    expected = ["".join(written(*row) for row in rows[i : i + size]).encode() for i in range(0, len(rows), size)]
    for source in (table, ibis.memtable(table)):
        assert [lines for _, lines in read_lines(source, plan)] == expected


def test_each_line_is_built_once_however_many_windows_share_it(messages: Make) -> None:
    chat = messages([0] * 3_000, ["x" * 5_000] * 3_000)
    plan = plan_windows(chat, WindowSpec("messages", 100, 0.5))
    before = pa.total_allocated_bytes()
    lines = read_lines(chat, plan)
    next(lines)
    held = pa.total_allocated_bytes() - before
    assert 3_000 * 5_000 < held < 3_000 * 5_000 * 1.1
    for _ in range(10):
        next(lines)
        assert pa.total_allocated_bytes() - before == held


def test_no_more_is_rendered_than_a_slice_and_what_the_window_still_needs(messages: Make) -> None:
    text = "x" * (SLICE_BYTES // 10)
    chat = messages([0] * 100, [text] * 100)
    before = pa.total_allocated_bytes()
    for _ in read_lines(chat, plan_windows(chat, WindowSpec("messages", 5, 0))):
        assert pa.total_allocated_bytes() - before < 1.2 * SLICE_BYTES


def test_lines_between_two_windows_are_not_built(messages: Make) -> None:
    count = 6 * SLICE_ROWS
    chat = messages([0] * count)
    author = np.zeros(count, np.int32)
    author[SLICE_ROWS : 5 * SLICE_ROWS] = 99  # of no name: who builds these lines cannot go on
    coded = pa.DictionaryArray.from_arrays(pa.array(author), pa.array(["Quiet Heron"]), safe=False)
    plan = plan_windows(chat, WindowSpec("messages", 1, 0)).take([0, 5 * SLICE_ROWS])
    spoilt = chat.set_column(2, "author", coded)
    assert [lines for _, lines in read_lines(spoilt, plan)] == [b"1970-01-01 00:00 Quiet Heron: x\n"] * 2


def test_one_query_for_all_lines(chat: pa.Table) -> None:
    connection = duckdb.connect()
    stored = ibis.duckdb.from_connection(connection).create_table("messages", chat)
    plan = plan_windows(stored, WindowSpec("messages", 3))
    connection.execute("CALL enable_logging('QueryLog')")
    assert len(list(read_lines(stored, plan))) == plan.num_rows > 100
    logged = connection.execute("SELECT message FROM duckdb_logs WHERE type = 'QueryLog'").fetchall()
    queries = [row[0] for row in logged if "messages" in row[0]]
    assert len(queries) == 1
    assert connection.sql(queries[0]).columns == ["seq", "ts", "author", "text"]


@pytest.mark.parametrize("name", ["seq", "ts", "text"])
@pytest.mark.parametrize(
    "store", [SOURCES["arrow"], SOURCES["duckdb"], SOURCES["reader"]], ids=["arrow", "duckdb", "reader"]
)
def test_a_column_that_is_not_there_is_named(chat: pa.Table, tmp_path: Path, store: Any, name: str) -> None:
    plan = plan_windows(chat, WindowSpec("messages", 3))
    with pytest.raises(BadInput, match=f"no column {name}: "):
        list(read_lines(store(chat.drop_columns([name]), tmp_path), plan))
    with pytest.raises(BadInput, match=f"no column {name}: "):
        list(read_windows(store(chat.drop_columns([name]), tmp_path), plan, columns=["ts", "text"]))


def test_anything_else_is_a_type_error(chat: pa.Table) -> None:
    with pytest.raises(TypeError, match="Ibis"):
        list(read_lines([1, 2], plan_windows(chat, WindowSpec("messages", 3))))
