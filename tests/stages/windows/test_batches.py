"""Batches of windows hold places and no messages, weigh about the same, and are read by one query each."""

import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.schema import MESSAGES
from stages.archive.store import Archive, hold_archive, open_archive
from stages.errors import StreamlinerError
from stages.windows.batches import BATCH_BYTES, MESSAGE_BYTES, WindowBatch, WindowRange, batch_windows, read_batch
from stages.windows.columns import TableError
from stages.windows.plan import plan_windows
from stages.windows.spec import WindowSpec

START = datetime(2026, 3, 2, tzinfo=UTC)
ROWS = 3_000


def chat(rows: int = ROWS) -> pa.Table:
    texts = ["olá " * (n % 7) + str(n) for n in range(rows)]
    return pa.table(
        {
            "seq": range(rows),
            "message_id": [f"{n:032x}" for n in range(rows)],
            "ts": [START] * rows,
            "author": ["Quiet Heron" if n % 5 else None for n in range(rows)],
            "kind": ["text"] * rows,
            "text": texts,
            "text_bytes": [len(text.encode()) for text in texts],
            "media": [["a.jpg"] if n % 3 else [] for n in range(rows)],
            "reply_to": [None] * rows,
            "edited": [n % 2 == 0 for n in range(rows)],
        },
        schema=MESSAGES,
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with hold_archive(tmp_path_factory.mktemp("chat") / "archive") as folder, open_archive(folder) as opened:
        cursor = opened.cursor()
        cursor.register("rows", chat())
        cursor.execute("INSERT INTO messages SELECT * FROM rows")
        cursor.unregister("rows")
        yield opened


def plan_of(*spans: tuple[int, int], size: Callable[[int], int] = lambda rows: 40 * rows) -> pa.Table:
    """A plan of windows [start, end), numbered in order."""
    return pa.table(
        {
            "window_index": pa.array(range(len(spans)), pa.int64()),
            "start_seq": pa.array([start for start, _ in spans], pa.int64()),
            "end_seq": pa.array([end for _, end in spans], pa.int64()),
            "n_messages": pa.array([end - start for start, end in spans], pa.int64()),
            "n_bytes": pa.array([size(end - start) for start, end in spans], pa.int64()),
        }
    )


def only(archive: Archive, plan: pa.Table, wanted: Sequence[int]) -> WindowBatch:
    [batch] = batch_windows(str(archive.folder), plan.take(pa.array(wanted)), most_windows=10**6)
    return batch


def queries(archive: Archive, work: Callable[[], Any]) -> list[str]:
    """The statements that the database itself says it ran meanwhile."""
    cursor = archive.cursor()
    cursor.execute("CALL enable_logging('QueryLog')")
    work()
    cursor.execute("CALL disable_logging()")
    rows = cursor.execute("SELECT message FROM duckdb_logs WHERE type = 'QueryLog'").fetchall()
    cursor.execute("CALL truncate_duckdb_logs()")
    return [row[0] for row in rows if "_logging" not in row[0]]


@pytest.mark.parametrize("overlap", ["0", "0.2", "0.5"])
@pytest.mark.parametrize(("unit", "size"), [("messages", 70), ("bytes", 900), ("tokens", 5_000)])
@pytest.mark.parametrize("every", [1, 2, 7], ids=["all", "every other", "every seventh"])
def test_a_batch_reads_its_windows_and_nothing_else(
    archive: Archive, unit: Any, size: int, overlap: str, every: int
) -> None:
    table = chat()
    plan = plan_windows(table, WindowSpec(unit, size, overlap))
    wanted = [*range(0, plan.num_rows, every)]
    read = list(read_batch(only(archive, plan, wanted)))
    assert [number for number, _ in read] == wanted
    for number, messages in read:
        start, end = (plan.column(name)[number].as_py() for name in ("start_seq", "end_seq"))
        assert messages.cast(MESSAGES) == table.slice(start, end - start)


@settings(max_examples=60, deadline=None)
@given(cuts=st.sets(st.integers(1, ROWS - 1), max_size=40), data=st.data())
def test_any_part_of_a_plan_is_read_whole(archive: Archive, cuts: set[int], data: st.DataObject) -> None:
    plan = plan_of(*pairwise([0, *sorted(cuts), ROWS]))
    wanted = sorted(data.draw(st.sets(st.integers(0, plan.num_rows - 1), min_size=1)))
    read = dict(read_batch(only(archive, plan, wanted), columns=["seq"]))
    assert list(read) == wanted
    starts, ends = plan.column("start_seq").to_pylist(), plan.column("end_seq").to_pylist()
    assert all(read[n]["seq"].to_pylist() == [*range(starts[n], ends[n])] for n in wanted)


@pytest.mark.parametrize("every", [1, 2], ids=["neighbours", "with gaps"])
@pytest.mark.parametrize("count", [2, 60, 1_400])
def test_a_batch_is_one_query_however_many_windows_and_gaps(archive: Archive, count: int, every: int) -> None:
    plan = plan_of(*((n, n + 1) for n in range(0, count * every, every)))
    batch = only(archive, plan, range(count))
    asked = queries(archive, lambda: list(read_batch(batch)))
    assert len(asked) == 1
    assert asked[0].count("FROM messages") == 1
    assert len(asked[0]) < 400


def test_the_archive_may_be_asked_while_a_batch_is_read(archive: Archive) -> None:
    batch = only(archive, plan_of((0, 10), (20, 30), (2_000, 3_000)), range(3))
    seen = [(number, archive.count("messages"), messages.num_rows) for number, messages in read_batch(batch)]
    assert seen == [(0, ROWS, 10), (1, ROWS, 10), (2, ROWS, 1_000)]


def test_a_batch_is_small_and_passes_through_anything_that_keeps_numbers(archive: Archive) -> None:
    plan = plan_of(*((n * 90, n * 90 + 90) for n in range(32)))
    batch = only(archive, plan, range(32))
    assert (batch.start_seq, batch.end_seq) == (0, 2_880)
    assert pickle.loads(pickle.dumps(batch)) == batch
    stored = json.dumps(asdict(batch))
    assert len(stored) < 2_000
    told = json.loads(stored)
    again = WindowBatch(**told | {"windows": tuple(WindowRange(*window) for window in told["windows"])})
    assert again == batch
    assert hash(again) == hash(batch)


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5_000)), max_size=60),
    most_windows=st.integers(1, 20),
    most_bytes=st.integers(1, 60_000),
)
def test_batches_keep_the_order_and_both_limits(
    sizes: list[tuple[int, int]], most_windows: int, most_bytes: int
) -> None:
    ends = [0]
    for rows, _ in sizes:
        ends.append(ends[-1] + rows)
    plan = plan_of(*pairwise(ends)).set_column(4, "n_bytes", pa.array([size for _, size in sizes], pa.int64()))
    batches = batch_windows("chat", plan, most_windows=most_windows, most_bytes=most_bytes)
    windows = [window for batch in batches for window in batch.windows]
    assert windows == [WindowRange(n, low, high) for n, (low, high) in enumerate(pairwise(ends))]
    for batch in batches:
        assert (batch.start_seq, batch.end_seq) == (batch.windows[0].start_seq, batch.windows[-1].end_seq)
        assert 1 <= len(batch.windows) <= most_windows
        weight = sum(sizes[window.number][1] + MESSAGE_BYTES * sizes[window.number][0] for window in batch.windows)
        assert len(batch.windows) == 1 or weight <= max(most_bytes, most_windows)


