"""What was read of pages, remembered for all archives of a person.

It is an SQLite file, ``pages.sqlite`` in a folder of its own (mode 0700, file 0600), that any number of processes use
at once. It holds for each page the time it was kept and, sealed under the page's address (``sealed``): the facts and
the sha256 of the card's picture, or why the page could not be had; for each such picture its bytes, sealed under that
sha256; and for each text that a model told of its words, sealed under the hash of that text. No address, title or text
stands there in clear: without knowing one (and the secret, where one is given) the folder tells how many pages were
read, when, and how long they are, and nothing else.

It is a convenience: where it is damaged, full, locked or not to be written, the run goes on without it and says so
once. A damaged file is removed, so that the next run begins anew.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import orjson

from stages.enrich.pages.facts import PageFacts
from stages.enrich.pages.folder import private_folder
from stages.enrich.pages.keys import page_key
from stages.enrich.pages.sealed import place, seal, unseal

FILE: Final = "pages.sqlite"
FAILURE_AGE: Final = timedelta(days=1)
"""How long a failure is remembered, or ``days`` where that is shorter. A page that is gone may come back, a site may
let us in again, and a person who publishes tomorrow should not be told of yesterday; within a day the other archives
of the same family and the next export of the same chat ask again for the same pages, which is what this is for."""
KEPT_CLASSES: Final = ("permanent",)
"""Failures that are remembered. What is transient, throttled or refused was only so at that moment: it waits in its
archive's task store, and a try that never happened must not be counted as one."""
_SKEW: Final = timedelta(hours=1)
"""How far in the future something may have been kept: clocks of processes differ; more means a clock was wrong."""
_BUSY: Final = 5.0
"""Seconds to wait for another process that writes."""
_STATEMENT: Final = 64_000_000
"""Most bytes that one statement keeps; a batch of pictures may need several."""
_VERSION: Final = 1

_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS kept (
    place TEXT PRIMARY KEY, kept INTEGER NOT NULL, expires INTEGER NOT NULL, size INTEGER NOT NULL, sealed BLOB NOT NULL
)"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS kept_by_age ON kept (kept, size)"
# one statement whatever the number: places and lengths as JSON, all bytes as one blob
_KEEP: Final = """INSERT INTO kept (place, kept, expires, size, sealed)
    SELECT value ->> 0, ?1, value ->> 1, value ->> 3, substr(?3, (value ->> 2) + 1, value ->> 3) FROM json_each(?2)
    WHERE true
    ON CONFLICT (place) DO UPDATE SET kept = excluded.kept, expires = excluded.expires, size = excluded.size,
        sealed = excluded.sealed
    WHERE excluded.kept >= kept.kept"""
_LOOK_UP: Final = """SELECT place, kept, expires, sealed FROM kept WHERE place IN (SELECT value FROM json_each(?))"""
_TRIM: Final = """DELETE FROM kept WHERE expires < ?1 OR place IN (SELECT place FROM (
    SELECT place, sum(size + 200) OVER (ORDER BY kept DESC, place) AS so_far FROM kept) WHERE so_far > ?2)"""


@dataclass(frozen=True)
class CachedPage:
    """A page as it was kept: its ``facts`` and ``picture`` (sha256 of the card's picture, hex), or why there are none
    (``error_class`` and ``reason``, a sentence of ours)."""

    facts: PageFacts | None = None
    picture: str | None = None
    error_class: str | None = None
    reason: str | None = None


