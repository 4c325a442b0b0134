"""Sites for measurements: a process of its own that answers after a while and counts what it sees.

A GET is answered with a small page, ``/robots.txt`` with 404, a POST as a model server answers. It costs about 50
microseconds a request, so that what is measured is the program and not the sites.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_ROOT: Final = Path(__file__).parents[1]
_TEXT: Final = "The lamp of the old lighthouse was lit again on Sunday evening, after forty years of darkness. "
HTML: Final = f"<!doctype html><title>A page</title><p>{_TEXT * 50}</p>".encode()
PLAIN: Final = f"A page\n\n{_TEXT * 5}".encode()
_COMPLETION: Final = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": _TEXT.strip() * 2}}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 40, "total_tokens": 140},
    }
).encode()
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _answer(mime: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


_MODEL: Final = _answer("application/json", _COMPLETION)


@dataclass
class Seen:
    """``peak``: most requests in flight at once, ``peak_of_a_site`` at one site; ``posts`` of the ``requests`` were
    for the model; ``answered_after``: the sum of the seconds until the answers, however late the timers were."""

    requests: int = 0
    posts: int = 0
    peak: int = 0
    peak_of_a_site: int = 0
    answered_after: float = 0.0


class Counting:
    """What all sites of a process see; starts anew at :meth:`told`."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.flying: Counter[int] = Counter()
        self.total = 0

    def told(self) -> Seen:
        seen, self.seen = self.seen, Seen()
        return seen


class Site(asyncio.Protocol):
    """One connection; answers each request ``delay`` seconds after it came. Clients send one at a time."""

    def __init__(self, site: int, delay: float, page: bytes, counting: Counting) -> None:
        self._site = site
        self._delay = delay
        self._page = page
        self._counting = counting
        self._wanting = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._wanting:  # the rest of what is told to a model
            self._wanting -= len(data)
            return
        counting = self._counting
        seen = counting.seen
        answer = self._page
        if data.startswith(b"POST "):
            head, _, body = data.partition(b"\r\n\r\n")
            self._wanting = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]) - len(body)
            answer = _MODEL
            seen.posts += 1
        elif data.startswith(b"GET /robots.txt "):
            answer = _NOT_FOUND
        seen.requests += 1
        counting.total += 1
        counting.flying[self._site] += 1
        seen.peak = max(seen.peak, counting.total)
        seen.peak_of_a_site = max(seen.peak_of_a_site, counting.flying[self._site])
        asyncio.get_running_loop().call_later(self._delay, self._send, answer, time.perf_counter())

    def _send(self, answer: bytes, since: float) -> None:
        counting = self._counting
        counting.total -= 1
        counting.flying[self._site] -= 1
        counting.seen.answered_after += time.perf_counter() - since
        self._transport.write(answer)


async def listen(number: int, delay: float, page: bytes, counting: Counting) -> list[int]:
    """So many sites, at 127.0.0.1 and the addresses after it, in the running loop; returns their ports."""
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(
            lambda site=site: Site(site, delay, page, counting),  # type: ignore[misc]
            f"127.0.0.{1 + site}",
            0,
            backlog=1_024,
        )
        for site in range(number)
    ]
    return [server.sockets[0].getsockname()[1] for server in servers]


def page_answer(html: bool) -> bytes:
    """A page of HTML, or plain text, which costs nearly nothing to read."""
    return _answer("text/html", HTML) if html else _answer("text/plain", PLAIN)


class Sites:
    """The process; a context manager."""

    def __init__(self, number: int = 1, delay: float = 0.0, *, html: bool = False) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sites", str(number), str(delay), str(int(html))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        self.ports: list[int] = json.loads(self._line())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def url(self, n: int) -> str:
        """The address of page ``n``; the sites take turns."""
        site = n % len(self.ports)
        return f"http://127.0.0.{1 + site}:{self.ports[site]}/page/{n}"

    def seen(self) -> Seen:
        """What was seen since the last time."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Seen(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


async def _serve(number: int, delay: float, html: bool) -> None:
    counting = Counting()
    print(json.dumps(await listen(number, delay, page_answer(html), counting)), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(asdict(counting.told())), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "1"))
