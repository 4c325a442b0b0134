"""``streamliner ledger`` as a person and as a program use it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.ledger import Ledger, read_ledger

ROOT = Path(__file__).parents[2]
Streamliner = Callable[..., Any]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An archive's ledger of 100 entries in several files."""
    folder = tmp_path / "a"
    with Ledger(folder / "ledger.jsonl", "0123456789abcdef", 5, rotate_bytes=2_000) as ledger:
        for n in range(100):
            ledger.record("write" if n % 4 else "enrich", n=n, done=1_000 * n, note="até já")
            ledger.flush()
    assert len(list(folder.glob("ledger-*.jsonl"))) > 3
    return folder


def lines(output: str) -> list[int]:
    return [json.loads(line)["n"] for line in output.splitlines()]


def test_json_is_one_object_a_line_over_all_files_and_pipes(streamliner: Streamliner, kept: Path) -> None:
    done = streamliner("ledger", kept, "--json")
    assert lines(done.stdout) == list(range(100))
    assert done.stderr == ""
    entry = json.loads(done.stdout.splitlines()[0])
    assert list(entry) == ["t", "run", "kind", "n", "done", "note"]
    assert (entry["run"], entry["kind"], entry["note"]) == ("0123456789abcdef", "enrich", "até já")
    piped = subprocess.run(
        f"{sys.executable} -m flows ledger {kept} --kind enrich --json | tail -3",
        shell=True, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert lines(piped.stdout) == [88, 92, 96]
    assert piped.stderr == ""


def test_tail_and_kind_go_together(streamliner: Streamliner, kept: Path) -> None:
    assert lines(streamliner("ledger", kept, "--tail", 60, "--json").stdout) == list(range(40, 100))
    assert lines(streamliner("ledger", kept, "--tail", 2, "--kind", "enrich", "--json").stdout) == [92, 96]
    assert streamliner("ledger", kept, "--tail", 0, "--json").stdout == ""
    assert streamliner("ledger", kept, "--kind", "none", "--json").stdout == ""
    assert len(lines(streamliner("ledger", kept, "--tail", "9" * 30, "--json").stdout)) == 100


def test_a_person_sees_a_table_of_the_last_entries_and_how_many_came_before(
    streamliner: Streamliner, kept: Path
) -> None:
    head, *rows, last = streamliner("ledger", kept).stdout.splitlines()
    assert head.split()[:2] == ["time", "(UTC)"]
    assert len(rows) == 40
    assert rows[-1].split()[2:4] == ["01234567", "write"]
    assert rows[-1].rstrip().endswith("n 99, done 99,000, note até já")
    assert "60 entries before these" in last
    assert len(streamliner("ledger", kept, "--tail", 100).stdout.splitlines()) == 101
    said = streamliner("ledger", kept, "--kind", "enrcih").stdout
    assert said == "There are no entries of the kind 'enrcih'; there are enrich, write.\n"


def test_torn_lines_are_left_out_and_said_on_standard_error(streamliner: Streamliner, kept: Path) -> None:
    with (kept / "ledger.jsonl").open("ab") as file:
        file.write(b'{"t":"2026-01-01T00:00:0')
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    done = streamliner("ledger", kept, "--json")
    assert lines(done.stdout) == list(range(100))
    assert done.stderr.startswith("1 line is no whole entry")
    assert len(done.stderr.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_what_stands_in_a_ledger_does_not_steer_the_terminal(streamliner: Streamliner, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text(
        '{"t":7,"run":null,"kind":["\\u001b[31m"],"x":"\\u001b]0;y\\u0007\\u202e"}\n{}\n'
    )
    output = streamliner("ledger", tmp_path).stdout
    assert "\x1b" not in output
    assert "\x07" not in output
    assert len(output.splitlines()) == 3


def _not_there(folder: Path) -> str:
    return "There is no archive"


def _a_file(folder: Path) -> str:
    folder.write_text("x")
    return "There is no archive"


def _empty(folder: Path) -> str:
    folder.mkdir()
    return "There is no archive"


def _without_ledger(folder: Path) -> str:
    folder.mkdir()
    (folder / "archive.duckdb").write_bytes(b"")
    return "There is no ledger"


def _a_folder_for_a_ledger(folder: Path) -> str:
    (folder / "ledger.jsonl").mkdir(parents=True)
    return "not a regular file"


def _a_pipe(folder: Path) -> str:
    folder.mkdir()
    os.mkfifo(folder / "ledger.jsonl")
    return "not a regular file"


def _a_circle(folder: Path) -> str:
    folder.mkdir()
    (folder / "archive.duckdb").write_bytes(b"")
    (folder / "ledger.jsonl").symlink_to("ledger.jsonl")
    return "ledger"


REFUSED = {
    function.__name__.strip("_"): function
    for function in (_not_there, _a_file, _empty, _without_ledger, _a_folder_for_a_ledger, _a_pipe, _a_circle)
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_ledger_is_refused_in_one_sentence(streamliner: Streamliner, tmp_path: Path, name: str) -> None:
    said = REFUSED[name](tmp_path / "x")
    done = streamliner("ledger", tmp_path / "x", check=2)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("options", [("--tail", "-1"), ("--tail", "x"), ("--what",)], ids=["-1", "x", "what"])
def test_bad_usage_is_one_sentence(streamliner: Streamliner, kept: Path, options: tuple[str, ...]) -> None:
    done = streamliner("ledger", kept, *options, check=2)
    assert len(done.stderr.splitlines()) == 1


def test_every_step_of_a_run_is_in_the_ledger_and_none_of_its_words(
    make_chat: Any, publish: Any, streamliner: Streamliner, tmp_path: Path
) -> None:
    run = publish(make_chat(2), "--archive", tmp_path / "a")["run_id"]
    output = streamliner("ledger", tmp_path / "a", "--json").stdout
    entries = [json.loads(line) for line in output.splitlines()]
    assert {entry["run"] for entry in entries} == {run}
    kinds = [entry["kind"] for entry in entries]
    assert list(dict.fromkeys(kinds)) == ["run", "merge", "candidates", "enrich", "write", "site"]
    assert kinds[-1] == "run"
    for word in ("Vexley", "Quandt", "cello", "example.org", "Marisol"):
        assert word not in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_a_run_that_is_stopped_by_a_signal_has_its_end_in_the_ledger(
    make_chat: Any, streamliner: Streamliner, tmp_path: Path, number: int
) -> None:
    ours = ("STREAMLINER_", "PREFECT_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"STREAMLINER_PRIVACY__KEY": "5a" * 32, "PYTHONPATH": str(ROOT)}
    options = ("--archive", tmp_path / "a", "--unit", "messages", "--size", 1)
    process = subprocess.Popen(
        [sys.executable, "-m", "flows", "publish", *map(str, (make_chat(28, first_day=1), *options))],
        env=environment | {"STREAMLINER_LLM__BATCH_WINDOWS": "1", "STREAMLINER_FETCH__ENABLED": "false"},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    ledger = tmp_path / "a" / "ledger.jsonl"
    for _ in range(3_000):
        if process.poll() is not None or (ledger.exists() and '"write"' in ledger.read_text()):
            break
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    last = json.loads(streamliner("ledger", tmp_path / "a", "--tail", 1, "--json").stdout)
    assert (last["kind"], last["state"]) == ("run", "interrupted")


@pytest.mark.parametrize("kind", ["enrich", "write"])
def test_every_batch_is_in_the_ledger_when_it_ends(make_chat: Any, tmp_path: Path, kind: str) -> None:
    """The process is killed at the first flush after a batch was recorded."""
    program = f"""
import os, signal
from stages.ledger import Ledger, read_ledger
record, flush = Ledger.record, Ledger.flush
def noting(self, kind, **payload):
    record(self, kind, **payload)
    self.seen = kind
def deadly(self):
    flush(self)
    if self.seen == {kind!r}:
        os.kill(os.getpid(), signal.SIGKILL)
Ledger.record, Ledger.flush = noting, deadly
from flows.cli import main
main(["publish", {str(make_chat(2))!r}, "--archive", {str(tmp_path / "a")!r}])
"""
    environment = os.environ | {"STREAMLINER_PRIVACY__KEY": "5a" * 32, "PYTHONPATH": str(ROOT)}
    environment |= {"STREAMLINER_FETCH__ENABLED": "false"}
    environment.pop("PREFECT_API_URL", None)
    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert [entry["kind"] for entry in read_ledger(tmp_path / "a" / "ledger.jsonl")][-1] == kind
