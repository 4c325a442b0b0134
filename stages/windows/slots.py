"""Windows of hours and days: half-open slots of time, only those with a message of their own."""

import numpy as np
from numpy.typing import NDArray

from stages.windows.spec import DAY_US, WindowSpec
from stages.windows.zones import full_hour, midnight

Ints = NDArray[np.int64]
_MONDAY = 4  # 1970-01-05, in days since 1970-01-01
_FAR = 1 << 61
_BLOCK = 1 << 14


def slots(ts: Ints, spec: WindowSpec) -> tuple[Ints, Ints]:
    """Starts and ends of windows, each shape (windows,); three searches of ``ts`` for all slots together."""
    if len(ts) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    calendar_days = spec.unit == "days" and spec.align == "calendar"
    low, high = _days(ts, spec) if calendar_days else _steps(ts, spec)
    start = ts.searchsorted(low, "left")
    own = ts.searchsorted(high, "left") > start
    start, low, high = start[own], low[own], high[own]
    # slots have few different lengths: each is multiplied exactly, once
    lengths, which = np.unique(high - low, return_inverse=True)
    shared = np.array([spec.overlap_of(int(length)) for length in lengths], np.int64)[which]
    end = ts.searchsorted(high + shared, "left")
    adds = np.diff(end, prepend=0) > 0
    return start[adds].astype(np.int64), end[adds].astype(np.int64)


def _steps(ts: Ints, spec: WindowSpec) -> tuple[Ints, Ints]:
    """Edges of the slots of equal length that hold messages."""
    first, step = int(ts[0]), spec.size_us
    if spec.align == "calendar":
        assert spec.zone is not None
        first = full_hour(first, spec.zone)
    elif spec.span_us is not None:
        # a span of one microsecond still leaves room for one instant
        step = max(1, min(step, int(spec.span_us / (1 + spec.exact_overlap) // 1)))
    step = min(step, _FAR >> 1)
    low = first + _distinct(ts, first, step) * step
    return low, low + step


def _days(ts: Ints, spec: WindowSpec) -> tuple[Ints, Ints]:
    """Edges of the groups of local days around every UTC day that has messages, each edge computed once."""
    assert spec.zone is not None
    zone, size = spec.zone, int(spec.exact_size)
    utc = _distinct(ts, 0, DAY_US)
    # a local date is at most one day off the UTC date
    groups = np.unique((np.concatenate((utc - 1, utc, utc + 1)) - _MONDAY) // size)
    edges = np.unique(np.concatenate((groups, groups + 1)))
    instants = np.array([_edge(int(group), size, zone) for group in edges], np.int64)
    return instants[edges.searchsorted(groups)], instants[edges.searchsorted(groups + 1)]


def _distinct(ts: Ints, first: int, step: int) -> Ints:
    """The numbers of the steps from ``first`` that hold messages, ascending; a block of messages at a time."""
    blocks = range(0, len(ts), _BLOCK)
    return _changes(np.concatenate([_changes((ts[low : low + _BLOCK] - first) // step) for low in blocks]))


def _changes(values: Ints) -> Ints:
    return values[np.concatenate(([True], values[1:] != values[:-1]))]


def _edge(group: int, size: int, zone: object) -> int:
    from zoneinfo import ZoneInfo

    assert isinstance(zone, ZoneInfo)
    return max(-_FAR, min(_FAR, midnight(_MONDAY + group * size, zone)))
