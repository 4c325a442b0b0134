"""What is remembered of a chat's messages by their numbers: which were met, and the topic that each stands in.

Numbers ascend (or, in the exports of some other programs, descend); they are kept as sorted arrays.
"""

from array import array
from bisect import bisect_left
from typing import Final

import numpy as np

from stages.ingest.draft import NO_KEY

NONE: Final = -1
_MARK: Final = (1 << 32) - 1


def mark(seconds: float) -> int:
    """32 bits of a time, which tell messages with one number apart."""
    return int(seconds) & _MARK


class ByNumber:
    """Message number -> a small number. Memory: 12 bytes an entry; a hundred for one that is out of order."""

    def __init__(self) -> None:
        self._keys = array("q")
        self._values = array("I")
        self._late: dict[int, int] = {}
        self._sign = 1

    def put(self, key: int, value: int) -> None:
        """Remembers ``value`` (0..2**32-1). A number that was put before keeps its first value."""
        if len(self._keys) == 1 and self._sign == 1 and key < self._keys[0]:
            self._sign = -1
            self._keys[0] = -self._keys[0]
        key *= self._sign
        if self._keys and key <= self._keys[-1]:
            if self._place(key) < 0:
                self._late.setdefault(key, value)
            return
        self._keys.append(key)
        self._values.append(value)

    def get(self, key: int) -> int:
        """The value of a number, or NONE."""
        key *= self._sign
        at = self._place(key)
        return self._values[at] if at >= 0 else self._late.get(key, NONE)

    def extend(self, keys: list[int], seconds: list[float]) -> None:
        """Puts the marks of many times, in their order; NO_KEY is no number. Ascending ones cost next to nothing."""
        numbers = np.array(keys, np.int64)
        ascends = bool((numbers[1:] > numbers[:-1]).all()) and self._sign == 1 and NO_KEY not in keys
        if ascends and len(keys) and (not self._keys or keys[0] > self._keys[-1]):
            self._keys.frombytes(numbers.tobytes())
            self._values.frombytes((np.array(seconds, np.int64) & _MARK).astype(np.uint32).tobytes())
            return
        for key, second in zip(keys, seconds, strict=True):
            if key != NO_KEY:
                self.put(key, mark(second))

    def _place(self, key: int) -> int:
        at = bisect_left(self._keys, key)
        return at if at < len(self._keys) and self._keys[at] == key else -1


class Topics:
    """Topics of one forum, fed with its messages in their order: a chain of replies leads to a topic's creation."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._codes = ByNumber()

    def __bool__(self) -> bool:
        return bool(self._titles)

    def opened(self, key: int, title: str) -> str:
        """Message ``key`` creates a topic."""
        self._titles.append(title)
        if key != NO_KEY:
            self._codes.put(key, len(self._titles) - 1)
        return title

    def of(self, key: int, reply: int) -> str | None:
        """The topic of message ``key``, which answers ``reply``; None outside of all that were created here."""
        if reply == NO_KEY:
            return None
        code = self._codes.get(reply)
        if code == NONE:
            return None
        if key != NO_KEY:
            self._codes.put(key, code)
        return self._titles[code]
