"""The heartbeat of a run: what it has claimed stays claimed for as long as its batches work, however long that is.

A thread renews the leases; it and whoever keeps results take turns, for two writers of one row would conflict.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self


class Heartbeat:
    """``renew(keys)`` is called every ``seconds`` for the keys that are not settled yet, from a thread of its own.

    A context manager. A renewal that fails is left to the next: the leases are longer than one.
    """

    def __init__(self, renew: Callable[[list[str]], Any], keys: Iterable[str], seconds: float) -> None:
        self._renew = renew
        self._seconds = seconds
        self._left = dict.fromkeys(keys)
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def left(self) -> list[str]:
        """The keys that nobody has settled."""
        return list(self._left)

    @contextmanager
    def settling(self, keys: Iterable[str]) -> Iterator[None]:
        """A block that writes, nobody else beside it; these keys are settled by it and renewed no more."""
        with self._turn:
            yield
            for key in keys:
                self._left.pop(key, None)

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds):
            with self._turn:
                if self._left:
                    with suppress(Exception):
                        self._renew(list(self._left))
