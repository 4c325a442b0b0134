"""Plans of some hundred thousand messages, in blocks and out of order, judged by sums of their own."""

import numpy as np
import pyarrow as pa
import pytest

from stages.windows.plan import plan_windows
from stages.windows.spec import WindowSpec

ROWS = 300_000
MINUTE = 60 * 10**6


@pytest.fixture(scope="module")
def chat() -> pa.Table:
    rng = np.random.default_rng(7)
    gaps = np.where(rng.random(ROWS) < 0.3, rng.integers(1, 40, ROWS), 0) * MINUTE
    return pa.table(
        {
            "seq": np.arange(ROWS),
            "ts": pa.array(np.cumsum(gaps)).cast(pa.timestamp("us", tz="UTC")),
            "author": pa.array(["Quiet Heron", None, "Élan"] * (ROWS // 3)),
            "text_bytes": rng.integers(0, 200, ROWS).astype(np.int32),
        }
    )


@pytest.fixture(scope="module")
def weight(chat: pa.Table) -> np.ndarray:
    author = np.array([len("Quiet Heron"), len("*"), len("Élan".encode())] * (ROWS // 3))
    return chat["text_bytes"].to_numpy() + author + len("2026-01-31 23:59 : \n")


def edges(chat: pa.Table, spec: WindowSpec) -> tuple[np.ndarray, np.ndarray]:
    plan = plan_windows(chat, spec)
    return plan["start_seq"].to_numpy(), plan["end_seq"].to_numpy()


@pytest.mark.parametrize("size", [300, 1_000, 20_000, 3_000_000])
@pytest.mark.parametrize("unit", ["bytes", "tokens"])
def test_every_window_is_full_and_none_is_too_full(chat: pa.Table, weight: np.ndarray, unit: str, size: int) -> None:
    sums = np.append(0, np.cumsum(weight if unit == "bytes" else -(-weight // 4)))
    start, end = edges(chat, WindowSpec(unit, size, 0))  # type: ignore[arg-type]
    assert start[0] == 0
    assert end[-1] == ROWS
    assert (start[1:] == end[:-1]).all()
    assert (sums[end] - sums[start] <= size).all()
    assert (sums[end[:-1] + 1] - sums[start[:-1]] > size).all()
    # with an overlap: the longest tail that is light enough, and leaves room
    start, end = edges(chat, WindowSpec(unit, size, "0.2"))  # type: ignore[arg-type]
    tail, room = sums[end[:-1]] - sums[start[1:]], sums[end[:-1] + 1] - sums[start[1:]]
    assert ((tail <= size // 5) & (room <= size)).all()
    longer, more = sums[end[:-1]] - sums[start[1:] - 1], sums[end[:-1] + 1] - sums[start[1:] - 1]
    assert ((longer > size // 5) | (more > size)).all()


def test_sessions_and_slots_are_found_across_all_blocks(chat: pa.Table) -> None:
    ts = chat["ts"].cast(pa.int64()).to_numpy()
    start, end = edges(chat, WindowSpec("session", 20))
    assert start.tolist() == [0, *(np.flatnonzero(np.diff(ts) >= 20 * MINUTE) + 1)]
    assert end.tolist() == [*start[1:], ROWS]
    for unit, step in (("hours", 60 * MINUTE), ("days", 24 * 60 * MINUTE)):
        start, end = edges(chat, WindowSpec(unit, 1, 0))  # type: ignore[arg-type]
        assert start.tolist() == np.unique((ts - ts[0]) // step, return_index=True)[1].tolist()
        assert end.tolist() == [*start[1:], ROWS]


def test_what_is_counted_is_right_to_the_end(chat: pa.Table, weight: np.ndarray) -> None:
    plan = plan_windows(chat, WindowSpec("messages", 1_000, 0))
    assert plan["n_bytes"].to_pylist() == weight.reshape(-1, 1_000).sum(axis=1).tolist()


def test_more_messages_than_were_foreseen_in_any_order_are_one_plan(chat: pa.Table) -> None:
    blocks = [chat.set_column(0, "seq", pa.array(np.arange(ROWS) + k * ROWS)) for k in range(4)]
    last = int(chat["ts"][-1].value)
    blocks = [
        block.set_column(1, "ts", pa.array(block["ts"].cast(pa.int64()).to_numpy() + k * last).cast(block["ts"].type))
        for k, block in enumerate(blocks)
    ]
    whole = pa.concat_tables(blocks)
    spec = WindowSpec("bytes", 50_000)
    expected = plan_windows(whole, spec)
    assert plan_windows(whole.to_reader(max_chunksize=70_001), spec).equals(expected)
    for order in ([3, 1, 0, 2], [0, 1, 3, 2]):
        mixed = pa.concat_tables([blocks[k] for k in order])
        assert plan_windows(mixed.to_reader(max_chunksize=70_001), spec).equals(expected)
        assert plan_windows(mixed, spec).equals(expected)
