"""Names to addresses, each judged; and whether a name that is not found is dead or there is no network at all.

The system's own resolver is asked, in threads, since nothing else knows this machine's hosts and networks. What it
says of a name that fails is ambiguous: some systems call every name unknown when they are offline, so do networks
that resolve their own names only, and a name server that fails looks like none. So two things are asked before a link
is judged: the routing table (no packet is sent), and names that are reserved to exist for ever (RFC 2606).
"""

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any, Final

from stages.enrich.fetch.addresses import Address, AddressGuard, is_public, unwrapped
from stages.enrich.fetch.links import Link
from stages.resilience.errors import NoNetworkError, PermanentError, TransientError
from stages.resilience.gates import ConcurrencyGate

Lookup = Callable[..., Sequence[tuple[Any, ...]]]
"""What :func:`socket.getaddrinfo` does."""

ALWAYS_THERE: Final = ("example.com", "example.org")
# RFC 6761, RFC 7686: no name of these is ever found in the public name system, so an answer that says so is final
_NEVER_PUBLIC: Final = ("invalid", "example", "test", "onion")
_NOWHERE: Final = ("invalid", "onion")
_KEPT_SECONDS: Final = 60.0
_KEPT_NAMES: Final = 10_000
_VERDICT_SECONDS: Final = 5.0
_OFFLINE_SECONDS: Final = 30.0
_NO_ROUTE: Final = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL))
# the root servers' own addresses stand for "anywhere"
_ANYWHERE: Final = ((socket.AF_INET, "198.41.0.4"), (socket.AF_INET6, "2001:503:ba3e::2:30"))
_UNKNOWN: Final = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)

OFFLINE: Final = "There is no network; the link waits for a run that has one."


def has_route() -> bool:
    """Whether this machine knows a way to the Internet. Sends nothing."""
    for family, address in _ANYWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 53))
                return True
        except OSError:
            continue
    return False


def is_offline(error: OSError) -> bool:
    """Whether a connection failed because there is no network at all, rather than no way to that one host."""
    return error.errno in _NO_ROUTE and not has_route()


class Names:
    """The resolver of one event loop. ``seconds`` is the longest that one name may take.

    A name is asked for once at a time and its answer kept for a minute. ``lanes`` holds the number of threads.
    """

    def __init__(self, guard: AddressGuard, lanes: ConcurrencyGate, seconds: float, lookup: Lookup) -> None:
        self._guard = guard
        self._lanes = lanes
        self._seconds = seconds
        self._lookup = lookup
        self._kept: dict[str, tuple[float, tuple[Address, ...] | PermanentError]] = {}
        self._asking: dict[str, asyncio.Task[tuple[Address, ...]]] = {}
        self._online_at = float("-inf")
        self._offline_at = float("-inf")
        self._verdict: asyncio.Task[bool] | None = None

    async def of(self, link: Link) -> tuple[Address, ...]:
        """All addresses of a link's host; every one of them may be connected to.

        Raises :class:`PermanentError` where one may not or the name is dead, :class:`NoNetworkError` without a
        network, :class:`TransientError` where the name's own servers do not answer.
        """
        if link.address is not None:
            self._judge((link.address,))
            return (link.address,)
        host = link.host
        kept = self._kept.get(host)
        if kept is not None and kept[0] > time.monotonic():
            if isinstance(kept[1], PermanentError):
                raise PermanentError(str(kept[1]))
            return kept[1]
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._ask(host))
            task.add_done_callback(lambda done: self._asked(host, done))
        # who gives up must not take the answer away from others
        return await asyncio.shield(task)

    async def close(self) -> None:
        tasks = [*self._asking.values(), *([self._verdict] if self._verdict else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _asked(self, host: str, task: asyncio.Task[tuple[Address, ...]]) -> None:
        self._asking.pop(host, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None or isinstance(error, PermanentError):
            if len(self._kept) >= _KEPT_NAMES:
                self._kept.clear()
            answer = error if isinstance(error, PermanentError) else task.result()
            self._kept[host] = (time.monotonic() + _KEPT_SECONDS, answer)

    async def _ask(self, host: str) -> tuple[Address, ...]:
        top = host.rpartition(".")[2]
        if top in _NOWHERE:
            raise PermanentError("There is no such site: its name cannot exist.")
        # with networks of one's own some names may be near although nothing else is
        if not self._guard.allows_some and time.monotonic() - self._offline_at < _OFFLINE_SECONDS:
            raise NoNetworkError(OFFLINE)
        answer = await self._look(host)
        if isinstance(answer, tuple):
            self._judge(answer)
            if any(is_public(address) for address in answer):
                self._online_at = time.monotonic()
            return answer
        unknown = isinstance(answer, socket.gaierror) and answer.errno in _UNKNOWN
        if not (unknown and top in _NEVER_PUBLIC) and not await self._network():
            raise NoNetworkError(OFFLINE)
        if unknown:
            raise PermanentError("There is no such site: nobody knows its name.")
        raise TransientError("The name of the site could not be resolved just now.")

    def _judge(self, addresses: Sequence[Address]) -> None:
        if not all(self._guard.admits(address) for address in addresses):
            raise PermanentError("The link leads to an address that is not public (fetch.allow_networks).")

    async def _network(self) -> bool:
        if time.monotonic() - self._online_at < _VERDICT_SECONDS and has_route():
            return True
        if self._verdict is None:
            self._verdict = asyncio.create_task(self._find_network())
        verdict = self._verdict
        try:
            return await asyncio.shield(verdict)
        finally:
            if verdict.done() and self._verdict is verdict:
                self._verdict = None

    async def _find_network(self) -> bool:
        if has_route():
            for name in ALWAYS_THERE:
                answer = await self._look(name)
                if isinstance(answer, tuple) and any(is_public(address) for address in answer):
                    self._online_at = time.monotonic()
                    return True
        self._offline_at = time.monotonic()
        return False

    async def _look(self, host: str) -> tuple[Address, ...] | OSError:
        """Ask the system, in a thread that ends by itself: nothing can stop it."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[tuple[Address, ...] | OSError] = loop.create_future()

        def deliver(answer: tuple[Address, ...] | OSError) -> None:
            if not answered.done():
                answered.set_result(answer)

        def work() -> None:
            answer: tuple[Address, ...] | OSError
            try:
                rows = self._lookup(host, None, type=socket.SOCK_STREAM)
                # a scope (%eth0) stays on, and is refused for it
                found = dict.fromkeys(unwrapped(ip_address(row[4][0])) for row in rows)
                answer = tuple(found) or socket.gaierror(socket.EAI_NONAME, "no address")
            except OSError as error:
                answer = error
            except Exception as error:  # noqa: BLE001  whatever a resolver's plug-in raises, the line must move on
                answer = OSError(errno.EIO, type(error).__name__)
            finally:
                self._lanes.give("names")
            try:
                loop.call_soon_threadsafe(deliver, answer)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

        await self._lanes.take("names")
        # a daemon: an answer that never comes does not keep the program from ending
        try:
            threading.Thread(target=work, name="names", daemon=True).start()
        except RuntimeError:  # the system has no thread to give
            self._lanes.give("names")
            return OSError(errno.EAGAIN, "no thread")
        try:
            async with asyncio.timeout(self._seconds):
                return await answered
        except TimeoutError:
            return OSError(errno.ETIMEDOUT, "no answer")
