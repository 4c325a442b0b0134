"""Connections of aiohttp that go where they were judged to go, and nowhere else.

What a request may connect to travels with it as its :class:`Flight`; the resolver that aiohttp asks answers with that,
and every socket is looked at once more when it is made.
"""

import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, Literal

from stages.enrich.fetch.addresses import Address, AddressGuard
from stages.enrich.fetch.records import FetchUsage

if TYPE_CHECKING:
    import aiohttp

# servers close what is idle after five seconds or more; a connection that we close first is never one that they have
_IDLE_SECONDS: Final = 4.0


class NotPublicError(OSError):
    """A socket was asked for an address that may not be connected to."""


@dataclass
class Flight:
    """One request on its way to judged addresses, for at most ``seconds``. ``health`` is what it says about the
    server once it has ended."""

    addresses: tuple[Address, ...]
    seconds: float
    connected: bool = False
    reused: bool = False
    answered: bool = False
    health: Literal["succeeded", "failed", "abandoned"] = "abandoned"


FLIGHT: Final[ContextVar[Flight]] = ContextVar("flight")
"""The request that the current task is sending."""


@cache
def trust() -> ssl.SSLContext:
    """The certificates that the system trusts; read once a process, for it takes a tenth of a second."""
    return ssl.create_default_context()


def guarded_socket(guard: AddressGuard, info: tuple[Any, ...]) -> socket.socket:
    """Every socket that is ever opened, whatever led here. Raises :class:`NotPublicError`."""
    family, kind, protocol, _, where = info
    if not guard.admits_text(str(where[0])):
        raise NotPublicError("not a public address")
    return socket.socket(family, kind, protocol)


def connector(guard: AddressGuard, usage: FetchUsage, trusted: ssl.SSLContext) -> "aiohttp.TCPConnector":
    """The pool of one session; ``usage`` counts the requests that got a connection."""
    made: aiohttp.TCPConnector = _connector_class()(guard, usage, trusted)
    return made


@cache
def _connector_class() -> Any:
    from weakref import WeakSet

    from aiohttp import TCPConnector

    class Connector(TCPConnector):
        """Without limits of its own; tells a flight when it has its connection and whether it was used before."""

        def __init__(self, guard: AddressGuard, usage: FetchUsage, trusted: ssl.SSLContext) -> None:
            super().__init__(
                limit=0,
                use_dns_cache=False,
                resolver=_resolver(),
                socket_factory=partial(guarded_socket, guard),
                keepalive_timeout=_IDLE_SECONDS,
                ssl=trusted,
            )
            self._usage = usage
            self._used: WeakSet[object] = WeakSet()

        async def connect(self, *arguments: Any, **named: Any) -> Any:
            connection = await super().connect(*arguments, **named)
            flight = FLIGHT.get()
            flight.connected = True
            flight.reused = connection.protocol in self._used
            self._used.add(connection.protocol)
            self._usage.requests += 1
            return connection

    return Connector


def _resolver() -> "aiohttp.abc.AbstractResolver":
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Pinned(AbstractResolver):
        """Answers with what was judged for this very request, so that the name keeps its Host header and SNI."""

        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
            return [
                ResolveResult(
                    hostname=host,
                    host=str(address),
                    port=port,
                    family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for address in FLIGHT.get().addresses
            ]

        async def close(self) -> None:
            return None

    return Pinned()
