"""Linked pages told by a model, end to end: what a failing model costs, what the site shows then, what `retry` asks."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.flows.linked import FETCHING, article, became, write_chat
from tests.servers.pages import PageServer, page, redirect
from tests.stages.llm.model_server import Answer, ModelServer

TOLD = "The lamp of the old lighthouse was lit again on Sunday evening. It had been dark for forty years before that."
OWN = "The lamp of the old lighthouse was lit again on Sunday evening, after forty years of darkness."
POST = {
    "title": "The cello is found",
    "dek": "It was in the boathouse.",
    "sections": [{"heading": "", "paragraphs": [{"text": "They looked for a cello.", "sources": ["m1", "m2"]}]}],
    "tags": ["cello"],
}
WRITTEN = Answer(json.dumps({"posts": [POST], "language": "en"}))
UNUSABLE = "The page was read, but the model's answer could not be used, twice; it is shown by its own words."
REFUSED = (
    "The page was read, but the model's server refused the call (401: the key was not accepted); it is shown by its "
    "own words."
)
FAILED = "The page was read, but the model's server failed (500); it is shown by its own words."
MODEL = ("--model", "openai/test-model")


class Asked:
    """A model's server that tells pages and posts apart: ``page`` and ``post`` are what it answers to each."""

    def __init__(self) -> None:
        self.server = ModelServer()
        self.server.answers = [self._answer]
        self.page, self.post = Answer(TOLD), WRITTEN
        self.pages = self.posts = 0

    def _answer(self, asked: dict[str, Any]) -> Answer:
        if "<<<PAGE" in json.dumps(asked):
            self.pages += 1
            return self.page
        self.posts += 1
        return self.post

    def since(self) -> tuple[int, int]:
        """How often it was asked about pages and for posts since the last time."""
        counts = self.pages, self.posts
        self.pages = self.posts = 0
        return counts


@pytest.fixture
def streamliner(inside):
    """In this process: litellm and the readers of pages are loaded once."""
    return inside


@pytest.fixture
def model() -> Iterator[Asked]:
    asked = Asked()
    yield asked
    asked.server.close()


@pytest.fixture
def sites() -> Iterator[PageServer]:
    with PageServer() as running:
        running.put("/a", page(article("Page a")))
        running.put("/b", page(article("Page b")))
        yield running


@pytest.fixture
def environment(model: Asked, tmp_path: Path) -> dict[str, str]:
    """Pages are fetched and remembered, the model is asked one question at a time, two tries each."""
    return FETCHING | {
        "STREAMLINER_FETCH__CACHE": "true",
        "STREAMLINER_FETCH__CACHE_FOLDER": str(tmp_path / "cache"),
        "STREAMLINER_LLM__API_BASE": model.server.base,
        "STREAMLINER_LLM__API_KEY": "sk-test",
        "STREAMLINER_LLM__CONCURRENCY": "1",
    }


