"""The lease: one object, written by conditional puts alone, that says who works on an archive.

It is made by ``If-None-Match: *`` and from then on only ever replaced by ``If-Match``: renewed by its holder's
heartbeat, marked free at the end, taken over once it has expired. Whether it has is judged by the store's own time:
when it says the lease was last written, and what it says now. The holder counts more strictly, from before its last
renewal on its own steady clock, so that it stops before another may begin; should it be stopped for so long that it
notices nothing, the pointer that the next holder moved refuses what it would put back.
"""

import json
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from stages.archive.storage.client import Found, Objects
from stages.archive.storage.faults import Held, LeaseLost, NotThere, StoreError, Taken
from stages.archive.storage.layout import LEASE
from stages.archive.storage.powers import StoreClock, steady_seconds
from stages.errors import StreamlinerError

MARGIN: Final = timedelta(seconds=2)
"""Times of a store have a resolution of a second."""

LEAST_SECONDS: Final = 5
MOST_SECONDS: Final = 3_600


@dataclass(frozen=True)
class Holder:
    """What a lease says of its holder. ``seconds`` is kept within bounds, whatever was written there."""

    run: str
    host: str
    token: str
    beat: int
    seconds: int
    free: bool


class Lease:
    """One run's hold on an archive. Use it from one thread; its heartbeat is a thread of its own.

    ``on_lost`` is called once, from the heartbeat's thread, when the lease is lost.
    """

    def __init__(
        self, objects: Objects, clock: StoreClock, *, run_id: str, seconds: int, on_lost: Callable[[], None] | None
    ) -> None:
        self._objects = objects
        self._clock = clock
        self._on_lost = on_lost
        self._run, self._seconds = run_id, seconds
        self._token = secrets.token_hex(8)
        self._beat = 0
        self._etag: str | None = None
        self._until = 0.0
        self._lost = ""
        self._ended = threading.Event()
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None

    def acquire(self) -> bool:
        """Take the lease and start its heartbeat; True when it was taken over from a run that went silent.

        Raises :class:`Held` when another run has it.
        """
        began = steady_seconds()
        found = self._found()
        if found is None:
            taken_over = False
            self._write(None, create=True)
        else:
            holder = _read(found)
            if not holder.free and self._clock.now() <= found.modified + timedelta(seconds=holder.seconds) + MARGIN:
                raise self._held(holder, found.modified)
            taken_over = not holder.free
            self._write(found.etag)
        self._until = began + self._seconds
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()
        return taken_over

    def check(self) -> None:
        """Raise :class:`LeaseLost` unless the lease is surely still held. Costs nothing."""
        if not self._lost and steady_seconds() >= self._until - self._reserve:
            self._lose("The lease of the archive {url} ended while the store was out of reach")
        if self._lost:
            raise LeaseLost(self._lost)

    def renew(self) -> None:
        """Renew at once, so that what follows has the whole time. Raises :class:`LeaseLost`, :class:`StoreError`."""
        with self._changing:
            self.check()
            began = steady_seconds()
            try:
                self._write(self._etag)
            except Held:
                self._lose("Another run has taken over the archive {url}")
                raise LeaseLost(self._lost) from None
            self._until = began + self._seconds

    def release(self) -> None:
        """Give the lease back, where it is still ours; a store that is away lets it expire instead."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._lost:
            return
        with suppress(StreamlinerError):
            self._write(self._etag, free=True)

    @property
    def _reserve(self) -> float:
        return max(1.0, self._seconds / 10)

    def _keep(self) -> None:
        """The heartbeat: thrice in the time of a lease; what fails is tried again until the time is over."""
        wait = self._seconds / 3
        while not self._ended.wait(wait):
            try:
                self.renew()
                wait = self._seconds / 3
            except LeaseLost:
                break
            except StoreError:
                wait = min(1.0, self._seconds / 10)
        if self._lost and self._on_lost is not None and not self._ended.is_set():
            self._on_lost()

    def _lose(self, what: str) -> None:
        self._lost = (
            what.format(url=self._objects.address.url)
            + "; what this run did was not put back, and the archive there is as the other run leaves it."
        )

    def _write(self, etag: str | None, *, create: bool = False, free: bool = False) -> None:
        """One conditional put. Raises :class:`Held` when somebody else wrote meanwhile."""
        self._beat += 1
        told = {
            "version": 1,
            "state": "free" if free else "held",
            "run": self._run,
            "host": socket.gethostname(),
            "token": self._token,
            "beat": self._beat,
            "seconds": self._seconds,
        }
        data = json.dumps(told, sort_keys=True).encode()
        try:
            self._etag = self._objects.create(LEASE, data) if create else self._objects.replace(LEASE, data, etag)
        except Taken:
            # an answer that was lost makes the library try again, and then it meets its own first try
            found = self._found()
            holder = None if found is None else _read(found)
            if found is None or holder is None or (holder.token, holder.beat) != (self._token, self._beat):
                raise self._held(holder, found.modified if found else None) from None
            self._etag = found.etag

    def _found(self) -> Found | None:
        try:
            return self._objects.get(LEASE)
        except NotThere:
            return None

    def _held(self, holder: Holder | None, since: datetime | None) -> Held:
        by = f" (run {holder.run[:8]} on {holder.host})" if holder and holder.run else ""
        until = ""
        if holder and since:
            ends = since + timedelta(seconds=holder.seconds) + MARGIN
            until = f"; should that run be dead, the archive is free at {ends:%H:%M:%S} UTC"
        return Held(
            f"Another run{by} is working on the archive {self._objects.address.url}; "
            f"wait until it ends, then try again{until}."
        )


def _read(found: Found) -> Holder:
    """Who holds the lease, with everything kept within bounds: it may have been written by anybody."""
    try:
        told: Any = json.loads(found.data)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        told = {}
    seconds = told.get("seconds")
    beat = told.get("beat")
    return Holder(
        run=_plain(told.get("run")),
        host=_plain(told.get("host")),
        token=_plain(told.get("token")),
        beat=beat if type(beat) is int else -1,
        seconds=min(max(seconds, LEAST_SECONDS), MOST_SECONDS) if type(seconds) is int else MOST_SECONDS,
        free=told.get("state") == "free",
    )


def _plain(value: Any) -> str:
    return "".join(letter for letter in str(value or "")[:80] if letter.isprintable())
