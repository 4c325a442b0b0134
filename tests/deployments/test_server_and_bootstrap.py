"""`make run`'s server, and `streamliner deploy` on it: what it makes, and that what is as wanted stays untouched.

In one file, so that tests in parallel start one server.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.bootstrap import deploy, difference
from deployments.local import Dashboard
from deployments.pools import POOL_TYPES, PoolType
from deployments.server import without_prefect
from stages.errors import BadInput
from tasks.limits import LIMITS


def ask(api: str, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{api}{path}", data=data, headers={"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=30) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def flow_of(deployment: dict[str, Any]) -> str:
    """The name of the flow that a deployment starts, by its entry point."""
    return str(deployment["entrypoint"].rpartition(":")[2].replace("_", "-"))


def state(api: str) -> dict[str, Any]:
    """Everything that a deployment makes, by (kind, name), as the server has it."""
    return {
        **{f"pool {item['name']}": item for item in ask(api, "/work_pools/filter", {})},
        **{f"limit {item['name']}": item for item in ask(api, "/v2/concurrency_limits/filter", {})},
        **{f"deployment {flow_of(item)}/{item['name']}": item for item in ask(api, "/deployments/filter", {})},
    }


def stamps(api: str) -> dict[str, str]:
    return {name: item["updated"] for name, item in state(api).items()}


@pytest.fixture
def clean(api: str) -> Iterator[str]:
    deploy("process", destroy=True)
    yield api
    deploy("process", destroy=True)


@pytest.mark.parametrize("pool_type", POOL_TYPES)
def test_the_second_time_nothing_moves(clean: str, pool_type: PoolType) -> None:
    first = deploy(pool_type, build=False)
    assert {action for _, _, action in first} == {"created"}
    assert [kind for kind, _, _ in first] == ["limit", "limit", "work pool", "deployment", "deployment"]
    before = stamps(clean)
    second = deploy(pool_type, build=False)
    assert {action for _, _, action in second} == {"unchanged"}
    assert [row[:2] for row in second] == [row[:2] for row in first]
    assert stamps(clean) == before


def test_what_is_made_is_what_is_wanted(clean: str) -> None:
    deploy("docker", build=False)
    made = state(clean)
    deployment = made["deployment publish/default"]
    assert deployment["work_pool_name"] == "streamliner"
    assert deployment["enforce_parameter_schema"] is True
    assert deployment["entrypoint"] == "flows/publish.py:publish"
    assert deployment["pull_steps"] == [
        {"prefect.deployments.steps.set_working_directory": {"directory": "/opt/streamliner/app"}}
    ]
    assert "Retry" in deployment["description"]
    assert deployment["global_concurrency_limit"]["limit"] == 4
    assert deployment["job_variables"]["image"].startswith("streamliner:")
    assert made["pool streamliner"]["type"] == "docker"
    assert {name.removeprefix("limit "): item["limit"] for name, item in made.items() if name[6:] in LIMITS} == LIMITS


def test_a_dry_run_tells_the_difference_and_sends_nothing(clean: str) -> None:
    said: list[str] = []
    rows = deploy("process", dry_run=True, say=said.append)
    assert {action for _, _, action in rows} == {"would be created"}
    assert len(said) == len(rows)
    assert state(clean) == {}

    deploy("process")
    ask(clean, "/v2/concurrency_limits/streamliner-write", {"limit": 3}, method="PATCH")
    before, said = stamps(clean), []
    rows = deploy("process", dry_run=True, say=said.append)
    assert ("limit", "streamliner-write", "would be changed: limit") in rows
    assert said == [f"limit streamliner-write: limit: 3 -> {LIMITS['streamliner-write']}"]
    assert stamps(clean) == before


def test_only_what_differs_is_sent(clean: str) -> None:
    deploy("process")
    found = state(clean)["deployment publish/default"]
    ask(clean, f"/deployments/{found['id']}", {"tags": ["mine"], "paused": True}, method="PATCH")
    before = stamps(clean)
    rows = {name: action for _, name, action in deploy("process")}
    assert rows.pop("publish/default") == "changed: tags"
    assert set(rows.values()) == {"unchanged"}
    after = stamps(clean)
    assert [name for name in after if after[name] != before[name]] == ["deployment publish/default"]
    assert state(clean)["deployment publish/default"]["paused"] is True, "what a person paused stays paused"


def test_a_pool_of_another_type_is_refused_and_kept(clean: str) -> None:
    deploy("process")
    before = stamps(clean)
    with pytest.raises(BadInput, match=r"of type process, not docker.*--pool-type process"):
        deploy("docker", build=False)
    assert stamps(clean) == before


def test_destroying_takes_all_away_and_twice_is_fine(clean: str) -> None:
    deploy("process")
    assert {action for _, _, action in deploy("process", destroy=True, dry_run=True)} == {"would be removed"}
    assert state(clean)
    assert {action for _, _, action in deploy("process", destroy=True)} == {"removed"}
    assert state(clean) == {}
    assert {action for _, _, action in deploy("process", destroy=True)} == {"was not there"}


def test_a_deployed_run_with_a_parameter_out_of_range_is_refused(clean: str) -> None:
    deploy("process")
    found = state(clean)["deployment publish/default"]
    with pytest.raises(HTTPError, match=r"409|422"):
        ask(clean, f"/deployments/{found['id']}/create_flow_run", {"parameters": {"request": {"days": 0}}})


def test_without_a_server_one_sentence_says_so(no_server: None) -> None:
    with pytest.raises(BadInput, match="set PREFECT_API_URL"):
        deploy("process")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "refuses the key; set PREFECT_API_KEY"),
        (403, "refuses the key"),
        (404, "not the address of a Prefect API"),
    ],
)
def test_a_server_that_refuses_is_told_in_one_sentence(status: int, sentence: str) -> None:
    class Refuse(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Refuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with (
            temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api"}),
            pytest.raises(BadInput, match=sentence),
        ):
            deploy("process")
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_that_is_away_is_told_in_one_sentence() -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(BadInput, match="No Prefect server answers at"),
    ):
        deploy("process")


def test_without_an_engine_nothing_is_changed(clean: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(BadInput, match="No Docker engine answers"):
        deploy("docker")
    assert state(clean) == {}


def test_fields_that_nobody_wants_do_not_count() -> None:
    assert difference({"a": 1, "b": ("x",)}, {"a": 1, "b": ["x"], "created": "now"}) == {}
    assert difference({"a": 1, "b": None}, {"a": 2}) == {"a": 1}
    assert difference({"text": "one\ntwo\n"}, {"text": "one\ntwo"}) == {}


def test_commands_typed_in_the_checkout_find_the_server(dashboard: Dashboard, tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "ls"],
        cwd=dashboard.checkout,
        env={**without_prefect(os.environ), "PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    assert "Flow Runs" in listed.stdout or "No flow runs" in listed.stdout
    assert dashboard.server.api in dashboard.pointer.read_text(encoding="utf-8")


def test_starting_again_uses_the_one_that_runs(dashboard: Dashboard) -> None:
    address, said = dashboard.server.address, []
    again = Dashboard(dashboard.checkout, say=said.append)
    again.start()
    assert again.server.address == address
    assert "was running" in said[0]
    again.status()
    assert said[1] == f"Running at {address}"


def test_everything_lies_in_the_checkout(dashboard: Dashboard) -> None:
    assert sorted(path.name for path in dashboard.checkout.iterdir()) == [".prefect", "prefect.toml"]
    assert {"prefect.db", "server.log", "server.json"} <= {
        path.name for path in (dashboard.checkout / ".prefect").iterdir()
    }


def test_a_checkout_where_nothing_runs_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    idle = Dashboard(tmp_path, say=said.append)
    idle.status()
    idle.stop()
    assert said == ["Not running.", "No Prefect server of this checkout was running."]


def test_the_pages_of_the_dashboard_ask_their_own_server(dashboard: Dashboard) -> None:
    with urlopen(f"{dashboard.server.address}/ui-settings", timeout=10) as answer:
        assert json.load(answer)["api_url"] == dashboard.server.api
