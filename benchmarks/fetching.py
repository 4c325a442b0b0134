"""Links against sites that answer in 50 ms: how near to what the connection limits allow, and at what cost.

The pages are small, so that this measures the transfer and not what is read from it. ``bare`` is aiohttp alone with two
semaphores in the same run: no judgement of addresses, robots.txt, breakers, tries or bounds. A ratio is seconds over
those that the limits allow; it is taken by the clock, and by a clock that counts this process's work alone, since
what else the machine does makes the sites late too. ``python -m benchmarks.fetching LINKS SITES RUNS``.
"""

import asyncio
import contextlib
import socket
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from benchmarks import own_time
from benchmarks.measure import say
from benchmarks.sites import HTML, Counting, Sites, listen, page_answer

DELAY: Final = 0.05
LIMITS: Final = {"connections": 100, "connections_per_host": 30}
_RATIO: Final = 1.3
_LAG_MS: Final = 25.0
_GROWTH_MB: Final = 50.0
_LAG_STEP: Final = 0.005
_LOOK_EVERY: Final = 20

Clock = Callable[[], float]
Fetch = Callable[[int, Sequence[int], Clock], Coroutine[Any, Any, "Round"]]


@dataclass
class Round:
    """All links once. ``lags``: how late the loop woke a sleeper, and the processor seconds that it spent since it
    woke it last, which are its own part of that whatever else the machine does."""

    seconds: float
    cpu: float
    lags: list[tuple[float, float]]
    growth_mb: float = 0.0

    def late(self, part: float) -> float:
        """Milliseconds by the clock."""
        return 1_000 * _quantile([late for late, _ in self.lags], part)

    def busy(self, part: float) -> float:
        """Milliseconds of the processor."""
        return 1_000 * _quantile([busy for _, busy in self.lags], part)


def transfer(links: int, sites: int, runs: int) -> None:
    """Print what ``links`` pages of so many sites take, all asked for at once; ``runs`` times beside ``bare``."""
    at_once = min(LIMITS["connections"], LIMITS["connections_per_host"] * sites)
    ideal = DELAY * links / at_once
    what = f"{links:,} links of {sites} site{'s' if sites > 1 else ''}"
    ours, bare, seen = [], [], []
    with Sites(sites, DELAY, html=True) as server:
        for _ in range(runs):
            ours.append(asyncio.run(_ours(links, server.ports, time.perf_counter)))
            seen.append(server.seen())
            bare.append(asyncio.run(_bare(links, server.ports, time.perf_counter)))
            server.seen()
    late = 1_000 * sum(one.answered_after for one in seen) / sum(one.requests for one in seen)
    _tell_ratio(what, ideal, ours, bare, f"sites answered after {late:.0f} ms")
    alone, bare_alone = [], []
    for _ in range(runs):
        alone.append(own_time.run(lambda clock: _with_sites(_ours, links, sites, clock)))
        bare_alone.append(own_time.run(lambda clock: _with_sites(_bare, links, sites, clock)))
    _tell_ratio(f"{what}, work alone", ideal, alone, bare_alone, "sites' work included")
    peak, of_a_site = max(one.peak for one in seen), max(one.peak_of_a_site for one in seen)
    say(
        f"{what}, in flight",
        f"at most {of_a_site} at a site; {seen[-1].requests:,} requests a round",
        str(peak), f"at most {at_once}", peak <= at_once and of_a_site <= LIMITS["connections_per_host"],
    )  # fmt: skip
    lag = min(one.late(0.99) for one in ours)
    say(
        f"{what}, lag p99",
        f"median {statistics.median(one.late(0.99) for one in ours):.1f} ms; what of it is work: "
        f"{min(one.busy(0.99) for one in ours):.1f} ms",
        f"{lag:.1f} ms", f"{_LAG_MS:.0f} ms", lag < _LAG_MS,
    )  # fmt: skip
    growth = max(one.growth_mb for one in ours)
    say(
        f"{what}, memory", f"the most of {runs} rounds, from before the first link was asked for to the end",
        f"{growth:+.0f} MB", f"{_GROWTH_MB:.0f} MB", growth < _GROWTH_MB,
    )  # fmt: skip


