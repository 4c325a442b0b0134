"""What comes back from fetching, and what it cost."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from stages.resilience.breaker import CircuitBreaker


@dataclass(frozen=True)
class Fetched:
    """What an address answered. ``final_url`` is where the redirects led, without a fragment; ``mime`` is in lower
    case, without parameters; ``charset`` is as the server wrote it; ``body`` is decompressed and never empty."""

    url: str
    final_url: str
    status: int
    mime: str
    charset: str | None
    body: bytes


@dataclass
class FetchUsage:
    """What a fetcher did so far.

    ``requests`` counts those whose head was sent, redirects and robots.txt included; ``bytes`` what was received of
    bodies, ``bytes_read`` what that was decompressed; ``retries`` the tries after the first; ``errors`` the links that
    failed by class (transient, throttled, permanent, refused), of which ``refused`` wait for another run.
    """

    fetched: int = 0
    requests: int = 0
    bytes: int = 0
    bytes_read: int = 0
    retries: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    hosts: dict[str, CircuitBreaker] = field(default_factory=dict, repr=False)

    @property
    def refused(self) -> int:
        return self.errors["refused"]

    @property
    def breakers(self) -> dict[str, str]:
        """The state of each host's breaker (closed, open, probing), by host and port."""
        return {host: breaker.state for host, breaker in self.hosts.items()}

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a report: breakers that are closed are left out."""
        return {
            "fetched": self.fetched,
            "requests": self.requests,
            "bytes": self.bytes,
            "bytes_read": self.bytes_read,
            "retries": self.retries,
            "refused": self.refused,
            "errors": dict(sorted(self.errors.items())),
            "breakers": {host: state for host, state in sorted(self.breakers.items()) if state != "closed"},
        }
