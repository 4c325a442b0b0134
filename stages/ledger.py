"""The ledger: an append-only record of what happened, one JSON object a line, never any message text.

A full buffer is swapped and written with fsync by a thread, so that whoever records never waits for the disk, unless
:data:`LOSS_LIMIT` lines are on their way: that many are what a crash can lose. The archive never depends on the
ledger, and a ledger that cannot be written never fails the work: the lines are counted as lost, and it is said once.
"""

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

LOSS_LIMIT: Final = 1_000
"""The most lines that may be unwritten at any time."""

_TAIL_BYTES: Final = 1 << 20
_LONGEST_TEXT: Final = 200
_OWN: Final = frozenset(("t", "run", "kind"))


class Ledger:
    """An open ledger; one process at a time, any number of threads.

    ``buffer`` lines are gathered before they are handed to the writer. ``say`` is called at most once, from a thread
    that records, flushes or closes, when something could not be written; ``lost`` counts the lines. A signal handler
    may record and flush. What a crash tore off the last line is set aside in ``<stem>.torn`` on opening.
    """

    def __init__(self, path: Path, run_id: str, buffer: int = 10, *, say: Callable[[str], None] | None = None) -> None:
        if not 1 <= buffer <= LOSS_LIMIT:
            raise ValueError(f"buffer must be in 1..{LOSS_LIMIT}")
        self.path = path
        self.run_id = run_id
        self.lost = 0
        self._size = buffer
        self._say = say
        self._trouble: str | None = None
        # re-entrant, and given up whole while waiting: a signal handler may come in the middle of a record. Nothing is
        # counted twice over, so that no state between two lines of code is a wrong one
        self._changed = threading.Condition(threading.RLock())
        self._gathered: list[bytes] = []
        self._handed: list[bytes] = []
        self._writing = 0
        self._written = 0
        self._closed = False
        self._ended = False
        self._file: int | None = None
        self._open()
        threading.Thread(target=self._write_on, name="ledger", daemon=True).start()
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def record(self, kind: str, **payload: Any) -> None:
        """Add ``{t, run, kind, ...payload}``; a few microseconds. Texts are cut at 200 characters.

        Raises :class:`ValueError` for a payload named ``t`` or ``run``.
        """
        if not _OWN.isdisjoint(payload):
            raise ValueError("a payload may not be named t, run or kind")
        small = {name: value[:_LONGEST_TEXT] if isinstance(value, str) else value for name, value in payload.items()}
        entry = {"t": datetime.now(UTC), "run": self.run_id, "kind": kind, **small}
        try:
            line = orjson.dumps(entry, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE, default=_named)
        except orjson.JSONEncodeError as error:
            with self._changed:
                self._lose(1, f"an entry is no JSON ({error})")
            self._complain()
            return
        with self._changed:
            while len(self._gathered) + len(self._handed) + self._writing >= LOSS_LIMIT and not self._closed:
                self._hand_over()
                self._changed.wait()
            if self._closed:
                self._lose(1, "it was closed already")
            else:
                self._gathered.append(line)
                if len(self._gathered) >= self._size:
                    self._hand_over()
        self._complain()

    def flush(self) -> None:
        """Wait until every line so far is on the disk, or lost."""
        with self._changed:
            self._hand_over()
            goal = self._written + self._writing + len(self._handed)
            while self._written < goal:
                self._changed.wait()
        self._complain()

    def close(self) -> None:
        """Flush and let go of the file. Closing twice is harmless."""
        atexit.unregister(self.close)
        with self._changed:
            self._hand_over()
            self._closed = True
            self._changed.notify_all()
            while not self._ended:
                self._changed.wait()
            if self._file is not None:
                os.close(self._file)
                self._file = None
        self._complain()

    def _hand_over(self) -> None:
        lines, self._gathered = self._gathered, []
        self._handed += lines
        self._changed.notify_all()

    def _write_on(self) -> None:
        while True:
            with self._changed:
                while not self._handed and not self._closed:
                    self._changed.wait()
                if not self._handed:
                    self._ended = True
                    self._changed.notify_all()
                    return
                lines, self._handed = self._handed, []
                self._writing = len(lines)
            trouble = self._write(b"".join(lines))
            with self._changed:
                if trouble is not None:
                    self._lose(len(lines), trouble)
                self._writing = 0
                self._written += len(lines)
                self._changed.notify_all()

    def _write(self, data: bytes) -> str | None:
        """Append and fsync; returns what went wrong. A part that was written is taken back."""
        if self._file is None:
            self._open()
        if self._file is None:
            return self._trouble or "it could not be opened"
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError as error:
            try:
                os.ftruncate(self._file, start)
            except OSError:
                # opening it anew will set aside what stands there
                os.close(self._file)
                self._file = None
            return error.strerror or "it could not be written"
        return None

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            made = not self.path.exists()
            _set_torn_aside(self.path)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            if made:
                folder = os.open(self.path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            self._trouble = error.strerror or "it could not be opened"

    def _lose(self, lines: int, trouble: str) -> None:
        self.lost += lines
        self._trouble = trouble

    def _complain(self) -> None:
        with self._changed:
            if not self.lost or self._say is None:
                return
            say, self._say = self._say, None
        say(f"The ledger {self.path.name} could not be kept: {self._trouble}. The work goes on without it.")


def read_ledger(path: Path, *, kind: str | None = None, tail: int | None = None) -> Iterator[dict[str, Any]]:
    """The entries in order, of one ``kind`` only, the last ``tail`` only. No file, no entries.

    A line that is no JSON object (a crash tore it, or it is being written) is passed over. One pass; memory is that
    of one line, or of ``tail`` entries. Raises :class:`ValueError` for a negative ``tail``.
    """
    if tail is not None and tail < 0:
        raise ValueError("tail must be 0 or more")
    entries = _entries(path, kind)
    return entries if tail is None else iter(deque(entries, maxlen=tail))


def _entries(path: Path, kind: str | None) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            entry = _parsed(line)
            if entry is not None and (kind is None or entry.get("kind") == kind):
                yield entry


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def _set_torn_aside(path: Path) -> None:
    """Move what follows the last whole entry to ``<stem>.torn``, first written there, then cut off here."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
        whole = len(tail)
        while whole:
            line = tail.rfind(b"\n", 0, whole - 1) + 1
            if _parsed(tail[line:whole]) is not None or (line == 0 and start > 0):
                break
            whole = line
        if whole == len(tail):
            return
        with path.with_suffix(".torn").open("ab") as torn:
            torn.write(tail[whole:] + (b"" if tail.endswith(b"\n") else b"\n"))
            torn.flush()
            os.fsync(torn.fileno())
        file.truncate(start + whole)
        os.fsync(file.fileno())


def _named(value: Any) -> str:
    # what is no plain value could carry anything: its kind alone is kept
    return type(value).__name__
