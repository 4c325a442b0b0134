"""A table that is not stored in the order of seq is read block by block, and never by a sort of the whole."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stages.errors import BadInput
from stages.windows.blocks import in_order, stored
from stages.windows.lines import read_lines
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.spec import WindowSpec

Make = Callable[..., pa.Table]
Store = Callable[[pa.Table, Path], Any]
ROWS = 600
BATCH_ROWS, BLOCK_ROWS = 65_536, 262_144


def as_chunks(table: pa.Table, folder: Path) -> pa.Table:
    return pa.concat_tables([table.slice(0, 1), *(table.slice(i, 70) for i in range(1, table.num_rows, 70))])


def as_parquet(table: pa.Table, folder: Path, statistics: bool = True) -> Path:
    path = folder / "chat [a]*.parquet"
    pq.write_table(table, path, row_group_size=64, write_statistics=statistics)
    return path


STORES: dict[str, Store] = {
    "arrow": lambda table, folder: table.combine_chunks(),
    "chunks": as_chunks,
    "parquet": as_parquet,
    "parquet without statistics": lambda table, folder: as_parquet(table, folder, statistics=False),
    "duckdb": lambda table, folder: ibis.duckdb.connect().create_table("messages", table),
    "duckdb expression": lambda table, folder: (
        ibis.duckdb.connect().create_table("messages", table).mutate(text_bytes=ibis._.text_bytes + 0)
    ),
    "memtable": lambda table, folder: ibis.memtable(table),
    "datafusion": lambda table, folder: ibis.datafusion.connect().create_table("messages", table),
}
EVERY_STORE = pytest.mark.parametrize("store", STORES.values(), ids=STORES)


def orders(rows: int) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(rows)
    straight = np.arange(rows)
    swapped = straight.copy()
    for place in (3, 64, rows - 2):
        swapped[[place, place + 1]] = swapped[[place + 1, place]]
    groups = [straight[i : i + 64] for i in range(0, rows, 64)]
    return {
        "reversed": straight[::-1],
        "first last": np.roll(straight, -1),
        "last first": np.roll(straight, 1),
        "a few swapped": swapped,
        "last two swapped": np.append(straight[:-2], [rows - 1, rows - 2]),
        "row groups shuffled": np.concatenate([groups[i] for i in rng.permutation(len(groups))]),
        "all shuffled": rng.permutation(rows),
    }


@pytest.fixture
def chat(messages: Make) -> pa.Table:
    authors = [("Quiet Heron", "Élan", None, "")[i % 4] for i in range(ROWS)]
    return messages([i // 40 * 10**8 for i in range(ROWS)], [f"olá 🙂 {i}\n" * (i % 3) for i in range(ROWS)], authors)


def plain(window: pa.Table) -> list[dict[str, Any]]:
    return window.to_pylist()


@EVERY_STORE
@pytest.mark.parametrize("order", orders(ROWS).values(), ids=orders(ROWS))
def test_windows_and_lines_are_those_of_the_ordered_table(
    chat: pa.Table, tmp_path: Path, store: Store, order: Any
) -> None:
    plan = plan_windows(chat, WindowSpec("bytes", 700, 0.3))
    source = store(chat.take(order), tmp_path)
    got = list(read_windows(source, plan))
    assert [index for index, _ in got] == plan["window_index"].to_pylist()
    for (_, window), (_, expected) in zip(got, read_windows(chat, plan), strict=True):
        assert plain(window) == plain(expected)
    assert list(read_lines(source, plan)) == list(read_lines(chat, plan))


@EVERY_STORE
@pytest.mark.parametrize("order", ["reversed", "row groups shuffled", "last first"])
def test_part_of_a_plan_is_read_alone(chat: pa.Table, tmp_path: Path, store: Store, order: str) -> None:
    some = plan_windows(chat, WindowSpec("messages", 20, 0)).take([4, 5, 11])
    source = store(chat.take(orders(ROWS)[order]), tmp_path)
    got = {index: plain(window) for index, window in read_windows(source, some, columns=["text", "ts"])}
    assert got == {i: plain(chat.slice(20 * i, 20).select(["text", "ts"])) for i in (4, 5, 11)}


@EVERY_STORE
@pytest.mark.parametrize("order", ["straight", *orders(ROWS)])
@pytest.mark.parametrize(("first", "stop"), [(0, 600), (0, 64), (64, 128), (63, 65), (70, 71), (599, 600)])
def test_a_range_of_messages_is_what_was_asked_for_and_no_more(
    chat: pa.Table, tmp_path: Path, store: Store, order: str, first: int, stop: int
) -> None:
    source = store(chat.take(orders(ROWS).get(order, np.arange(ROWS))), tmp_path)
    batches = list(in_order(stored(source), ["text", "seq"], first, stop))
    assert [low for low, _ in batches] == [batch["seq"][0].as_py() for _, batch in batches]
    assert [seq for _, batch in batches for seq in batch["seq"].to_pylist()] == list(range(first, stop))
    assert {tuple(batch.schema.names) for _, batch in batches} == {("text", "seq")}


def test_no_more_is_read_of_a_stream_than_was_asked_for(chat: pa.Table) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from chat.slice(0, 200).to_batches(max_chunksize=50)
        raise AssertionError("read on past what was asked for")

    for stop in (199, 200):
        reader = pa.RecordBatchReader.from_batches(chat.schema, batches())
        assert sum(batch.num_rows for _, batch in in_order(stored(reader), ["seq"], 100, stop)) == stop - 100


@pytest.mark.parametrize("seed", range(25))
def test_random_tables_in_random_orders(messages: Make, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 300))
    times = np.sort(rng.integers(0, rng.integers(1, 50), rows)) * 60_000_000
    chat = messages(times.tolist(), ["é" * int(n) for n in rng.integers(0, 30, rows)])
    plan = plan_windows(chat, WindowSpec("tokens", int(rng.integers(1, 60)), "0.4"))
    cuts = np.unique(rng.integers(0, rows + 1, 3))
    parts = [part for part in np.split(np.arange(rows), cuts) if len(part)]
    order = np.concatenate([parts[i] for i in rng.permutation(len(parts))])
    expected = list(read_lines(chat, plan))
    for store in STORES.values():
        assert list(read_lines(store(chat.take(order), tmp_path), plan)) == expected


BROKEN = {
    "gap": ([0, 1, 3, 2, 5, 6, 7, 8], r"seq has gaps \(first missing 4\): number"),
    "repeat": ([0, 2, 1, 3, 3, 4, 5, 6], r"seq has repeats \(first 3\): number"),
    "repeat in order": ([0, 1, 2, 2, 3, 4, 5, 6], r"seq has repeats \(first 2\): number"),
    "first missing": ([1, 2, 3, 4, 5, 6, 7, 8], r"seq has gaps \(first missing 0\): number"),
    "last missing": ([0, 1, 2, 4, 3, 5, 6, 9], r"does not hold all.*first missing 7.*plan again"),
    "another table": ([20, 21, 22, 23, 24, 25, 26, 27], r"does not hold all.*first missing 0.*plan again"),
}


@EVERY_STORE
@pytest.mark.parametrize(("seq", "sentence"), BROKEN.values(), ids=BROKEN)
def test_gaps_and_repeats_are_still_refused(
    messages: Make, tmp_path: Path, store: Store, seq: list[int], sentence: str
) -> None:
    good = messages(range(8))
    plan = plan_windows(good, WindowSpec("messages", 2, 0))
    source = store(good.set_column(0, "seq", pa.array(seq)), tmp_path)
    with pytest.raises(ValueError, match=sentence) as caught:
        list(read_windows(source, plan))
    assert isinstance(caught.value, BadInput)
    with pytest.raises(BadInput, match=sentence):
        list(read_lines(source, plan))


@EVERY_STORE
@pytest.mark.parametrize("twice", [0, 3, 6])
def test_a_message_that_is_there_twice_is_not_passed_over(
    messages: Make, tmp_path: Path, store: Store, twice: int
) -> None:
    good = messages(range(8))
    source = store(pa.concat_tables([good.slice(0, twice + 1), good.slice(twice)]).combine_chunks(), tmp_path)
    for read in (read_windows, read_lines):
        with pytest.raises(BadInput, match=rf"seq has repeats \(first {twice}\): number"):
            list(read(source, plan_windows(good, WindowSpec("messages", 2, 0))))


@pytest.mark.parametrize("kind", [pa.int32(), pa.uint16(), pa.int64()], ids=str)
def test_seq_may_be_any_integer(chat: pa.Table, tmp_path: Path, kind: pa.DataType) -> None:
    plan = plan_windows(chat, WindowSpec("messages", 50))
    expected = list(read_lines(chat, plan))
    other = chat.set_column(0, "seq", chat["seq"].cast(kind)).take(orders(ROWS)["all shuffled"])
    for store in STORES.values():
        assert list(read_lines(store(other, tmp_path), plan)) == expected


def test_a_reader_out_of_order_cannot_be_read_again(chat: pa.Table) -> None:
    plan = plan_windows(chat, WindowSpec("messages", 5))
    late = pa.concat_tables([chat.slice(0, 250), chat.slice(251)])
    got = []
    with pytest.raises(BadInput, match=r"250 was due.*read once.*write its table ordered by seq"):
        got.extend(index for index, _ in read_windows(late.to_reader(max_chunksize=100), plan))
    assert got == plan.filter(pc.less_equal(plan["end_seq"], 250))["window_index"].to_pylist()


# Tables of more than one block. 600,000 rows are two blocks and a part of the third.
LONG = 2 * BLOCK_ROWS + 75_712


@pytest.fixture(scope="module")
def long() -> pa.Table:
    number = np.arange(LONG)
    return pa.table(
        {
            "seq": number,
            "ts": pa.array(number // 1_000 * 60_000_000).cast(pa.timestamp("us", tz="UTC")),
            "text": pa.array(number).cast(pa.string()),
        }
    )


def queries(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The statements over the messages that DuckDB itself says it ran since logging began."""
    rows = connection.execute("SELECT message FROM duckdb_logs WHERE type = 'QueryLog'").fetchall()
    return [row[0] for row in rows if "messages" in row[0] and "seq" in row[0]]