@pytest.fixture
def run(streamliner: Callable[..., Any], environment: dict[str, str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Publish into the archive ``a`` and return the report, whatever the exit code, which is checked."""

    def go(*arguments: object, check: int = 0, **more: str) -> dict[str, Any]:
        streamliner("publish", *arguments, "--archive", tmp_path / "a", *MODEL, check=check, **environment | more)
        report: dict[str, Any] = json.loads((tmp_path / "a" / "metrics" / "performance.json").read_text())
        return report

    return go


def told(archive: Path) -> list[tuple[str, str, str | None]]:
    """(title, beginning of the text, model) of each link that is known."""
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "SELECT title, text, told_by FROM enrichments WHERE kind = 'url' ORDER BY title"
        ).fetchall()
    return [(title, text[: len(TOLD) if by else len(OWN)], by) for title, text, by in rows]


def cards(archive: Path) -> str:
    return "".join(path.read_text() for path in sorted((archive / "site").resolve().rglob("*.html")))


def test_a_model_that_answers_nonsense_leaves_the_page_as_it_is_until_a_retry(
    run, streamliner, sites: PageServer, model: Asked, tmp_path: Path, environment
) -> None:
    archive = tmp_path / "a"
    chat = write_chat(tmp_path / "chat.zip", [sites.url("/a"), sites.url("/b")])
    model.page = Answer("I would rather talk about the weather.")
    report = run(chat)
    assert (model.since(), report["model_calls"], report["status"]) == ((4, 1), 5, "completed")
    assert (report["enriched"], report["dead_letters"], report["links_waiting"]) == (0, 2, 0)
    assert report["dead_letter_reasons"] == {UNUSABLE: 2}
    assert set(became(archive).values()) == {("dead", 1, "permanent", UNUSABLE)}
    assert told(archive) == [("Page a", OWN, None), ("Page b", OWN, None)]
    html = cards(archive)
    assert html.count('class="pagecard') >= 2
    assert OWN in html

    sites.forget()
    done = streamliner("publish", chat, "--archive", archive, *MODEL, **environment)
    assert (model.since(), sites.paths) == ((0, 0), [])
    ask_again = "Pages shown by their own words, for the model gave none (`streamliner retry` has it asked again): 2."
    assert ask_again in done.stdout
    assert f"  2 x {UNUSABLE}" in done.stdout
    assert "given up" not in done.stdout

    assert json.loads(streamliner("retry", archive, "--json").stdout) == {"tasks": 2, "windows": 0}
    model.page = Answer(TOLD)
    report = run()
    # the window tells of what its links say, so it is written anew
    assert (model.since(), sites.paths, report["fetches"]) == ((2, 1), [], 0)
    assert (report["enriched"], report["dead_letters"]) == (2, 0)
    assert told(archive) == [("Page a", TOLD, "openai/test-model"), ("Page b", TOLD, "openai/test-model")]
    assert TOLD in cards(archive)
    report = run(chat)
    assert (model.since(), report["model_calls"], sites.paths) == ((0, 0), 0, [])


def test_each_page_ends_as_its_own_calls_did_and_all_else_goes_on(
    run, sites: PageServer, model: Asked, tmp_path: Path
) -> None:
    """Every fault of a model in one run: what else there is to do is done, and the exit code is 0."""
    ends = {
        "slower": (Answer(status=429), 2, ("pending", "throttled"), "asks for fewer calls (429)"),
        "later": (
            Answer(status=429, headers={"Retry-After": "3600"}), 2, ("pending", "throttled"), "fewer calls (429)",
        ),
        "down": (Answer(status=500), 2, ("pending", "transient"), "the model's server failed (500)"),
        "drip": (Answer(TOLD, drip=0.5), 2, ("pending", "transient"), "did not answer in time"),
        "broken": (Answer(body='{"choices": [{"mess'), 2, ("dead", "permanent"), "could not be used, twice"),
        "nonsense": (Answer("Sure! Here it is."), 2, ("dead", "permanent"), "could not be used, twice"),
        "filter": (Answer(finish="content_filter"), 1, ("dead", "permanent"), "content filter held back the answer"),
        "bad": (Answer(status=400), 1, ("dead", "permanent"), "refused the call (400: a bad request)"),
        "good": (Answer(TOLD), 1, ("done", None), None),
    }  # fmt: skip
    for name in ends:
        sites.put(f"/{name}", page(article(f"Page {name}")))
    asked: list[str] = []

    def answer(request: dict[str, Any]) -> Answer:
        prompt = json.dumps(request)
        if "<<<PAGE" not in prompt:
            return WRITTEN
        asked.append(next(name for name in ends if f"Page {name}" in prompt))
        return ends[asked[-1]][0]

    model.server.answers = [answer]
    chat = write_chat(tmp_path / "chat.zip", [sites.url(f"/{name}") for name in ends], {"notes.txt": b"The notes."})
    report = run(chat, STREAMLINER_LLM__TIMEOUT_SECONDS="3")
    assert {name: asked.count(name) for name in ends} == {name: calls for name, (_, calls, _, _) in ends.items()}
    assert report["model_calls"] == len(model.server.requests) == sum(calls for _, calls, _, _ in ends.values()) + 1
    assert (report["posts_written"], report["enriched"], report["status"]) == (1, 2, "completed")
    assert (report["dead_letters"], report["links_waiting"], report["fetching"]["to_describe"]) == (4, 4, 4)
    found = became(tmp_path / "a")
    for name, (_, _, (state, error_class), reason) in ends.items():
        assert found[sites.url(f"/{name}")][:3] == (state, 1, error_class), name
        assert reason is None or reason in found[sites.url(f"/{name}")][3]
    assert {title for title, text, _ in told(tmp_path / "a") if text in (OWN, TOLD)} >= {
        f"Page {name}" for name in ends
    }


def test_a_wrong_key_is_shown_once_for_all_pages_and_the_run_fails_with_its_site_published(
    run, streamliner, sites: PageServer, model: Asked, tmp_path: Path, environment
) -> None:
    archive = tmp_path / "a"
    chat = write_chat(tmp_path / "chat.zip", [sites.url("/a"), sites.url("/b")])
    model.page = model.post = Answer(status=401)
    done = streamliner("publish", chat, "--archive", archive, *MODEL, check=1, **environment)
    assert model.since() == (1, 0), "the writer is the same model"
    assert "No model call succeeded" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sk-test" not in done.stderr + done.stdout
    assert set(became(archive).values()) == {("dead", 1, "permanent", REFUSED)}
    assert OWN in cards(archive)
    # what failed for good waits for a person: nothing is asked, so nothing fails
    report = run()
    assert (model.since(), report["model_calls"], report["dead_letters"]) == ((0, 0), 0, 3)


def test_a_server_that_fails_for_ever_is_asked_by_as_many_runs_as_there_are_attempts(
    run, sites: PageServer, model: Asked, tmp_path: Path
) -> None:
    archive = tmp_path / "a"
    chat = write_chat(tmp_path / "chat.zip", [sites.url("/a")])
    model.page = Answer(status=500)
    report = run(chat)
    assert (model.since(), report["posts_written"], report["links_waiting"]) == ((2, 1), 1, 1)
    assert (report["fetching"]["to_describe"], report["dead_letters"]) == (1, 0)
    assert set(became(archive).values()) == {("pending", 1, "transient", FAILED)}
    assert told(archive) == [("Page a", OWN, None)]
    sites.forget()
    # every call of this run fails: there was nothing else to ask
    report = run(check=1)
    assert (model.since(), report["links_waiting"], report["dead_letters"]) == ((2, 0), 0, 1)
    assert set(became(archive).values()) == {("dead", 2, "transient", FAILED)}
    assert run()["model_calls"] == 0
    assert (model.since(), sites.paths) == ((0, 0), [])


def test_without_a_cache_a_retry_keeps_what_is_known_even_where_the_page_is_gone(
    run, streamliner, sites: PageServer, model: Asked, tmp_path: Path
) -> None:
    chat = write_chat(tmp_path / "chat.zip", [sites.url("/a")])
    uncached = {"STREAMLINER_FETCH__CACHE": "false"}
    model.page = Answer("I would rather talk about the weather.")
    run(chat, **uncached)
    streamliner("retry", tmp_path / "a")
    sites.put("/a", redirect("/gone"))
    report = run(**uncached)
    assert (model.since(), report["dead_letters"]) == ((2, 1), 1)
    assert told(tmp_path / "a") == [("Page a", OWN, None)]
    streamliner("retry", tmp_path / "a")
    sites.put("/a", page(article("Page a")))
    model.page = Answer(TOLD)
    run(**uncached)
    assert model.since() == (1, 1)
    assert told(tmp_path / "a") == [("Page a", TOLD, "openai/test-model")]


def test_another_archive_of_this_person_asks_nobody_about_the_same_page(
    run, streamliner, sites: PageServer, model: Asked, tmp_path: Path, environment
) -> None:
    chat = write_chat(tmp_path / "chat.zip", [sites.url("/a")])
    run(chat)
    assert model.since() == (1, 1)
    sites.forget()
    streamliner("publish", chat, "--archive", tmp_path / "b", *MODEL, **environment)
    assert (model.since(), sites.paths) == ((0, 1), [])
    assert told(tmp_path / "b") == [("Page a", TOLD, "openai/test-model")]


def test_a_run_that_got_descriptions_alone_has_done_something(
    run, sites: PageServer, model: Asked, tmp_path: Path
) -> None:
    model.post = Answer(status=400)
    report = run(write_chat(tmp_path / "chat.zip", [sites.url("/a")]))
    assert (model.since(), report["status"], report["windows_failed"]) == ((1, 1), "completed", 1)
    assert (report["enriched"], report["dead_letters"]) == (1, 1)
