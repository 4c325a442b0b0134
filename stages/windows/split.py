"""Splitting a window that is too large for its reader."""

from itertools import pairwise

import numpy as np
import pyarrow as pa

from stages.windows.columns import micros


def split_window(window: pa.Table, n: int) -> list[pa.Table]:
    """Cut a window (rows in ``seq`` order) into at most ``n`` parts of equal time, zero-copy slices in order.

    Edge k is ``first + (last - first) * k // n`` in microseconds; parts are half open, the last closed at its end;
    empty ones are dropped; together they are the window. Where all times are equal: by equal count, larger parts
    first. Needs the column ``ts``; linear in rows + n. ``n`` below 2 is a ``ValueError``.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 2:
        raise ValueError(f"n must be a whole number, 2 or more, not {n!r}.")
    n = int(n)
    rows = window.num_rows
    if rows == 0:
        return []
    ts = micros(window.column("ts"))
    first, span = int(ts[0]), int(ts[-1]) - int(ts[0])
    if span == 0:
        size, larger = divmod(rows, n)
        inner = [min(k * (size + 1), k * size + larger) for k in range(1, min(n, rows))]
    else:
        inner = ts.searchsorted(np.array([first + span * k // n for k in range(1, n)], np.int64), "left").tolist()
    cuts = [0, *inner, rows]
    return [window.slice(low, high - low) for low, high in pairwise(cuts) if high > low]
