"""A page server, and fetchers that may reach it: quick waits, breakers of their own."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stages.enrich.fetch import Fetched, Fetcher, FetchUsage, Shared
from stages.resilience.errors import CallError
from stages.settings import BreakerSettings, FetchSettings, RetrySettings
from tests.servers.pages import PageServer

LOOPBACK = ["127.0.0.0/8"]

Outcome = Fetched | CallError


class Fetching:
    """``fetch(*urls)`` fetches all of them at once by one fetcher; ``usage`` is that of the last one."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.fetch_settings: dict[str, Any] = {"allow_networks": LOOPBACK, "robots": False}
        self.retry = RetrySettings(attempts=4, wait_initial_seconds=0.001, wait_max_seconds=0.002)
        self.breaker = BreakerSettings(failures=100)
        self.more: dict[str, Any] = {}
        self.usage = FetchUsage()

    def settings(self, **changes: Any) -> "Fetching":
        self.fetch_settings |= changes
        return self

    def fetcher(self) -> Fetcher:
        return Fetcher(FetchSettings(**self.fetch_settings), self.retry, self.breaker, shared=self.shared, **self.more)

    def all(self, *urls: str, picture: bool = False) -> list[Outcome]:
        async def main() -> list[Outcome]:
            async with self.fetcher() as fetcher:
                ask = fetcher.picture if picture else fetcher.page
                outcomes = await asyncio.gather(*map(ask, urls), return_exceptions=True)
                self.usage = fetcher.usage
                for outcome in outcomes:
                    if not isinstance(outcome, Fetched | CallError):
                        raise outcome
                return outcomes  # type: ignore[return-value]

        return asyncio.run(main())

    def one(self, url: str, *, picture: bool = False) -> Fetched:
        outcome = self.all(url, picture=picture)[0]
        if isinstance(outcome, CallError):
            raise outcome
        return outcome

    def error(self, url: str, kind: type[CallError], *, picture: bool = False) -> str:
        """Fetch, and fail with exactly this class; returns the sentence."""
        outcome = self.all(url, picture=picture)[0]
        assert isinstance(outcome, kind), outcome
        assert self.usage.errors == {outcome.error_class: 1}
        return str(outcome)


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer() as server:
        yield server


@pytest.fixture
def fetching() -> Fetching:
    return Fetching()


Serve = Callable[..., PageServer]
