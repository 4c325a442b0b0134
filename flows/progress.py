"""What a person sees while a run goes on: on standard error, never on standard output.

At a terminal one line is kept up to date; elsewhere a plain line is written for each two seconds of silence. Notes
(a key that was made, a setting that is unknown) are held back until the exports are known to be good, and so are
lines, for a while, so that bad input leaves exactly one line.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

SILENCE_SECONDS = 2.0
PATIENCE_SECONDS = 15.0
"""Silence while exports are not yet known to be good: bad input is told within it, in one line and no other."""


class Progress:
    """Says what is being done. All methods may be called from any thread."""

    def __init__(self, stream: TextIO | None = None, *, enabled: bool = True, detailed: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self.enabled = enabled
        self.detailed = detailed
        self._lock = threading.Lock()
        self._held: list[str] | None = []
        self._phase = ""
        self._done = 0
        self._total: int | None = None
        self._since = 0.0

    def note(self, sentence: str) -> None:
        """A sentence that a person must see, now or as soon as notes are released."""
        with self._lock:
            if self._held is not None:
                self._held.append(sentence)
            else:
                self._line(sentence)

    def release(self) -> None:
        """From here on notes are written at once."""
        with self._lock:
            held, self._held = self._held or [], None
            for sentence in held:
                self._line(sentence)

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[None]:
        """Name what is being done for as long as the block runs; ``total`` is the number of its items if known."""
        self._phase, self._done, self._total, self._since = name, 0, total, time.monotonic()
        ended = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(ended,), daemon=True, name="progress")
        if self.enabled:
            ticker.start()
        try:
            yield
        finally:
            ended.set()
            if self.enabled:
                ticker.join()
            with self._lock:
                if self._terminal and self.enabled:
                    self._stream.write("\r\x1b[K")
                    self._stream.flush()

    def advance(self, items: int = 1) -> None:
        """Count items of the phase that is going on."""
        self._done += items
        if self.detailed and self.enabled and not self._terminal:
            with self._lock:
                self._line(self._state())

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(0.2 if self._terminal else SILENCE_SECONDS):
            with self._lock:
                if self._terminal:
                    self._stream.write(f"\r\x1b[K{self._state()}")
                    self._stream.flush()
                elif self._held is None or time.monotonic() - self._since >= PATIENCE_SECONDS:
                    self._line(self._state())

    def _state(self) -> str:
        seconds = time.monotonic() - self._since
        if self._total is None:
            return f"{self._phase}: {seconds:.0f} s"
        left = f", about {seconds / self._done * (self._total - self._done):.0f} s left" if self._done else ""
        return f"{self._phase}: {self._done:,} of {self._total:,}, {seconds:.0f} s{left}"

    def _line(self, sentence: str) -> None:
        clear = "\r\x1b[K" if self._terminal else ""
        self._stream.write(f"{clear}{sentence}\n")
        self._stream.flush()