def in_duckdb(table: pa.Table) -> tuple[duckdb.DuckDBPyConnection, Any]:
    connection = duckdb.connect()
    stored = ibis.duckdb.from_connection(connection).create_table("messages", table)
    connection.execute("CALL enable_logging('QueryLog')")
    return connection, stored


def test_a_table_out_of_order_takes_a_query_per_block(long: pa.Table) -> None:
    connection, stored = in_duckdb(long.take(np.arange(LONG)[::-1]))
    plan = plan_windows(long, WindowSpec("messages", 997))
    windows = read_windows(stored, plan, columns=["seq"])
    first = next(windows)[1]
    assert first["seq"].to_pylist() == list(range(997 + 199))
    # no block is fetched before it is due
    assert len(queries(connection)) == 2


def test_every_block_is_one_query_ordered_by_seq(long: pa.Table) -> None:
    connection, stored = in_duckdb(long.take(np.arange(LONG)[::-1]))
    plan = plan_windows(long, WindowSpec("messages", 997))
    assert list(read_lines(stored, plan)) == list(read_lines(long, plan))
    asked = queries(connection)
    assert len(asked) == 1 + 3
    assert ["ORDER BY" in query for query in asked] == [False, True, True, True]
    edges = [(0, BLOCK_ROWS), (BLOCK_ROWS, 2 * BLOCK_ROWS), (2 * BLOCK_ROWS, LONG)]
    for query, (low, high) in zip(asked[1:], edges, strict=True):
        assert f"seq >= {low} AND seq < {high}" in query


