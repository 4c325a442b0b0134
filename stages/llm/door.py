"""The door: one call through it is one answer, however many tries that takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any, Final

from stages.llm.destination import is_loopback, is_offline
from stages.llm.offline import Messages, complete_offline
from stages.llm.refusals import Refusals
from stages.llm.usage import Call, Counters, Reply, Usage
from stages.resilience.breaker import CircuitBreaker
from stages.resilience.errors import (
    CallError,
    CostLimitError,
    ModelRefusedError,
    PermanentError,
    RefusedError,
    TransientError,
)
from stages.resilience.retry import RetryPolicy, retrying
from stages.settings import BreakerSettings, Settings

TEXT: Final = "text"
PICTURE: Final = "picture"
SOUND: Final = "sound"


class _Provider:
    """What all doors of this process to one model at one address share: its breaker and its places."""

    def __init__(self, breaker: BreakerSettings, places: int) -> None:
        self.breaker = CircuitBreaker.of(breaker)
        self.places = asyncio.Semaphore(places)


_providers: Final[dict[tuple[object, ...], _Provider]] = {}
_providers_lock: Final = Lock()


class Door:
    """Asks the model of ``settings.llm``; any number of doors, threads and event loops share its limit and breaker.

    ``limit_cost``: US dollars after which this door sends nothing more. ``may_call``: asked before each call, for a
    limit that several doors share. What is in flight when a limit is reached is finished and paid for. ``refusals``:
    what several doors know together of models that refuse the key or themselves, and are not asked again. ``on_call``
    is told of every request that was sent, in the event loop of all model calls, which it must not hold up.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        limit_cost: float | None = None,
        may_call: Callable[[], bool] | None = None,
        refusals: Refusals | None = None,
        on_call: Callable[[Call], None] | None = None,
    ) -> None:
        self.settings = settings
        self.model = settings.llm.model
        self.offline = is_offline(self.model)
        self._limit_cost = limit_cost
        self._may_call = may_call
        self._refusals = refusals or Refusals()
        self._on_call = on_call or (lambda _: None)
        self._counters = Counters()
        self._policy = RetryPolicy.of(settings.retry)
        self._provider = None if self.offline else _shared_provider(settings)

    @property
    def usage(self) -> Usage:
        """The totals so far."""
        return self._counters.snapshot()

    @property
    def breaker_state(self) -> str | None:
        """Whether the provider is being asked (closed, open, probing); None for the offline model, which has none."""
        return self._provider.breaker.state if self._provider else None

    async def complete(
        self, messages: Messages, *, max_tokens: int | None = None, temperature: float | None = None
    ) -> Reply:
        """One answer to a prompt (``role`` and ``content`` each), tried again as its failures allow.

        Raises :class:`CallError`: of the last try, or :class:`RefusedError` where nothing (more) may be sent.
        """
        if self.offline:
            return self.complete_offline(messages)
        from stages.llm.remote import send

        llm = self.settings.llm
        return await self._ask(
            TEXT if all(isinstance(message["content"], str) for message in messages) else PICTURE,
            lambda: send(
                self.model,
                messages,
                **self._server(),
                max_tokens=llm.max_tokens if max_tokens is None else max_tokens,
                temperature=llm.temperature if temperature is None else temperature,
            ),
        )

    async def transcribe(
        self, sound: bytes, name: str, mime: str, *, language: str | None = None, seconds: float | None = None
    ) -> Reply:
        """What is said in a sound, by a door whose model transcribes; counted, limited and retried like a completion.

        ``name`` tells the provider the format by its ending and is all it learns of the file. ``language`` (ISO 639-1)
        is what is spoken, where that is known; ``seconds`` is the length, by which transcripts are priced.

        Raises :class:`CallError` as :meth:`complete` does, and :class:`PermanentError` at the offline model's door.
        """
        if self.offline:
            raise PermanentError("The offline model transcribes nothing.")
        from stages.llm.speech import hear

        return await self._ask(
            SOUND,
            lambda: hear(self.model, (name, sound, mime), **self._server(), language=language, seconds=seconds),
        )

    def check(self, use: str) -> None:
        """Raises :class:`ModelRefusedError` where this model has refused such a call before: a caller can spare itself
        what it takes to make one. ``use`` is ``TEXT``, ``PICTURE`` or ``SOUND``."""
        self._refusals.check(self.model, use)

    def _server(self) -> dict[str, Any]:
        llm = self.settings.llm
        return {
            "api_base": llm.api_base,
            "api_key": llm.api_key.get_secret_value() if llm.api_key else None,
            "direct": llm.api_base is not None and is_loopback(llm.api_base),
            "timeout": llm.timeout_seconds,
        }

    async def _ask(self, use: str, request: Callable[[], Awaitable[Reply]]) -> Reply:
        from stages.llm.remote import on_model_loop

        async def attempt() -> Reply:
            return await self._attempt(use, request)

        return await on_model_loop(retrying(attempt, self._policy))

    def complete_offline(self, messages: Messages) -> Reply:
        """The answer of the offline model, whatever model this door leads to; counted like any call."""
        self._counters.sent()
        reply = complete_offline(messages)
        self._counters.answered(reply)
        return reply

    async def _attempt(self, use: str, request: Callable[[], Awaitable[Reply]]) -> Reply:
        assert self._provider is not None
        async with self._provider.places:
            try:
                self.check(use)
                self._check_cost()
                permit = self._provider.breaker.enter()
            except (RefusedError, ModelRefusedError):
                self._counters.refused()
                raise
            self._counters.sent()
            started = time.perf_counter()

            def tell(outcome: str, *answered: Any) -> None:
                seconds = round(time.perf_counter() - started, 3)
                self._on_call(Call(self.model, use, outcome, seconds, *answered))

            try:
                reply = await request()
            except TransientError as error:
                permit.failed()
                self._counters.failed(error.error_class)
                tell(error.error_class)
                raise
            except CallError as error:
                permit.succeeded()
                self._counters.failed(error.error_class)
                tell(error.error_class)
                if isinstance(error, ModelRefusedError):
                    self._refusals.remember(self.model, use, error)
                raise
            except BaseException:
                permit.abandoned()
                tell("given_up")
                raise
            permit.succeeded()
            self._counters.answered(reply)
            tell("answered", reply.tokens_in, reply.tokens_out, reply.cost_usd)
            return reply

    def _check_cost(self) -> None:
        spent_up = self._limit_cost is not None and self._counters.spent >= self._limit_cost
        if spent_up or not (self._may_call is None or self._may_call()):
            raise CostLimitError("The limit of cost is reached; no more calls are sent.")


def _shared_provider(settings: Settings) -> _Provider:
    llm = settings.llm
    key = (llm.model, llm.api_base, llm.concurrency, settings.breaker.failures, settings.breaker.reset_seconds)
    with _providers_lock:
        if key not in _providers:
            _providers[key] = _Provider(settings.breaker, llm.concurrency)
        return _providers[key]
