"""An event loop on a clock of its own: waits take what they take, work takes the processor seconds of this process.

What it measures is what a machine would need that does nothing else, however busy this one is. Client and server run
in the same loop, so a server's work is counted against its client.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_A_THREAD: Final = 0.0005
"""Seconds that other threads get, by the true clock, before a wait is taken for one that only a timer ends."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(min(timeout, _A_THREAD) if timeout > 0 else 0)
        if not ready and timeout > 0:
            self.waited += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._waits = _Selector()
        super().__init__(self._waits)

    def time(self) -> float:
        return time.process_time() + self._waits.waited


def run(main: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """Run ``main(clock)``; ``clock()`` gives seconds of the loop's time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main(runner.get_loop().time))
