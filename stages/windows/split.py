"""Splitting a window that is too large for its reader: by time, or by tokens to fit a model."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stages.windows.columns import micros
from stages.windows.render import line_weights

Ints = NDArray[np.int64]
_LARGEST_LIMIT: Final = 10**15
_LARGEST_COUNT: Final = (1 << 32) - 1


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
    return _slices(window, [0, *inner, rows])


def split_to_fit(window: pa.Table, limit: int, counts: Sequence[int] | Ints | None = None) -> list[pa.Table]:
    """Cut a window (rows in ``seq`` order) into the fewest parts of at most ``limit`` tokens each, in order, no copies.

    ``counts``: tokens of each message, shape (rows,), as the model counts them; by default ``ceil(bytes / 4)`` of its
    rendered line, which needs ``author`` and ``text_bytes`` or ``text``. Together the parts are the window; one that
    fits is its own only part. A message larger than ``limit`` stands alone. Among the ways into the fewest parts the
    shares are even: edge k of n lies where the running sum is nearest to k/n of the whole (of two places the later;
    messages of no weight go with what follows), as far as all parts then still fit. So no part weighs less than the
    mean less the largest message; between messages that stand alone this holds for each stretch by itself.

    Prefix sums, then three searches a part: linear in the rows. ``limit`` outside 1 to 10^15, or ``counts`` of another
    length, not whole, or outside 0 to 2^32 - 1: ``ValueError``.
    """
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or not 1 <= limit <= _LARGEST_LIMIT:
        raise ValueError(f"limit must be a whole number from 1 to 10^15, not {limit!r}.")
    weights = line_weights(window, "tokens") if counts is None else _checked(counts, window.num_rows)
    return _slices(window, even_cuts(weights, int(limit)))


def even_cuts(weights: Ints, limit: int) -> list[int]:
    """Where to cut weights into the fewest even runs of at most ``limit``: edges from 0 to their number.

    ``weights``: shape (N,), 0 or more each; one above ``limit`` is a run of its own. The rule is that of
    :func:`split_to_fit`. Linear.
    """
    sums = np.zeros(len(weights) + 1, np.int64)
    np.cumsum(weights, dtype=np.int64, out=sums[1:])
    cuts = [0]
    for large in [*np.flatnonzero(weights > limit).tolist(), len(weights)]:
        if cuts[-1] < large:
            cuts += _even(sums, cuts[-1], large, limit)
        if large < len(weights):
            cuts.append(large + 1)
    return cuts


def _even(sums: Ints, low: int, high: int, limit: int) -> list[int]:
    """The edges behind ``low`` of the fewest even runs of [low, high), where nothing is above ``limit``; ``high`` last.

    Packed from the end, the runs begin as early as they may: an edge between that place and the farthest that its own
    run reaches keeps their number, and of those places the one nearest to an even share is taken.
    """
    earliest = [high]
    while sums[earliest[-1]] - sums[low] > limit:
        earliest.append(int(sums.searchsorted(sums[earliest[-1]] - limit, "left")))
    parts, start, total = len(earliest), int(sums[low]), int(sums[high] - sums[low])
    edges = [low]
    for part in range(1, parts):
        due = start * parts + part * total
        after = int(sums.searchsorted(-(-due // parts), "left"))
        nearest = after if int(sums[after]) * parts - due <= due - int(sums[after - 1]) * parts else after - 1
        farthest = int(sums.searchsorted(sums[edges[-1]] + limit, "right")) - 1
        edge = min(max(nearest, earliest[parts - part]), farthest)
        edges.append(int(sums.searchsorted(sums[edge], "left")))
    return [*edges[1:], high]


def _checked(counts: Any, rows: int) -> Ints:
    given = np.asarray(counts)
    if rows == 0 and given.size == 0:
        return np.empty(0, np.int64)
    if given.dtype.kind not in "iu" or given.shape != (rows,):
        raise ValueError(
            f"counts must be whole numbers, one for each of the {rows} messages, not {given.dtype} of shape"
            f" {given.shape}."
        )
    if rows and not 0 <= int(given.min()) <= int(given.max()) <= _LARGEST_COUNT:
        raise ValueError(f"counts must be from 0 to 2^32 - 1, not {int(given.min())} to {int(given.max())}.")
    return given.astype(np.int64)


def _slices(window: pa.Table, cuts: list[int]) -> list[pa.Table]:
    return [window.slice(low, high - low) for low, high in pairwise(cuts) if high > low]
