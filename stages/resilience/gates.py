"""Gates that calls pass before they are sent: how many at once, how many a minute, how far apart.

Each is one for the whole process: tasks of any event loop, in any thread, wait in one line and pass in the order in
which they came. A task that is cancelled leaves no place taken. Memory grows with who is inside or waits, and with
nothing else.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from stages.resilience.errors import OutOfTimeError
from stages.resilience.window import SlidingWindow, Ticket

_LONGEST_NAP: Final = 1.0
_SWEEP_ABOVE: Final = 1_024


class _Waiter:
    """A task that waits in line; ``granted`` is set and read under the gate's lock."""

    __slots__ = ("future", "granted", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.granted = False

    def wake(self) -> bool:
        """Hand it the place; False where it can no longer take one."""
        if self.future.done():
            return False
        try:
            if asyncio._get_running_loop() is self.loop:
                self.future.set_result(None)
            else:
                self.loop.call_soon_threadsafe(self._resolve)
        except RuntimeError:  # its loop is closed
            return False
        self.granted = True
        return True

    def _resolve(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class _Line:
    __slots__ = ("taken", "waiters")

    def __init__(self) -> None:
        self.taken = 0
        self.waiters: OrderedDict[_Waiter, None] = OrderedDict()


class ConcurrencyGate:
    """At most ``limit`` holders of each key at a time. Passing a free gate costs about a microsecond."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}

    def hold(self, key: str = "") -> "_Hold":
        """``async with gate.hold(key)``: a place while the block runs."""
        return _Hold(self, key)

    def taken(self, key: str = "") -> int:
        """How many hold a place."""
        with self._lock:
            line = self._lines.get(key)
            return line.taken if line else 0

    def waiting(self, key: str = "") -> int:
        """How many wait for one."""
        with self._lock:
            line = self._lines.get(key)
            return len(line.waiters) if line else 0

    @property
    def keys(self) -> int:
        """How many keys are remembered: those that somebody holds or waits for."""
        with self._lock:
            return len(self._lines)

    async def take(self, key: str = "") -> None:
        """Wait for a place; whoever took it gives it back by :meth:`give`, from any thread."""
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = _Line()
            if line.taken < self._limit:
                line.taken += 1
                return
            waiter = _Waiter()
            line.waiters[waiter] = None
        try:
            await waiter.future
        except BaseException:
            with self._lock:
                granted = waiter.granted
                line.waiters.pop(waiter, None)
            if granted:
                self.give(key)
            raise

    def give(self, key: str = "") -> None:
        """Give back a place: to whoever has waited longest, if anybody waits."""
        with self._lock:
            line = self._lines[key]
            while line.waiters:
                waiter, _ = line.waiters.popitem(last=False)
                if waiter.wake():
                    return
            line.taken -= 1
            if not line.taken:
                del self._lines[key]


class _Hold:
    __slots__ = ("_gate", "_key")

    def __init__(self, gate: ConcurrencyGate, key: str) -> None:
        self._gate = gate
        self._key = key

    async def __aenter__(self) -> None:
        await self._gate.take(self._key)

    async def __aexit__(self, *_: object) -> None:
        self._gate.give(self._key)


class RateGate:
    """At most so many requests and so many tokens in any ``period`` (seconds; a minute), whatever the moment.

    None is no limit. A call that alone has more tokens than the limit passes when nothing else was sent in the
    period, rather than never. Memory: a few numbers for each call of the last period.
    """

    def __init__(
        self,
        requests: int | None,
        tokens: int | None = None,
        *,
        period: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window = SlidingWindow(requests, tokens, period)
        self._lock = threading.Lock()
        self._turn = ConcurrencyGate(1)
        self._clock = clock

    async def take(self, tokens: int = 0) -> Ticket:
        """Wait until a call of so many tokens (an estimate) may be sent, and count it as sent."""
        async with self._turn.hold():
            while True:
                with self._lock:
                    now = self._clock()
                    wait = self._window.wait(now, tokens)
                    if wait <= 0:
                        return self._window.add(now, tokens)
                # another call may turn out shorter than its estimate: look again before all of it has passed
                await asyncio.sleep(min(wait, _LONGEST_NAP))

    def correct(self, ticket: Ticket, tokens: int) -> None:
        """Replace the estimate by what the call really took."""
        with self._lock:
            self._window.correct(ticket, tokens)


class _Pace:
    __slots__ = ("next", "waiting")

    def __init__(self) -> None:
        self.next = 0.0
        self.waiting = 0


class PaceGate:
    """Calls of one key at least so many seconds apart, one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._turns = ConcurrencyGate(1)
        self._paces: dict[str, _Pace] = {}

    async def turn(self, key: str, seconds: float, patience: float) -> None:
        """Wait until a call may begin, and let the next one begin ``seconds`` later.

        Raises :class:`OutOfTimeError` at once where the turn would come later than ``patience`` seconds from now.
        """
        with self._lock:
            pace = self._paces.get(key)
            if pace is None:
                if not seconds:
                    return
                pace = self._remember(key)
            expected = max(0.0, pace.next - self._clock()) + pace.waiting * seconds
            if expected > patience:
                raise OutOfTimeError(
                    f"The site wants {seconds:g} seconds between two requests, and this run does not last so long."
                    if seconds
                    else "The site asked for a pause that is longer than this run lasts."
                )
            pace.waiting += 1
        try:
            async with self._turns.hold(key):
                while True:
                    with self._lock:
                        now = self._clock()
                        wait = pace.next - now
                        if wait <= 0:
                            pace.next = now + seconds
                            return
                    await asyncio.sleep(wait)
        finally:
            with self._lock:
                pace.waiting -= 1

    def pause(self, key: str, seconds: float) -> None:
        """Let no call of this key begin for so long: the server asked for it."""
        with self._lock:
            pace = self._paces.get(key) or self._remember(key)
            pace.next = max(pace.next, self._clock() + seconds)

    def _remember(self, key: str) -> _Pace:
        if len(self._paces) >= _SWEEP_ABOVE:
            now = self._clock()
            self._paces = {k: pace for k, pace in self._paces.items() if pace.waiting or pace.next > now}
        return self._paces.setdefault(key, _Pace())
