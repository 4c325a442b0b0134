"""Enrichment as part of a flow run: batches, slots and progress as a real server records them; runs that die."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.flows.conftest import ROOT
from tests.flows.test_flow_run import ask, seen
from tests.servers.gate import Gate
from tests.servers.pages import PageServer, Wire, page

ENRICH = "streamliner-enrich"
LIMIT = f"/v2/concurrency_limits/{ENRICH}"
FETCHING = {
    "STREAMLINER_FETCH__ENABLED": "true",
    "STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
    "STREAMLINER_FETCH__CACHE": "false",
}


class Held:
    """Pages that wait until they are let go."""

    def __init__(self, server: PageServer) -> None:
        self._go = threading.Event()
        self.server = server

    def put(self, path: str) -> None:
        answer = page(f"<title>Page {path}</title><p>The lamp of the old lighthouse was lit again on Sunday.")

        async def play(wire: Wire) -> bool:
            while not self._go.is_set():
                await asyncio.sleep(0.01)
            return await answer(wire)

        self.server.put(path, play)

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def held() -> Iterator[Held]:
    with PageServer() as server:
        yield Held(server)


@pytest.fixture
def chat_of(tmp_path: Path) -> Callable[[int, Held | None], Path]:
    """A chat with so many links, one a message, to pages of a server, or to nowhere."""

    def make(links: int, held: Held | None) -> Path:
        lines = []
        for n in range(links):
            link = held.server.url(f"/{n}") if held else f"https://example.org/{n}"
            if held:
                held.put(f"/{n}")
            lines.append(f"13/03/2026 {8 + n // 60:02}:{n % 60:02} - Tobias Quandt: see {link}\n")
        path = tmp_path / "chat.txt"
        path.write_text("".join(lines))
        return path

    return make


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a publication and go on."""

    def run(*arguments: object, **environment: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
        home = str(tmp_path / "home")
        own = {"HOME": home, "XDG_CACHE_HOME": home, "PYTHONPATH": str(ROOT), "STREAMLINER_PRIVACY__KEY": "5a" * 32}
        return subprocess.Popen(
            [sys.executable, "-m", "flows", "publish", *map(str, arguments), "--json"],
            cwd=tmp_path, env=clean | own | FETCHING | environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return run


def ended(process: subprocess.Popen[str], status: int = 0) -> Any:
    """The report of a publication, or what it said where it fails."""
    said, complained = process.communicate(timeout=100)
    assert process.returncode == status, complained
    return json.loads(said) if status == 0 else complained


def slots(server: dict[str, str]) -> int:
    limits = {limit["name"]: limit for limit in ask(server, "/v2/concurrency_limits/filter")}
    return int(limits[ENRICH]["active_slots"]) if ENRICH in limits else 0


def until(want: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not want():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def set_limit(server: dict[str, str], limit: int) -> None:
    url = server["PREFECT_API_URL"]
    if httpx.patch(url + LIMIT, json={"limit": limit}).status_code == 404:
        httpx.post(f"{url}/v2/concurrency_limits/", json={"name": ENRICH, "limit": limit}).raise_for_status()


def progress_of(server: dict[str, str], name: str) -> list[dict[str, Any]]:
    runs = ask(server, "/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})
    body = {"artifacts": {"flow_run_id": {"any_": [run["id"] for run in runs]}, "key": {"any_": ["progress"]}}}
    found: list[dict[str, Any]] = ask(server, "/artifacts/filter", body)
    return found


def links_of(archive: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT DISTINCT state, attempts FROM tasks ORDER BY ALL").fetchall()


def test_batches_hold_a_slot_each_while_they_run_and_tell_of_their_progress_in_one_artifact(
    held: Held, chat_of, begin, prefect_server, tmp_path: Path
) -> None:
    process = begin(
        chat_of(10, held), "--archive", tmp_path / "slots", STREAMLINER_ENRICH__BATCH_SIZE="2", **prefect_server
    )
    # four batches of two at a time, by the flow's own workers; the fifth waits for one of them
    until(lambda: slots(prefect_server) == 4 and held.server.peak == 8, process)
    until(lambda: bool(progress_of(prefect_server, "publish slots")), process)
    [before] = progress_of(prefect_server, "publish slots")
    assert (before["data"], before["description"]) == (0.0, "enrich: 0 of 10 items")
    assert len(list((tmp_path / "slots" / ".leases").iterdir())) == 4
    held.let_go()
    report = ended(process)
    assert (report["enriched"], report["fetches"], report["links_waiting"]) == (10, 11, 0)
    [after] = progress_of(prefect_server, "publish slots")
    assert after["id"] == before["id"], "it is updated in place"
    assert (after["data"], after["description"]) == (100.0, "write: 1 of 1 items")
    assert slots(prefect_server) == 0
    assert not (tmp_path / "slots" / ".leases").exists()
    names = [
        task["name"]
        for task in seen(
            prefect_server, report["run_id"], lambda found: sum("enrich" in t["name"] for t in found) == 5,
            "/task_runs/filter", {"flow_runs": {"id": {"any_": [report["run_id"]]}}},
        )
    ]  # fmt: skip
    enriched = sorted(name for name in names if name.startswith("enrich"))
    assert enriched == [f"enrich {n} of 5 (2 items)" for n in range(1, 6)]


def test_there_are_never_more_than_two_hundred_batches(publish, chat_of, prefect_server, tmp_path: Path) -> None:
    report = publish(
        chat_of(201, None), "--archive", tmp_path / "many", STREAMLINER_ENRICH__BATCH_SIZE="1", **prefect_server
    )
    [enrich] = [row for row in report["operations"] if row["operation"] == "enrich"]
    assert (report["enriched"], enrich["items"]) == (201, 201)
    names = [
        task["name"]
        for task in seen(
            prefect_server, report["run_id"],
            lambda found: sum(t["name"].startswith("enrich") and t["state_type"] == "COMPLETED" for t in found) >= 101,
            "/task_runs/filter",
            {"flow_runs": {"id": {"any_": [report["run_id"]]}}, "limit": 200},
        )
    ]  # fmt: skip
    enriched = [name for name in names if name.startswith("enrich")]
    assert len(enriched) == 101
    assert "enrich 101 of 101 (1 item)" in enriched


def test_without_its_limit_nothing_is_enriched_and_one_sentence_says_so(
    held: Held, chat_of, begin, publish, prefect_server, tmp_path: Path
) -> None:
    archive = tmp_path / "unlimited"
    publish("--archive", archive, chat_of(3, held), STREAMLINER_FETCH__ENABLED="false", **prefect_server)
    httpx.delete(prefect_server["PREFECT_API_URL"] + LIMIT).raise_for_status()
    # as a deployment runs it: the command line would make what is missing
    program = f"from flows.publish import publish; publish({{'archive': {str(archive)!r}, 'refresh': 'enrich'}})"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    own = {"PYTHONPATH": str(ROOT), "STREAMLINER_PRIVACY__KEY": "5a" * 32}
    done = subprocess.run(
        [sys.executable, "-c", program], env=clean | own | FETCHING | prefect_server, capture_output=True, text=True
    )
    assert done.returncode == 1
    sentence = "There is no limit 'streamliner-enrich' on the Prefect server; `streamliner deploy` makes it."
    assert done.stderr.strip().endswith(f"NoSlotsError: {sentence}")
    assert held.server.paths == []
    assert links_of(archive) == [("pending", 0)]
    held.let_go()
    report = publish("--archive", archive, **FETCHING, **prefect_server)
    assert (report["enriched"], report["fetches"]) == (3, 4)


def test_a_batch_that_dies_is_tried_again_and_one_that_says_why_is_not(prefect_server, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.batches", str(tmp_path)],
        env=clean | prefect_server | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run_id, worked), (_, kind, sentence) = json.loads(done.stdout)
    tries = {
        run["name"]: run["run_count"]
        for run in seen(
            prefect_server, run_id, lambda found: [t["state_type"] for t in found].count("COMPLETED") == 2
            and len(found) == 3, "/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}},
        )
    }  # fmt: skip
    assert worked == {"well": "well", "dies": "dies", "says": "The media folder cannot be written."}
    assert {how: (tmp_path / how).read_text() for how in worked} == {"well": "x", "dies": "xx", "says": "x"}
    assert kind == "NoSlotsError"
    assert "'streamliner-no-such-limit'" in sentence
    assert tries == {"work 1 of 3 (1 item)": 1, "work 2 of 3 (1 item)": 2, "work 3 of 3 (1 item)": 1}
    assert slots(prefect_server) == 0


def test_a_flow_run_that_is_killed_leaves_nothing_taken_and_the_next_one_goes_on(
    held: Held, chat_of, begin, publish, contents, prefect_server, tmp_path: Path
) -> None:
    chat = chat_of(8, held)
    set_limit(prefect_server, 2)
    try:
        small = {"STREAMLINER_ENRICH__BATCH_SIZE": "2"} | prefect_server
        process = begin(chat, "--archive", tmp_path / "killed", **small)
        until(lambda: slots(prefect_server) == 2 and held.server.peak == 4, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert slots(prefect_server) == 2, "the server believes in them for a minute yet"
        begun = held.server.paths
        assert len(begun) == 5
        held.let_go()
        # with all slots taken by the dead, this would wait for more than a minute
        process = begin(chat, "--archive", tmp_path / "killed", **small)
        said, complained = process.communicate(timeout=55)
    finally:
        set_limit(prefect_server, 8)
    assert process.returncode == 0, complained
    report = json.loads(said)
    assert (report["enriched"], report["links_waiting"], report["dead_letters"]) == (8, 0, 0)
    assert all(held.server.count(f"/{n}") == 1 + (f"/{n}" in begun[:5]) for n in range(8))
    assert slots(prefect_server) == 0
    assert ended(begin(chat, "--archive", tmp_path / "whole"))["enriched"] == 8
    for name in ("site", "posts"):
        killed, whole = (contents((tmp_path / which / name).resolve()) for which in ("killed", "whole"))
        assert killed == whole


def test_a_server_that_is_lost_and_comes_back_costs_nothing(
    held: Held, chat_of, begin, prefect_server, tmp_path: Path
) -> None:
    far = int(prefect_server["PREFECT_API_URL"].split(":")[2].split("/")[0])
    with Gate(far) as gate:
        there = prefect_server | {"PREFECT_API_URL": f"http://127.0.0.1:{gate.port}/api"}
        process = begin(chat_of(10, held), "--archive", tmp_path / "lost", STREAMLINER_ENRICH__BATCH_SIZE="2", **there)
        until(lambda: held.server.peak == 8, process)
        gate.shut()
        held.let_go()
        until(lambda: len(held.server.paths) == 9, process)  # the fifth batch waits for a slot
        time.sleep(1)
        gate.open()
        report = ended(process)
    assert (report["enriched"], report["fetches"], report["links_waiting"]) == (10, 11, 0)
    [run] = ask(prefect_server, "/flow_runs/filter", {"flow_runs": {"id": {"any_": [report["run_id"]]}}})
    assert run["state_type"] == "COMPLETED"
