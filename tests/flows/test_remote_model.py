"""Any model through litellm, against a real server: what is answered is published, what fails waits for a retry."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.servers.pages import PageServer, page

POST = {
    "title": "The cello is found",
    "dek": "It was in the boathouse.",
    "sections": [{"heading": "", "paragraphs": [{"text": "They looked for a cello.", "sources": ["m1", "m2"]}]}],
    "tags": ["cello"],
}
GOOD = json.dumps({"posts": [POST], "language": "en"})


class Model:
    """An OpenAI-compatible server; ``answer`` says (status, text) for the number of the request."""

    def __init__(self) -> None:
        self.answer: Callable[[int], tuple[int, str]] = lambda _: (200, GOOD)
        self.requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with model._lock:
                    model.requests.append(body)
                    number = len(model.requests)
                status, text = model.answer(number)
                message = {"role": "assistant", "content": text}
                answer = {
                    "id": "1", "object": "chat.completion", "created": 1, "model": body["model"],
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
                }  # fmt: skip
                data = json.dumps(answer if status == 200 else {"error": {"message": "no"}}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "STREAMLINER_LLM__API_BASE": f"http://127.0.0.1:{self.server.server_address[1]}/v1",
            "STREAMLINER_LLM__API_KEY": "sk-test",
            "STREAMLINER_RETRY__ATTEMPTS": "2",
            "STREAMLINER_RETRY__WAIT_INITIAL_SECONDS": "0.01",
            "STREAMLINER_RETRY__WAIT_MAX_SECONDS": "0.02",
        }


@pytest.fixture
def model() -> Iterator[Model]:
    server = Model()
    yield server
    server.server.shutdown()


OPTIONS = ("--model", "openai/test-model")


def test_f2_a_remote_model_writes_the_posts(make_chat, publish, streamliner, model: Model, tmp_path: Path) -> None:
    chat = make_chat(3)
    report = publish(chat, "--archive", tmp_path / "a", *OPTIONS, **model.environment)
    assert report["model_calls"] == len(model.requests) == 3
    assert (report["posts_written"], report["tokens_in"], report["tokens_out"]) == (3, 30, 30)
    told = streamliner("ledger", tmp_path / "a", "--kind", "call", "--json").stdout.splitlines()
    for call in map(json.loads, told):
        assert call.pop("seconds") >= 0
        assert (call["model"], call["use"], call["outcome"]) == ("openai/test-model", "text", "answered")
        assert (call["tokens_in"], call["tokens_out"], call["cost_usd"]) == (10, 10, None)
    assert len(told) == 3
    sent = json.dumps(model.requests)
    for name in ("Marisol", "Vexley", "Tobias", "Brackwater"):
        assert name not in sent
    texts = [path.read_text() for path in sorted((tmp_path / "a" / "posts").rglob("*.md"))]
    assert all("They looked for a cello." in text for text in texts)
    titles = [re.search(r"^title: (.+)$", text, re.M)[1] for text in texts]
    assert len(set(titles)) == 3
    again = publish(chat, "--archive", tmp_path / "a", *OPTIONS, **model.environment)
    assert again["model_calls"] == 0
    assert len(model.requests) == 3


def test_what_fails_for_good_waits_for_a_retry(make_chat, publish, streamliner, model: Model, tmp_path: Path) -> None:
    def bad_second_day(_: int) -> tuple[int, str]:
        return (400, "") if "(day 14)" in json.dumps(model.requests[-1]) else (200, GOOD)

    model.answer = bad_second_day
    one_at_a_time = model.environment | {"STREAMLINER_LLM__CONCURRENCY": "1"}
    chat = make_chat(3)
    report = publish(chat, "--archive", tmp_path / "a", *OPTIONS, **one_at_a_time)
    assert (report["posts_written"], report["dead_letters"]) == (2, 1)
    asked = len(model.requests)
    report = publish(chat, "--archive", tmp_path / "a", *OPTIONS, **one_at_a_time)
    assert len(model.requests) == asked
    model.answer = lambda _: (200, GOOD)
    said = json.loads(streamliner("retry", tmp_path / "a", "--json").stdout)
    assert said == {"tasks": 0, "windows": 1}
    report = publish(chat, "--archive", tmp_path / "a", *OPTIONS, **one_at_a_time)
    assert (report["model_calls"], report["posts_written"], report["dead_letters"]) == (1, 1, 0)


def test_when_no_call_succeeds_the_run_fails_and_keeps_its_site(
    make_chat, publish, streamliner, contents, model: Model, tmp_path: Path
) -> None:
    publish(make_chat(2, "one.zip"), "--archive", tmp_path / "a", *OPTIONS, **model.environment)
    before = contents(tmp_path / "a" / "posts")
    model.answer = lambda _: (500, "")
    asked = len(model.requests)
    done = streamliner(
        "publish", make_chat(3, "two.zip"), "--archive", tmp_path / "a", *OPTIONS, check=1, **model.environment
    )
    assert "No model call succeeded" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(model.requests) == asked + 2
    assert contents(tmp_path / "a" / "posts") == before
    assert json.loads((tmp_path / "a" / "metrics" / "performance.json").read_text())["status"] == "failed"


@pytest.mark.parametrize(
    ("status", "why"),
    [(401, "401: the key was not accepted"), (404, "404: there is no such model or address")],
    ids=["key", "model"],
)
def test_a_refused_key_or_model_is_asked_once_for_all_windows(
    make_chat, streamliner, publish, model: Model, tmp_path: Path, status: int, why: str
) -> None:
    model.answer = lambda _: (status, "")
    # two batches of windows share what they know
    one_at_a_time = model.environment | {"STREAMLINER_LLM__CONCURRENCY": "1", "STREAMLINER_LLM__BATCH_WINDOWS": "3"}
    arguments = ("--archive", tmp_path / "a", *OPTIONS)
    done = streamliner("publish", make_chat(5), *arguments, check=1, **one_at_a_time)
    assert "No model call succeeded" in done.stderr
    assert len(model.requests) == 1
    report = json.loads((tmp_path / "a" / "metrics" / "performance.json").read_text())
    assert (report["model_calls"], report["windows_failed"], report["windows_waiting"]) == (1, 5, 0)
    with duckdb.connect(str(tmp_path / "a" / "archive.duckdb"), read_only=True) as connection:
        failed = connection.execute("SELECT status, error, count(*) FROM outcomes GROUP BY ALL").fetchall()
    assert failed == [("failed", f"The model's server refused the call ({why}).", 5)]
    model.answer = lambda _: (200, GOOD)
    assert json.loads(streamliner("retry", tmp_path / "a", "--json").stdout) == {"tasks": 0, "windows": 5}
    report = publish(*arguments, **one_at_a_time)
    assert (report["model_calls"], report["posts_written"], len(model.requests)) == (5, 5, 6)


def test_an_answer_that_is_invalid_twice_goes_to_the_offline_writer(
    make_chat, publish, model: Model, tmp_path: Path
) -> None:
    model.answer = lambda _: (200, "I would rather talk about the weather.")
    report = publish(make_chat(1), "--archive", tmp_path / "a", *OPTIONS, **model.environment)
    assert len(model.requests) == 2
    assert report["model_calls"] == 3
    [post] = (tmp_path / "a" / "posts").rglob("*.md")
    body = post.read_text().partition("\n---\n")[2].lstrip()
    assert body.startswith("*")
    assert "offline" in body.splitlines()[0]


def test_a_cost_limit_of_nothing_sends_nothing(make_chat, publish, model: Model, tmp_path: Path) -> None:
    report = publish(make_chat(2), "--archive", tmp_path / "a", *OPTIONS, "--limit-cost", "0", **model.environment)
    assert model.requests == []
    assert report["model_calls"] == 0
    assert report["windows_waiting"] == 2
    assert (tmp_path / "a" / "site" / "index.html").is_file()


WORDS = "The lamp of the old lighthouse was lit again on Sunday evening, after forty years of darkness. " * 6
PAGE = f'<html lang="en"><title>The lighthouse is lit</title><body><article><p>{WORDS}</p></article></body></html>'
TOLD = "The lamp of the old lighthouse was lit again on Sunday evening. It had been dark for forty years before that."


@pytest.fixture
def linked(model: Model, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A chat that links to a page, and what lets the page be fetched and the model be asked about it."""

    def answer(_: int) -> tuple[int, str]:
        return 200, TOLD if "<<<PAGE" in json.dumps(model.requests[-1]) else GOOD

    model.answer = answer
    with PageServer() as server:
        server.put("/lamp", page(PAGE))
        chat = tmp_path / "chat.txt"
        said = ("the cello was in the boathouse", f"see {server.url('/lamp')}", "what a lamp, says everybody here")
        people = ("Marisol Vexley", "Tobias Quandt")
        chat.write_text("".join(f"13/03/2026 09:{n:02} - {people[n % 2]}: {text}\n" for n, text in enumerate(said)))
        fetching = {
            "STREAMLINER_FETCH__ENABLED": "true", "STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
            "STREAMLINER_FETCH__CACHE": "false",
        }  # fmt: skip
        yield chat, model.environment | fetching


