"""Pages read in processes beside the event loop: a page that hangs or breaks its process costs itself alone.

The standard library's pools end as a whole when a worker dies, and cannot end a worker that hangs; here each process
has one page at a time and is replaced when it has to be ended. They are programs of their own (``worker``), started
afresh and not forked, so threads and open connections of this process do not matter to them; they end with their input,
so none is left when this process is killed.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import orjson

from stages.enrich.pages.facts import NOTHING, PageFacts
from stages.enrich.pages.worker import HEAD

_START: Final = 60.0
"""Seconds for a process to start: it imports for two, and more where the machine is busy."""
_STARTS: Final = 3
"""Processes that may fail to start, one after another, until no more are tried."""
_ANSWER: Final = 1_000_000
"""Most bytes of an answer; facts at their longest are under 200,000."""
_MEGABYTE: Final = 1_000_000
_ROOT: Final = str(Path(__file__).resolve().parents[3])
_PROGRAM: Final = "import sys; sys.path.insert(0, sys.argv.pop()); from stages.enrich.pages.worker import main; main()"


class _LostError(Exception):
    """The process ended, hung, or said something else than an answer."""


@dataclass
class ReadersUsage:
    """``read``: pages that were read to their end; ``late`` and ``broken``: pages whose process ran out of time, or
    ended; ``started``: processes."""

    read: int = 0
    late: int = 0
    broken: int = 0
    started: int = 0


class PageReaders:
    """Reads pages in up to ``workers`` processes; an async context manager, for one event loop.

    ``seconds``: time for one page, after which its process is ended; ``memory_mb``: address space of a process. A
    process costs about 1.5 s to start and 90 MB; none is started before it is needed. Leaving the context, also by
    cancellation, ends all of them.
    """

    def __init__(self, workers: int = 2, *, seconds: float = 10.0, memory_mb: int = 1_500) -> None:
        self._seconds = seconds
        self._memory = memory_mb * _MEGABYTE
        self._places = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._failed_starts = 0
        self._closed = False
        self.usage = ReadersUsage()

    async def __aenter__(self) -> "PageReaders":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def read(self, body: bytes, mime: str, charset: str | None, url: str) -> PageFacts:
        """As :func:`stages.enrich.pages.read.read_page`; any number of pages at once, they take turns.

        A page on which a process hangs or dies has the facts of its card where they were read before, else none.
        Raises ``RuntimeError`` once closed, and nothing else but cancellation, which ends the page's process.
        """
        async with self._places:
            if self._closed:
                raise RuntimeError("the readers are closed")
            worker = self._idle.pop() if self._idle else await self._started()
            if worker is None:
                self.usage.broken += 1
                return NOTHING
            try:
                asked = {"mime": mime, "charset": charset, "url": url}
                await asyncio.wait_for(worker.ask(orjson.dumps(asked), body), self._seconds)
            except TimeoutError:
                self.usage.late += 1
                await self._end(worker)
            except _LostError:
                self.usage.broken += 1
                await self._end(worker)
            except BaseException:
                worker.kill()
                await asyncio.shield(self._end(worker))
                raise
            else:
                self.usage.read += 1
                self._idle.append(worker)
            return worker.facts

    async def close(self) -> None:
        """End the processes and wait until they have ended; whoever is still reading gets no facts."""
        self._closed = True
        self._idle.clear()
        workers = list(self._all)
        for worker in workers:
            worker.kill()
        await asyncio.shield(asyncio.gather(*(self._end(worker) for worker in workers)))

    async def _started(self) -> "_Worker | None":
        if self._failed_starts >= _STARTS:
            return None
        worker = _Worker()
        self._all.add(worker)
        try:
            await asyncio.wait_for(worker.start(self._seconds, self._memory), _START)
        except (_LostError, OSError, TimeoutError):
            self._failed_starts += 1
            await self._end(worker)
            return None
        except BaseException:
            worker.kill()
            await asyncio.shield(self._end(worker))
            raise
        self._failed_starts = 0
        self.usage.started += 1
        return worker

    async def _end(self, worker: "_Worker") -> None:
        self._all.discard(worker)
        await worker.end()


class _Worker:
    """One process, and what is known of the page that it has."""

    def __init__(self) -> None:
        self.facts = NOTHING
        self._process: Process | None = None
        self._unwanted = False

    async def start(self, seconds: float, memory: int) -> None:
        command = [sys.executable, "-P", "-c", _PROGRAM, str(seconds), str(memory), _ROOT]
        # not to be cancelled half-way: a process that nobody knows would be left
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=2 * _ANSWER)
        )
        try:
            self._process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(OSError):
                self._process = await starting
            raise
        if self._unwanted:
            self.kill()
        if (await self._answer())[0] != b"R":
            raise _LostError

    async def ask(self, asked: bytes, body: bytes) -> None:
        """Read a page; ``facts`` are the best that are known at any time."""
        self.facts = NOTHING
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(HEAD.pack(b"P", len(asked), len(body)) + asked)
            self._process.stdin.write(body)
            await self._process.stdin.drain()
        except (OSError, RuntimeError):
            raise _LostError from None
        while True:
            kind, told = await self._answer()
            if kind == b"F":
                return
            try:
                self.facts = PageFacts.of(orjson.loads(told))
            except ValueError:
                raise _LostError from None

    async def _answer(self) -> tuple[bytes, bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            kind, size, _ = HEAD.unpack(await self._process.stdout.readexactly(HEAD.size))
            if kind not in b"RCF" or size > _ANSWER:
                raise _LostError
            return kind, await self._process.stdout.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            raise _LostError from None

    def kill(self) -> None:
        """End the process at once; it has nothing to lose."""
        self._unwanted = True
        if self._process is not None and self._process.returncode is None:
            with suppress(OSError):
                self._process.kill()

    async def end(self) -> None:
        """Kill the process and wait until it is gone."""
        self.kill()
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            await self._process.wait()
