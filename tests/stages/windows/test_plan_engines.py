"""The same plan on a second engine behind Ibis: DataFusion, an engine of its own on Arrow, beside DuckDB."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends import flink
from ibis.expr.operations import DatabaseTable

from stages.errors import BadInput
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.spec import WindowSpec

MINUTE = 60 * 10**6
SPECS = [
    WindowSpec("messages", 30),
    WindowSpec("messages", 30, "0.5", max_span=timedelta(minutes=4)),
    WindowSpec("hours", "0.1"),
    WindowSpec("hours", 1, align="calendar", timezone="Asia/Kolkata"),
    WindowSpec("days", 0.02, "0.1"),
    WindowSpec("days", 1, align="calendar", timezone="America/Sao_Paulo"),
    WindowSpec("bytes", 900),
    WindowSpec("tokens", 200),
    WindowSpec("session", 2),
    WindowSpec("session", 2, weigh="bytes:500"),
    WindowSpec("session", 2, weigh="tokens:90", max_span=timedelta(minutes=3)),
]
EVERY_SPEC = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.unit}-{spec.align}-{spec.weigh}")
Make = Callable[..., pa.Table]
CONNECT = {"duckdb": ibis.duckdb.connect, "datafusion": ibis.datafusion.connect}
EVERY_ENGINE = pytest.mark.parametrize("engine", CONNECT)


@pytest.fixture
def chat(messages: Make) -> pa.Table:
    times = [i // 5 * MINUTE + (i > 200) * 3 * MINUTE for i in range(400)]
    texts = ["olá 🙂 ñandú\n" * (i % 9) for i in range(400)]
    return messages(times, texts, [["Quiet Heron", None, "Élan 🪶", ""][i % 4] for i in range(400)])


def stored(engine: str, table: pa.Table) -> Any:
    return CONNECT[engine]().create_table("messages", table)


@EVERY_ENGINE
@EVERY_SPEC
@pytest.mark.parametrize("left_out", [[], ["text_bytes"], ["text"]], ids=["all", "text", "text_bytes"])
def test_an_engine_plans_as_arrow_does(chat: pa.Table, engine: str, spec: WindowSpec, left_out: list[str]) -> None:
    expected = plan_windows(chat, spec)
    assert plan_windows(stored(engine, chat.drop_columns(left_out)), spec).equals(expected)


@EVERY_ENGINE
def test_text_is_weighed_in_utf_8_and_the_stored_size_comes_first(messages: Make, engine: str) -> None:
    texts = ["", "a", "é", "e\u0301", "日本語", "🙂", "👨\u200d👩\u200d👧", "\\x41", "a\x00b", "\u202b\u05d0"]
    authors = ["Élan", None, "", "🙂", "日", "a b", None, "ñ", "Q", "\u05d0"]
    strange = messages(range(10), texts, authors)
    lines = [f"1970-01-01 00:00 {author or '*'}: {text}\n" for author, text in zip(authors, texts, strict=True)]
    one_each = WindowSpec("messages", 1, 0)
    assert plan_windows(stored(engine, strange), one_each)["n_bytes"].to_pylist() == [len(x.encode()) for x in lines]
    unsized = strange.drop_columns(["text_bytes"])
    assert plan_windows(stored(engine, unsized), one_each)["n_bytes"].to_pylist() == [len(x.encode()) for x in lines]
    # a size that is stored is taken for true: the text need not be there
    sized = strange.set_column(4, "text_bytes", pa.array(range(10), pa.int32()))
    expected = [len(x.encode()) - len(text.encode()) + i for i, (x, text) in enumerate(zip(lines, texts, strict=True))]
    assert plan_windows(stored(engine, sized), one_each)["n_bytes"].to_pylist() == expected


@EVERY_ENGINE
def test_a_missing_text_or_author_weighs_as_it_is_written(messages: Make, engine: str) -> None:
    two = messages(range(2), ["x", "x"], [None, ""])
    holes = two.set_column(3, "text", pa.array([None, ""])).set_column(4, "text_bytes", pa.array([None, 0], pa.int32()))
    for table in (holes, holes.drop_columns(["text_bytes"]), holes.drop_columns(["text", "author"])):
        plan = plan_windows(stored(engine, table), WindowSpec("messages", 1, 0))
        assert plan["n_bytes"].to_pylist() == [len("1970-01-01 00:00 *: \n")] * 2


@EVERY_ENGINE
@pytest.mark.parametrize(
    ("column", "values", "kind", "sentence"),
    [
        ("seq", [0, None, 2], pa.int64(), "seq has .*null"),
        ("seq", [0, 1, -1], pa.int32(), "seq has .*negative"),
        ("seq", [0, 1, 2**31], pa.int64(), "seq has .*too large"),
        ("seq", [0, 1, 2**32 + 2], pa.int64(), "seq has .*too large"),
        ("seq", [0, 1, 2**63 + 2], pa.uint64(), "seq has .*too large"),
        ("seq", [0, 1, 1], pa.int64(), r"seq has repeats \(first 1\)"),
        ("seq", [0, 1, 3], pa.int64(), r"seq has gaps \(first missing 2\)"),
        ("text_bytes", [0, -1, 0], pa.int32(), "text_bytes has impossible values"),
        ("text_bytes", [0, 0, 2**31], pa.int64(), "text_bytes has impossible values"),
        ("text_bytes", [0, 0, 2**63 + 2], pa.uint64(), "text_bytes has impossible values"),
    ],
)
def test_an_engine_finds_what_cannot_be_planned(
    messages: Make, engine: str, column: str, values: list[int | None], kind: pa.DataType, sentence: str
) -> None:
    three = messages(range(3))
    broken = three.set_column(three.schema.get_field_index(column), column, pa.array(values, kind))
    for table in (broken, stored(engine, broken)):
        with pytest.raises(BadInput, match=sentence):
            plan_windows(table, WindowSpec("messages", 2))


@EVERY_ENGINE
def test_the_largest_size_of_a_text_is_kept_whole(messages: Make, engine: str) -> None:
    two = messages(range(2)).set_column(4, "text_bytes", pa.array([2**31 - 1, 1], pa.int64()))
    rest = len("1970-01-01 00:00 Quiet Heron: \n")
    for table in (two, stored(engine, two)):
        assert plan_windows(table, WindowSpec("bytes", 100))["n_bytes"].to_pylist() == [2**31 - 1 + rest, 1 + rest]


@EVERY_ENGINE
@EVERY_SPEC
def test_what_an_engine_planned_is_read_there(chat: pa.Table, engine: str, spec: WindowSpec) -> None:
    source = stored(engine, chat)
    plan = plan_windows(source, spec)
    windows = dict(read_windows(source, plan))
    assert list(windows) == plan["window_index"].to_pylist()
    for row in plan.to_pylist():
        assert windows[row["window_index"]].equals(chat.slice(row["start_seq"], row["n_messages"]))


@EVERY_ENGINE
def test_a_parquet_file_is_planned_by_the_engine_that_opened_it(chat: pa.Table, engine: str, tmp_path: Path) -> None:
    pq.write_table(chat, tmp_path / "chat.parquet", row_group_size=64)
    opened = CONNECT[engine]().read_parquet(tmp_path / "chat.parquet")
    assert plan_windows(opened, SPECS[0]).equals(plan_windows(chat, SPECS[0]))


@EVERY_ENGINE
def test_an_expression_is_planned_as_a_table_is(chat: pa.Table, engine: str) -> None:
    twice = pa.concat_tables([chat, chat.set_column(0, "seq", pa.array(range(400, 800), pa.int64()))])
    table = stored(engine, twice)
    assert plan_windows(table.filter(table.seq < 400), SPECS[0]).equals(plan_windows(chat, SPECS[0]))


def test_a_table_of_the_same_name_elsewhere_is_another_table(chat: pa.Table) -> None:
    for rows in (400, 90, 7):
        for drop in ([], ["author"], ["text_bytes"]):
            few = chat.slice(0, rows).drop_columns(drop)
            assert plan_windows(stored("duckdb", few), SPECS[0]).equals(plan_windows(few, SPECS[0]))


def test_a_table_of_another_database_is_planned_where_it_lies(chat: pa.Table) -> None:
    connection = ibis.duckdb.connect()
    connection.raw_sql("ATTACH ':memory:' AS \"other one\"")
    for rows, database in ((400, "memory"), (90, "other one")):
        connection.create_table("messages", chat.slice(0, rows), database=(database, "main"))
    for rows, database in ((400, "memory"), (90, "other one")):
        table = connection.table("messages", database=(database, "main"))
        assert plan_windows(table, SPECS[0]).equals(plan_windows(chat.slice(0, rows), SPECS[0]))


def test_an_engine_without_a_count_of_bytes_is_named() -> None:
    schema = ibis.schema({"seq": "int64", "ts": "timestamp('UTC')", "text": "string"})
    table = DatabaseTable(name="messages", schema=schema, source=flink.Backend()).to_expr()
    with pytest.raises(BadInput, match=r"engine flink has no known way to count the bytes.*DuckDB"):
        plan_windows(table, SPECS[0])
