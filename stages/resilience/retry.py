"""Tries of one item: exponential backoff with full jitter, a server's Retry-After honoured up to a cap.

This is the only layer that repeats a single call; the clients under it have their own retries off, because layers
multiply. There is no wait after the last try.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from stages.resilience.errors import CallError, ThrottledError, TransientError
from stages.settings import RetrySettings

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """``attempts`` counts the first try; waits are in seconds."""

    attempts: int
    wait_initial: float
    wait_max: float

    @classmethod
    def of(cls, settings: RetrySettings) -> "RetryPolicy":
        return cls(settings.attempts, settings.wait_initial_seconds, settings.wait_max_seconds)

    def wait(self, tries: int, error: CallError, draw: Callable[[float, float], float] = random.uniform) -> float:
        """Seconds to wait after the ``tries``-th try (1 is the first) failed with ``error``; at most ``wait_max``.

        Full jitter, anything from 0 to the backoff, spreads out calls that failed together.
        """
        if isinstance(error, ThrottledError) and error.retry_after is not None:
            return min(max(error.retry_after, 0.0), self.wait_max)
        return draw(0.0, min(self.wait_max, self.wait_initial * 2.0 ** min(tries - 1, 60)))


async def retrying(call: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """Await ``call()`` until it succeeds, at most ``policy.attempts`` times; the last error is raised.

    Only transient and throttled errors are tried again; every other exception passes through at once.
    """
    import stamina
    import stamina.instrumentation

    # its default hooks log to standard error and look for Prometheus; the counters of the caller say it all
    stamina.instrumentation.set_on_retry_hooks(())
    tries = 0

    def backoff(error: Exception) -> bool | float:
        if isinstance(error, TransientError | ThrottledError):
            return policy.wait(tries, error)
        return False

    async for attempt in stamina.retry_context(on=backoff, attempts=policy.attempts, timeout=None):
        with attempt:
            tries += 1
            return await call()
    raise AssertionError("a retry ends with a result or an error")
