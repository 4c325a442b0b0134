"""The same publication as a real flow run: the same bytes, recorded by a real server, with nothing private on it."""

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers.pages import PageServer, page, status

START = 1_773_392_400
PRIVATE = ("Marisol", "Vexley", "Quandt", "Brackwater", "cello", "boathouse", "5a" * 32, "canary-secret")


def ask(server: dict[str, str], path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        server["PREFECT_API_URL"] + path,
        data=json.dumps(body if body is not None else {}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def flow_run_of(server: dict[str, str], run_id: str) -> Any:
    return ask(server, "/flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})[0]


def seen(server: dict[str, str], run_id: str, want: Callable[[Any], bool], path: str, body: Any) -> Any:
    """What the server says, once it says what is wanted: it records a moment after the run."""
    for _ in range(100):
        found = ask(server, path, body)
        if want(found):
            return found
        time.sleep(0.2)
    raise AssertionError(f"{path} for {run_id} never came to it: {found}")


@pytest.fixture(scope="module")
def unwanted(prefect_server: dict[str, str]) -> Callable[[], str]:
    """Everything that the server stores of runs, as one text."""

    def everything() -> str:
        paths = ("flow_runs", "task_runs", "artifacts", "logs", "flows", "deployments", "v2/concurrency_limits")
        return json.dumps([ask(prefect_server, f"/{path}/filter") for path in paths])

    return everything


def test_a_flow_run_gives_the_same_bytes_and_its_record(
    make_chat, publish, contents, prefect_server, unwanted, tmp_path: Path
) -> None:
    chat = make_chat(4)
    direct = publish(chat, "--archive", tmp_path / "direct")
    secret = {"STREAMLINER_LLM__API_KEY": "canary-secret"}
    report = publish(chat, "--archive", tmp_path / "flow", **prefect_server, **secret)
    for name in ("site", "posts"):
        assert contents((tmp_path / "flow" / name).resolve()) == contents((tmp_path / "direct" / name).resolve())
    assert report["posts_written"] == direct["posts_written"]
    run_id = report["run_id"]
    run = flow_run_of(prefect_server, run_id)
    assert run["state_type"] == "COMPLETED"
    assert run["name"] == "publish flow"
    tasks = seen(
        prefect_server, run_id, lambda found: len(found) >= 7 and all(t["state_type"] == "COMPLETED" for t in found),
        "/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}},
    )  # fmt: skip
    names = {task["name"] for task in tasks}
    assert names >= {"parse", "merge", "candidates", "enrich 1 of 1 (1 item)", "windows", "site"}
    assert "write 1 of 1 (4 items)" in names
    artifacts = ask(prefect_server, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run_id]}}})
    [performance] = [artifact for artifact in artifacts if artifact["key"] == "performance-metrics"]
    assert "| parse |" in performance["data"]
    [progress] = [artifact for artifact in artifacts if artifact["key"] == "progress"]
    assert (progress["data"], progress["description"]) == (100.0, "write: 4 of 4 items")
    assert not list((tmp_path / "flow" / "inbox").iterdir())
    stored = unwanted()
    assert not [word for word in PRIVATE if word in stored]


def test_links_are_fetched_by_a_flow_run_as_by_a_direct_one_and_no_address_reaches_the_server(
    publish, contents, prefect_server, unwanted, tmp_path: Path
) -> None:
    chat = tmp_path / "chat.txt"
    with PageServer() as server:
        server.put("/quokka-lamp", page("<title>The lamp is lit</title><p>It was dark for many years before that."))
        server.put("/flaky-quokka", status(503), page("<title>Second time lucky</title><p>It was away for a while."))
        links = [server.url(path) for path in ("/quokka-lamp", "/flaky-quokka", "/gone-quokka")]
        chat.write_text("".join(f"13/03/2026 09:{n:02} - Tobias Quandt: see {link}\n" for n, link in enumerate(links)))
        fetching = {
            "STREAMLINER_FETCH__ENABLED": "true", "STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
            "STREAMLINER_ENRICH__BATCH_SIZE": "1", "STREAMLINER_FETCH__CACHE": "false",
            "STREAMLINER_RETRY__WAIT_INITIAL_SECONDS": "0.01",
        }  # fmt: skip
        report = publish(chat, "--archive", tmp_path / "flow", **prefect_server, **fetching)
        assert sorted(server.paths) == ["/flaky-quokka", "/flaky-quokka", "/gone-quokka", "/quokka-lamp", "/robots.txt"]
        assert (report["fetches"], report["enriched"], report["dead_letters"]) == (5, 2, 1)
        server.put("/flaky-quokka", status(503), page("<title>Second time lucky</title><p>It was away for a while."))
        publish(chat, "--archive", tmp_path / "direct", **fetching)
        server.forget()
        assert publish(chat, "--archive", tmp_path / "flow", **prefect_server, **fetching)["fetches"] == 0
        assert server.paths == []
    assert contents((tmp_path / "flow" / "site").resolve()) == contents((tmp_path / "direct" / "site").resolve())
    names = {
        task["name"]
        for task in seen(
            prefect_server, report["run_id"], lambda found: sum("enrich" in t["name"] for t in found) == 3,
            "/task_runs/filter", {"flow_runs": {"id": {"any_": [report["run_id"]]}}},
        )
    }  # fmt: skip
    assert names >= {f"enrich {number} of 3 (1 item)" for number in (1, 2, 3)}
    stored = unwanted()
    assert "quokka" not in stored
    assert server.sites[0] not in stored
    assert "site/index.html" not in stored, "the report stays with the archive: it names the sites that fail"