def test_small_windows_are_shared_evenly_and_giants_stand_alone() -> None:
    small = plan_of(*((n, n + 1) for n in range(100)))
    assert [len(batch.windows) for batch in batch_windows("a", small, most_windows=32)] == [25, 25, 25, 25]
    giants = plan_of((0, 10), (10, 20), (20, 30), (30, 40), size=lambda _: BATCH_BYTES * 2 // 3)
    assert [len(batch.windows) for batch in batch_windows("a", giants, most_windows=32)] == [1, 1, 1, 1]
    assert batch_windows("a", small.slice(0, 0), most_windows=32) == []


@pytest.mark.parametrize("field", ["most_windows", "most_bytes"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3", 10**15 + 1], ids=repr)
def test_limits_out_of_range_are_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{field} must be a whole number from 1 to 10\^15, not"):
        batch_windows("a", plan_of((0, 1)), **{"most_windows": 1, field: value})


def test_what_cannot_be_read_is_said(archive: Archive, tmp_path: Path) -> None:
    beyond = WindowBatch(str(archive.folder), 10, ROWS + 1, (WindowRange(0, 10, ROWS + 1),))
    with pytest.raises(TableError, match="plan again"):
        list(read_batch(beyond))
    with pytest.raises(ValueError, match="columns must be some of seq, message_id"):
        list(read_batch(beyond, columns=["seq", "txet"]))
    with pytest.raises(StreamlinerError, match="not open in this process"):
        list(read_batch(WindowBatch(str(tmp_path), 0, 1, (WindowRange(0, 0, 1),))))
    assert list(read_batch(WindowBatch("nowhere", 0, 0, ()))) == []


def test_a_run_of_windows_may_end_in_any_batch_of_rows(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = 150_000  # the engine hands out 65,536 at a time at most
    with hold_archive(tmp_path_factory.mktemp("long") / "archive") as folder, open_archive(folder) as opened:
        cursor = opened.cursor()
        cursor.register("rows", chat(rows))
        cursor.execute("INSERT INTO messages SELECT * FROM rows")
        cursor.unregister("rows")
        spans = ((0, 70_000), (69_000, 70_500), (70_501, 141_000), (149_999, rows))
        (batch,) = batch_windows(str(opened.folder), plan_of(*spans), most_windows=4, most_bytes=10**9)
        read = dict(read_batch(batch, columns=["seq"]))
    assert [read[n]["seq"].to_pylist() for n in range(4)] == [[*range(*span)] for span in spans]


@pytest.mark.parametrize("name", ["most_windows", "most_bytes"])
def test_the_largest_limit_of_a_batch_is_taken(name: str) -> None:
    plan = plan_of((0, 10), (10, 20))
    limits: dict[str, Any] = {"most_windows": 5, "most_bytes": 1_000_000}
    assert len(batch_windows("a", plan, **limits | {name: 10**15})) == 1
    with pytest.raises(ValueError, match=name):
        batch_windows("a", plan, **limits | {name: 10**15 + 1})