def test_reading_goes_on_from_the_first_message_not_yet_handed_out(long: pa.Table) -> None:
    order = np.arange(LONG)
    order[[500_000, 500_001]] = [500_001, 500_000]
    connection, stored = in_duckdb(long.take(order))
    plan = plan_windows(long, WindowSpec("messages", 10_000, 0))
    assert list(read_lines(stored, plan)) == list(read_lines(long, plan))
    asked = queries(connection)
    assert len(asked) == 2
    assert f"seq >= 500000 AND seq < {LONG}" in asked[1]


@pytest.mark.parametrize(("low", "high", "condition"), [(0, 3, ""), (7, 9, "seq >= 7000 AND seq < 9000")])
def test_part_of_a_table_is_one_query_that_is_let_go(long: pa.Table, low: int, high: int, condition: str) -> None:
    connection, stored = in_duckdb(long)
    plan = plan_windows(long, WindowSpec("messages", 1_000, 0)).slice(low, high - low)
    assert list(read_lines(stored, plan)) == list(read_lines(long, plan))
    asked = queries(connection)
    assert len(asked) == 1
    assert asked[0].partition(" WHERE ")[2] == condition
    connection.cursor().execute("DROP TABLE messages")


@pytest.mark.parametrize("threads", [1, 4])
def test_an_engine_that_keeps_no_order_is_read_in_order(long: pa.Table, threads: int) -> None:
    connection, stored = in_duckdb(long)
    connection.execute(f"SET threads = {threads}; SET preserve_insertion_order = false")
    plan = plan_windows(long, WindowSpec("messages", 997))
    assert list(read_lines(stored, plan)) == list(read_lines(long, plan))


