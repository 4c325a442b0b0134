"""Which messages of a conversation were met before: Slack's time stamps are ids, and some stand twice."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from stages.ingest.columns import Ints

_MASK: Final = (1 << 63) - 1


class Seen:
    """The messages of one conversation by time stamp and author. Memory: 16 bytes a message.

    Call :meth:`expect` with the time stamps of a batch before its messages are met. A repeat has the stamp and the
    author of an earlier message; where stamps are whole seconds, as imports write them, the text must be equal too.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Ints, Ints]] = []
        self._first: dict[int, int] = {}
        self._others: dict[int, set[int]] = {}
        self._stamps: list[int] = []
        self._marks: list[int] = []

    def expect(self, stamps: Sequence[int]) -> None:
        """Look up which of these were met in earlier batches."""
        self._fold()
        self._first, self._others = {}, {}
        asked = np.unique(np.array(stamps, np.int64))
        for times, marks in self._runs:
            if not len(asked) or asked[0] > times[-1] or asked[-1] < times[0]:
                continue
            left, right = np.searchsorted(times, asked, "left"), np.searchsorted(times, asked, "right")
            for at in np.flatnonzero(right > left).tolist():
                found = marks[left[at] : right[at]].tolist()
                self._first.setdefault(int(asked[at]), found[0])
                self._others.setdefault(int(asked[at]), set()).update(found)

    def meet(self, stamp: int, author: str, text: str) -> Literal["new", "again", "shared"]:
        """Whether a message is new, is met again, or shares its stamp with another one."""
        mark = hash(author if stamp % 1_000_000 else (author, text)) & _MASK
        first = self._first.get(stamp)
        if first is None:
            self._first[stamp] = mark
        elif first == mark:
            return "again"
        else:
            others = self._others.setdefault(stamp, set())
            if mark in others:
                return "again"
            others.add(mark)
        self._stamps.append(stamp)
        self._marks.append(mark)
        return "new" if first is None else "shared"

    def knows(self, stamp: int) -> bool:
        """Whether any message with this stamp was met."""
        return stamp in self._first

    def _fold(self) -> None:
        """Keep a batch as a sorted run, each more than twice as long as the next: few to search, cheap to merge."""
        if not self._stamps:
            return
        times, marks = _sorted(np.array(self._stamps, np.int64), np.array(self._marks, np.int64))
        self._stamps, self._marks = [], []
        self._runs.append((times, marks))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            last, before = self._runs.pop(), self._runs.pop()
            times, marks = (np.concatenate((one, other)) for one, other in zip(before, last, strict=True))
            # days come in order, so that most runs are put together without sorting
            self._runs.append((times, marks) if before[0][-1] <= last[0][0] else _sorted(times, marks))


def _sorted(times: Ints, marks: Ints) -> tuple[Ints, Ints]:
    order = np.argsort(times, kind="stable")
    return times[order], marks[order]
