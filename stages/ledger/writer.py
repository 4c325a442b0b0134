"""Writing the ledger: lines are gathered, written by a thread, and never stand in the way of the work.

A full buffer is written with fsync by a thread, which takes all there is each time it comes round, so that whoever
records never waits for the disk, unless :data:`LOSS_LIMIT` lines are on their way: that many are what a crash can lose.
The archive never depends on the ledger, and a ledger that cannot be written never fails the work: the lines are counted
as lost, and it is said once.
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
"""The most lines that may be unwritten when a record returns."""

ROTATE_BYTES: Final = 8 << 20
"""A file is full before it grows past this: some 50,000 lines, which the reader of the last few goes through in a tenth
of a second, and an editor opens. Full files are kept: they are the record, and may be removed by whoever wants to."""

_LONGEST_TEXT: Final = 200
_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS


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
        # re-entrant, and given up whole while waiting: a signal handler may come in the middle of anything
        self._changed = threading.Condition(threading.RLock())
        # every line that is not on the disk, in order: its length is the one count of them. Whoever records appends and
        # takes no lock, the writer alone removes, from the front: each is one step of the interpreter
        self._lines: list[bytes] = []
        # so many lines make a recorder look up: a full buffer while the writer waits, one too many while it works
        self._enough = buffer
        self._written = 0
        self._wanted = 0  # flush up to this count
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
        """Add ``{t, run, kind, ...payload}``; one or two microseconds. Texts are cut at 200 characters.

        When it returns at most :data:`LOSS_LIMIT` lines are unwritten: it waits for the disk where there were more.
        Raises :class:`ValueError` for a payload named ``t`` or ``run``.
        """
        entry = {"t": datetime.now(UTC), "run": self.run_id, "kind": kind, **payload}
        if len(entry) != len(payload) + 3:
            raise ValueError("a payload may not be named t, run or kind")
        try:
            # a copy, since what the encoder returns holds on to the kilobyte that it wrote into
            line = orjson.dumps(entry, _named, _OPTIONS) + b"\n"
        except orjson.JSONEncodeError:
            line = b""
        if not 0 < len(line) <= _LONGEST_TEXT:  # a line so short has no long text
            line = self._shortened(entry)
            if not line:
                return
        lines = self._lines
        lines.append(line)
        if len(lines) >= self._enough:
            self._look_up()
        if self.lost:
            self._complain()

    def flush(self) -> None:
        """Wait until every line so far is on the disk, or lost."""
        with self._changed:
            goal = self._written + len(self._lines)
            self._wanted = max(self._wanted, goal)
            self._changed.notify_all()
            while self._written < goal and not self._ended:
                self._changed.wait()
        self._complain()

    def close(self) -> None:
        """Flush and let go of the file. Closing twice is harmless."""
        atexit.unregister(self.close)
        with self._changed:
            if not self._closed:
                self._closed = True
                self._wanted = self._written + len(self._lines)  # and not what others go on to record
            self._changed.notify_all()
            while not self._ended:
                self._changed.wait()
            if self._file is not None:
                os.close(self._file)
                self._file = None
        self._complain()

    def _shortened(self, entry: dict[str, Any]) -> bytes:
        """The line with its texts cut, or nothing where it is counted as lost."""
        for name, value in entry.items():
            if isinstance(value, str) and len(value) > _LONGEST_TEXT:
                entry[name] = value[:_LONGEST_TEXT]
        try:
            return orjson.dumps(entry, _named, _OPTIONS) + b"\n"
        except orjson.JSONEncodeError as error:
            with self._changed:
                self._lose(1, f"an entry is no JSON ({error})")
            self._complain()
            return b""

    def _look_up(self) -> None:
        """Wake the writer if it waits; wait for it where too many lines are unwritten."""
        with self._changed:
            if not self._ended:
                self._enough = LOSS_LIMIT + 1
            self._changed.notify_all()
            while len(self._lines) > LOSS_LIMIT and not self._ended:
                self._changed.wait()
            if self._ended:
                self._lose_late()

    def _write_on(self) -> None:
        lines = self._lines
        while True:
            with self._changed:
                while not self._due():
                    self._changed.wait()
                if self._closed and self._written >= self._wanted:
                    self._ended = True
                    self._lose_late()
                    self._changed.notify_all()
                    return
                self._enough = LOSS_LIMIT + 1  # a writer that is at work looks for more before it waits
                batch = lines[:]
            trouble = self._write(b"".join(batch))
            with self._changed:
                if trouble is not None:
                    self._lose(len(batch), trouble)
                del lines[: len(batch)]
                self._written += len(batch)
                self._changed.notify_all()

    def _due(self) -> bool:
        # first said and then looked, so that whoever appends meanwhile is either seen here or looks up there
        self._enough = 0 if self._closed else self._size
        return self._closed or len(self._lines) >= self._size or self._wanted > self._written

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

    def _lose_late(self) -> None:
        late = len(self._lines)
        if late:
            self._lose(late, "it was closed already")
            del self._lines[:late]

    def _lose(self, lines: int, trouble: str) -> None:
        self.lost += lines
        self._trouble = trouble

    def _complain(self) -> None:
        with self._changed:
            if not self.lost or self._say is None:
                return
            say, self._say = self._say, None
        say(f"The ledger {self.path.name} could not be kept: {self._trouble}. The work goes on without it.")


def _named(value: Any) -> str:
    # what is no plain value could carry anything: its kind alone is kept
    return type(value).__name__
