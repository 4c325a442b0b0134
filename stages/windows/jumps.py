"""Windows one after another, where a window's start depends on the end of the one before.

The next end and the next start are looked up for a block of positions at a time, by ``searchsorted`` on running sums
and times; then planning is one jump per window. Small windows share a block, large ones skip what lies between.
"""

from array import array
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stages.windows.spec import WindowSpec

Ints = NDArray[np.int64]
_BLOCK: Final = 4_096


class Cutter:
    """Where a window from each position ends, and where the one after each end begins. All limits are optional.

    ``most``: messages; ``sums`` with ``weight``: running sums and the most a window weighs; ``span``: microseconds
    from first to last; ``breaks``: positions at which a session begins, ascending, N last. ``shared`` messages or
    ``tail`` weight are read again.
    """

    def __init__(
        self,
        ts: Ints,
        *,
        most: int | None = None,
        shared: int = 0,
        sums: Ints | None = None,
        weight: int = 0,
        tail: int = 0,
        span: int | None = None,
        breaks: Ints | None = None,
    ) -> None:
        self.ts, self.count = ts, len(ts)
        self.most, self.shared = most, shared
        self.sums, self.weight, self.tail = sums, weight, tail
        self.span, self.breaks = span, breaks

    def ends(self, low: int, high: int) -> Ints:
        """For each start in [low, high): the end of its window, always past the start."""
        start = np.arange(low, high)
        end = np.full(high - low, self.count)
        if self.most is not None:
            end = np.minimum(end, start + self.most)
        if self.sums is not None:
            fits = self.sums.searchsorted(self.sums[low:high] + self.weight, "right") - 1
            # one message larger than the limit stands alone
            end = np.minimum(end, np.maximum(fits, start + 1))
        if self.span is not None:
            end = np.minimum(end, self.ts.searchsorted(self.ts[low:high] + self.span, "right"))
        if self.breaks is not None:
            end = np.minimum(end, self.breaks[self.breaks.searchsorted(start, "right")])
        return end

    def starts(self, low: int, high: int) -> Ints:
        """For each end in [low, high), all below N: the start of the next window, which holds message ``end``."""
        end = np.arange(low, high)
        start = np.zeros(high - low, np.int64) if self.most is not None or self.sums is not None else end
        if self.most is not None:
            start = np.maximum(start, end - self.shared)
        if self.sums is not None:
            start = np.maximum(start, self.sums.searchsorted(self.sums[low:high] - self.tail, "left"))
            start = np.maximum(start, self.sums.searchsorted(self.sums[low + 1 : high + 1] - self.weight, "left"))
        if self.span is not None:
            start = np.maximum(start, self.ts.searchsorted(self.ts[low:high] - self.span, "left"))
        if self.breaks is not None:
            start = np.maximum(start, self.breaks[self.breaks.searchsorted(end, "right") - 1])
        return np.minimum(start, end)


def jump(cutter: Cutter) -> tuple[Ints, Ints]:
    """Starts and ends of all windows, each shape (windows,). N log N at worst over the blocks, one step a window."""
    count = cutter.count
    starts, ends = array("q"), array("q")
    end_at, start_at = _Blocks(cutter.ends, count), _Blocks(cutter.starts, count)
    start = end = 0
    while end < count:
        end = end_at(start)
        starts.append(start)
        ends.append(end)
        if end < count:
            start = start_at(end)
    return np.array(starts, np.int64), np.array(ends, np.int64)


class _Blocks:
    """A function of positions that are asked for in ascending order, computed for a block of them at a time."""

    def __init__(self, function: Callable[[int, int], Ints], count: int) -> None:
        self.function, self.count = function, count
        self.low = self.high = 0
        self.values = np.empty(0, np.int64)

    def __call__(self, position: int) -> int:
        if position >= self.high:
            self.low, self.high = position, min(position + _BLOCK, self.count)
            self.values = self.function(self.low, self.high)
        return int(self.values.item(position - self.low))


def messages(ts: Ints, spec: WindowSpec) -> tuple[Ints, Ints]:
    """Windows of ``size`` messages: closed form, or by jumps where ``max_span`` may cut them."""
    count = len(ts)
    size = int(spec.exact_size)
    shared = spec.overlap_of(size)
    size, shared = min(size, count), min(shared, count)
    if spec.span_us is not None:
        return jump(Cutter(ts, most=size + shared, shared=shared, span=_clip(spec.span_us)))
    if count == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    windows = 1 + max(0, -(-(count - shared - size) // size))
    start = np.arange(windows, dtype=np.int64) * size
    return start, np.minimum(start + size + shared, count)


def weights(ts: Ints, sums: Ints, size: int, spec: WindowSpec, breaks: Ints | None = None) -> tuple[Ints, Ints]:
    """Windows of at most ``size`` weight, cut at every position of ``breaks`` as well."""
    tail = spec.overlap_of(size)
    total = int(sums[-1])
    return jump(
        Cutter(ts, sums=sums, weight=min(size, total), tail=min(tail, total), span=_clip(spec.span_us), breaks=breaks)
    )


def sessions(ts: Ints, sums: Ints | None, spec: WindowSpec) -> tuple[Ints, Ints]:
    """Windows between silences of at least ``size`` minutes; ``sums`` in the unit of ``weigh``, if it is given."""
    count = len(ts)
    silent = np.flatnonzero(np.diff(ts) >= _clip(spec.size_us)) + 1
    breaks = np.concatenate(([0], silent, [count])).astype(np.int64)
    if spec.limit is not None and sums is not None:
        return weights(ts, sums, spec.limit[1], spec, breaks)
    if spec.span_us is not None:
        return jump(Cutter(ts, span=_clip(spec.span_us), breaks=breaks))
    if count == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return breaks[:-1], breaks[1:]


def _clip(microseconds: int | None) -> int | None:
    # longer than any chat is as good as endless, and fits 64 bits beside any time
    return None if microseconds is None else min(microseconds, 1 << 60)
