"""Dead letters tried again by the flow ``retry-failed``, on a real server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.flows.conftest import KEY
from tests.flows.linked import FETCHING, article, became, write_chat
from tests.servers.pages import PageServer, page

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from flows.retry_failed import RetryRequest, retry_failed
print(json.dumps([retry_failed(RetryRequest(archive=sys.argv[1])) for _ in range(2)]))
"""


def runs_of(server: dict[str, str], name: str) -> list[dict[str, Any]]:
    body = json.dumps({"flow_runs": {"name": {"any_": [name]}}}).encode()
    request = Request(
        f"{server['PREFECT_API_URL']}/flow_runs/filter", data=body, headers={"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def test_only_what_had_failed_is_asked_for_again(publish, prefect_server: dict[str, str], tmp_path: Path) -> None:
    with PageServer() as server:
        server.put("/there", page(article("There")))
        archive = tmp_path / "an-archive-to-retry"
        report = publish(
            write_chat(tmp_path / "chat.zip", [server.url("/there"), server.url("/gone")]),
            *("--archive", archive),
            **FETCHING,
            **prefect_server,
        )
        assert (report["enriched"], report["dead_letters"]) == (1, 1)
        server.forget()
        server.put("/gone", page(article("Back again")))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(archive)],
            env=clean | FETCHING | prefect_server | {"STREAMLINER_PRIVACY__KEY": KEY, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        first, second = json.loads(done.stdout.splitlines()[-1])
        assert (first["tasks"], first["windows"], first["report"]["enriched"]) == (1, 0, 1)
        assert first["report"]["dead_letters"] == 0
        assert second == {"tasks": 0, "windows": 0}, "nothing waits, so nothing is published"
        assert server.paths == ["/robots.txt", "/gone"]
        assert {row[0] for row in became(archive).values()} == {"done"}
    named = runs_of(prefect_server, f"retry {archive.name}")
    assert [run["state"]["type"] for run in named] == ["COMPLETED", "COMPLETED"]
    assert len(runs_of(prefect_server, f"publish {archive.name}")) == 2