class PageCache:
    """The cache in ``folder``; safe to share between threads, and between processes that open it each for themselves.

    ``days``: age at which a page is read anew (0: nothing is remembered). ``max_mb``: size beyond which the oldest go.
    ``secret``: makes places and seals this person's own. ``policy``: what of the settings decides failures (limits,
    networks, robots), in any words; a failure kept under another policy is not handed out. ``say`` gets one sentence
    when the cache cannot be used. A context manager; opening never fails. Its methods block for milliseconds a batch:
    call them beside an event loop, not in it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        days: float,
        say: Callable[[str], None],
        max_mb: float = 200,
        secret: bytes = b"",
        policy: str = "",
    ) -> None:
        self._path = folder / FILE
        self._age = timedelta(days=days)
        self._limit = int(max_mb * 1_000_000)
        self._secret = secret
        self._policy = policy
        self._say = say
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._writable = True
        if days > 0:
            self._guarded(self._open)

    def __enter__(self) -> "PageCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()

    def look_up(self, urls: Iterable[str], now: datetime, *, failures: bool = True) -> dict[str, CachedPage]:
        """What is known of each address, by the address as given; addresses of which nothing is are left out.

        ``failures``: also those that could not be had (False for a person's own "try again"). One query, some tens of
        microseconds a page.
        """
        keys = {url: page_key(url) for url in urls}
        rows = self._rows((place(self._secret, "page", key) for key in set(keys.values())), now)
        found: dict[str, CachedPage] = {}
        for url, key in keys.items():
            row = rows.get(place(self._secret, "page", key))
            page = self._page(key, row[1], now - row[0]) if row else None
            if page is not None and (failures or page.facts is not None):
                found[url] = page
        return found

    def keep(self, pages: Mapping[str, CachedPage], now: datetime) -> int:
        """Keep what was learnt of addresses: facts, and failures of :data:`KEPT_CLASSES`. Returns how many were kept.

        One statement for the batch; the oldest go where the limit of size is passed.
        """
        rows = []
        for url, page in pages.items():
            if page.facts is None and page.error_class not in KEPT_CLASSES:
                continue
            key, age = page_key(url), self._age if page.facts is not None else min(self._age, FAILURE_AGE)
            told = {
                "facts": page.facts.as_dict() if page.facts else None,
                "picture": page.picture,
                "error_class": page.error_class,
                "reason": page.reason,
                "policy": self._policy if page.facts is None else "",
            }
            data = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
            rows.append((place(self._secret, "page", key), age, seal(self._secret, "page", key, data)))
        return self._keep(rows, now)

    def pictures(self, digests: Iterable[str], now: datetime) -> dict[str, bytes]:
        """The bytes of pictures by their sha256 (hex); those that are not there any more are left out. One query."""
        return self._unsealed("picture", digests, now)

    def keep_pictures(self, pictures: Mapping[str, bytes], now: datetime) -> int:
        """Keep the bytes of pictures under their sha256 (hex), each once. Returns how many were kept. One statement."""
        return self._keep_sealed("picture", pictures, now)

    def descriptions(self, names: Iterable[str], now: datetime) -> dict[str, str]:
        """What a model told, by :func:`~stages.enrich.pages.describe.description_name`; what nobody told is left out.
        One query."""
        return {name: data.decode() for name, data in self._unsealed("description", names, now).items()}

    def keep_descriptions(self, descriptions: Mapping[str, str], now: datetime) -> int:
        """Keep what a model told under its names. Returns how many were kept. One statement."""
        return self._keep_sealed("description", {name: text.encode() for name, text in descriptions.items()}, now)

    def _unsealed(self, kind: str, names: Iterable[str], now: datetime) -> dict[str, bytes]:
        places = {place(self._secret, kind, name): name for name in names}
        found = {}
        for where, (_, sealed) in self._rows(places, now).items():
            with suppress(ValueError):
                found[places[where]] = unseal(self._secret, kind, places[where], sealed)
        return found

    def _keep_sealed(self, kind: str, contents: Mapping[str, bytes], now: datetime) -> int:
        rows = [
            (place(self._secret, kind, name), self._age, seal(self._secret, kind, name, data))
            for name, data in contents.items()
        ]
        return self._keep(rows, now)

    def _page(self, key: str, sealed: bytes, age: timedelta) -> CachedPage | None:
        try:
            told = orjson.loads(unseal(self._secret, "page", key, sealed))
            if told["facts"] is not None:
                return CachedPage(PageFacts.of(told["facts"]), told["picture"])
            if told["policy"] != self._policy or age >= FAILURE_AGE:
                return None
            return CachedPage(error_class=told["error_class"], reason=told["reason"])
        except (ValueError, KeyError, TypeError):  # kept by another version, or damaged: it is not known
            return None

    def _rows(self, places: Iterable[str], now: datetime) -> dict[str, tuple[datetime, bytes]]:
        wanted = json.dumps(list(places))

        def read(connection: sqlite3.Connection) -> list[tuple[str, int, int, bytes]]:
            return connection.execute(_LOOK_UP, (wanted,)).fetchall()

        found = {}
        for where, kept, expires, sealed in self._guarded(read) or ():
            age = now - _time(kept)
            if -_SKEW <= age < self._age and now < _time(expires):
                found[where] = (_time(kept), bytes(sealed))
        return found

    def _keep(self, rows: list[tuple[str, timedelta, bytes]], now: datetime) -> int:
        kept = 0
        while rows and self._writable:
            index: list[list[str | int]] = []
            at = 0
            for where, age, sealed in rows:
                if index and at + len(sealed) > _STATEMENT:
                    break
                index.append([where, _micros(now + age), at, len(sealed)])
                at += len(sealed)
            batch, rows = rows[: len(index)], rows[len(index) :]
            kept += self._write((_micros(now), json.dumps(index), b"".join(sealed for _, _, sealed in batch)))
        return kept

    def _write(self, values: tuple[int, str, bytes]) -> int:
        def write(connection: sqlite3.Connection) -> int:
            with connection:
                kept = connection.execute(_KEEP, values).rowcount
                if self._size(connection) > self._limit:
                    connection.execute(_TRIM, (values[0], self._limit * 9 // 10))
            return kept

        return self._guarded(write, writing=True) or 0

    @staticmethod
    def _size(connection: sqlite3.Connection) -> int:
        """Bytes in use, without looking at any row."""
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _open(self, _: object) -> None:
        private_folder(self._path.parent)
        # made by us, so that it is never readable by others; SQLite gives its other files the same mode
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o600))
        connection = sqlite3.connect(self._path, timeout=_BUSY, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # what a power failure takes is fetched again
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
                raise sqlite3.DatabaseError("of another version")
            with connection:
                connection.execute(_SCHEMA)
                connection.execute(_INDEX)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _guarded(self, act: Callable[[Any], Any], *, writing: bool = False) -> Any:
        """``act`` on the connection, None where there is none (any more). What goes wrong ends the cache alone."""
        with self._lock:
            if self._connection is None and act != self._open:
                return None
            try:
                return act(self._connection)
            except (sqlite3.Error, OSError) as error:
                self._give_up(error, writing)
                return None

    def _give_up(self, error: Exception, writing: bool) -> None:
        damaged = type(error) is sqlite3.DatabaseError  # its subclasses are of locks, space and statements
        if writing and not damaged:
            self._writable = False  # what is there can still be read
            self._say("Pages cannot be remembered for later runs: the cache is full, locked or not to be written.")
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
        if not damaged:
            self._say("Remembered pages cannot be read; pages are fetched anew.")
            return
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(FILE + ending).unlink()
        self._say("The file of remembered pages was damaged and has been removed; pages are fetched anew.")


def _micros(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000)


def _time(micros: int) -> datetime:
    from datetime import UTC

    return datetime.fromtimestamp(micros / 1_000_000, UTC)