def description(archive: Path) -> str:
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        row = connection.execute("SELECT text FROM enrichments").fetchone()
    assert row is not None
    return str(row[0])


def test_a_model_tells_what_a_page_says_from_the_page_alone(publish, model: Model, linked, tmp_path: Path) -> None:
    chat, environment = linked
    report = publish(chat, "--archive", tmp_path / "a", *OPTIONS, **environment)
    assert report["model_calls"] == len(model.requests) == 2
    assert description(tmp_path / "a") == TOLD
    asked = json.dumps(model.requests[0])
    assert "<<<PAGE" in asked
    assert "forty years" in asked
    assert "boathouse" not in asked, "nothing of the chat goes there"
    assert report["breakers"]["provider"] == "closed"
    assert publish(chat, "--archive", tmp_path / "a", *OPTIONS, **environment)["model_calls"] == 0
    off = environment | {"STREAMLINER_ENRICH__DESCRIBE_PAGES": "false"}
    assert publish(chat, "--archive", tmp_path / "b", *OPTIONS, **off)["model_calls"] == 1
    assert description(tmp_path / "b").startswith("The lamp of the old lighthouse was lit again")


def test_the_limit_of_cost_holds_for_descriptions_too(publish, model: Model, linked, tmp_path: Path) -> None:
    chat, environment = linked
    report = publish(chat, "--archive", tmp_path / "a", *OPTIONS, "--limit-cost", "0", **environment)
    assert (model.requests, report["model_calls"], report["enriched"], report["windows_waiting"]) == ([], 0, 0, 1)
    assert (report["links_waiting"], report["fetching"]["to_describe"], report["dead_letters"]) == (1, 1, 0)
    assert description(tmp_path / "a").startswith("The lamp of the old lighthouse was lit again")
