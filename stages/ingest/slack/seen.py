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
        self._before: dict[int, set[int]] = {}
        self._now: list[tuple[int, int]] = []

    def expect(self, stamps: Sequence[int]) -> None:
        """Look up which of these were met in earlier batches."""
        self._fold()
        self._before = {}
        asked = np.unique(np.array(stamps, np.int64))
        for times, authors in self._runs:
            if not len(asked) or asked[0] > times[-1] or asked[-1] < times[0]:
                continue
            left, right = np.searchsorted(times, asked, "left"), np.searchsorted(times, asked, "right")
            for at in np.flatnonzero(right > left).tolist():
                found = self._before.setdefault(int(asked[at]), set())
                found.update(authors[left[at] : right[at]].tolist())

    def meet(self, stamp: int, author: str, text: str) -> Literal["new", "again", "shared"]:
        """Whether a message is new, is met again, or shares its stamp with another one."""
        mark = hash(author if stamp % 1_000_000 else (author, text)) & _MASK
        known = self._before.get(stamp)
        if known is None:
            self._before[stamp] = {mark}
            self._now.append((stamp, mark))
            return "new"
        if mark in known:
            return "again"
        known.add(mark)
        self._now.append((stamp, mark))
        return "shared"

    def knows(self, stamp: int) -> bool:
        """Whether any message with this stamp was met."""
        return stamp in self._before

    def _fold(self) -> None:
        """Keep a batch as a sorted run, each more than twice as long as the next: few to search, cheap to merge."""
        if not self._now:
            return
        pairs = np.array(self._now, np.int64)
        self._now = []
        times, authors = _sorted(pairs[:, 0], pairs[:, 1])
        self._runs.append((times, authors))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            last, before = self._runs.pop(), self._runs.pop()
            # days come in order, so that most runs are put together without sorting
            times, authors = (np.concatenate((one, other)) for one, other in zip(before, last, strict=True))
            self._runs.append((times, authors) if before[0][-1] <= last[0][0] else _sorted(times, authors))


def _sorted(times: Ints, authors: Ints) -> tuple[Ints, Ints]:
    order = np.argsort(times, kind="stable")
    return times[order], authors[order]
