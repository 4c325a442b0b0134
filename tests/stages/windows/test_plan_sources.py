"""Every kind of source gives the same plan by one query; a table that cannot be planned says how to mend it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.errors import BadInput
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.spec import WindowSpec

MINUTE = 60 * 10**6
SPECS = [
    WindowSpec("messages", 30),
    WindowSpec("hours", 1, align="calendar", timezone="Asia/Kolkata"),
    WindowSpec("days", 0.02, "0.1"),
    WindowSpec("bytes", 900),
    WindowSpec("tokens", 200),
    WindowSpec("session", 2, weigh="bytes:500"),
]
EVERY_SPEC = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.unit)
Make = Callable[..., pa.Table]


@pytest.fixture
def chat(messages: Make) -> pa.Table:
    times = [i // 5 * MINUTE + (i > 200) * 3 * MINUTE for i in range(400)]
    texts = ["olá 🙂" * (i % 9) for i in range(400)]
    return messages(times, texts, ["Quiet Heron" if i % 4 else None for i in range(400)])


@pytest.fixture
def parquet(chat: pa.Table, tmp_path: Path) -> Path:
    path = tmp_path / "chat [a]*.parquet"
    pq.write_table(chat, path, row_group_size=64)
    return path


def reading_queries(connection: duckdb.DuckDBPyConnection, words: str) -> list[str]:
    """The statements that DuckDB itself says it ran over the messages since logging began."""
    rows = connection.execute("SELECT message FROM duckdb_logs WHERE type = 'QueryLog'").fetchall()
    wanted = [
        row[0] for row in rows if row[0].lstrip().upper().startswith(("SELECT", "WITH", "FROM")) and words in row[0]
    ]
    return [query for query in wanted if "duckdb_logs" not in query]


@EVERY_SPEC
def test_every_source_gives_the_same_plan(chat: pa.Table, parquet: Path, spec: WindowSpec) -> None:
    expected = plan_windows(chat, spec)
    assert expected.num_rows > 1
    connection = ibis.duckdb.connect()
    stored = connection.create_table("messages", chat)
    assert plan_windows(parquet, spec).equals(expected)
    assert plan_windows(stored, spec).equals(expected)
    assert plan_windows(ibis.memtable(chat), spec).equals(expected)
    assert plan_windows(chat.to_reader(max_chunksize=33), spec).equals(expected)


@EVERY_SPEC
def test_the_order_of_the_rows_does_not_matter_for_a_plan(chat: pa.Table, spec: WindowSpec) -> None:
    shuffled = chat.take([(i * 37) % 400 for i in range(400)])
    assert plan_windows(shuffled, spec).equals(plan_windows(chat, spec))
    mixed = pa.concat_tables([chat.slice(0, 100), chat.slice(250), chat.slice(100, 150)])
    assert plan_windows(mixed.to_reader(max_chunksize=50), spec).equals(plan_windows(chat, spec))
    stored = ibis.duckdb.connect().create_table("messages", shuffled)
    assert plan_windows(stored, spec).equals(plan_windows(chat, spec))


@pytest.mark.parametrize("left_out", ["text_bytes", "text", "author"])
def test_what_a_message_weighs_is_known_from_either_column(chat: pa.Table, left_out: str) -> None:
    fewer = chat.drop_columns([left_out])
    spec = WindowSpec("bytes", 900)
    here = plan_windows(fewer, spec)
    assert plan_windows(ibis.duckdb.connect().create_table("messages", fewer), spec).equals(here)
    if left_out != "author":
        assert here.equals(plan_windows(chat, spec))


def test_text_of_any_arrow_type_weighs_the_same(chat: pa.Table) -> None:
    spec = WindowSpec("bytes", 900)
    coded = chat.set_column(2, "author", chat["author"].dictionary_encode())
    large = coded.set_column(3, "text", coded["text"].cast(pa.large_string())).drop_columns(["text_bytes"])
    assert plan_windows(large, spec).equals(plan_windows(chat, spec))


def test_a_chat_of_system_notices_only_has_no_author_at_all(chat: pa.Table, tmp_path: Path) -> None:
    spec = WindowSpec("bytes", 900)
    silent = chat.set_column(2, "author", pa.nulls(400))
    pq.write_table(silent, tmp_path / "silent.parquet")
    expected = plan_windows(chat.drop_columns(["author"]), spec)
    assert plan_windows(silent, spec).equals(expected)
    assert plan_windows(tmp_path / "silent.parquet", spec).equals(expected)


def test_another_zone_or_unit_of_time_is_the_same_instant(chat: pa.Table) -> None:
    spec = WindowSpec("hours", 1, align="calendar")
    for kind in (pa.timestamp("ns", "UTC"), pa.timestamp("s", "UTC"), pa.timestamp("us", "America/Sao_Paulo")):
        assert plan_windows(chat.set_column(1, "ts", chat["ts"].cast(kind)), spec).equals(plan_windows(chat, spec))


@EVERY_SPEC
def test_a_plan_is_one_query_for_two_columns(chat: pa.Table, spec: WindowSpec) -> None:
    connection = duckdb.connect()
    stored = ibis.duckdb.from_connection(connection).create_table("messages", chat)
    connection.execute("CALL enable_logging('QueryLog')")
    plan_windows(stored, spec)
    queries = reading_queries(connection, "messages")
    assert len(queries) == 1
    assert "ORDER BY" not in queries[0].upper()
    columns = duckdb.connect().execute("SELECT json_serialize_sql(?)", [queries[0]]).fetchone()
    assert columns is not None
    assert columns[0].count('"alias":"place"') == 1
    assert connection.sql(queries[0]).columns == ["ts", "place"]


def test_reading_is_one_query_however_many_windows(chat: pa.Table) -> None:
    connection = duckdb.connect()
    stored = ibis.duckdb.from_connection(connection).create_table("messages", chat)
    plan = plan_windows(stored, WindowSpec("messages", 3))
    connection.execute("CALL enable_logging('QueryLog')")
    windows = dict(read_windows(stored, plan))
    assert len(windows) == plan.num_rows > 100
    assert windows[7].equals(chat.slice(21, 3))
    queries = reading_queries(connection, "messages")
    assert len(queries) == 1
    assert "ORDER BY" not in queries[0].upper()


def with_seq(values: list[int | None]) -> Callable[[pa.Table], pa.Table]:
    return lambda chat: chat.slice(0, 4).set_column(0, "seq", pa.array(values, pa.int64()))


def with_ts(values: list[int | None]) -> Callable[[pa.Table], pa.Table]:
    return lambda chat: chat.slice(0, 4).set_column(
        1, "ts", pa.array(values, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    )


BROKEN: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "no seq": (lambda chat: chat.drop_columns(["seq"]), "no column seq: number"),
    "seq of text": (lambda chat: chat.set_column(0, "seq", chat["seq"].cast(pa.string())), "not integers: number"),
    "a gap": (with_seq([0, 1, 3, 4]), r"seq has gaps \(first missing 2\): number"),
    "not from 0": (with_seq([1, 2, 3, 4]), r"seq has gaps \(first missing 0\): number"),
    "a repeat": (with_seq([0, 1, 1, 2]), r"seq has repeats \(first 1\): number"),
    "a negative": (with_seq([-1, 0, 1, 2]), "seq has .*: number"),
    "a giant": (with_seq([0, 1, 2, 2**62]), "seq has .*: number"),
    "a null seq": (with_seq([0, 1, None, 2]), "seq has .*null.*: number"),
    "no ts": (lambda chat: chat.drop_columns(["ts"]), "ts is missing: it must be a timestamp with time zone"),
    "ts of numbers": (lambda chat: chat.set_column(1, "ts", chat["seq"]), "must be a timestamp with time zone"),
    "naive ts": (lambda chat: chat.set_column(1, "ts", chat["ts"].cast(pa.timestamp("us"))), "naive: cast it"),
    "decreasing ts": (with_ts([0, 5, 4, 6]), r"ts decreases along seq \(at seq 2\): number"),
    "a null ts": (with_ts([0, None, 4, 6]), "ts has nulls.*fill"),
    "far future": (with_ts([0, 1, 2, 230_000_000_000_000_000]), "years 1000 to 9000.*correct"),
    "before the year 1000": (with_ts([-30_610_224_000_000_001, 1, 2, 3]), "years 1000 to 9000"),
    "in the year 9000": (with_ts([0, 1, 2, 221_845_392_000_000_000]), "years 1000 to 9000"),
    "no text": (lambda chat: chat.drop_columns(["text", "text_bytes"]), "neither text nor text_bytes: add"),
    "text of numbers": (lambda chat: chat.set_column(3, "text", chat["seq"]), "text holds int64: it must hold strings"),
    "sizes as words": (
        lambda chat: chat.set_column(4, "text_bytes", chat["text"]),
        "text_bytes holds string: it must hold integers",
    ),
    "sizes below nothing": (
        lambda chat: chat.set_column(4, "text_bytes", pa.array([0, -1] * 200, pa.int32())),
        "text_bytes has impossible values",
    ),
    "sizes beyond any text": (
        lambda chat: chat.set_column(4, "text_bytes", pa.array([2**40] * 400, pa.int64())),
        "text_bytes has impossible values",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("source", ["arrow", "parquet", "duckdb"])
def test_a_table_that_cannot_be_planned_says_how_to_mend_it(
    chat: pa.Table, tmp_path: Path, kind: str, source: str
) -> None:
    change, sentence = BROKEN[kind]
    given: Any = change(chat)
    if source == "parquet":
        pq.write_table(given, tmp_path / "broken.parquet")
        given = tmp_path / "broken.parquet"
    elif source == "duckdb":
        given = ibis.duckdb.connect().create_table("messages", given)
    with pytest.raises(ValueError, match=sentence) as caught:
        plan_windows(given, WindowSpec("messages", 2))
    assert isinstance(caught.value, BadInput)


def test_the_first_and_the_last_time_that_can_be_planned(messages: Make) -> None:
    far = messages([-30_610_224_000_000_000, 221_845_392_000_000_000 - 1])
    plan = plan_windows(far, WindowSpec("days", 1, align="calendar", timezone="Pacific/Apia"))
    assert [(row["start_ts"].year, row["n_messages"]) for row in plan.to_pylist()] == [(1000, 1), (8999, 1)]


def test_a_damaged_file_is_refused(chat: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "chat.parquet"
    pq.write_table(chat, path)
    content = bytearray(path.read_bytes())
    content[4:600] = b"\xff" * 596
    path.write_bytes(content)
    with pytest.raises(BadInput, match="damaged"):
        plan_windows(path, WindowSpec("messages", 2))


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"25/12/2025, 10:00 - Ana: hi\n"])
def test_a_file_that_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "chat.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"streamliner parse"):
        plan_windows(path, WindowSpec("messages", 2))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file"):
        plan_windows(tmp_path, WindowSpec("messages", 2))


def test_anything_else_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="Ibis"):
        plan_windows([1, 2], WindowSpec("messages", 2))


@EVERY_SPEC
@pytest.mark.parametrize("left_out", ["text_bytes", "text", "author"])
def test_a_file_without_a_column_is_planned_from_the_other(
    chat: pa.Table, tmp_path: Path, spec: WindowSpec, left_out: str
) -> None:
    fewer = chat.drop_columns([left_out])
    pq.write_table(fewer, tmp_path / "fewer.parquet")
    assert plan_windows(tmp_path / "fewer.parquet", spec).equals(plan_windows(fewer, spec))
