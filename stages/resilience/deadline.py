"""A moment after which nothing new begins and what still runs is given up, for a batch and for a run."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stages.resilience.errors import OutOfTimeError


class Deadline:
    """So many seconds from now; None is never. A value that any thread and event loop may share."""

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = math.inf if seconds is None else clock() + seconds

    @property
    def remaining(self) -> float:
        """Seconds that are left, 0 when it has passed, infinity where there is no end."""
        return max(0.0, self._end - self._clock())

    @property
    def endless(self) -> bool:
        """Whether there is none."""
        return math.isinf(self._end)

    @property
    def passed(self) -> bool:
        return self.remaining <= 0

    def within(self, seconds: float | None) -> "Deadline":
        """The deadline of a part, for example a batch of this run: ``seconds`` from now, but never later than this."""
        part = Deadline(seconds, self._clock)
        part._end = min(part._end, self._end)
        return part

    def check(self) -> None:
        """Raises :class:`OutOfTimeError` when it has passed."""
        if self.passed:
            raise OutOfTimeError("The time for this run is over; what is left waits for the next one.")

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """A block that is cancelled when the time is over, and then raises :class:`OutOfTimeError`.

        A time-out of something inside, or a cancellation from outside, passes through as it is.
        """
        self.check()
        if self.endless:
            yield
            return
        timeout = asyncio.timeout(self.remaining)
        try:
            async with timeout:
                yield
        except TimeoutError:
            if not timeout.expired():
                raise
            self.check()
            raise OutOfTimeError("The time for this run is over; what is left waits for the next one.") from None