def test_a_query_between_two_windows_does_not_end_the_reading(long: pa.Table) -> None:
    connection, stored = in_duckdb(long)
    plan = plan_windows(long, WindowSpec("messages", 5_000, 0))
    got = []
    for index, lines in read_lines(stored, plan):
        if index in (7, 90):
            connection.execute("SELECT 42").fetchall()
        got.append((index, lines))
    assert got == list(read_lines(long, plan))


@pytest.mark.parametrize("name", ["arrow", "chunks", "parquet", "datafusion"])
def test_more_than_one_block_of_any_source(long: pa.Table, tmp_path: Path, name: str) -> None:
    groups = [long.slice(i, 50_000) for i in range(0, LONG, 50_000)]
    mixed = pa.concat_tables([*groups[5:], *groups[:5][::-1]])
    source: Any = mixed
    if name == "arrow":
        source = mixed.combine_chunks()
    elif name == "parquet":
        pq.write_table(mixed, source := tmp_path / "long.parquet", row_group_size=30_000)
    elif name == "datafusion":
        source = ibis.datafusion.connect().create_table("messages", mixed)
    plan = plan_windows(long, WindowSpec("messages", 997))
    assert list(read_lines(source, plan)) == list(read_lines(long, plan))


@pytest.mark.parametrize("name", ["parquet", "duckdb", "duckdb expression"])
def test_a_batch_is_of_one_size_whatever_the_source(long: pa.Table, tmp_path: Path, name: str) -> None:
    source: Any = tmp_path / "long.parquet"
    if name == "parquet":
        pq.write_table(long, source, row_group_size=LONG)
    else:
        source = STORES["duckdb"](long.append_column("text_bytes", pc.binary_length(long["text"])), tmp_path)
        source = source if name == "duckdb" else source.mutate(text_bytes=ibis._.text_bytes + 1)
    plan = plan_windows(long, WindowSpec("messages", 200_000, 0))
    first = next(read_windows(source, plan, columns=["seq"]))[1]
    assert [len(chunk) for chunk in first["seq"].chunks] == [BATCH_ROWS] * 3 + [200_000 - 3 * BATCH_ROWS]


def spoil(path: Path, groups: list[int]) -> None:
    """Overwrite the pages of these row groups: who reads them cannot go on."""
    content = bytearray(path.read_bytes())
    metadata = pq.read_metadata(path)
    for group in groups:
        for column in range(metadata.num_columns):
            pages = metadata.row_group(group).column(column)
            start = min(filter(None, (pages.dictionary_page_offset, pages.data_page_offset)))
            content[start : start + pages.total_compressed_size] = b"\xff" * pages.total_compressed_size
    path.write_bytes(content)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [3, 4, 5, 2, 1, 0]], ids=["ordered", "shuffled"])
def test_row_groups_outside_the_plan_are_not_read(chat: pa.Table, tmp_path: Path, order: list[int]) -> None:
    # row group k holds the 100 messages from 100 * order[k] on; the plan wants 199 to 400
    path = tmp_path / "chat.parquet"
    pq.write_table(pa.concat_tables([chat.slice(100 * k, 100) for k in order]), path, row_group_size=100)
    spoil(path, [place for place, k in enumerate(order) if k in (0, 5)])
    plan = plan_windows(chat, WindowSpec("messages", 1, 0)).slice(199, 202)
    expected = list(read_lines(chat, plan))
    assert list(read_lines(path, plan)) == expected
    spoil(path, [place for place, k in enumerate(order) if k == 4])
    with pytest.raises(OSError, match=r"."):
        list(read_lines(path, plan))
    assert list(read_lines(path, plan.slice(0, 201))) == expected[:201]
    spoil(path, [place for place, k in enumerate(order) if k == 1])
    with pytest.raises(OSError, match=r"."):
        list(read_lines(path, plan.slice(0, 201)))
    assert list(read_lines(path, plan.slice(1, 200))) == expected[1:201]
