"""The benchmark of candidates, task store and ledger runs at any size, and the peer's ways do what they stand for."""

import subprocess
import sys
from pathlib import Path

import duckdb
import ibis

from benchmarks import peer_queueing as peer
from benchmarks.queueing import chat, tasks
from stages.enrich.candidates import find_candidates

ROOT = Path(__file__).parents[2]


def test_it_runs_and_says_what_is_met_and_what_is_missed() -> None:
    command = [sys.executable, "-m", "benchmarks", "queueing", "--runs", "1", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = [line for line in done.stdout.splitlines() if line.endswith((" met", " missed"))]
    starts = [" ".join(line.split()[:2]) for line in figures]
    expected = {"W5 candidates": 1, "W6 enqueue": 4, "W7 complete": 1, "W8 20": 2, "Ledger, 5,000": 3, "Lag of": 1}
    assert {start: starts.count(start) for start in starts} == expected


def test_the_workload_is_the_one_that_is_named() -> None:
    table = chat(50_000)
    found = find_candidates(table)
    referring = [bool(row["media"]) or "://" in row["text"] for row in table.to_pylist()]
    assert sum(referring) == 15_000
    assert 8_000 < found.num_rows <= 11_500


def test_the_peer_finds_every_reference_of_ours_and_junk_beside(tmp_path: Path) -> None:
    table = chat(2_000)
    theirs = peer.candidates(table)
    assert set(find_candidates(table)["value"].to_pylist()) <= set(theirs)
    assert "3.50" in peer.candidates(table.set_column(1, "text", [["for 3.50"] * table.num_rows]))


def test_the_peer_inserts_each_task_and_renames_in_every_text(tmp_path: Path) -> None:
    peer.enqueuing(tmp_path / "t.duckdb", 3)()
    assert ibis.duckdb.connect(str(tmp_path / "t.duckdb")).table("tasks").count().to_pyarrow().as_py() == 3
    assert tasks(3)["key"].to_pylist() == [f"https://example.com/some/path/{n}" for n in range(3)]
    with duckdb.connect() as connection:
        peer.messages_with_files(connection, 400, 4)
        assert connection.execute("SELECT count(*), count(DISTINCT key) FROM mentions").fetchone() == (20, 4)
        peer.nested_replace(connection, 4)
        peer.updates(connection, 4)
        assert connection.execute("SELECT count(*) FROM messages WHERE contains(text, 'IMG-')").fetchone() == (20,)
