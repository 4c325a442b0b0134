"""A web server on loopback that plays every fault, remembers every request, and counts what is in flight.

It writes its answers byte by byte, so that nothing is too broken to be served. One thread, any number of ports and
addresses; ``127.0.0.0/8`` must be in ``allow_networks``.

    with PageServer() as server:
        server.put("/a", page("<title>A</title>"))
        server.put("/b", status(503), status(503), page("third time lucky"))   # in turn, the last one stays
        ...
        assert server.paths == ["/robots.txt", "/a"]
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final

ROBOTS: Final = "/robots.txt"


class Wire:
    """What an answer is written to. A request is in flight until :meth:`landed`, which is called before its last
    byte is written: the client may send the next one as soon as it has that."""

    def __init__(self, writer: asyncio.StreamWriter, landed: Callable[[], None]) -> None:
        self.writer = writer
        self.landed = landed


Play = Callable[[Wire], Awaitable[bool]]
"""Writes one answer; whether the connection goes on."""


@dataclass(frozen=True)
class Request:
    """``site`` is the address and port that it came in at, ``connection`` counts connections from 0."""

    site: str
    path: str
    headers: Mapping[str, str]
    connection: int


def answer(
    status: int = 200,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    mime: str | None = "text/html; charset=utf-8",
    delay: float = 0.0,
    close: bool = False,
) -> Play:
    """A whole answer after ``delay`` seconds."""
    lines = {"Content-Length": str(len(body))} | ({"Content-Type": mime} if mime else {}) | dict(headers or {})
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    async def play(wire: Wire) -> bool:
        await asyncio.sleep(delay)
        wire.landed()
        wire.writer.write(head.encode() + (b"Connection: close\r\n" if close else b"") + b"\r\n" + body)
        return not close

    return play


def page(html: str = "<title>A page</title><p>Text.", **named: Any) -> Play:
    return answer(200, html.encode(), **named)


def status(code: int, retry_after: str | None = None) -> Play:
    return answer(code, b"no", {"Retry-After": retry_after} if retry_after is not None else None)


def redirect(to: str, code: int = 302) -> Play:
    return answer(code, b"moved", {"Location": to})


def raw(*pieces: bytes, pause: float = 0.0, repeat: bool = False) -> Play:
    """Bytes as they are, with pauses between the pieces, and the end of the connection; the last one for ever with
    ``repeat``."""

    async def play(wire: Wire) -> bool:
        for piece in pieces:
            wire.writer.write(piece)
            await wire.writer.drain()
            await asyncio.sleep(pause)
        while repeat:
            wire.writer.write(pieces[-1])
            await wire.writer.drain()
            await asyncio.sleep(pause)
        return False

    return play


def head(length: int | None = None, mime: str = "text/html", **more: str) -> bytes:
    """The head of a 200, for :func:`raw`."""
    lines = {"Content-Type": mime} | ({} if length is None else {"Content-Length": str(length)})
    lines |= {name.replace("_", "-"): value for name, value in more.items()}
    return ("HTTP/1.1 200 OK\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n").encode()


def drip(pause: float = 0.02) -> Play:
    """A byte now and then, for ever."""
    return raw(head(), b".", pause=pause, repeat=True)


def endless(piece: bytes = b"x" * 65_536, **more: str) -> Play:
    """As much as the client takes."""
    return raw(head(**more), piece, repeat=True)


def reset() -> Play:
    """The connection is reset instead of an answer."""

    async def play(wire: Wire) -> bool:
        connection = wire.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.writer.transport.abort()
        return False

    return play


def hang_up() -> Play:
    """The connection ends, politely, instead of an answer."""
    return raw()


def silence() -> Play:
    """Nothing, ever."""

    async def play(wire: Wire) -> bool:
        await asyncio.sleep(3600)
        return False

    return play


class PageServer:
    """``addresses`` are those that it listens at, each on ``port`` or a free one of its own; with ``tls`` it speaks
    https."""

    def __init__(
        self, addresses: Iterable[str] = ("127.0.0.1",), tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self._addresses = tuple(addresses)
        self._port = port
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="pages", daemon=True)
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self._handlers: set[asyncio.Task[None]] = set()
        self._plays: dict[str, list[Play]] = {}
        self._default: Play = status(404)
        self.sites: list[str] = []
        self.requests: list[Request] = []
        self.connections = 0
        self.broken = 0
        self._flying: Counter[str] = Counter()
        self.peak = 0
        self.peaks: Counter[str] = Counter()

    def put(self, path: str, *plays: Play) -> None:
        """What a path (with its query) answers: each in turn, the last one from then on."""
        self._plays[path] = list(plays)

    def otherwise(self, play: Play) -> None:
        """What every other path answers; 404 unless this is called."""
        self._default = play

    def url(self, path: str = "/", site: int = 0) -> str:
        return f"{'https' if self._tls else 'http'}://{self.sites[site]}{path}"

    def forget(self) -> None:
        """Begin anew to count requests and peaks."""
        self.requests.clear()
        self.peaks.clear()
        self.peak = 0

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def count(self, path: str) -> int:
        return self.paths.count(path)

    def __enter__(self) -> "PageServer":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        servers = []
        for address in self._addresses:
            names: list[str] = []
            server = await asyncio.start_server(
                partial(self._connected, names), address, self._port, backlog=512, ssl=self._tls
            )
            host, port = server.sockets[0].getsockname()[:2]
            names.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
            self.sites += names
            servers.append(server)
        self._ready.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        for task in list(self._handlers):
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _connected(self, names: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._handle(names[0], reader, writer))
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)

    async def _handle(self, site: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self.connections
        self.connections += 1
        try:
            goes_on = True
            while goes_on:
                request = _read(site, await reader.readuntil(b"\r\n\r\n"), connection)
                self.requests.append(request)
                self._flying[site] += 1
                self.peaks[site] = max(self.peaks[site], self._flying[site])
                self.peak = max(self.peak, self._flying.total())
                landed = _once(partial(self._flying.subtract, [site]))
                try:
                    goes_on = await self._next(request.path)(Wire(writer, landed))
                finally:
                    landed()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            self.broken += 1
        finally:
            writer.close()

    def _next(self, path: str) -> Play:
        plays = self._plays.get(path)
        if not plays:
            return self._default
        return plays.pop(0) if len(plays) > 1 else plays[0]


def _read(site: str, text: bytes, connection: int) -> Request:
    lines = text.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    return Request(site, lines[0].split(" ")[1], headers, connection)


def _once(call: Callable[[], None]) -> Callable[[], None]:
    calls = [call]

    def once() -> None:
        while calls:
            calls.pop()()

    return once
