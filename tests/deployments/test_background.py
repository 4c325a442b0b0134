"""Processes that outlive a command: found again, ended, and never mistaken for another one's."""

import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from deployments.background import Background
from deployments.server import PrefectServer, without_prefect
from stages.errors import StreamlinerError

SLEEP = [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print('up', child.pid, flush=True); time.sleep(600)",
]


def started(folder: Path, command: list[str]) -> Background:
    process = Background(folder, "sleeper")
    process.launch(command, os.environ, port=7)
    deadline = time.monotonic() + 30
    while "up" not in process.tail() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "up" in process.tail()
    return process


def test_another_command_finds_it_and_ends_it(tmp_path: Path) -> None:
    started(tmp_path, SLEEP)
    found = Background(tmp_path, "sleeper")
    assert found.running()
    facts = found.facts()
    assert facts is not None
    assert facts["port"] == 7
    assert os.getsid(facts["pid"]) != os.getsid(0), "it lives in a session of its own"
    assert found.stop()
    assert not psutil.pid_exists(facts["pid"]) or psutil.Process(facts["pid"]).status() == psutil.STATUS_ZOMBIE
    assert not found.running()
    assert not found.stop()


def test_one_that_will_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    process = started(tmp_path, STUBBORN)
    child = int(process.tail().split()[-1])
    assert process.stop(grace=0.3)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_got_the_old_number_is_left_alone(tmp_path: Path) -> None:
    process = started(tmp_path, SLEEP)
    record = tmp_path / "sleeper.json"
    kept = json.loads(record.read_text(encoding="utf-8"))
    try:
        record.write_text(json.dumps(kept | {"created": kept["created"] - 60}), encoding="utf-8")
        assert not process.running()
        assert not process.stop()
        assert psutil.pid_exists(kept["pid"])
    finally:
        record.write_text(json.dumps(kept), encoding="utf-8")
        process.stop()


def test_no_server_is_taken_for_ours_by_chance(tmp_path: Path) -> None:
    server = PrefectServer(tmp_path)
    assert not server.running()
    assert not server.stop()
    with pytest.raises(StreamlinerError, match="No Prefect server was started"):
        server.address  # noqa: B018 - reading it is the act


def test_no_setting_of_another_server_is_handed_on() -> None:
    assert without_prefect({"PREFECT_API_KEY": "secret", "PATH": "/bin"}) == {"PATH": "/bin"}
