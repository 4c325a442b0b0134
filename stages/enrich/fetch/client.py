"""One request and its answer by aiohttp: pinned to judged addresses, bounded in time and bytes, never repeated.

aiohttp is known here and in ``connections`` alone. What it would do by itself is off: redirects, retries, cookies,
proxies of the environment, decompression (its own is not bounded in all), its limits (they leak on reused
connections) and its look-ups of names.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from stages.enrich.fetch.addresses import AddressGuard
from stages.enrich.fetch.answers import REDIRECTS, TooSlowError, failure
from stages.enrich.fetch.connections import FLIGHT, Flight, NotPublicError, connector, trust
from stages.enrich.fetch.content import ENCODINGS, decoder
from stages.enrich.fetch.links import Link
from stages.enrich.fetch.network import OFFLINE, is_offline
from stages.enrich.fetch.records import FetchUsage
from stages.enrich.fetch.turns import ANSWERED, Turns
from stages.resilience.errors import CallError, NoNetworkError, PermanentError, TransientError

if TYPE_CHECKING:
    import aiohttp

NAME: Final = "Streamliner"
"""What robots.txt knows us by."""

_CHUNK: Final = 1 << 16
_LONGEST_HEADER: Final = 1 << 16
_REST: Final = 1 << 16
_YIELD_EVERY: Final = 1 << 20


class _NotHttpError(Exception):
    """The bytes of an answer are not framed as HTTP frames them."""


def user_agent() -> str:
    """Who we are, and nothing about whose chat it is."""
    try:
        number = version("streamliner")
    except PackageNotFoundError:
        number = "0"
    return f"{NAME}/{number} (+reads the pages that people link to in a chat, once each, for its chronicle)"


@dataclass(frozen=True)
class Ask:
    """What is asked for: at most ``limit`` bytes once decompressed. ``judge`` sees the headers of a 2xx before its
    body is read, and may raise. With ``cut`` a longer body ends at the limit instead of failing."""

    accept: str
    limit: int
    judge: Callable[[Mapping[str, str]], None]
    cut: bool = False


@dataclass(frozen=True)
class Reply:
    """``location`` is set for a redirect alone, and ``body`` is then empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    location: str | None = None


