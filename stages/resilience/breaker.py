"""A circuit breaker: a server that keeps failing is left alone, so that a run ends in bounded time.

Nobody waits for a breaker: while it is open every call is refused at once. After ``reset_seconds`` one caller is let
through as a probe and decides by its outcome. Safe to share between threads and event loops.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal

from stages.resilience.errors import BreakerOpenError
from stages.settings import BreakerSettings

State = Literal["closed", "open", "probing"]


class Permit:
    """The leave to make one call; exactly one of its methods is called when the call has ended."""

    def __init__(self, breaker: "CircuitBreaker", generation: int) -> None:
        self._breaker = breaker
        self._generation = generation

    def succeeded(self) -> None:
        """The server answered, be it with a refusal: it is there."""
        self._breaker._settle(self._generation, "success")

    def failed(self) -> None:
        """No connection, no answer in time, or a 5xx."""
        self._breaker._settle(self._generation, "failure")

    def abandoned(self) -> None:
        """The call was given up before its outcome was known."""
        self._breaker._settle(self._generation, "unknown")


class CircuitBreaker:
    """Opens after ``failures`` consecutive failures; probes once per ``reset_seconds``.

    Calls that began before the breaker changed its state no longer count when they end: late answers of a server
    neither close what has opened since nor open it again.
    """

    def __init__(
        self, failures: int = 5, reset_seconds: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._reset = reset_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._failures = 0
        self._opened = 0.0
        self._generation = 0

    @classmethod
    def of(cls, settings: BreakerSettings) -> "CircuitBreaker":
        return cls(settings.failures, settings.reset_seconds)

    @property
    def state(self) -> State:
        with self._lock:
            return self._state

    def enter(self) -> Permit:
        """Leave for one call. Raises :class:`BreakerOpenError` at once where there is none."""
        with self._lock:
            if self._state == "open" and self._clock() - self._opened >= self._reset:
                self._change("probing")
            elif self._state != "closed":
                raise BreakerOpenError(
                    f"The server failed {self._limit} times in a row and is left alone for {self._reset:g} seconds."
                )
            return Permit(self, self._generation)

    def _settle(self, generation: int, outcome: Literal["success", "failure", "unknown"]) -> None:
        with self._lock:
            if generation != self._generation:
                return
            if self._state == "probing":
                if outcome == "success":
                    self._change("closed")
                else:
                    # a probe that was given up leaves its turn to the next caller
                    opened = self._clock() if outcome == "failure" else self._opened
                    self._change("open")
                    self._opened = opened
            elif outcome == "success":
                self._failures = 0
            elif outcome == "failure":
                self._failures += 1
                if self._failures >= self._limit:
                    self._change("open")
                    self._opened = self._clock()

    def _change(self, state: State) -> None:
        self._state = state
        self._generation += 1
        self._failures = 0
