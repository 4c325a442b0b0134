"""Links against a local server that answers in 50 ms: how near to what the connection limits allow, and at what cost.

``python -m benchmarks.fetching [LINKS]``. The server runs in a process of its own and counts what is in flight; the
page is small, so that this measures the transfer and not what is read from it. ``bare`` is aiohttp alone with two
semaphores in the same run: no judgement of addresses, robots.txt, breakers, tries or bounds.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

DELAY = 0.05
_BODY = b"<!doctype html><title>A page</title>" + b"<p>Some text of a page.</p>" * 200
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
_NO_RULES = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_LAG_STEP = 0.005


@dataclass(frozen=True)
class Figures:
    """``ratio`` is seconds over those that the limits allow; ``peak``: most requests in flight that the server saw.

    ``lag`` is how late the event loop wakes a sleeper; ``busy`` the processor time that it spent since it woke it last,
    which is the part of the lag that is its own, whatever else the machine does.
    """

    links: int
    sites: int
    seconds: float
    ratio: float
    peak: int
    peak_of_a_site: int
    requests: int
    lag_p50_ms: float
    lag_p99_ms: float
    lag_max_ms: float
    busy_p99_ms: float
    busy_max_ms: float
    memory_growth_mb: float
    cpu_seconds: float
    bare_seconds: float
    bare_cpu_seconds: float


def main(options: list[str]) -> None:
    links = int(options[0]) if options else 5_000
    for sites in (1, 5):
        print(json.dumps(measure(links, sites).__dict__))


def measure(links: int, sites: int, connections: int = 100, per_site: int = 30) -> Figures:
    """Fetch ``links`` pages of ``sites`` hosts, all asked for at once."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fetching", "serve", str(sites)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        ports = json.loads(server.stdout.readline())
        seconds, lags, growth, cpu = asyncio.run(_fetch(links, ports, connections, per_site))
        server.stdin.write("stop counting\n")
        server.stdin.flush()
        bare, bare_cpu = asyncio.run(_bare(links, ports, connections, per_site))
    finally:
        said, _ = server.communicate()
    seen = json.loads(said)
    ideal = DELAY * links / min(connections, per_site * sites)
    return Figures(
        links,
        sites,
        round(seconds, 2),
        round(seconds / ideal, 2),
        seen["peak"],
        seen["peak_of_a_site"],
        seen["requests"],
        *(_part([lag for lag, _ in lags], part) for part in (0.5, 0.99, 1.0)),
        *(_part([busy for _, busy in lags], part) for part in (0.99, 1.0)),
        round(growth, 1),
        round(cpu, 2),
        round(bare, 2),
        round(bare_cpu, 2),
    )


def _part(seconds: list[float], part: float) -> float:
    return round(1000 * sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))], 1)


async def _fetch(
    links: int, ports: list[int], connections: int, per_site: int
) -> tuple[float, list[tuple[float, float]], float, float]:
    from stages.enrich.fetch import Fetcher, Shared
    from stages.settings import BreakerSettings, FetchSettings, RetrySettings

    settings = FetchSettings.model_validate(
        {"allow_networks": ["127.0.0.0/8"], "connections": connections, "connections_per_host": per_site}
    )
    lags: list[tuple[float, float]] = []
    process = psutil.Process()
    async with Fetcher(settings, RetrySettings(), BreakerSettings(), shared=Shared()) as fetcher:

        async def fetch(n: int) -> int:
            page = await fetcher.page(f"http://127.0.0.{1 + n % len(ports)}:{ports[n % len(ports)]}/{n}")
            return len(page.body)

        # what is loaded by the first pages of any run is no growth
        await asyncio.gather(*(fetch(n) for n in range(len(ports) * 2)))
        before = process.memory_info().rss
        peak = before
        watch = asyncio.create_task(_watch(lags))
        started, cpu = time.perf_counter(), time.process_time()
        tasks = [asyncio.create_task(fetch(n)) for n in range(links)]
        sizes = await asyncio.gather(*tasks)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        peak = max(peak, process.memory_info().rss)
        assert set(sizes) == {len(_BODY)}
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    return seconds, lags, (peak - before) / 2**20, cpu


async def _bare(links: int, ports: list[int], connections: int, per_site: int) -> tuple[float, float]:
    import aiohttp

    in_all = asyncio.Semaphore(connections)
    at_site = [asyncio.Semaphore(per_site) for _ in ports]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def fetch(n: int) -> int:
            url = f"http://127.0.0.{1 + n % len(ports)}:{ports[n % len(ports)]}/{n}"
            async with at_site[n % len(ports)], in_all, session.get(url) as response:
                return len(await response.read())

        await asyncio.gather(*(fetch(n) for n in range(len(ports) * 2)))
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(fetch(n) for n in range(links)))
        return time.perf_counter() - started, time.process_time() - cpu


async def _watch(lags: list[tuple[float, float]]) -> None:
    while True:
        due, busy = time.perf_counter() + _LAG_STEP, time.thread_time()
        await asyncio.sleep(_LAG_STEP)
        lags.append((max(0.0, time.perf_counter() - due), time.thread_time() - busy))


class _Seen:
    def __init__(self) -> None:
        self.flying: Counter[int] = Counter()
        self.total = self.peak = self.peak_of_a_site = self.requests = 0


class _Site(asyncio.Protocol):
    """Answers each request after the delay; one at a time a connection, as HTTP/1.1 clients send them."""

    def __init__(self, site: int, seen: _Seen) -> None:
        self._site = site
        self._seen = seen
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        seen = self._seen
        seen.requests += 1
        seen.total += 1
        seen.flying[self._site] += 1
        seen.peak = max(seen.peak, seen.total)
        seen.peak_of_a_site = max(seen.peak_of_a_site, seen.flying[self._site])
        answer = _NO_RULES if data.startswith(b"GET /robots.txt ") else _ANSWER
        asyncio.get_running_loop().call_later(DELAY, self._answer, answer)

    def _answer(self, answer: bytes) -> None:
        self._seen.total -= 1
        self._seen.flying[self._site] -= 1
        self._transport.write(answer)


async def _serve(sites: int) -> None:
    loop = asyncio.get_running_loop()
    seen = _Seen()
    servers = [
        await loop.create_server(lambda site=site: _Site(site, seen), f"127.0.0.{1 + site}", 0, backlog=1024)
        for site in range(sites)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    said = {"peak": seen.peak, "peak_of_a_site": seen.peak_of_a_site, "requests": seen.requests}
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(said))


if __name__ == "__main__" and sys.argv[1:2] == ["serve"]:
    asyncio.run(_serve(int(sys.argv[2])))
elif __name__ == "__main__":
    main(sys.argv[1:])
