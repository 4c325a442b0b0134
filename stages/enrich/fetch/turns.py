"""A share of each turn of an event loop: however many links could go on at once, others use the loop too."""

import asyncio
from collections import deque


class Turns:
    """At most ``most`` pass in one turn of the loop, the rest in the next ones, in order. Costs nothing to few."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._passed = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        if not self._passed:
            asyncio.get_running_loop().call_soon(self._next)
        if self._passed < self._most and not self._waiting:
            self._passed += 1
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _next(self) -> None:
        self._passed = 0
        while self._waiting and self._passed < self._most:
            future = self._waiting.popleft()
            if not future.done():  # cancelled
                future.set_result(None)
                self._passed += 1
        if self._passed:
            asyncio.get_running_loop().call_soon(self._next)
