"""Many windows are written in a few batches: by threads or as task runs, with the same bytes in the end."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

MANY = ("--unit", "messages", "--size", "1")


def task_runs(server: dict[str, str], run_id: str) -> list[dict[str, Any]]:
    """The task runs that the server has recorded of a flow run, once all have ended."""
    for _ in range(100):
        request = urllib.request.Request(
            server["PREFECT_API_URL"] + "/task_runs/filter",
            data=json.dumps({"flow_runs": {"id": {"any_": [run_id]}}}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())
        if "site" in {task["name"] for task in found} and {task["state_type"] for task in found} == {"COMPLETED"}:
            return found
        time.sleep(0.2)
    raise AssertionError("the flow run never came to its end")


def test_batches_as_task_runs_give_the_bytes_of_a_direct_run(
    make_chat, publish, contents, prefect_server, tmp_path: Path
) -> None:
    chat = make_chat(9)
    direct = publish(chat, "--archive", tmp_path / "direct", *MANY)
    report = publish(chat, "--archive", tmp_path / "flow", *MANY, **prefect_server)
    for name in ("site", "posts"):
        assert contents((tmp_path / "flow" / name).resolve()) == contents((tmp_path / "direct" / name).resolve())
    assert report["windows"] == direct["windows"] > 64
    assert report["posts_written"] == direct["posts_written"] > 0
    tasks = [task["name"] for task in task_runs(prefect_server, report["run_id"])]
    assert tasks.count("windows") == 1
    assert sorted(name.split(" (")[0] for name in tasks if name.startswith("write")) == [
        f"write {n} of 3" for n in (1, 2, 3)
    ]
    [planned] = [operation for operation in report["operations"] if operation["operation"] == "windows"]
    [written] = [operation for operation in report["operations"] if operation["operation"] == "write"]
    assert planned["items"] == written["items"] == report["windows"]


def test_one_window_written_again_by_either_runner_keeps_the_bytes(
    make_chat, publish, contents, prefect_server, tmp_path
) -> None:
    chat = make_chat(9)
    publish(chat, "--archive", tmp_path / "a", *MANY)
    posts = contents((tmp_path / "a" / "posts").resolve())
    for number, environment in ((3, {}), (60, prefect_server)):
        again = publish("--archive", tmp_path / "a", *MANY, "--refresh", "write", "--window", number, **environment)
        assert again["model_calls"] <= 1
        assert contents((tmp_path / "a" / "posts").resolve()) == posts
