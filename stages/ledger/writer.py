"""Writing the ledger: lines are gathered, written by a thread, and never stand in the way of the work.

A full buffer is swapped and written with fsync by a thread, so that whoever records never waits for the disk, unless
:data:`LOSS_LIMIT` lines are on their way: that many are what a crash can lose. The archive never depends on the
ledger, and a ledger that cannot be written never fails the work: the lines are counted as lost, and it is said once.
"""

import atexit
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from stages.durable import sync_folder
from stages.ledger.files import append, full_file, full_files, set_torn_aside

LOSS_LIMIT: Final = 1_000
"""The most lines that may be unwritten at any time."""

ROTATE_BYTES: Final = 8 << 20
"""A file is full before it grows past this: some 50,000 lines, which the reader of the last few goes through in a tenth
of a second, and an editor opens. Full files are kept: they are the record, and may be removed by whoever wants to."""

_LONGEST_TEXT: Final = 200
_OWN: Final = frozenset(("t", "run", "kind"))


class Ledger:
    """An open ledger; one process at a time, any number of threads.

    ``buffer`` lines are gathered before they are handed to the writer. ``say`` is called at most once, from a thread
    that records, flushes or closes, when something could not be written; ``lost`` counts the lines. A signal handler
    may record and flush. What a crash tore off the last line is set aside in ``<stem>.torn`` on opening.

    What is written at once stays in one file; before it would pass ``rotate_bytes`` the file becomes
    ``<stem>-0001.jsonl`` (the next free number, oldest first) by rename, and a new one is begun. A file that cannot be
    rotated is written on.
    """

    def __init__(
        self,
        path: Path,
        run_id: str,
        buffer: int = 10,
        *,
        rotate_bytes: int = ROTATE_BYTES,
        say: Callable[[str], None] | None = None,
    ) -> None:
        if not 1 <= buffer <= LOSS_LIMIT:
            raise ValueError(f"buffer must be in 1..{LOSS_LIMIT}")
        if rotate_bytes < 1:
            raise ValueError("rotate_bytes must be 1 or more")
        self.path = path
        self.run_id = run_id
        self.lost = 0
        self._size = buffer
        self._rotate_bytes = rotate_bytes
        self._say = say
        self._trouble: str | None = None
        # re-entrant, and given up whole while waiting: a signal handler may come in the middle of a record. Nothing is
        # counted twice over, so that no state between two lines of code is a wrong one
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._idle = False
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
        for name, value in payload.items():
            if isinstance(value, str) and len(value) > _LONGEST_TEXT:
                payload[name] = value[:_LONGEST_TEXT]
        entry = {"t": datetime.now(UTC), "run": self.run_id, "kind": kind, **payload}
        try:
            line = orjson.dumps(entry, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE, default=_named)
        except orjson.JSONEncodeError as error:
            with self._changed:
                self._lose(1, f"an entry is no JSON ({error})")
            self._complain()
            return
        with self._lock:
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
        if self._idle:  # a writer that is at work looks for more before it waits
            self._changed.notify_all()

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._idle = True
                while not self._handed and not self._closed:
                    self._changed.wait()
                self._idle = False
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
        if start and start + len(data) > self._rotate_bytes and self._rotate():
            start = 0
        try:
            append(self._file, data)
        except OSError as error:
            try:
                os.ftruncate(self._file, start)
            except OSError:
                # opening it anew will set aside what stands there
                os.close(self._file)
                self._file = None
            return error.strerror or "it could not be written"
        return None

    def _rotate(self) -> bool:
        """Begin a new file. Between the two steps there is none, which readers and the next opening take as it is."""
        full = self._file
        assert full is not None
        try:
            numbers = [number for number, _ in full_files(self.path)]
            self.path.rename(full_file(self.path, max(numbers, default=0) + 1))
        except FileNotFoundError:
            pass  # it was renamed the last time, and the new one could not be made
        except OSError:
            return False
        self._file = None
        self._open()
        if self._file is None:
            self._file = full  # too long is better than lost
            return False
        os.close(full)
        return True

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            made = not self.path.exists()
            set_torn_aside(self.path)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            if made:
                sync_folder(self.path.parent)
        except OSError as error:
            self._trouble = error.strerror or "it could not be opened"

    def _lose(self, lines: int, trouble: str) -> None:
        self.lost += lines
        self._trouble = trouble

    def _complain(self) -> None:
        if not self.lost:
            return
        with self._lock:
            if not self.lost or self._say is None:
                return
            say, self._say = self._say, None
        say(f"The ledger {self.path.name} could not be kept: {self._trouble}. The work goes on without it.")


def _named(value: Any) -> str:
    # what is no plain value could carry anything: its kind alone is kept
    return type(value).__name__
