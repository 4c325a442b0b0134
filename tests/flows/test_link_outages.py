"""Sites and providers go down while links are read: the run ends, the rest waits, and the next run goes on with it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.flows.linked import FETCHING, WORDS, article, became, known, write_chat
from tests.servers.pages import ROBOTS, PageServer, Play, answer, endless, page, reset, silence, status
from tests.stages.llm.model_server import Answer, ModelServer

BREAKER = {"STREAMLINER_BREAKER__FAILURES": "3", "STREAMLINER_FETCH__CONNECTIONS_PER_HOST": "1"}


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer() as running:
        yield running


def test_when_all_sites_are_down_the_run_ends_and_every_link_waits(publish, tmp_path: Path) -> None:
    """Each site is asked until its breaker opens, and nobody waits for it to close."""
    plays: dict[str, Play] = {"500": status(500), "503": status(503), "reset": reset(), "silent": silence()}
    options = FETCHING | BREAKER | {"STREAMLINER_FETCH__TOTAL_TIMEOUT_SECONDS": "1"}
    with ExitStack() as stack:
        sites = {name: stack.enter_context(PageServer()) for name in plays}
        for name, server in sites.items():
            server.put(ROBOTS, status(404))
            server.otherwise(plays[name])
        links = [server.url(f"/{number}") for number in range(25) for server in sites.values()]
        chat = write_chat(tmp_path / "chat.zip", links)
        report = publish(chat, "--archive", tmp_path / "a", **options)
        for name, server in sites.items():
            # a reset of the connection that robots.txt came by says nothing of the site: it may have been idle too long
            asked = 4 if name == "reset" else 3
            assert Counter(path == ROBOTS for path in server.paths) == {True: 1, False: asked}, name
        assert report["fetches"] == 4 * len(sites) + 1
        assert report["breakers"]["hosts"] == {server.sites[0]: "open" for server in sites.values()}
        # a site that does not answer in time has had its chance with three of its links
        assert (report["dead_letters"], report["links_waiting"], report["enriched"]) == (3, 97, 0)
        slow = ("dead", 1, "permanent", "The page took longer than fetch.total_timeout_seconds.")
        assert Counter(became(tmp_path / "a").values()) == {slow: 3, ("pending", 0, None, None): 97}
        assert report["posts_total"] == 1, "what was said is told all the same"
        # they are back
        for server in sites.values():
            server.forget()
            server.otherwise(page(article("Back again")))
        report = publish("--archive", tmp_path / "a", **options)
        assert (report["enriched"], report["dead_letters"], report["links_waiting"]) == (97, 3, 0)
        assert report["fetches"] == 97 + 4


POST = {
    "title": "The lamp",
    "dek": "They spoke of it.",
    "sections": [{"heading": "", "paragraphs": [{"text": "They spoke of a lamp.", "sources": ["m1"]}]}],
}
SENTENCES = (
    "The lamp of the old lighthouse was lit again on Sunday evening. It had been dark for forty years before that."
)


def test_a_dead_provider_is_left_alone_and_asked_by_the_next_run(
    streamliner, server: PageServer, tmp_path: Path
) -> None:
    """Calls about pages open its breaker; of windows it is not asked any more, and all of it waits."""
    for number in range(8):
        server.put(f"/{number}", page(article(f"Page {number}")))
    links = [text for number in range(8) for text in (server.url(f"/{number}"), "it, what a lamp, says everybody here")]
    chat, model = write_chat(tmp_path / "chat.zip", links, a_day=3), ModelServer()
    options = FETCHING | BREAKER | {
        "STREAMLINER_LLM__API_BASE": model.base, "STREAMLINER_LLM__API_KEY": "k", "STREAMLINER_LLM__CONCURRENCY": "1",
        "STREAMLINER_FETCH__CACHE": "true",
    }  # fmt: skip
    arguments = ("publish", chat, "--archive", tmp_path / "a", "--model", "openai/m", "--json")
    model.answers = [Answer(status=503, body="{}")]
    done = streamliner(*arguments, check=1, **options)
    assert "No model call succeeded" in done.stderr
    report = json.loads((tmp_path / "a" / "metrics" / "performance.json").read_text())
    assert (len(model.requests), report["model_calls"], report["breakers"]["provider"]) == (3, 3, "open")
    assert sorted(server.paths) == sorted([ROBOTS, *(f"/{number}" for number in range(8))])
    assert (report["windows_waiting"], report["posts_total"], report["dead_letters"]) == (6, 0, 0)
    assert (tmp_path / "a" / "site" / "index.html").is_file()

    def told(asked: dict[str, Any]) -> Answer:
        about_a_page = "<<<PAGE" in asked["messages"][1]["content"]
        return Answer(SENTENCES if about_a_page else json.dumps({"language": "en", "posts": [POST]}))

    server.forget()
    model.requests.clear()
    model.answers = [told]
    report = json.loads(streamliner(*arguments, **options).stdout)
    assert (server.paths, len(model.requests), report["model_calls"]) == ([], 8 + 6, 8 + 6)
    assert (report["enriched"], report["posts_written"], report["windows_waiting"]) == (8, 6, 0)
    assert {row["text"] for row in known(tmp_path / "a").values()} == {SENTENCES}
    model.close()


def test_one_poison_link_of_500_costs_itself_alone(server: PageServer, publish, tmp_path: Path) -> None:
    server.otherwise(answer(200, b"A page of few words\n\n" + WORDS.encode() * 3, mime="text/plain"))
    server.put("/250", endless())
    chat = write_chat(tmp_path / "chat.zip", [server.url(f"/{number}") for number in range(500)])
    report = publish(chat, "--archive", tmp_path / "a", **FETCHING)
    assert (report["enriched"], report["dead_letters"], report["links_waiting"]) == (499, 1, 0)
    assert Counter(server.paths) == Counter([ROBOTS, *(f"/{number}" for number in range(500))])
    assert report["dead_letter_reasons"] == {"The link leads to more than 0.2 MB (fetch.page_max_mb).": 1}
    assert server.peak <= 30
    assert sum(row["fetched"] for row in known(tmp_path / "a").values()) == 499


def test_a_slow_page_in_every_batch_keeps_no_other_batch_waiting(publish, tmp_path: Path) -> None:
    """Batches of two links, one of them slow: two batches at a time could have two slow pages under way at most."""
    with PageServer() as server:
        for number in range(12):
            server.put(f"/{number}", page(article(f"Page {number}"), delay=1.0 if number % 2 else 0.0))
        chat = write_chat(tmp_path / "chat.zip", [server.url(f"/{number}") for number in range(12)])
        few = {"STREAMLINER_ENRICH__BATCH_SIZE": "2", "STREAMLINER_PERFORMANCE__MAX_WORKERS": "2"}
        report = publish(chat, "--archive", tmp_path / "a", **FETCHING, **few)
        assert (report["enriched"], report["links_waiting"]) == (12, 0)
        assert server.peak > 4
