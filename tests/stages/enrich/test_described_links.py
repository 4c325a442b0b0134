"""What a model is asked about linked pages, and what becomes of the links where it fails: real sites, a real model's
server, and the number of requests that each of them saw."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.archive.records import Enrichment, Failure
from stages.enrich.links import LinkReader
from stages.enrich.outcomes import LinksRead, LinkUsage
from stages.enrich.store import Task
from stages.settings import Settings
from stages.write.batch import CostLimit
from tests.flows.linked import article
from tests.servers.pages import PageServer, page, redirect
from tests.stages.llm.model_server import Answer, ModelServer

TOLD = "The lamp of the old lighthouse was lit again on Sunday evening. It had been dark for forty years before that."
OWN = "The lamp of the old lighthouse was lit again on Sunday evening, after forty years of darkness."
NONSENSE = "I would rather talk about the weather."
UNUSABLE = "The page was read, but the model's answer could not be used, twice; it is shown by its own words."

Run = Callable[..., tuple[LinksRead, LinkUsage]]


@pytest.fixture(scope="module")
def running() -> Iterator[PageServer]:
    with PageServer() as server:
        for name in ("a", "b", "c"):
            server.put(f"/{name}", page(article(f"Page {name}")))
        yield server


@pytest.fixture
def sites(running: PageServer) -> PageServer:
    running.forget()
    return running


@pytest.fixture(scope="module")
def remembered(running: PageServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that knows the pages a, b and c and no words of any model."""
    folder = tmp_path_factory.mktemp("remembered")
    settings = Settings.model_validate({"fetch": {"allow_networks": ["127.0.0.0/8"]}})
    with LinkReader(settings, media_dir=folder / "media", conceal=str, cache=folder / "cache") as links:
        links.begin([Task(name, "url", running.url(f"/{name}"), 0, 1, 1) for name in ("a", "b", "c")]).result()
    return folder / "cache"


@pytest.fixture
def cache(remembered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(remembered, tmp_path / "cache"))


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    server.answers = [Answer(TOLD)]
    yield server
    server.close()


@pytest.fixture
def read(sites: PageServer, model: ModelServer, tmp_path: Path, cache: Path) -> Run:
    """``read(paths)``: read links as a run does; settings and what a reader takes may be given."""

    def go(
        *paths: str, llm: dict[str, Any] | None = None, limit_cost: float | None = None, tried: bool = False,
        attempts: int = 2, failures: int = 100, attempt: int = 1, archive: str = "a", language: str = "auto",
        **given: Any,
    ) -> tuple[LinksRead, LinkUsage]:  # fmt: skip
        settings = Settings.model_validate(
            {
                "llm": {"model": "openai/test-model", "api_base": model.base, "concurrency": 1} | (llm or {}),
                "fetch": {"allow_networks": ["127.0.0.0/8"]},
                "retry": {"attempts": attempts, "wait_initial_seconds": 0.001, "wait_max_seconds": 0.002},
                "breaker": {"failures": failures},
                "site": {"language": language},
            }
        )
        tasks = [Task(path, "url", sites.url(path), 0, 1, attempt - 1, tried) for path in paths]
        own = {
            "media_dir": tmp_path / archive / "media",
            "conceal": str,
            "doors": CostLimit(limit_cost),
            "cache": cache,
        }
        with LinkReader(settings, **(own | given)) as links:
            done = links.begin(tasks).result()
            return done, links.usage

    return go


def test_the_models_words_are_kept_with_its_name(read: Run, model: ModelServer) -> None:
    done, usage = read("/a")
    (link,) = done.outcomes
    assert isinstance(link, Enrichment)
    assert (link.text, link.told_by, link.title) == (TOLD, "openai/test-model", "Page a")
    assert (len(model.requests), done.calls) == (1, 1)
    assert (usage.described, usage.recalled, usage.undescribed, usage.to_describe) == (1, 0, 0, 0)


def test_people_of_the_chat_are_hidden_in_what_a_model_is_given(
    read: Run, sites: PageServer, model: ModelServer
) -> None:
    sites.put("/named", page(article("Tobias Quandt lit the lamp")))
    done, _ = read("/named", conceal=lambda text: text.replace("Tobias Quandt", "Amber-Fox"))
    (link,) = done.outcomes
    assert isinstance(link, Enrichment)
    assert (link.title, link.told_by) == ("Amber-Fox lit the lamp", "openai/test-model")
    (asked,) = model.requests
    assert "Quandt" not in json.dumps(asked)
    assert "Amber-Fox lit the lamp" in json.dumps(asked)


def test_a_page_with_little_text_is_done_with_its_own_words(read: Run, sites: PageServer, model: ModelServer) -> None:
    sites.put(
        "/little", page("<title>A lamp</title><p>The lamp of the old lighthouse was lit again on Sunday evening.")
    )
    done, usage = read("/little")
    (link,) = done.outcomes
    assert isinstance(link, Enrichment)
    assert (link.told_by, link.title, model.requests) == (None, "A lamp", [])
    assert (usage.described, usage.undescribed) == (0, 0)


