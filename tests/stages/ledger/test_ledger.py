"""The ledger: everything that was flushed is there, whatever happens, and it never stands in the way of the work."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ledger import LOSS_LIMIT, Ledger, read_ledger

PROJECT = Path(__file__).parents[3]


@dataclass
class Own:
    text: str


def numbers(path: Path, **how: Any) -> list[int]:
    return [entry["n"] for entry in read_ledger(path, **how)]


def test_a_line_has_time_run_kind_and_payload(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with Ledger(tmp_path / "ledger.jsonl", "run-1") as ledger:
        ledger.record("enrich", done=3, failed=0, rate=0.5, name="á", none=None, ok=True, list=[1, 2])
    (line,) = (tmp_path / "ledger.jsonl").read_bytes().splitlines()
    entry = json.loads(line)
    assert list(entry) == ["t", "run", "kind", "done", "failed", "rate", "name", "none", "ok", "list"]
    assert before <= datetime.fromisoformat(entry.pop("t")) <= datetime.now(UTC)
    assert entry == {
        "run": "run-1", "kind": "enrich", "done": 3, "failed": 0, "rate": 0.5, "name": "á", "none": None, "ok": True,
        "list": [1, 2],
    }  # fmt: skip


def test_lines_are_written_when_the_buffer_is_full_flushed_or_closed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path, "r", buffer=3)
    ledger.record("a", n=0)
    ledger.record("a", n=1)
    assert numbers(path) == []
    ledger.flush()
    assert numbers(path) == [0, 1]
    ledger.record("a", n=2)
    ledger.close()
    ledger.close()
    assert numbers(path) == [0, 1, 2]
    assert ledger.lost == 0


def test_a_full_buffer_is_written_without_being_asked(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, "r", buffer=2) as ledger:
        ledger.record("a", n=0)
        ledger.record("a", n=1)
        while numbers(path) != [0, 1]:
            threading.Event().wait(0.001)


def test_a_run_goes_on_where_another_ended(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on the way" / "ledger.jsonl"
    for run in ("r1", "r2"):
        with Ledger(path, run) as ledger:
            ledger.record("run", n=1)
    assert [entry["run"] for entry in read_ledger(path)] == ["r1", "r2"]


def test_reading_by_kind_and_tail(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, "r") as ledger:
        for n in range(10):
            ledger.record("odd" if n % 2 else "even", n=n)
    assert numbers(path, kind="odd") == [1, 3, 5, 7, 9]
    assert numbers(path, tail=3) == [7, 8, 9]
    assert numbers(path, kind="even", tail=2) == [6, 8]
    assert numbers(path, tail=0) == numbers(path, kind="none") == []
    assert list(read_ledger(tmp_path / "none")) == []
    with pytest.raises(ValueError, match="tail"):
        read_ledger(path, tail=-1)


def test_any_number_of_threads_record_without_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, "r") as ledger:
        threads = [
            threading.Thread(
                target=lambda first: [ledger.record("a", n=first + n) for n in range(500)], args=(1000 * i,)
            )
            for i in range(6)
        ]
        for thread in threads:
            thread.start()
        ledger.flush()
        for thread in threads:
            thread.join()
    found = numbers(path)
    assert sorted(found) == [1000 * i + n for i in range(6) for n in range(500)]
    for i in range(6):
        own = [n for n in found if n // 1000 == i]
        assert own == sorted(own)


class Disk:
    """Syncs of this process end when they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self._sync = os.fsync
        monkeypatch.setattr(os, "fsync", self.sync)

    def sync(self, file: int) -> None:
        self.asked.release()
        self.let_go.acquire()
        self._sync(file)


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("buffer", [1, 10, LOSS_LIMIT])
def test_while_the_disk_is_busy_no_more_lines_are_taken_than_a_crash_may_lose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, buffer: int
) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path, "r", buffer)
    disk = Disk(monkeypatch)
    taken = [0] * threads
    each = 4_000 // threads

    def work(which: int) -> None:
        for n in range(each):
            ledger.record("a", n=each * which + n)
            taken[which] += 1

    workers = [threading.Thread(target=work, args=(which,)) for which in range(threads)]
    for worker in workers:
        worker.start()
    safe = 0
    for _ in range(3):
        disk.asked.acquire()
        waited = 0
        while sum(taken) - safe < LOSS_LIMIT - threads and waited < 1_000:
            threading.Event().wait(0.001)
            waited += 1
        threading.Event().wait(0.01)
        assert sum(taken) - safe <= LOSS_LIMIT
        safe = len(numbers(path))
        disk.let_go.release()
    disk.let_go.release(1_000_000)
    for worker in workers:
        worker.join()
    ledger.close()
    found = numbers(path)
    assert sorted(found) == list(range(each * threads))
    for which in range(threads):
        own = [n for n in found if n // each == which]
        assert own == sorted(own)
    assert ledger.lost == 0


def test_what_is_recorded_while_another_thread_closes_is_written_or_counted_as_lost(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    said: list[str] = []
    ledger = Ledger(path, "r", say=said.append)
    begun, end = threading.Semaphore(0), threading.Event()
    recorded = [0] * 4

    def work(which: int) -> None:
        while not end.is_set():
            ledger.record("a", n=(which, recorded[which]))
            recorded[which] += 1
            begun.release()

    workers = [threading.Thread(target=work, args=(which,)) for which in range(4)]
    for worker in workers:
        worker.start()
    for _ in range(2_000):
        begun.acquire()
    ledger.close()
    while not ledger.lost:
        begun.acquire()
    end.set()
    for worker in workers:
        worker.join()
    ledger.flush()
    found = [tuple(entry["n"]) for entry in read_ledger(path)]
    assert len(found) >= 2_000 - len(workers)
    assert len(found) == len(set(found))
    assert len(found) + ledger.lost == sum(recorded)
    assert len(said) == 1


def test_long_texts_are_cut_and_strange_values_keep_their_kind_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, "r") as ledger:
        ledger.record("a", text="x" * 5_000, folder=Path("secret"), error=ValueError("secret"), own=Own("secret"))
        ledger.record("a", text="x" * 200 + "\ud800", other="á" * 201)
        ledger.record("a", text="x" * 200, other="á" * 200)
    first, second, third = read_ledger(path)
    assert first | {"t": 0} == {
        "t": 0, "run": "r", "kind": "a", "text": "x" * 200, "folder": type(Path()).__name__, "error": "ValueError",
        "own": "Own",
    }  # fmt: skip
    assert (second["text"], second["other"]) == (third["text"], third["other"]) == ("x" * 200, "á" * 200)
    assert ledger.lost == 0


def test_what_cannot_be_recorded_never_fails_the_work(tmp_path: Path) -> None:
    said: list[str] = []
    ledger = Ledger(tmp_path / "ledger.jsonl", "r", say=said.append)
    ledger.record("a", n=1, text="\ud800")
    ledger.record("a", n=2)
    ledger.close()
    ledger.record("a", n=3)
    assert numbers(tmp_path / "ledger.jsonl") == [2]
    assert (ledger.lost, len(said)) == (2, 1)
    with pytest.raises(ValueError, match="payload"):
        ledger.record("a", run="mine")
    with pytest.raises(ValueError, match="buffer"):
        Ledger(tmp_path / "ledger.jsonl", "r", buffer=LOSS_LIMIT + 1)


def test_a_ledger_that_cannot_be_opened_says_so_once_and_counts(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    said: list[str] = []
    with Ledger(tmp_path / "ledger.jsonl", "r", say=said.append) as ledger:
        for n in range(3_000):
            ledger.record("a", n=n)
    assert ledger.lost == 3_000
    (sentence,) = said
    assert "ledger.jsonl could not be kept" in sentence
    assert "The work goes on" in sentence


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from stages.ledger import Ledger
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
said = []
ledger = Ledger(Path(sys.argv[1]), "r", say=said.append)
for n in range(20): ledger.record("a", n=n)
ledger.flush()
size = Path(sys.argv[1]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
for n in range(20, 40): ledger.record("a", n=n)
ledger.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for n in range(40, 60): ledger.record("a", n=n)
ledger.close()
print(len(said), ledger.lost)
"""


def test_a_full_disk_costs_whole_lines_and_the_ledger_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said, lost = map(int, done.stdout.split())
    found = numbers(path)
    assert said == 1
    assert 60 - lost == len(found)
    assert found[:20] + found[-20:] == [*range(20), *range(40, 60)]
    assert path.read_bytes().count(b"\n") == len(found)


@settings(max_examples=60, deadline=None)
@given(
    first=st.lists(st.text(max_size=20), max_size=12),
    second=st.lists(st.text(max_size=20), max_size=5),
    at=st.floats(0, 1),
    junk=st.sampled_from([b"", b"\x00" * 50, b'{"t"', b"{}", b"\n", b"\x00\x00\n", b"[1]\n"]),
)
def test_a_crash_at_any_byte_costs_the_torn_line_alone(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], second: list[str], at: float, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("crash") / "ledger.jsonl"
    for run, texts in (("r1", first), ("r2", [])):
        with Ledger(path, run) as ledger:
            for text in texts:
                ledger.record("a", x=text)
    whole = path.read_bytes()
    cut = round(at * len(whole))
    if junk == whole[cut : cut + 1] == b"\n":
        cut, junk = cut + 1, b""
    path.write_bytes(whole[:cut] + junk)
    survived = whole[:cut].count(b"\n")
    with Ledger(path, "r3") as ledger:
        for text in second:
            ledger.record("a", x=text)
    assert [entry["x"] for entry in read_ledger(path)] == first[:survived] + second
    torn = whole[:cut].rpartition(b"\n")[2] + junk
    aside = path.with_suffix(".torn")
    assert (aside.read_bytes() if aside.exists() else b"") == (
        torn if torn.endswith(b"\n") or not torn else torn + b"\n"
    )
    assert path.read_bytes().count(b"\n") == survived + len(second)


KILLED = """
import os, sys
from pathlib import Path
from stages.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), "r")
n = 0
while True:
    ledger.record("a", n=n)
    n += 1
    if n % 500 == 0:
        ledger.flush()
        os.write(1, b"%d\\n" % n)
"""


def test_a_kill_loses_nothing_that_was_flushed_and_never_leaves_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], cwd=PROJECT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    flushed = 0
    for _ in range(8):
        flushed = int(child.stdout.readline())
    child.kill()
    child.wait()
    with Ledger(path, "after"):
        pass
    found = numbers(path)
    assert found == list(range(len(found)))
    assert len(found) >= flushed


@pytest.mark.parametrize("how", ["exit", "SystemExit", "exception"])
def test_what_was_recorded_is_there_after_any_ordinary_end(tmp_path: Path, how: str) -> None:
    ends = {"exit": "pass", "SystemExit": "sys.exit(3)", "exception": "raise RuntimeError"}
    program = (
        "import sys\nfrom pathlib import Path\nfrom stages.ledger import Ledger\n"
        f"ledger = Ledger(Path(sys.argv[1]), 'r')\nfor n in range(7): ledger.record('a', n=n)\n{ends[how]}"
    )
    path = tmp_path / "ledger.jsonl"
    subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=PROJECT, capture_output=True, check=False, timeout=60
    )
    assert numbers(path) == list(range(7))


SIGNALLED = """
import os, signal, sys
from pathlib import Path
from stages.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), "r")
seen = 0
def handler(*_):
    global seen
    seen += 1
    ledger.record("signal", n=-1)
    ledger.flush()
    if seen >= 40:
        ledger.close()
        os._exit(0)
    signal.setitimer(signal.ITIMER_REAL, 0.002)  # rung once a handler, so that a slow disk nests none in the last
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.002)
n = 0
while True:
    ledger.record("a", n=n)
    n += 1
"""


def test_a_signal_handler_may_record_flush_and_close_in_the_middle_of_a_record(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    subprocess.run([sys.executable, "-c", SIGNALLED, str(path)], cwd=PROJECT, check=True, timeout=60)
    found = numbers(path, kind="a")
    assert found == list(range(len(found)))
    assert len(numbers(path, kind="signal")) == 40
