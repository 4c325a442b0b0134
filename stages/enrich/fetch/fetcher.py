"""Links to bytes: every hop judged, every site asked politely, every failure of one class.

A link passes, hop by hop: its address is judged, robots.txt asked, its turn at the site and a place in the process
awaited, the breaker asked, one request sent. Waiting in line costs a link nothing of its time; being answered does.
"""

import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final

from stages.enrich.fetch.addresses import AddressGuard
from stages.enrich.fetch.answers import DeniedError
from stages.enrich.fetch.client import Ask, Client, Reply
from stages.enrich.fetch.connections import Flight
from stages.enrich.fetch.content import PAGE, Wanted, actual_type, check_type, declared, picture_types
from stages.enrich.fetch.links import Link, join, read_link
from stages.enrich.fetch.network import Lookup, Names
from stages.enrich.fetch.records import Fetched, FetchUsage
from stages.enrich.fetch.robots import LONGEST as LONGEST_ROBOTS
from stages.enrich.fetch.robots import Robots
from stages.enrich.fetch.shared import PROCESS, Shared
from stages.enrich.fetch.turns import BEGIN, SEND, Turns
from stages.enrich.fetch.walk import Walk
from stages.resilience.deadline import Deadline
from stages.resilience.errors import CallError, PermanentError, ThrottledError, TransientError
from stages.resilience.retry import RetryPolicy, retrying
from stages.settings import BreakerSettings, FetchSettings, RetrySettings

_MEGABYTE: Final = 1_000_000
_ROBOTS_REDIRECTS: Final = 5
_A_TURN: Final = 8
_ROBOTS: Final = Ask("text/plain,*/*;q=0.1", LONGEST_ROBOTS, lambda _: None, cut=True)
PATIENCE_SECONDS: Final = 60.0
"""The longest that a link waits for its turn where a site asks for a delay, unless the run ends earlier."""


class _Settled(Exception):
    """An error that is final for this link although its class is tried again elsewhere."""

    def __init__(self, error: CallError) -> None:
        self.error = error