def _tell_ratio(what: str, ideal: float, ours: Sequence[Round], bare: Sequence[Round], more: str) -> None:
    def told(rounds: Sequence[Round]) -> tuple[float, str]:
        ratios = [one.seconds / ideal for one in rounds]
        cpu = min(one.cpu for one in rounds) / ideal
        return min(ratios), f"median {statistics.median(ratios):.2f}x, processor {cpu:.2f}x"

    ratio, of_ours = told(ours)
    beside, of_bare = told(bare)
    say(what, f"{of_ours}; bare {beside:.2f}x, {of_bare}; {more}", f"{ratio:.2f}x", f"{_RATIO}x", ratio <= _RATIO)


def _quantile(values: Iterable[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


async def _with_sites(fetch: Fetch, links: int, sites: int, clock: Clock) -> Round:
    """With the sites in the same loop."""
    return await fetch(links, await listen(sites, DELAY, page_answer(html=True), Counting()), clock)


async def _ours(links: int, ports: Sequence[int], clock: Clock) -> Round:
    from stages.enrich.fetch import Fetcher, Shared
    from stages.settings import BreakerSettings, FetchSettings, RetrySettings

    settings = FetchSettings.model_validate({"allow_networks": ["127.0.0.0/8"], **LIMITS})
    process = psutil.Process()
    lags: list[tuple[float, float]] = []
    most = [0]

    async def watch() -> None:
        for step in count():
            due, busy = clock() + _LAG_STEP, time.thread_time()
            await asyncio.sleep(_LAG_STEP)
            lags.append((max(0.0, clock() - due), time.thread_time() - busy))
            if step % _LOOK_EVERY == 0:
                most[0] = max(most[0], process.memory_info().rss)

    async with Fetcher(settings, RetrySettings(), BreakerSettings(), shared=Shared(), lookup=_lookup) as fetcher:

        async def fetch(n: int) -> None:
            site = n % len(ports)
            page = await fetcher.page(f"http://site-{site}.example.org:{ports[site]}/{n}")
            assert page.body == HTML

        # what is loaded by the first pages of any run is no growth
        await asyncio.gather(*(fetch(n) for n in range(len(ports) * 2)))
        before = process.memory_info().rss
        watching = asyncio.create_task(watch())
        started, cpu = clock(), time.process_time()
        await asyncio.gather(*(fetch(n) for n in range(links)))
        seconds, cpu = clock() - started, time.process_time() - cpu
        most[0] = max(most[0], process.memory_info().rss)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return Round(seconds, cpu, lags, (most[0] - before) / 2**20)


async def _bare(links: int, ports: Sequence[int], clock: Clock) -> Round:
    import aiohttp

    in_all = asyncio.Semaphore(LIMITS["connections"])
    at_site = [asyncio.Semaphore(LIMITS["connections_per_host"]) for _ in ports]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def fetch(n: int) -> None:
            site = n % len(ports)
            url = f"http://127.0.0.{1 + site}:{ports[site]}/{n}"
            async with at_site[site], in_all, session.get(url) as response:
                assert await response.read() == HTML

        await asyncio.gather(*(fetch(n) for n in range(len(ports) * 2)))
        started, cpu = clock(), time.process_time()
        await asyncio.gather(*(fetch(n) for n in range(links)))
        return Round(clock() - started, time.process_time() - cpu, [])


def _lookup(host: str, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
    """The names of the sites: ``site-N.example.org`` is at 127.0.0.N+1."""
    number = 1 + int(host.partition(".")[0].partition("-")[2])
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number}", 0))]


if __name__ == "__main__":
    transfer(*map(int, sys.argv[1:]))