REFUSED = "The page was read, but the model's server refused the call ({}); it is shown by its own words."
FAULTS: dict[str, tuple[Answer, int, str, str]] = {
    # requests for three pages, the class of each, and why
    "401": (Answer(status=401), 1, "permanent", REFUSED.format("401: the key was not accepted")),
    "403": (Answer(status=403), 3, "permanent", REFUSED.format("403: access is denied")),
    "404": (Answer(status=404), 1, "permanent", REFUSED.format("404: there is no such model or address")),
    "400": (Answer(status=400), 3, "permanent", REFUSED.format("400: a bad request")),
    "500": (Answer(status=500), 6, "transient", "the model's server failed (500)"),
    "dropped": (Answer(drop=True), 6, "transient", "the model's server could not be reached"),
    "429": (Answer(status=429), 6, "throttled", "the model's server asks for fewer calls (429)"),
    "429 for an hour": (Answer(status=429, headers={"Retry-After": "3600"}), 6, "throttled", "fewer calls (429)"),
    "nonsense": (Answer(NONSENSE), 6, "permanent", UNUSABLE),
    "nothing": (Answer(""), 6, "permanent", UNUSABLE),
    "broken": (Answer(body='{"choices": [{"mess'), 6, "permanent", UNUSABLE),
    "another shape": (Answer(body='{"answer": 42}'), 6, "permanent", UNUSABLE),
    "filtered": (Answer(finish="content_filter"), 3, "permanent", "the provider's content filter held back the answer"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_fails_leaves_a_reason_and_the_page(read: Run, model: ModelServer, fault: str) -> None:
    answer, requests, error_class, reason = FAULTS[fault]
    model.answers = [answer]
    done, usage = read("/a", "/b", "/c")
    assert (len(model.requests), done.calls) == (requests, requests)
    for path, link in zip(("/a", "/b", "/c"), done.outcomes, strict=True):
        assert isinstance(link, Failure)
        assert (link.key, link.error_class) == (path, error_class)
        assert reason in link.reason
        assert re.fullmatch(r"The page was read, but .*; it is shown by its own words\.", link.reason)
        assert link.known is not None
        assert (link.known.title, link.known.told_by, link.known.fetched) == (f"Page {path[1:]}", None, True)
        assert (link.known.text or "").startswith(OWN)
    waiting = 0 if error_class == "permanent" else 3
    assert (usage.described, usage.undescribed, usage.to_describe) == (0, 3, waiting)


def test_a_server_that_drips_is_given_up_in_bounded_time(read: Run, model: ModelServer) -> None:
    model.answers = [Answer(TOLD, drip=0.2)]
    done, usage = read("/a", llm={"timeout_seconds": 0.05})
    (link,) = done.outcomes
    assert isinstance(link, Failure)
    assert (len(model.requests), link.error_class, usage.to_describe) == (2, "transient", 1)
    assert "the model's server did not answer in time" in link.reason


def test_the_last_attempt_does_not_wait_for_another(read: Run, model: ModelServer) -> None:
    model.answers = [Answer(status=500)]
    _, usage = read("/a", attempt=2)
    assert (usage.undescribed, usage.to_describe) == (1, 0)


def test_a_provider_that_is_left_alone_costs_the_others_no_attempt(read: Run, model: ModelServer) -> None:
    model.answers = [Answer(status=500)]
    done, usage = read("/a", "/b", "/c", failures=3, llm={"timeout_seconds": 119})
    assert len(model.requests) == 3
    assert [getattr(link, "error_class", None) for link in done.outcomes] == ["transient", "refused", "refused"]
    assert all(isinstance(link, Failure) and link.known is not None for link in done.outcomes)
    assert usage.to_describe == 3


def test_a_limit_of_cost_lets_them_wait_with_all_that_is_known(read: Run, model: ModelServer) -> None:
    done, usage = read("/a", "/b", limit_cost=0)
    assert (model.requests, done.calls, usage.to_describe) == ([], 0, 2)
    for link in done.outcomes:
        assert isinstance(link, Failure)
        assert (link.error_class, link.known is not None) == ("refused", True)


def test_a_refused_key_is_shown_to_the_provider_no_oftener_than_calls_are_under_way(
    read: Run, sites: PageServer, model: ModelServer
) -> None:
    model.answers = [Answer(status=401, delay=0.3)]
    paths = [f"/many/{number}" for number in range(12)]
    for path in paths:
        sites.put(path, page(article(f"Page {path}")))
    done, _ = read(*paths, llm={"concurrency": 3})
    assert len(model.requests) <= 3
    assert {link.reason for link in done.outcomes if isinstance(link, Failure)} == {FAULTS["401"][3]}


def test_one_page_under_several_links_is_asked_about_once(read: Run, sites: PageServer, model: ModelServer) -> None:
    same = article("One page", f'<link rel="canonical" href="{sites.url("/one")}">')
    sites.put("/one", page(same))
    sites.put("/one?ref=mail", page(same))
    sites.put("/short", redirect("/one"))
    done, usage = read("/one", "/one?ref=mail", "/short", llm={"concurrency": 4})
    assert (len(model.requests), done.calls, usage.described, usage.recalled) == (1, 1, 3, 0)
    assert {link.text for link in done.outcomes if isinstance(link, Enrichment)} == {TOLD}
    model.answers = [Answer(NONSENSE)]
    done, usage = read("/one", "/short", llm={"concurrency": 4}, fresh=True)
    assert (len(model.requests), usage.undescribed) == (3, 2)
    assert {link.reason for link in done.outcomes if isinstance(link, Failure)} == {UNUSABLE}


def test_pages_that_say_different_things_are_not_one_whatever_they_call_themselves(
    read: Run, sites: PageServer, model: ModelServer
) -> None:
    for name in ("x", "y"):
        head = f'<link rel="canonical" href="{sites.url("/")}">'
        sites.put(f"/{name}", page(article("The site", head, f"<p>Of {name} there is more to say than that.</p>")))
    _, usage = read("/x", "/y")
    assert (len(model.requests), usage.described) == (2, 2)


def test_a_description_is_paid_for_once_by_all_archives_of_a_person(
    read: Run, sites: PageServer, model: ModelServer, tmp_path: Path
) -> None:
    sites.put("/to-a", redirect("/a"))
    mine = {"cache": tmp_path / "mine", "secret": b"k" * 32}
    read("/a", **mine)
    assert (len(model.requests), sites.paths.count("/a")) == (1, 1)
    done, usage = read("/a", archive="b", **mine)
    (link,) = done.outcomes
    assert isinstance(link, Enrichment)
    assert (link.text, link.told_by) == (TOLD, "openai/test-model")
    assert (len(model.requests), sites.paths.count("/a"), done.calls) == (1, 1, 0)
    assert (usage.remembered, usage.described, usage.recalled) == (1, 1, 1)
    # another link to it is fetched, and what is found there needs no model
    _, usage = read("/to-a", archive="b", **mine)
    assert (len(model.requests), sites.paths.count("/a"), usage.recalled) == (1, 2, 1)
    # another model, another language, another person, and who wants it anew, ask for themselves
    read("/a", archive="c", llm={"model": "openai/other"}, **mine)
    model.answers = [
        Answer("A lâmpada do velho farol voltou a acender no domingo. Esteve apagada durante muitos anos.")
    ]
    read("/a", archive="c", language="pt", **mine)
    model.answers = [Answer(TOLD)]
    read("/a", archive="c", cache=tmp_path / "mine", secret=b"o" * 32)
    read("/a", archive="c", fresh=True, **mine)
    assert len(model.requests) == 5


def test_what_was_remembered_is_believed_no_more_than_an_answer(
    read: Run, sites: PageServer, model: ModelServer
) -> None:
    """Two pages of one text have one description; what one of them says of itself beside may hold its number."""
    text = "<p>" + "The lamp of the old lighthouse was lit again on Sunday evening. " * 20 + "</p>"
    for name, said in (("long", "It cost 4711 euros in all, says the town."), ("other", "Nobody knows its cost.")):
        head = f'<html lang=en><title>Lamp</title><meta name=description content="{said}">'
        sites.put(f"/{name}", page(f"{head}<article>{text}</article>"))
    model.answers = [Answer("The lamp of the old lighthouse was lit again on Sunday evening. It cost 4711 euros.")]
    done, _ = read("/long")
    assert isinstance(done.outcomes[0], Enrichment)
    model.answers = [Answer(TOLD.replace("forty years", "many years"))]
    done, usage = read("/other")
    assert (len(model.requests), usage.recalled) == (2, 0)
    assert "4711" not in repr(done.outcomes)


def test_a_page_whose_description_failed_is_not_fetched_again(read: Run, sites: PageServer, model: ModelServer) -> None:
    sites.put("/once", page(article("Page once")))
    model.answers = [Answer(NONSENSE)]
    done, _ = read("/once")
    assert isinstance(done.outcomes[0], Failure)
    model.answers = [Answer(TOLD)]
    sites.forget()
    done, _ = read("/once", tried=True)
    assert isinstance(done.outcomes[0], Enrichment)
    assert (sites.paths, len(model.requests)) == ([], 3)


def test_what_is_remembered_of_a_model_stands_nowhere_in_clear(read: Run, tmp_path: Path) -> None:
    read("/a", cache=tmp_path / "mine", secret=b"k" * 32)
    with sqlite3.connect(tmp_path / "mine" / "pages.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (2,)
    everything = b"".join(path.read_bytes() for path in (tmp_path / "mine").iterdir())
    for word in (b"lighthouse", b"darkness", b"test-model", b"127.0.0.1"):
        assert word not in everything


def test_the_people_of_a_chat_are_hidden_in_what_a_model_says_and_not_in_what_is_remembered(read: Run) -> None:
    def conceal(text: str) -> str:
        return text.replace("lighthouse", "SOMEBODY")

    for archive, hide in (("a", conceal), ("b", str)):
        done, _ = read("/a", archive=archive, conceal=hide)
        (link,) = done.outcomes
        assert isinstance(link, Enrichment)
        assert link.text == hide(TOLD)
