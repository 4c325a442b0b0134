"""Windows are read in one ordered pass without copies, and never from a table out of order."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.errors import BadInput
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.spec import WindowSpec

Make = Callable[..., pa.Table]


@pytest.fixture
def chat(messages: Make) -> pa.Table:
    return messages([i // 7 * 1_000_000 for i in range(1_000)], [f"text {i}" for i in range(1_000)])


@pytest.fixture
def plan(chat: pa.Table) -> pa.Table:
    return plan_windows(chat, WindowSpec("messages", 90, 0.3))


@pytest.fixture(params=["table", "chunks", "reader", "parquet", "duckdb"])
def source(request: pytest.FixtureRequest, chat: pa.Table, tmp_path: Path) -> Any:
    if request.param == "table":
        return chat
    if request.param == "chunks":
        return pa.concat_tables([chat.slice(i, 13) for i in range(0, 1_000, 13)])
    if request.param == "reader":
        return chat.to_reader(max_chunksize=50)
    if request.param == "parquet":
        pq.write_table(chat, tmp_path / "chat.parquet", row_group_size=100)
        return tmp_path / "chat.parquet"
    return ibis.duckdb.connect().create_table("messages", chat)


def test_each_window_is_its_range_of_the_table(chat: pa.Table, plan: pa.Table, source: Any) -> None:
    windows = list(read_windows(source, plan))
    assert [index for index, _ in windows] == plan["window_index"].to_pylist()
    for row, (_, window) in zip(plan.to_pylist(), windows, strict=True):
        assert window.equals(chat.slice(row["start_seq"], row["n_messages"]))


def test_part_of_a_plan_is_read_alone(chat: pa.Table, plan: pa.Table, source: Any) -> None:
    some = plan.take([3, 8])
    windows = dict(read_windows(source, some, columns=["ts", "text"]))
    assert list(windows) == [3, 8]
    for row in some.to_pylist():
        expected = chat.slice(row["start_seq"], row["n_messages"]).select(["ts", "text"])
        assert windows[row["window_index"]].equals(expected)


@pytest.mark.parametrize("seq", [0, 99, 100, 999])
def test_a_message_at_the_edge_of_a_block_is_read_alone(chat: pa.Table, source: Any, seq: int) -> None:
    plan = plan_windows(chat, WindowSpec("messages", 1, 0)).slice(seq, 1)
    assert [(index, window["seq"].to_pylist()) for index, window in read_windows(source, plan)] == [(seq, [seq])]


def test_an_empty_plan_reads_nothing(plan: pa.Table, source: Any) -> None:
    assert list(read_windows(source, plan.slice(0, 0))) == []


def test_a_window_in_one_batch_is_not_copied(chat: pa.Table, plan: pa.Table) -> None:
    whole = chat["seq"].chunk(0).buffers()[1].address
    for row, (_, window) in zip(plan.to_pylist(), read_windows(chat, plan), strict=True):
        seq = window["seq"].chunk(0)
        assert seq.buffers()[1].address == whole
        assert seq.offset == row["start_seq"]


def test_a_long_table_is_not_copied_up_to_the_first_message_out_of_place(messages: Make) -> None:
    chat = messages(range(200_000))
    order = np.arange(200_000)
    order[[150_000, 150_001]] = [150_001, 150_000]
    mixed = chat.take(order).combine_chunks()
    plan = plan_windows(chat, WindowSpec("messages", 10_000, 0))
    whole = mixed["seq"].chunk(0).buffers()[1].address
    for index, window in read_windows(mixed, plan):
        assert (window["seq"].chunk(0).buffers()[1].address == whole) == (index < 15)
        assert window.equals(chat.slice(10_000 * index, 10_000))
    got = []
    with pytest.raises(BadInput, match="150000 was due"):
        got.extend(index for index, _ in read_windows(mixed.to_reader(), plan))
    assert got == list(range(15))


def test_no_more_is_held_than_a_window_and_a_batch(chat: pa.Table, plan: pa.Table) -> None:
    taken = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal taken
        for batch in chat.to_batches(max_chunksize=10):
            taken += batch.num_rows
            yield batch

    reader = pa.RecordBatchReader.from_batches(chat.schema, batches())
    ends = iter(plan["end_seq"].to_pylist())
    for _ in read_windows(reader, plan):
        assert taken < next(ends) + 10


def test_messages_past_the_plan_are_not_read(chat: pa.Table, plan: pa.Table) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from chat.slice(0, 200).to_batches()
        raise AssertionError("read on past the last window")

    reader = pa.RecordBatchReader.from_batches(chat.schema, batches())
    assert len(list(read_windows(reader, plan.slice(0, 1)))) == 1


@pytest.mark.parametrize(
    "seq",
    [
        [0, 2, 1, 3, 4, 5, 6, 7],
        [0, 1, 2, 3, 5, 6, 7, 8],
        [0, 1, 2, 2, 3, 4, 5, 6],
        [1, 2, 3, 4, 5, 6, 7, 8],
        [0, 1, 2, 3, 4, 5, 6, None],
    ],
    ids=["swapped", "gap", "repeat", "late", "null"],
)
@pytest.mark.parametrize("rows", [3, 8])
def test_a_table_out_of_order_is_refused_while_it_is_read(messages: Make, seq: list[int], rows: int) -> None:
    good = messages(range(8))
    plan = plan_windows(good, WindowSpec("messages", 2, 0))
    bad = good.set_column(0, "seq", pa.array(seq, pa.int64()))
    with pytest.raises(ValueError, match=r"order|number|plan again") as caught:
        list(read_windows(bad.to_reader(max_chunksize=rows), plan))
    assert isinstance(caught.value, BadInput)


def test_a_table_shorter_than_its_plan_is_refused(chat: pa.Table, plan: pa.Table) -> None:
    with pytest.raises(BadInput, match=r"does not hold all messages.*plan again"):
        list(read_windows(chat.slice(0, 999), plan))


def test_a_plan_out_of_order_is_refused(chat: pa.Table, plan: pa.Table) -> None:
    with pytest.raises(BadInput, match="not in order"):
        list(read_windows(chat, plan.take([1, 0])))
    with pytest.raises(BadInput, match="no column end_seq"):
        list(read_windows(chat, plan.drop_columns(["end_seq"])))
    with pytest.raises(BadInput, match="no column seq"):
        list(read_windows(chat.drop_columns(["seq"]), plan))


@pytest.mark.parametrize(
    ("start", "end"),
    [([0, 0], [2, 3]), ([0, 1], [2, 2]), ([0, 2], [2, 2]), ([1, 0], [2, 3]), ([0, 1], [3, 2]), ([3], [2])],
    ids=["same start", "same end", "empty", "starts turned", "ends turned", "ends first"],
)
def test_windows_that_no_plan_has_are_refused(chat: pa.Table, start: list[int], end: list[int]) -> None:
    plan = pa.table({"window_index": list(range(len(start))), "start_seq": start, "end_seq": end})
    with pytest.raises(BadInput, match="not in order"):
        list(read_windows(chat, plan))


def test_a_column_of_any_name_is_read(chat: pa.Table, tmp_path: Path) -> None:
    odd = chat.append_column('the "other" text, 2', chat["text"])
    pq.write_table(odd, tmp_path / "odd.parquet")
    plan = plan_windows(chat, WindowSpec("messages", 500))
    for source in (odd, tmp_path / "odd.parquet", ibis.duckdb.connect().create_table("messages", odd)):
        for _, window in read_windows(source, plan, columns=['the "other" text, 2', "text"]):
            assert window.schema.names == ['the "other" text, 2', "text"]
            assert window.column(0).to_pylist() == window.column(1).to_pylist()
        with pytest.raises(BadInput, match="no column other: ask for columns that it has"):
            list(read_windows(source, plan, columns=["ts", "other"]))


def test_a_long_file_in_small_windows_is_read_whole(tmp_path: Path, messages: Make) -> None:
    count = 200_000
    pq.write_table(messages(np.arange(count) // 9), tmp_path / "long.parquet", row_group_size=30_000)
    plan = plan_windows(tmp_path / "long.parquet", WindowSpec("messages", 1_000, 0))
    seqs = [window["seq"] for _, window in read_windows(tmp_path / "long.parquet", plan, columns=["seq"])]
    assert len(seqs) == 200
    assert pa.chunked_array([chunk for seq in seqs for chunk in seq.chunks]).to_pylist() == list(range(count))
