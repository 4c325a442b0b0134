"""Links to enrichments: remembered or fetched, read, told in few words, with the picture of their card.

One event loop for all batches of a run, in a thread of its own: so sites are asked for their robots.txt once, and
connections and the processes that read pages are used again. What blocks (pages taken apart, pictures, the cache) is
done beside it. Of the chat nothing is sent but the address; to a model nothing but what the page says.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeAlias

from stages.archive.records import Enrichment, Failure
from stages.enrich.concealed import is_altered
from stages.enrich.outcomes import LinksRead, LinkUsage, Outcome, recorded, spelt, undescribed
from stages.enrich.store import Task
from stages.enrich.web import Web
from stages.errors import StreamlinerError
from stages.resilience.errors import BreakerOpenError, CallError, NoNetworkError, PermanentError, RefusedError
from stages.settings import Settings

if TYPE_CHECKING:
    from stages.enrich.media import Picture
    from stages.enrich.pages.cache import CachedPage
    from stages.enrich.pages.describer import Describer
    from stages.enrich.pages.facts import PageFacts
    from stages.llm import Door

Conceal: TypeAlias = Callable[[str], str]

SCRATCH: Final = ".work"
_KEPT_AT_ONCE: Final = 16
"""Pages that are remembered by one statement."""
_CLOSED: Final = "The run ended before the link was read; it waits for the next one."


class Doors(Protocol):
    """Hands out doors to the model that share what a run may cost."""

    def door(self, settings: Settings) -> "Door": ...


class LinkReader:
    """Reads the links of a run's batches, from any thread; a context manager. Nothing starts before the first link.

    ``cache``: the folder of remembered pages, None for none; ``secret`` makes them this person's own. ``fresh``: read
    anew what is remembered. ``doors``: where a model may be asked. ``conceal`` hides the chat's people in what pages
    say. ``stopped``: once it is set, what is not done waits. ``say`` gets what a person must know, once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        media_dir: Path,
        conceal: Conceal,
        cache: Path | None = None,
        secret: bytes = b"",
        fresh: bool = False,
        doors: Doors | None = None,
        stopped: threading.Event | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._usage = LinkUsage()
        self._settings = settings
        self._media = media_dir
        self._conceal = conceal
        self._fresh = fresh
        self._doors = doors
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        # these belong to the loop
        self._halted: RefusedError | None = None
        self._working: set[asyncio.Task[Any]] = set()
        self._telling: set[asyncio.Task[Any]] = set()
        self._describer: Describer | None = None
        self._drawing = asyncio.Semaphore(settings.performance.max_workers)
        self._web = Web(
            settings, cache=cache, secret=secret, stopped=stopped or threading.Event(), say=say, halt=self._halt
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def usage(self) -> LinkUsage:
        """What was done so far."""
        self._usage.fetch = self._web.usage
        self._usage.recalled = self._describer.remembered if self._describer else 0
        return self._usage

    def begin(self, tasks: Sequence[Task]) -> Future[LinksRead]:
        """Read a batch of links. No single link makes it fail; :class:`StreamlinerError` where ``media_dir`` cannot be
        written. A link that waits (no network, no time, a site that is left alone) is a failure of class ``refused``. A
        page that was read and that no model would tell of is a failure too, with all that is known of it.
        """
        with self._lock:
            if self._closed:
                return _none_read(tasks)
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(self._batch(tasks), self._loop)

    def close(self) -> None:
        """Give up what is not done, and end the processes and connections. Closing twice is harmless."""
        with self._lock:
            loop, self._loop = self._loop, None
            self._closed = True
        if loop is None or self._thread is None:
            return
        with suppress(Exception):  # what cannot be closed in order ends with the process
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(timeout=30)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()

    async def _end(self) -> None:
        self._web.halt(RefusedError(_CLOSED))
        while self._working:
            await asyncio.sleep(0.01)
        await self._web.close()
        await asyncio.get_running_loop().shutdown_default_executor()

    async def _batch(self, tasks: Sequence[Task]) -> LinksRead:
        asked = [task.value for task in tasks if not is_altered(task.value)]
        known = {} if self._fresh else await self._web.remembered(asked)
        learnt: dict[str, CachedPage] = {}
        door = self._door()
        work = [self._one(task, self._link(task, known.get(task.value), learnt, door)) for task in tasks]
        outcomes: list[Outcome] = []
        for outcome in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            outcomes.append(outcome)
        await self._keep(learnt)
        usage = door.usage if door else None
        return LinksRead(outcomes, usage.calls if usage else 0, usage.cost_usd if usage else 0.0)

    async def _one(self, task: Task, link: Coroutine[Any, Any, Outcome]) -> Outcome:
        work = asyncio.current_task()
        assert work is not None
        self._working.add(work)
        try:
            return await link
        except asyncio.CancelledError:
            if self._halted is None:
                raise
            return Failure(task.key, self._halted.error_class, str(self._halted))
        except CallError as error:
            if isinstance(error, NoNetworkError):
                self._usage.offline = True
                self._web.halt_offline(error)
            return Failure(task.key, error.error_class, str(error))
        except StreamlinerError:
            raise
        except Exception as error:  # noqa: BLE001 - one link of a thousand must not cost the others
            return Failure(task.key, "transient", f"The page could not be taken in ({type(error).__name__}).")
        finally:
            self._working.discard(work)
            self._telling.discard(work)

    def _halt(self, error: RefusedError) -> None:
        """Let every link that is not done wait."""
        self._halted = error
        offline = isinstance(error, NoNetworkError)
        self._usage.offline = self._usage.offline or offline
        own = asyncio.current_task()  # the link that found it out says so itself
        # a model may be on this machine, and its page is there already
        for work in self._working - {own} - (self._telling if offline else set()):
            work.cancel()

    async def _link(
        self, task: Task, known: "CachedPage | None", learnt: "dict[str, CachedPage]", door: "Door | None"
    ) -> Outcome:
        from stages.enrich.pages.cache import CachedPage

        if is_altered(task.value):
            self._usage.altered += 1
            return recorded(task)
        if known is not None and known.facts is None and not task.tried:
            self._usage.remembered += 1
            raise PermanentError(known.reason or "The page could not be had.")
        if known is not None and known.facts is not None:
            self._usage.remembered += 1
            facts, digest = known.facts, known.picture
        else:
            try:
                facts, digest = await self._web.page(task.value), None
            except CallError as error:
                learnt[task.value] = CachedPage(error_class=error.error_class, reason=str(error))
                raise
            self._usage.pages += 1
            learnt[task.value] = CachedPage(facts)
        picture = await self._card(facts, digest)
        if picture is not None and picture.sha256 != digest:
            learnt[task.value] = CachedPage(facts, picture.sha256)
        if len(learnt) >= _KEPT_AT_ONCE:  # a run that is killed has them remembered
            await self._keep(learnt)
        plain = await asyncio.to_thread(self._plain, task, facts, picture)  # the first takes in all names
        return plain if door is None else await self._described(task, plain, facts, door)

    async def _described(self, task: Task, plain: Enrichment, facts: "PageFacts", door: "Door") -> Outcome:
        """The page in a model's words where it is worth asking; what is known of it is lost in no case."""
        work = asyncio.current_task()
        assert work is not None
        self._telling.add(work)
        try:
            words = await self._describes().words(await asyncio.to_thread(self._hidden, facts), door)
        except asyncio.CancelledError:
            if self._halted is None:
                raise
            return self._untold(task, plain, self._halted)
        except CallError as error:
            return self._untold(task, plain, error)
        if words is None:
            return plain
        self._usage.described += 1
        text = await asyncio.to_thread(self._conceal, words)
        return replace(plain, text=text, told_by=self._settings.llm.model)

    def _hidden(self, facts: "PageFacts") -> "PageFacts":
        """What a model is given of a page, the chat's people hidden in it: a stranger's page may name them."""
        from stages.enrich.pages.describe import MAX_TEXT

        return replace(
            facts,
            title=self._concealed(facts.title),
            site=self._concealed(facts.site),
            description=self._concealed(facts.description),
            text=self._concealed(facts.text[:MAX_TEXT] if facts.text else None),
        )

    def _concealed(self, text: str | None) -> str | None:
        return self._conceal(text) if text else None

    def _untold(self, task: Task, plain: Enrichment, error: CallError) -> Failure:
        self._usage.undescribed += 1
        refused = isinstance(error, RefusedError)
        tried_enough = task.attempts + 1 >= self._settings.retry.attempts
        if refused or (error.error_class != "permanent" and not tried_enough):
            self._usage.to_describe += 1
        return undescribed(plain, error)

    def _describes(self) -> "Describer":
        if self._describer is None:
            from stages.enrich.pages.describer import Describer

            self._describer = Describer(self._settings, self._web, fresh=self._fresh)
        return self._describer

    async def _keep(self, learnt: "dict[str, CachedPage]") -> None:
        pages = dict(learnt)
        learnt.clear()
        await self._web.remember(pages)

    async def _card(self, facts: "PageFacts", digest: str | None) -> "Picture | None":
        """The picture of a page's card, stored; None where it has none that can be had: it is worth no other run."""
        from stages.enrich.media import UnusablePictureError, store_picture

        if facts.picture is None or not self._settings.fetch.pictures:
            return None
        data = await self._web.remembered_picture(digest) if digest else None
        remembered = data is not None
        try:
            if data is None:
                data = await self._web.picture(facts.picture)
            async with self._drawing:
                enrich = self._settings.enrich
                picture = await asyncio.to_thread(
                    store_picture,
                    data,
                    self._media,
                    self._media.parent / SCRATCH,
                    widths=sorted(enrich.picture_sizes)[:1],
                    max_pixels=enrich.picture_max_pixels,
                )
        except (BreakerOpenError, UnusablePictureError):
            return None
        except RefusedError:  # no network, no time: the link is taken up when there is
            raise
        except CallError:
            return None
        self._usage.pictures += 1
        if not remembered:
            await self._web.remember_picture(picture.sha256, data)
        return picture

    def _plain(self, task: Task, facts: "PageFacts", picture: "Picture | None") -> Enrichment:
        """The page by its own words."""
        from stages.enrich.pages.gist import gist

        told = Enrichment(
            task.key,
            task.kind,
            task.value,
            title=self._concealed(facts.title) or spelt(task.value),
            text=self._concealed(gist(facts, self._settings.site.language)),
            site=self._concealed(facts.site),
            published=facts.published,
            language=facts.language,
            fetched=True,
        )
        if picture is None:
            return told
        return replace(
            told,
            mime=picture.mime,
            width=picture.width,
            height=picture.height,
            sha256=picture.sha256,
            files=picture.files,
            sizes=picture.sizes,
            preview=picture.preview,
        )

    def _door(self) -> "Door | None":
        from stages.llm.destination import is_offline

        if self._doors is None or not self._settings.enrich.describe_pages or is_offline(self._settings.llm.model):
            return None
        return self._doors.door(self._settings)


def _none_read(tasks: Sequence[Task]) -> Future[LinksRead]:
    future: Future[LinksRead] = Future()
    future.set_result(LinksRead([Failure(task.key, RefusedError.error_class, _CLOSED) for task in tasks]))
    return future
