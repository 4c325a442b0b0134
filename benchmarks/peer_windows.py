"""Windows as the peer cuts them: one lazy query per window over a table that each of them sorts again by time.

What ours is compared with: the algorithm of Egregora (github.com/franklinbaldo/egregora at 1123bf243) as we read it,
written anew over Ibis, with its mistakes and without its pipeline, which sorts each window several times more. It
fetches by Arrow where the peer goes through pandas, and so is rather faster than the peer.

Its known faults are kept, since they are part of what it costs: messages are ordered by ``ts`` alone, so that pages
lose and repeat messages of equal times; ``bytes`` are characters, the first message of each window weighs nothing,
and the last window is handed out again and again without its first message until nothing is left.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

import ibis
import ibis.expr.types as ir
import pyarrow as pa


@dataclass(frozen=True)
class Window:
    """A part of the conversation, not fetched yet: ``table`` is an expression that yields ``rows`` messages."""

    first: datetime
    last: datetime
    table: ir.Table
    rows: int


def read(windows: Iterator[Window] | list[Window]) -> list[pa.Table]:
    """The messages of each window, by a query each."""
    return [window.table.to_pyarrow() for window in windows]


def by_messages(table: ir.Table, size: int, overlap: float) -> Iterator[Window]:
    """Pages of ``size`` messages and ``overlap`` of it, by LIMIT and OFFSET."""
    ordered = table.order_by("ts")
    if not _rows(table):
        return
    times = _times(ordered)
    shared = int(size * overlap)
    for offset in range(0, len(times), size):
        stop = min(offset + size + shared, len(times))
        yield Window(times[offset], times[stop - 1], _page(ordered, offset, stop), stop - offset)


def by_hours(table: ir.Table, hours: int, overlap: float) -> Iterator[Window]:
    """Slots of ``hours`` from the first message, each with ``overlap`` of the next, by a filter on ``ts``."""
    ordered = table.order_by("ts")
    if not _rows(table):
        return
    edges = ordered.aggregate(first=ordered.ts.min(), last=ordered.ts.max()).to_pyarrow().to_pylist()[0]
    step, shared = timedelta(hours=hours), timedelta(hours=hours) * overlap
    seconds, reach = step.total_seconds(), shared.total_seconds()
    since = ordered.ts.epoch_seconds() - int(edges["first"].timestamp())
    lowest = ibis.greatest(((since - seconds - reach) / seconds).floor().cast("int64") + 1, 0)
    highest = (since / seconds).floor().cast("int64")
    places = ordered.mutate(slot=ibis.range(lowest, highest + 1)).unnest("slot")
    counted = places.group_by("slot").aggregate(rows=places.count()).to_pyarrow()
    rows = dict(zip(counted["slot"].to_pylist(), counted["rows"].to_pylist(), strict=True))
    for slot in range((edges["last"] - edges["first"]) // step + 1):
        low = edges["first"] + slot * step
        high = low + step + shared
        yield Window(low, high, ordered.filter(ordered.ts >= low, ordered.ts < high), rows.get(slot, 0))


def by_bytes(table: ir.Table, limit: int, overlap: float) -> Iterator[Window]:
    """Windows of ``limit`` characters after their first message; by ``ts`` where all differ, else by pages."""
    ordered = table.order_by("ts")
    if not _rows(table):
        return
    fetched = ordered.select("ts", size=ordered.text.length().cast("int64")).order_by("ts").to_pyarrow()
    times = fetched["ts"].to_pylist()
    sums = [0, *accumulate(fetched["size"].to_pylist())]
    differ = len(set(times)) == len(times)
    start = 0
    while start < len(times):
        stop = max(bisect_right(sums, sums[start + 1] + limit, lo=start + 1) - 1, start + 1)
        if differ:
            inside = ordered.filter(ordered.ts >= times[start], ordered.ts <= times[stop - 1])
            rows = inside.order_by("ts").limit(stop - start)
        else:
            rows = _page(ordered, start, stop)
        yield Window(times[start], times[stop - 1], rows, stop - start)
        tail = bisect_left(sums, sums[stop] - int(limit * overlap), lo=start, hi=stop)
        start = max(tail, start + 1)


def split(window: Window, parts: int) -> list[Window]:
    """Parts of equal time, those with messages, each by a filter on ``ts``."""
    times = _times(window.table)
    step = (window.last - window.first) / parts
    found = []
    for part in range(parts):
        low = window.first + step * part
        if part < parts - 1:
            high = window.first + step * (part + 1)
            inside, stop = window.table.ts < high, bisect_left(times, high)
        else:
            high = window.last
            inside, stop = window.table.ts <= high, bisect_right(times, high)
        rows = stop - bisect_left(times, low)
        if rows > 0:
            found.append(Window(low, high, window.table.filter(window.table.ts >= low, inside), rows))
    return found


def _page(ordered: ir.Table, start: int, stop: int) -> ir.Table:
    return ordered.order_by("ts").limit(stop - start, offset=start)


def _rows(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _times(table: ir.Table) -> list[datetime]:
    return list(table.select("ts").order_by("ts").to_pyarrow()["ts"].to_pylist())
