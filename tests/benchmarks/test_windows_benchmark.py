"""The benchmark of windows runs at any size, and the peer it is set against cuts as the peer does, faults included."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import ibis
import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend

from benchmarks import peer_windows as peer
from benchmarks.windows import PARTS, SPECS, TIES, WORKLOADS, Workload, messages, ours, the_peers
from benchmarks.windows_growth import growth
from stages.windows.plan import plan_windows
from stages.windows.spec import WindowSpec

ROOT = Path(__file__).parents[2]
W1, W2, W3, W4 = WORKLOADS
EVERY_WORKLOAD = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)


@pytest.fixture
def connection() -> Iterator[Backend]:
    connection = ibis.duckdb.connect(threads=1)
    yield connection
    connection.disconnect()


def taken(windows: list[peer.Window]) -> list[list[int]]:
    return [window["seq"].to_pylist() for window in peer.read(windows)]


def test_it_runs_and_says_what_is_met_and_what_is_missed() -> None:
    command = [sys.executable, "-m", "benchmarks", "windows", "--rows", "1000", "--runs", "1", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for workload in WORKLOADS:
        rows = [line for line in lines if line.startswith(workload.name)]
        assert len(rows) == 2
        assert all(line.endswith((f"{workload.target}x met", f"{workload.target}x missed")) for line in rows)
    for store in ("Parquet", "DuckDB"):
        for unit in SPECS:
            assert sum(line.startswith(f"{store:<7} {unit}") for line in lines) == 1
        assert sum(line.startswith(store) and " MB" in line for line in lines) == 2
        assert sum(line.startswith(store) and "to the power of" in line for line in lines) == 1


def test_a_benchmark_that_is_not_there_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "windows" in done.stderr


@EVERY_WORKLOAD
def test_the_peer_hands_out_every_message_where_all_times_differ(workload: Workload, connection: Backend) -> None:
    table = connection.create_table("messages", messages(workload, 1_000))
    windows = the_peers(table, workload)()
    got = taken(windows)
    assert [len(seqs) for seqs in got] == [window.rows for window in windows]
    assert {seq for seqs in got for seq in seqs} == set(range(1_000))


def test_the_peer_cuts_messages_hours_and_parts_where_we_cut_them(connection: Backend) -> None:
    for workload in (W2, W3):
        assert workload.spec is not None
        chat = messages(workload, 2_000)
        table = connection.create_table(workload.name, chat)
        plan = plan_windows(chat, workload.spec)
        assert [window.rows for window in the_peers(table, workload)()] == plan["n_messages"].to_pylist()
    chat = messages(W4, 2_000)
    assert len(the_peers(connection.create_table("W4", chat), W4)()) == ours(chat, W4)() == PARTS


@pytest.mark.parametrize("kind", ["duckdb", "arrow"])
@pytest.mark.parametrize("ties", [1, TIES])
@EVERY_WORKLOAD
def test_ours_is_the_same_from_either_source(workload: Workload, ties: int, kind: str, connection: Backend) -> None:
    chat = messages(workload, 600, ties=ties)
    source = chat if kind == "arrow" else connection.create_table("messages", chat)
    expected = min(PARTS, 600 // ties) if workload.spec is None else plan_windows(chat, workload.spec).num_rows
    assert ours(source, workload)() == expected


def test_the_peer_loses_and_repeats_messages_of_equal_times(connection: Backend) -> None:
    table = connection.create_table("messages", messages(W2, 20_000, ties=TIES))
    counted = Counter(seq for seqs in taken(list(peer.by_messages(table, 100, 0))) for seq in seqs)
    assert counted.total() == 20_000
    assert len(counted) < 20_000
    assert max(counted.values()) > 1


def test_the_peer_hands_out_the_last_window_again_and_again(connection: Backend) -> None:
    chat = messages(W2, 2_000)
    table = connection.create_table("messages", chat)
    windows = list(peer.by_bytes(table, 40_000, 0.2))
    assert plan_windows(chat, WindowSpec("bytes", 40_000)).num_rows < 6
    assert len(windows) > 100
    assert windows[-1].rows == 1
    assert [window.rows for window in windows[-5:]] == [5, 4, 3, 2, 1]


def test_the_peer_counts_characters_and_gives_the_first_message_for_nothing(
    connection: Backend,
) -> None:
    chat = pa.table({"seq": [0, 1, 2], "ts": messages(W1, 3)["ts"], "text": ["é" * 500, "é" * 5, "é" * 5]})
    windows = list(peer.by_bytes(connection.create_table("messages", chat), 10, 0))
    assert [window.rows for window in windows] == [3]


def test_an_empty_table_has_no_windows(connection: Backend) -> None:
    table = connection.create_table("messages", messages(W1, 1).slice(0, 0))
    assert [the_peers(table, workload)() for workload in (W1, W2, W3)] == [[], [], []]


def test_growth_is_the_exponent() -> None:
    assert growth({10: 3.0, 100: 30.0, 1_000: 300.0}) == pytest.approx(1)
    assert growth({10: 1.0, 1_000: 10_000.0}) == pytest.approx(2)