def test_a_failed_run_leaves_its_sentence_and_its_metrics(streamliner, prefect_server, tmp_path: Path) -> None:
    prose = tmp_path / "Letter from Marisol.txt"
    prose.write_text("Dear diary, nothing happened today.\n" * 20)
    done = streamliner("publish", prose, "--archive", tmp_path / "bad", check=2, **prefect_server)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "bad").exists()
    [run] = [
        run
        for run in ask(prefect_server, "/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 5})
        if run["name"] == "publish bad"
    ]
    assert run["state_type"] == "FAILED"
    assert "Marisol" not in json.dumps(run)
    body = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
    keys = seen(prefect_server, run["id"], bool, "/artifacts/filter", body)
    assert "performance-metrics" in [artifact["key"] for artifact in keys]


def test_limits_are_made_once_and_strict(make_chat, publish, prefect_server, tmp_path: Path) -> None:
    publish(make_chat(1), "--archive", tmp_path / "limits", **prefect_server)
    limits = {limit["name"]: limit for limit in ask(prefect_server, "/v2/concurrency_limits/filter")}
    assert limits["streamliner-write"]["limit"] >= 1
    before = {name: limit["updated"] for name, limit in limits.items() if limit["active_slots"] == 0}
    publish("--archive", tmp_path / "limits", **prefect_server)
    after = {limit["name"]: limit["limit"] for limit in ask(prefect_server, "/v2/concurrency_limits/filter")}
    assert set(before) <= set(after)
    assert all(limits[name]["limit"] == slots for name, slots in after.items())


def test_a_second_run_of_the_flow_asks_nobody(make_chat, publish, prefect_server, tmp_path: Path) -> None:
    chat = make_chat(2)
    publish(chat, "--archive", tmp_path / "twice", **prefect_server)
    report = publish(chat, "--archive", tmp_path / "twice", **prefect_server)
    assert (report["model_calls"], report["posts_written"]) == (0, 0)


def test_who_is_named_on_the_command_line_is_not_told_to_the_server(
    publish, prefect_server, unwanted, tmp_path: Path
) -> None:
    def chat(number: int, name: str, who: str) -> dict[str, Any]:
        said = [
            {"id": at, "type": "message", "date_unixtime": str(START + 60 * at), "from": who, "text": f"so {at}"}
            for at in range(4)
        ]
        return {"name": name, "type": "private_group", "id": number, "messages": said}

    account = tmp_path / "account.json"
    chats = [chat(1, "Cello friends", "Ines Brackwater"), chat(2, "Canoe friends", "Tobias Quandt")]
    account.write_text(json.dumps({"chats": {"list": chats}}))
    options = ("--chat", "Canoe friends", "--alias", "Tobi Vexley=Tobias Quandt")
    report = publish(account, "--archive", tmp_path / "named", *options, **prefect_server)
    assert report["messages"] == 4
    stored = unwanted()
    for word in ("Canoe", "Vexley", "Quandt"):
        assert word not in stored
    assert not [path for path in (tmp_path / "named" / "inbox").iterdir() if path.name.startswith(".request")]


def test_no_server_is_one_sentence(streamliner, make_chat, tmp_path: Path) -> None:
    nowhere = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_HOME": str(tmp_path / "p")}
    done = streamliner("publish", make_chat(1), "--archive", tmp_path / "a", check=2, **nowhere)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Prefect server" in done.stderr
    assert not (tmp_path / "a").exists()
