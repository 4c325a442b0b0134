"""The benchmark of enrichment runs at any size, its sites count rightly, and its own clock counts waits and work."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from benchmarks import own_time
from benchmarks.reading import page
from benchmarks.sites import PLAIN, Seen, Sites
from benchmarks.twice import twice
from stages.enrich.pages.read import read_page

ROOT = Path(__file__).parents[2]


def test_it_runs_and_says_what_is_met_and_what_is_missed() -> None:
    parts = ("fetch", "ledger", "reading")
    command = [sys.executable, "-m", "benchmarks", "enrich", "--quick", "--runs", "1"]
    done = subprocess.run(
        [*command, *(word for part in parts for word in ("--only", part))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    rows = [line for line in lines if line.endswith((" met", " missed"))]
    for name, number in (("200 links of 1 site", 5), ("200 links of 5 sites", 5), ("Ledger", 3), ("Reading", 3)):
        assert sum(row.startswith(name) for row in rows) == number
    in_flight = [row for row in rows if "in flight" in row]
    assert all(row.endswith(" met") for row in in_flight), "the limits hold, however busy the machine is"


def test_a_second_time_asks_nothing_of_sites(capsys: pytest.CaptureFixture[str]) -> None:
    twice(30, 0)
    fetches, queries = capsys.readouterr().out.splitlines()
    assert "first 31 requests, 0 model calls" in fetches
    assert fetches.endswith("0 and 0 met")
    assert queries.endswith(" 1 met")


def test_sites_count_what_they_see() -> None:
    with Sites(2, 0.01) as sites:
        for n in range(3):
            with urlopen(sites.url(n)) as answer:
                assert answer.read() == PLAIN
        with pytest.raises(HTTPError, match="404"):
            urlopen(sites.url(0).replace("/page/0", "/robots.txt"))
        with urlopen(sites.url(1), data=b"x" * 200_000) as answer:
            assert b"chat.completion" in answer.read()
        seen = sites.seen()
        assert (seen.requests, seen.posts, seen.peak, seen.peak_of_a_site) == (5, 1, 1, 1)
        assert seen.answered_after > 5 * 0.009
        assert sites.seen() == Seen()


def test_an_own_clock_counts_waits_and_work_and_nothing_else() -> None:
    async def main(clock: Callable[[], float]) -> tuple[float, float]:
        started = clock()
        await asyncio.gather(*(asyncio.sleep(60) for _ in range(100)))
        waited = clock() - started
        cpu, started = time.process_time(), clock()
        time.sleep(0.05)  # as if the machine did something else
        sum(range(1_000_000))
        return waited, (clock() - started) - (time.process_time() - cpu)

    waited, more_than_work = own_time.run(main)
    assert waited == pytest.approx(60, abs=1)
    assert more_than_work == pytest.approx(0, abs=0.001)


def test_pages_are_as_long_as_they_should_be() -> None:
    facts = read_page(page(11_000), "text/html", "utf-8", "https://example.org/")
    assert facts.title
    assert facts.text
    assert len(page(11_000)) > len(page(1_500)) > 1_500
