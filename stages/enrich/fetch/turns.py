"""A share of each turn of an event loop: however many links could go on at once, others use the loop too."""

import asyncio
from collections import deque
from typing import Final

SEND: Final = 0
ANSWERED: Final = 1
BEGIN: Final = 2
"""What a link waits to do. Who holds a connection goes first: a place that stands idle is time that all links lose."""


class Turns:
    """At most ``most`` pass in one turn of the loop, the rest in the next ones: by rank, then in order. Costs nothing
    to few."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._passed = 0
        self._waiting: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque(), deque())

    async def wait(self, rank: int = BEGIN) -> None:
        """A ``rank`` of those above; the lower one first."""
        if not self._passed:
            asyncio.get_running_loop().call_soon(self._next)
        if self._passed < self._most and not any(self._waiting[: rank + 1]):
            self._passed += 1
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[rank].append(future)
        await future

    def _next(self) -> None:
        self._passed = 0
        for waiting in self._waiting:
            while waiting and self._passed < self._most:
                future = waiting.popleft()
                if not future.done():  # cancelled
                    future.set_result(None)
                    self._passed += 1
        if self._passed:
            asyncio.get_running_loop().call_soon(self._next)
