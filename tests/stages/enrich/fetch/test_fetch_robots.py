"""robots.txt: asked for once a site, counted, honoured; and what becomes of links whose site has none to give."""

import time

import pytest

from stages.resilience.errors import BreakerOpenError, CallError, OutOfTimeError, PermanentError, TransientError
from stages.settings import BreakerSettings
from tests.servers.pages import ROBOTS, PageServer, Play, answer, drip, endless, page, redirect, reset, silence, status
from tests.stages.enrich.fetch.conftest import Fetching


@pytest.fixture
def polite(fetching: Fetching) -> Fetching:
    return fetching.settings(robots=True, total_timeout_seconds=0.5)


def robots(text: str) -> Play:
    return answer(200, text.encode(), mime="text/plain")


RULES = """
User-agent: OtherBot
Disallow: /

User-agent: *
Disallow: /private
Allow: /private/but-this
Disallow: /*.pdf$
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/a", True), ("/private/x", False), ("/private/but-this", True), ("/a.pdf", False), ("/a.pdf?x", True)],
)
def test_what_a_site_asks_to_leave_alone(server: PageServer, polite: Fetching, path: str, allowed: bool) -> None:
    server.otherwise(page())
    server.put(ROBOTS, robots(RULES))
    if allowed:
        polite.one(server.url(path))
        assert server.paths == [ROBOTS, path]
    else:
        assert "robots.txt" in polite.error(server.url(path), PermanentError)
        assert server.paths == [ROBOTS]
    assert polite.usage.requests == len(server.paths)


def test_our_own_name_is_known(server: PageServer, polite: Fetching) -> None:
    server.otherwise(page())
    server.put(ROBOTS, robots("User-agent: *\nAllow: /\n\nUser-agent: streamliner\nDisallow: /a"))
    polite.error(server.url("/a"), PermanentError)
    polite.one(server.url("/b"))


def test_it_is_asked_for_once_whatever_comes_at_once(server: PageServer, polite: Fetching) -> None:
    server.otherwise(page())
    server.put(ROBOTS, answer(200, RULES.encode(), delay=0.05))
    outcomes = polite.all(*(server.url(f"/{n}") for n in range(50)), server.url("/private"))
    assert [isinstance(outcome, CallError) for outcome in outcomes] == [False] * 50 + [True]
    assert server.count(ROBOTS) == 1
    assert len(server.paths) == 51


def test_it_is_asked_for_at_each_site_of_a_redirect(polite: Fetching) -> None:
    with PageServer(["127.0.0.1", "127.0.0.2"]) as server:
        server.put("/a", redirect(server.url("/private", site=1)))
        server.put(ROBOTS, robots(RULES))
        polite.error(server.url("/a"), PermanentError)
        assert [(r.site, r.path) for r in server.requests] == [
            (server.sites[0], ROBOTS),
            (server.sites[0], "/a"),
            (server.sites[1], ROBOTS),
        ]


@pytest.mark.parametrize(
    "play",
    [
        *(status(code) for code in (400, 401, 403, 404, 410)),
        robots(""),
        answer(200, b"\xff\xfe\0 nonsense \n::::\n\0", mime="image/png"),
        redirect("http://169.254.169.254/"),
        redirect(ROBOTS),
        endless(b"# nothing\n" * 1_000),
    ],
    ids=["400", "401", "403", "404", "410", "empty", "nonsense", "redirect-inside", "circle", "endless"],
)
def test_no_rules_allow_everything(server: PageServer, polite: Fetching, play: Play) -> None:
    server.otherwise(page())
    server.put(ROBOTS, play)
    polite.all(server.url("/a"), server.url("/b"))
    assert (server.count(ROBOTS), server.count("/a"), server.count("/b")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("play", "asked"),
    [(status(500), 4), (status(503), 4), (status(429), 4), (reset(), 4), (silence(), 1), (drip(), 1)],
    ids=["500", "503", "429", "reset", "silence", "drip"],
)
def test_a_site_without_an_answer_is_left_alone_for_this_run(
    server: PageServer, polite: Fetching, play: Play, asked: int
) -> None:
    server.otherwise(page())
    server.put(ROBOTS, play)
    outcomes = polite.all(server.url("/a"), server.url("/b"), server.url("/c"))
    assert [type(outcome) for outcome in outcomes] == [TransientError] * 3
    assert server.paths == [ROBOTS] * asked
    assert polite.usage.errors == {"transient": 3}


def test_rules_that_come_late_are_rules(server: PageServer, polite: Fetching) -> None:
    server.otherwise(page())
    server.put(ROBOTS, status(503), redirect("/r"))
    server.put("/r", robots(RULES))
    polite.error(server.url("/private"), PermanentError)
    assert server.paths == [ROBOTS, ROBOTS, "/r"]


def test_a_breaker_that_is_open_is_no_answer_to_remember(server: PageServer, polite: Fetching) -> None:
    server.put(ROBOTS, status(500))
    polite.breaker = BreakerSettings(failures=2)
    assert isinstance(polite.all(server.url("/a"))[0], BreakerOpenError)
    assert server.paths == [ROBOTS] * 2


def test_a_delay_is_kept_between_all_requests_of_a_site(server: PageServer, polite: Fetching) -> None:
    server.otherwise(page())
    server.put(ROBOTS, robots("User-agent: *\nCrawl-delay: 0.2"))
    started = time.monotonic()
    polite.all(*(server.url(f"/{n}") for n in range(4)))
    assert time.monotonic() - started >= 0.6
    assert (server.peak, len(server.paths)) == (1, 5)


def test_a_delay_that_this_run_does_not_reach_leaves_links_waiting(server: PageServer, polite: Fetching) -> None:
    server.otherwise(page())
    server.put(ROBOTS, robots("User-agent: *\nCrawl-delay: 7200"))
    polite.more["patience_seconds"] = 5.0
    outcomes = polite.all(*(server.url(f"/{n}") for n in range(4)))
    assert [type(outcome).__name__ for outcome in outcomes].count("Fetched") == 1
    waiting = [outcome for outcome in outcomes if isinstance(outcome, OutOfTimeError)]
    assert len(waiting) == 3
    assert "60 seconds" in str(waiting[0])
    assert polite.usage.refused == 3
    assert len(server.paths) == 2


@pytest.mark.parametrize("delay", ["0", "-1", "soon", "nan", "inf", ""])
def test_delays_that_are_none(server: PageServer, polite: Fetching, delay: str) -> None:
    server.otherwise(page())
    server.put(ROBOTS, robots(f"User-agent: *\nCrawl-delay: {delay}"))
    polite.more["patience_seconds"] = 0.0
    outcomes = polite.all(*(server.url(f"/{n}") for n in range(4)))
    assert not any(isinstance(outcome, CallError) for outcome in outcomes)


HOSTILE = {
    "thousands-of-robots": "\n".join(f"User-agent: bot{n}" for n in range(15_000)) + "\nDisallow: /a\n" * 10_000,
    "stars": "User-agent: *\nDisallow: /" + "*a" * 2_000 + "b\n",
    "rules": "User-agent: *\n" + "\n".join(f"Disallow: /{n}*x$" for n in range(25_000)),
    "one-line": "User-agent: *" * 40_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_holds_nobody_up(server: PageServer, polite: Fetching, text: str) -> None:
    server.otherwise(page())
    server.put(ROBOTS, robots(text))
    polite.settings(total_timeout_seconds=5)
    polite.one(server.url("/" + "a" * 2_000))
    assert server.count(ROBOTS) == 1
