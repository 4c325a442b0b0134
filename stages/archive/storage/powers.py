"""What a store can do, tried at the start: whether it heeds the conditions of a put, and what time it has.

A store that ignores ``If-None-Match`` answers the second put like the first, so only trying tells.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Taken
from stages.archive.storage.layout import PROBES


def steady_seconds() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps, where there is one."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


@dataclass(frozen=True)
class StoreClock:
    """The store's own time: what it stamped on an object just now, carried on by this machine's steady clock.

    Right to about a second; the machine's own date plays no part.
    """

    stamped: datetime
    at: float

    def now(self) -> datetime:
        return self.stamped + timedelta(seconds=steady_seconds() - self.at)


@dataclass(frozen=True)
class Powers:
    """``lease_by_store``: the store heeds conditions, so a lease can stand on it."""

    lease_by_store: bool
    clock: StoreClock


def probe(objects: Objects) -> Powers:
    """Try the store with an object of no meaning, in five small requests, and remove it again.

    Raises :class:`StoreError` where the store is away, refuses the key, or has no such bucket.
    """
    name = f"{PROBES}/{secrets.token_hex(8)}"
    etag = objects.create(name, b"first")
    before = steady_seconds()
    clock = StoreClock(objects.look(name).modified, before)
    try:
        return Powers(_heeds(objects, name, etag), clock)
    finally:
        objects.delete([name])


def _heeds(objects: Objects, name: str, etag: str | None) -> bool:
    try:
        objects.create(name, b"second")
    except Taken:
        pass
    else:
        return False
    try:
        objects.replace(name, b"third", '"00000000000000000000000000000000"')
    except Taken:
        pass
    else:
        return False
    try:
        objects.replace(name, b"fourth", etag)
    except Taken:
        return False  # it knows one condition and not the other: then it is no ground for a lease
    return True
