"""What a model says of the pages of a run: each text is asked about once, and what was paid for is remembered.

Two links may lead to one page. That is told by its text, not by what the page calls its own address: many sites give
one for all their pages. So descriptions go by all that decides them, in a run and across archives alike.
"""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final, Protocol

from stages.enrich.pages.describe import (
    UnusableAnswer,
    describe,
    description_name,
    is_worth_asking,
    read_description,
    wanted_language,
)
from stages.enrich.pages.facts import PageFacts
from stages.resilience.errors import CallError, RefusedError, TransientError
from stages.settings import Settings

if TYPE_CHECKING:
    from stages.llm import Door

_BROKEN: Final = "The model's answer could not be taken in."
_GIVEN_UP: Final = "The run ended before the model had told of this page; it waits for the next one."


class Memory(Protocol):
    """Remembers descriptions by :func:`~stages.enrich.pages.describe.description_name`."""

    def remembered_words(self, name: str) -> Awaitable[str | None]: ...

    def remember_words(self, name: str, words: str) -> Awaitable[None]: ...


class Describer:
    """Belongs to one run and one event loop. ``fresh``: ask also what is remembered. ``remembered`` counts the
    descriptions that nobody had to be asked for."""

    def __init__(self, settings: Settings, memory: Memory, *, fresh: bool = False) -> None:
        self._language = settings.site.language
        self._model = settings.llm.model
        self._memory = memory
        self._fresh = fresh
        # as many as the provider lets in: a page is asked about to its last try before the next one begins, so that a
        # server that is down costs an attempt to few
        self._places = asyncio.Semaphore(settings.llm.concurrency)
        self._asked: dict[str, asyncio.Future[str | None]] = {}
        self.remembered = 0

    async def words(self, facts: PageFacts, door: "Door") -> str | None:
        """Two sentences about the page, None where it has too little text to ask anybody. Raises :class:`CallError`."""
        if not is_worth_asking(facts):
            return None
        name = description_name(facts, self._model, self._language)
        asked = self._asked.get(name)
        if asked is not None:
            return await asyncio.shield(asked)  # it is another link's too
        asked = self._asked[name] = asyncio.get_running_loop().create_future()
        asked.add_done_callback(lambda done: done.exception())  # perhaps nobody else waits for it
        try:
            words = await self._found(name, facts, door)
        except asyncio.CancelledError:
            asked.set_exception(RefusedError(_GIVEN_UP))
            raise
        except BaseException as error:
            asked.set_exception(error if isinstance(error, CallError) else TransientError(_BROKEN))
            raise
        asked.set_result(words)
        return words

    async def _found(self, name: str, facts: PageFacts, door: "Door") -> str | None:
        known = None if self._fresh else await self._memory.remembered_words(name)
        if known is not None:
            try:
                words = read_description(known, facts, wanted_language(facts, self._language))
            except UnusableAnswer:
                pass  # what was told of as much as a model reads holds numbers that this page does not
            else:
                self.remembered += 1
                return words
        async with self._places:
            told = await describe(facts, door, self._language)
        if told is not None:
            await self._memory.remember_words(name, told)
        return told
