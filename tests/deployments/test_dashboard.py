"""`make run`'s server: one per checkout, found by the commands that are typed there."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from deployments.local import Dashboard
from deployments.server import without_prefect


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
    with urllib.request.urlopen(f"{dashboard.server.address}/ui-settings", timeout=10) as answer:
        assert json.load(answer)["api_url"] == dashboard.server.api
