"""Windows one after another, where a window's start depends on the end of the one before.

Large windows are looked up one by one, by bisection between the last window and the next; small ones for a block of
positions at a time, by ``searchsorted``. Either way running sums and times are searched, never added up.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stages.windows.spec import WindowSpec

Ints = NDArray[np.int64]
_BLOCK: Final = 4_096
_STRETCH: Final = 32
_CHUNK: Final = 1 << 17
# messages that a window adds, from which on two bisections cost less than looking up every position
_LARGE: Final = 32


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
        # single numbers are read from a memoryview five times as fast as from an array
        self._ts, self._sums, self._breaks = (_view(values) for values in (ts, sums, breaks))

    def end(self, start: int, guess: int) -> int:
        """The end of the window from ``start``, always past it; ``guess`` messages are searched before the rest."""
        end = self.count
        if self.most is not None:
            end = min(end, start + self.most)
        if self.breaks is not None:
            end = min(end, self._breaks[bisect_right(self._breaks, start)])
        if (sums := self._sums) is not None:
            fits = _right(sums, sums[start] + self.weight, start, guess, end + 1) - 1
            # one message larger than the limit stands alone
            end = max(fits, start + 1)
        if self.span is not None:
            end = _right(self._ts, self._ts[start] + self.span, start, guess, end)
        return end

    def start(self, before: int, end: int) -> int:
        """The start of the window after [before, end), ``end`` below N: past ``before``, and it holds ``end``."""
        start = end if self.most is None and self.sums is None else before + 1
        if self.most is not None:
            start = max(start, end - self.shared)
        if self.breaks is not None:
            start = max(start, self._breaks[bisect_right(self._breaks, end) - 1])
        if (sums := self._sums) is not None:
            # light enough to be a tail, and room for the next message
            start = bisect_left(sums, max(sums[end] - self.tail, sums[end + 1] - self.weight), start, end)
        if self.span is not None:
            start = bisect_left(self._ts, self._ts[end] - self.span, start, end)
        return start

    def ends(self, start: Ints) -> Ints:
        """For each of ascending starts: the end of its window, as :meth:`end`."""
        end = np.full(len(start), self.count)
        if self.most is not None:
            end = np.minimum(end, start + self.most)
        if self.sums is not None:
            fits = _search(self.sums, self.sums[start] + self.weight, "right") - 1
            end = np.minimum(end, np.maximum(fits, start + 1))
        if self.span is not None:
            end = np.minimum(end, _search(self.ts, self.ts[start] + self.span, "right"))
        if self.breaks is not None:
            end = np.minimum(end, self.breaks[_search(self.breaks, start, "right")])
        return end

    def starts(self, end: Ints) -> Ints:
        """For each of ascending ends, all below N: the start of the next window, as :meth:`start`."""
        start = np.zeros_like(end) if self.most is not None or self.sums is not None else end
        if self.most is not None:
            start = np.maximum(start, end - self.shared)
        if self.sums is not None:
            least = np.maximum(self.sums[end] - self.tail, self.sums[end + 1] - self.weight)
            start = np.maximum(start, _search(self.sums, least, "left"))
        if self.span is not None:
            start = np.maximum(start, _search(self.ts, self.ts[end] - self.span, "left"))
        if self.breaks is not None:
            start = np.maximum(start, self.breaks[_search(self.breaks, end, "right") - 1])
        return np.minimum(start, end)


def jump(cutter: Cutter) -> tuple[Ints, Ints]:
    """Starts and ends of all windows, each shape (windows,). A bisection a large window, a block of them the small."""
    starts, ends = array("q"), array("q")
    start = 0 if cutter.count else None
    while start is not None:
        begun, made = start, len(starts)
        start = _one_by_one(cutter, start, starts, ends)
        while start is not None and start - begun < _LARGE * (len(starts) - made):
            begun, made = start, len(starts)
            start = _by_block(cutter, start, starts, ends)
    return np.array(starts, np.int64), np.array(ends, np.int64)


def _one_by_one(cutter: Cutter, start: int, starts: "array[int]", ends: "array[int]") -> int | None:
    """Add the next few windows from ``start``; the start of the one after them, None after the last."""
    end = start + _LARGE
    for _ in range(_STRETCH):
        end = cutter.end(start, end - start)
        starts.append(start)
        ends.append(end)
        if end == cutter.count:
            return None
        start = cutter.start(start, end)
    return start


def _by_block(cutter: Cutter, start: int, starts: "array[int]", ends: "array[int]") -> int | None:
    """Add the windows that begin in the block of positions from ``start``, as :func:`_one_by_one`."""
    positions = np.arange(start, min(start + _BLOCK, cutter.count))
    block = cutter.ends(positions)
    following = (cutter.starts(block[: block.searchsorted(cutter.count)]) - start).tolist()
    picked, at = [], 0
    while at < len(following):
        picked.append(at)
        at = following[at]
    last = at < len(block)
    if last:
        picked.append(at)
    starts.frombytes(positions[picked].tobytes())
    ends.frombytes(block[picked].tobytes())
    return None if last else start + at


def _view(values: Ints | None) -> Any:
    return None if values is None else memoryview(values)  # type: ignore[arg-type]


def _right(values: Any, value: int, low: int, guess: int, high: int) -> int:
    """``bisect_right``, at first among ``guess`` values and as many again."""
    near = low + 2 * guess
    if near < high and values[near] > value:
        high = near
    return bisect_right(values, value, low, high)


def _search(values: Ints, keys: Ints, side: Any) -> Ints:
    """``searchsorted`` of ascending keys, between the places of the first and the last."""
    if len(keys) == 0:
        return keys
    low, high = values.searchsorted(keys[0], side), values.searchsorted(keys[-1], side)
    return np.asarray(values[low:high].searchsorted(keys, side) + low)


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
    breaks = np.concatenate(([0], *_silences(ts, _clip(spec.size_us)), [count])).astype(np.int64)
    if spec.limit is not None and sums is not None:
        return weights(ts, sums, spec.limit[1], spec, breaks)
    if spec.span_us is not None:
        return jump(Cutter(ts, span=_clip(spec.span_us), breaks=breaks))
    if count == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return breaks[:-1], breaks[1:]


def _silences(ts: Ints, least: int | None) -> Iterator[Ints]:
    """Positions before which ``least`` microseconds passed, some messages at a time."""
    for low in range(0, len(ts), _CHUNK):
        yield np.flatnonzero(np.diff(ts[low : low + _CHUNK + 1]) >= least) + low + 1


def _clip(microseconds: int | None) -> int | None:
    # longer than any chat is as good as endless, and fits 64 bits beside any time
    return None if microseconds is None else min(microseconds, 1 << 60)
