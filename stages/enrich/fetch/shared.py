"""What all fetchers of a process share, so that a limit, a breaker or a pace is one per site and not one per batch."""

import threading
from collections import OrderedDict
from typing import Final

from stages.resilience.breaker import CircuitBreaker
from stages.resilience.gates import ConcurrencyGate, PaceGate
from stages.settings import BreakerSettings

NAME_THREADS: Final = 32
_BREAKERS: Final = 10_000


class Shared:
    """Safe from any thread and event loop. A test makes its own; fetchers take :data:`PROCESS` by default."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[tuple[str, int], ConcurrencyGate] = {}
        self._breakers: OrderedDict[tuple[str, int, float], CircuitBreaker] = OrderedDict()
        self.paces = PaceGate()
        self.names = ConcurrencyGate(NAME_THREADS)

    def gate(self, purpose: str, limit: int) -> ConcurrencyGate:
        """The one gate of this purpose and limit: fetchers with the same settings pass through the same gate."""
        with self._lock:
            return self._gates.setdefault((purpose, limit), ConcurrencyGate(limit))

    def breaker(self, site: str, settings: BreakerSettings) -> CircuitBreaker:
        """The one breaker of a host and port. Of ten thousand sites, those asked for longest ago are forgotten."""
        key = (site, settings.failures, settings.reset_seconds)
        with self._lock:
            breaker = self._breakers.get(key)
            if breaker is None:
                breaker = self._breakers[key] = CircuitBreaker.of(settings)
                if len(self._breakers) > _BREAKERS:
                    self._breakers.popitem(last=False)
            else:
                self._breakers.move_to_end(key)
            return breaker


PROCESS: Final = Shared()
