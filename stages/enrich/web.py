"""What a run has of the web: one client, the processes that read pages, what is remembered, and when to give up.

All of it belongs to one event loop and is made when the first page is to be fetched, not before.
"""

import asyncio
import contextvars
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stages.resilience.errors import NoNetworkError, RefusedError
from stages.settings import Settings

if TYPE_CHECKING:
    from stages.enrich.fetch import Fetcher, FetchUsage
    from stages.enrich.pages.cache import CachedPage, PageCache
    from stages.enrich.pages.facts import PageFacts
    from stages.enrich.pages.readers import PageReaders

_LOOK_SECONDS: Final = 0.1
_SILENCE_SECONDS: Final = 2.0
"""Seconds without one request after which it is asked whether names are answered at all."""
_ANSWER_SECONDS: Final = 3.0
_STOPPED: Final = "The run was stopped; the link waits for the next one."


class Web:
    """``halt`` is called once, with why nothing more is to be fetched: no network, or ``stopped`` was set."""

    def __init__(
        self,
        settings: Settings,
        *,
        cache: Path | None,
        secret: bytes,
        stopped: threading.Event,
        say: Callable[[str], None],
        halt: Callable[[RefusedError], None],
    ) -> None:
        self._settings = settings
        self._cache_folder = cache
        self._secret = secret
        self._stopped = stopped
        self._say = say
        self._on_halt = halt
        self._halted: RefusedError | None = None
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._remembering = asyncio.Lock()
        self._made: tuple[Fetcher, PageReaders] | None = None
        self._cache: PageCache | None = None
        self.usage: FetchUsage | None = None

    async def page(self, link: str) -> "PageFacts":
        """Fetch and read. Raises :class:`CallError`."""
        fetcher, readers = await self._opened()
        fetched = await fetcher.page(link)
        return await readers.read(fetched.body, fetched.mime, fetched.charset, fetched.final_url)

    async def picture(self, link: str) -> bytes:
        """The bytes of a picture. Raises :class:`CallError`."""
        fetcher, _ = await self._opened()
        return (await fetcher.picture(link)).body

    async def remembered(self, links: Sequence[str]) -> "Mapping[str, CachedPage]":
        """What is remembered of these links; one look-up."""
        if not links or (cache := await self._opened_cache()) is None:
            return {}
        return await asyncio.to_thread(cache.look_up, links, datetime.now(UTC))

    async def remember(self, pages: "Mapping[str, CachedPage]") -> None:
        """Keep what was learnt of a batch; one statement."""
        if pages and (cache := await self._opened_cache()) is not None:
            await asyncio.to_thread(cache.keep, pages, datetime.now(UTC))

    async def remembered_picture(self, digest: str) -> bytes | None:
        if (cache := await self._opened_cache()) is None:
            return None
        return (await asyncio.to_thread(cache.pictures, [digest], datetime.now(UTC))).get(digest)

    async def remember_picture(self, digest: str, data: bytes) -> None:
        if (cache := await self._opened_cache()) is not None:
            await asyncio.to_thread(cache.keep_pictures, {digest: data}, datetime.now(UTC))

    async def remembered_words(self, name: str) -> str | None:
        """What a model told, by the name of what it was asked."""
        if (cache := await self._opened_cache()) is None:
            return None
        return (await asyncio.to_thread(cache.descriptions, [name], datetime.now(UTC))).get(name)

    async def remember_words(self, name: str, words: str) -> None:
        if (cache := await self._opened_cache()) is not None:
            await asyncio.to_thread(cache.keep_descriptions, {name: words}, datetime.now(UTC))

    async def _opened_cache(self) -> "PageCache | None":
        if self._cache_folder is None:
            return None
        async with self._remembering:
            if self._cache is None:
                self._cache = await asyncio.to_thread(self._open_cache, self._cache_folder)
        return self._cache

    def halt(self, error: RefusedError) -> None:
        """Fetch nothing more: whoever asks is told ``error``."""
        if self._halted is None:
            self._halted = error
            self._on_halt(error)

    def halt_offline(self, error: NoNetworkError) -> None:
        """There is no network. Where networks of one's own are allowed, one of them may be near all the same."""
        if not self._settings.fetch.allow_networks:
            self.halt(error)

    async def close(self) -> None:
        await self._stack.aclose()

    async def _opened(self) -> "tuple[Fetcher, PageReaders]":
        async with self._opening:
            if self._halted is not None:
                raise type(self._halted)(str(self._halted))
            if self._made is None:
                self._made = await self._open()
            return self._made

    async def _open(self) -> "tuple[Fetcher, PageReaders]":
        from stages.enrich.fetch import Fetcher
        from stages.enrich.fetch.network import OFFLINE, has_route
        from stages.enrich.pages.readers import PageReaders
        from stages.resilience.deadline import Deadline

        settings = self._settings
        if not settings.fetch.allow_networks and not has_route():
            raise NoNetworkError(OFFLINE)
        readers = await self._stack.enter_async_context(PageReaders(settings.performance.max_workers))
        deadline = Deadline(settings.fetch.run_timeout_seconds)
        fetcher = Fetcher(settings.fetch, settings.retry, settings.breaker, deadline=deadline)
        await self._stack.enter_async_context(fetcher)
        self.usage = fetcher.usage
        # a context of its own: it lives longer than the link that happened to be first
        watch = asyncio.create_task(self._watch(fetcher), context=contextvars.Context())
        self._stack.callback(watch.cancel)
        return fetcher, readers

    def _open_cache(self, folder: Path) -> "PageCache":
        from stages.enrich.pages.cache import PageCache

        fetch = self._settings.fetch
        decides = (fetch.allow_networks, fetch.page_max_mb, fetch.max_redirects, fetch.robots)
        policy = " ".join(map(str, (*decides, fetch.total_timeout_seconds)))
        cache = PageCache(folder, days=fetch.cache_days, say=self._say, secret=self._secret, policy=policy)
        self._stack.callback(cache.close)
        return cache

    async def _watch(self, fetcher: "Fetcher") -> None:
        """A person may stop the run; and a name server that never answers must not keep every link waiting."""
        from stages.enrich.fetch.network import OFFLINE

        started, there = time.monotonic(), bool(self._settings.fetch.allow_networks)
        while self._halted is None:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._stopped.is_set():
                self.halt(RefusedError(_STOPPED))
            there = there or fetcher.usage.requests > 0
            if not there and time.monotonic() - started > _SILENCE_SECONDS:
                there = await names_are_answered() or fetcher.usage.requests > 0
                if not there:
                    self.halt(NoNetworkError(OFFLINE))


async def names_are_answered(seconds: float = _ANSWER_SECONDS) -> bool:
    """Whether anybody answers for one of the names that are always there, within so many seconds."""
    from stages.enrich.fetch.network import ALWAYS_THERE

    loop = asyncio.get_running_loop()
    answers: asyncio.Queue[bool] = asyncio.Queue()

    def ask(name: str) -> None:
        try:
            answer = bool(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
        except OSError:
            answer = False
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(answers.put_nowait, answer)

    for name in ALWAYS_THERE:
        threading.Thread(target=ask, args=(name,), name="names", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            for _ in ALWAYS_THERE:
                if await answers.get():
                    return True
    except TimeoutError:
        pass
    return False