class Fetcher:
    """Fetches any number of links at once; made, used and closed in one event loop.

    Limits, paces and breakers are those of ``shared``, by default the process's own, so fetchers in several threads
    add nothing to them. A fetched body is in memory as a whole, of at most ``page_max_mb``; a link that waits costs
    a few kilobytes. Redirects may lead from https to http: nothing secret is ever sent, and every hop is judged anew.

    Both methods raise a :class:`CallError`: PermanentError, TransientError and ThrottledError (after all tries), or
    a RefusedError (no network, breaker open, no time left), after which the link waits and counts no attempt.
    """

    def __init__(
        self,
        settings: FetchSettings,
        retry: RetrySettings,
        breaker: BreakerSettings,
        *,
        deadline: Deadline | None = None,
        shared: Shared = PROCESS,
        lookup: Lookup = socket.getaddrinfo,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._settings = settings
        self._policy = RetryPolicy.of(retry)
        self._breaker_settings = breaker
        self._deadline = deadline or Deadline(None)
        self._shared = shared
        self._patience = patience_seconds
        self._limit = max(1, int(settings.page_max_mb * _MEGABYTE))
        self._in_all = shared.gate("all", settings.connections)
        self._per_site = shared.gate("site", settings.connections_per_host)
        self._turns = Turns(_A_TURN)
        guard = AddressGuard(settings.allow_networks)
        self.usage = FetchUsage()
        self._names = Names(guard, shared.names, settings.connect_timeout_seconds, lookup)
        self._client = Client(guard, settings.connect_timeout_seconds, self.usage, self._turns)
        self._robots = Robots(self._load_robots)
        self._pictures = picture_types()

    async def __aenter__(self) -> "Fetcher":
        await self._client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._robots.close()
        await self._names.close()
        await self._client.close()

    async def page(self, url: str) -> Fetched:
        """HTML, XHTML, plain text or PDF."""
        return await self._counted(url, PAGE)

    async def picture(self, url: str) -> Fetched:
        """A picture of a type that is read here; its bytes are not looked into."""
        return await self._counted(url, self._pictures)

    async def _counted(self, url: str, wanted: Wanted) -> Fetched:
        try:
            await self._turns.wait(BEGIN)
            link = read_link(url)
            if self._deadline.endless:
                fetched = await self._fetch(url, link, wanted)
            else:
                async with self._deadline.kept():
                    fetched = await self._fetch(url, link, wanted)
        except CallError as error:
            self.usage.errors[error.error_class] += 1
            raise
        self.usage.fetched += 1
        return fetched

    async def _fetch(self, url: str, link: Link, wanted: Wanted) -> Fetched:
        def judge(headers: Mapping[str, str]) -> None:
            check_type(declared(headers.get("Content-Type"))[0], wanted)

        walk = Walk(link, self._settings.max_redirects)
        ask = Ask(wanted.accept, self._limit, judge)
        try:
            reply = await self._follow(walk, ask, robots=self._settings.robots)
        except _Settled as settled:
            raise settled.error from None
        if not reply.body:
            raise PermanentError("The site answered with nothing.")
        mime, charset = declared(reply.headers.get("Content-Type"))
        mime = actual_type(mime, reply.body, wanted)
        return Fetched(url, walk.link.url, reply.status, mime, charset, reply.body)

    async def _load_robots(self, robots: Link) -> bytes:
        walk = Walk(robots, _ROBOTS_REDIRECTS)
        try:
            return (await self._follow(walk, _ROBOTS, robots=False)).body
        except PermanentError as error:
            if walk.hops:  # a redirect that leads to nothing we may read: as if there were no file
                raise DeniedError(str(error)) from None
            raise

    async def _follow(self, walk: Walk, ask: Ask, *, robots: bool) -> Reply:
        """The answer at the end of all redirects, after as many tries as it takes."""

        async def attempt() -> Reply:
            walk.begin(self._settings.total_timeout_seconds)
            self.usage.retries += walk.tries > 1
            while True:
                reply = await self._hop(walk, ask, robots)
                if reply.location is None:
                    return reply
                walk.follow(join(walk.link, reply.location))

        return await _tried(attempt, self._policy)

    async def _hop(self, walk: Walk, ask: Ask, robots: bool) -> Reply:
        """One request, from the judgement of its address to the end of its answer."""
        link = walk.link
        addresses = await self._names.of(link)
        delay = await self._asked_delay(link) if robots else 0.0
        await self._shared.paces.turn(link.site, delay, min(self._patience, self._deadline.remaining))
        breaker = self._shared.breaker(link.site, self._breaker_settings)
        self.usage.hosts[link.site] = breaker
        # first a place at the site, then one in all: who waits for a busy site keeps nobody else out
        async with self._per_site.hold(link.site), self._in_all.hold():
            await self._turns.wait(SEND)
            flight = Flight(addresses, walk.remaining)
            permit = breaker.enter()
            started = time.monotonic()
            try:
                return await self._client.exchange(link, ask, flight)
            except ThrottledError as error:
                if error.retry_after:
                    # for all links of the site: each would be told the same
                    self._shared.paces.pause(link.site, min(error.retry_after, self._policy.wait_max))
                raise
            finally:
                getattr(permit, flight.health)()
                walk.spend(time.monotonic() - started)

    async def _asked_delay(self, link: Link) -> float:
        """The seconds between two requests that the site asks for. Raises where its robots.txt says no."""
        try:
            rules = await self._robots.rules(link)
        except CallError as error:
            # it had its tries; the link's own would only find it again
            raise _Settled(error) from None
        if not await rules.allows(link):
            raise PermanentError("The site's robots.txt asks robots to leave this page alone.")
        return rules.delay


async def _tried(attempt: Callable[[], Awaitable[Reply]], policy: RetryPolicy) -> Reply:
    """:func:`retrying`, whose machinery costs as much as a request, set up only where the first try failed."""
    try:
        return await attempt()
    except (TransientError, ThrottledError) as error:
        first: list[CallError] = [error]

    async def again() -> Reply:
        if first:
            raise first.pop()
        return await attempt()

    return await retrying(again, policy)