class Client:
    """The pool of one event loop; made and closed inside of it."""

    def __init__(self, guard: AddressGuard, connect_seconds: float, usage: FetchUsage, turns: Turns) -> None:
        self._guard = guard
        self._connect_seconds = connect_seconds
        self._usage = usage
        self._turns = turns
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=connector(self._guard, self._usage, await asyncio.to_thread(trust)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": user_agent(), "Accept-Encoding": ENCODINGS},
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_seconds, sock_connect=None),
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            read_bufsize=_CHUNK,
        )
        # the session would send a request once more by itself when a kept connection breaks
        self._session._retry_connection = False

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def exchange(self, link: Link, ask: Ask, flight: Flight) -> Reply:
        """Send one GET and read its answer. Raises the error that its status means, or that it met on its way.

        All of it takes at most ``flight.seconds``: :class:`TooSlowError` after that, or :class:`TransientError` while
        nothing is connected.
        """
        from yarl import URL

        if self._session is None:
            raise RuntimeError("the client is not open")
        current = FLIGHT.set(flight)
        timeout = asyncio.timeout(flight.seconds)
        try:
            async with (
                timeout,
                self._session.get(
                    URL(link.url, encoded=True),
                    allow_redirects=False,
                    headers={"Accept": ask.accept},
                ) as response,
            ):
                flight.answered = True
                flight.health = "failed" if response.status >= 500 else "succeeded"
                await self._turns.wait(ANSWERED)
                if response.status in REDIRECTS and (location := response.headers.get("Location")) is not None:
                    await _finish_small(response)
                    return Reply(response.status, response.headers, b"", location)
                error = failure(response.status, response.headers)
                if error is not None:
                    await _finish_small(response)
                    raise error
                ask.judge(response.headers)
                body = await self._body(response, ask.limit, ask.cut)
                return Reply(response.status, response.headers, body)
        except CallError:
            raise
        except TimeoutError:
            if not flight.answered:
                flight.health = "failed"
            if timeout.expired() and flight.connected:
                raise TooSlowError("The page took longer than fetch.total_timeout_seconds.") from None
            raise TransientError("The site could not be reached in time.") from None
        except Exception as error:  # noqa: BLE001  aiohttp raises its own, the parser's, the system's and ValueErrors
            raise self._failed(error, flight) from None
        finally:
            FLIGHT.reset(current)

    def _failed(self, error: Exception, flight: Flight) -> CallError:
        """The class of what aiohttp or the system raised."""
        import aiohttp

        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return PermanentError("The site's certificate is not valid.")
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, NotPublicError):
            return PermanentError("The link leads to an address that is not public (fetch.allow_networks).")
        if isinstance(error, OSError) and is_offline(error):
            return NoNetworkError(OFFLINE)
        if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError | OSError):
            # a kept connection may have ended in the meantime: that says nothing about the server
            if not flight.reused or flight.answered:
                flight.health = "failed"
            return TransientError("The site could not be reached, or it closed the connection.")
        if isinstance(
            error, _NotHttpError | aiohttp.ClientError | aiohttp.http_exceptions.HttpProcessingError | ValueError
        ):
            flight.health = "succeeded"
            return PermanentError("The site answered with something that is not HTTP.")
        if isinstance(error, MemoryError):
            return TransientError("There was not enough memory for this page.")
        return PermanentError(f"The site's answer could not be read ({type(error).__name__}).")

    async def _body(self, response: "aiohttp.ClientResponse", limit: int, cut: bool) -> bytes:
        decode = decoder(response.headers.get("Content-Encoding", ""))
        length = response.content_length
        if length is not None and length > limit and not cut:
            raise _too_large(limit)
        stop_watching = _watch_framing(response)
        parts: list[bytes] = []
        received = size = since = 0
        try:
            async for chunk in response.content.iter_any():
                received += len(chunk)
                for piece in decode.feed(chunk):
                    parts.append(piece)
                    size += len(piece)
                    since += len(piece)
                    if size > limit:
                        if cut:
                            return b"".join(parts)[:limit]
                        raise _too_large(limit)
                    if since >= _YIELD_EVERY:
                        since = 0
                        await asyncio.sleep(0)
                # compressed nothing without end: no output, but no end either
                if received > limit + _REST:
                    raise _too_large(limit)
        finally:
            stop_watching()
            self._usage.bytes += received
            self._usage.bytes_read += size
        decode.finish()
        return b"".join(parts)


def _watch_framing(response: "aiohttp.ClientResponse") -> Callable[[], None]:
    """Let a body fail when its chunks make no sense: aiohttp closes the connection then and leaves its reader waiting.

    Returns what ends the watch.
    """
    protocol = response.connection.protocol if response.connection is not None else None
    closed = protocol.closed if protocol is not None else None
    if closed is None or "Transfer-Encoding" not in response.headers:
        return lambda: None

    def end(_: object) -> None:
        if not response.content.is_eof() and response.content.exception() is None:
            response.content.set_exception(_NotHttpError())

    closed.add_done_callback(end)

    def stop() -> None:
        closed.remove_done_callback(end)

    return stop


async def _finish_small(response: "aiohttp.ClientResponse") -> None:
    """Read a short rest that nobody wants, so that the connection can be used again; a long one ends it."""
    if response.content_length is not None and response.content_length <= _REST:
        import aiohttp

        try:
            await response.read()
        except (aiohttp.ClientError, OSError):
            response.close()
    else:
        response.close()


def _too_large(limit: int) -> PermanentError:
    return PermanentError(f"The link leads to more than {limit / 1_000_000:g} MB (fetch.page_max_mb).")
