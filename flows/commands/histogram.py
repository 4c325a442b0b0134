"""How whole numbers are spread, as a few rows of bars that fit a terminal."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ROWS: Final = 10
_WIDE: Final = 20
_EIGHTHS: Final = "▏▎▍▌▋▊▉█"


def bars(values: NDArray[np.int64], width: int = 80, *, plain: bool = False) -> list[str]:
    """At most ten rows, each a range of values, how many lie in it, and a bar; no line is longer than ``width``.

    Ranges are of equal length where the largest value is less than 20 times the smallest, else each is a few times
    the one before. ``values`` are 0 or more; ``plain`` draws in ASCII. Linear in ``values``.
    """
    if len(values) == 0:
        return []
    edges = _edges(int(values.min()), int(values.max()))
    counts = np.histogram(values, bins=np.array(edges))[0].tolist()
    labels = [_range(low, high - 1, plain=plain) for low, high in pairwise(edges)]
    left, middle = max(map(len, labels)), max(len(f"{count:,}") for count in counts)
    room = max(8, width - left - middle - 4)
    return [
        f"{label:>{left}}  {count:>{middle},}  {_bar(count, max(counts), room, plain=plain)}".rstrip()
        for label, count in zip(labels, counts, strict=True)
    ]


def _edges(low: int, high: int) -> list[int]:
    """Where the ranges begin, and past the last one: round numbers, ascending."""
    if high >= _WIDE * max(low, 1):
        for steps in ((1, 2, 5), (1, 3), (1,)):
            edges = _growing(low, high, steps, 10)
            if len(edges) <= _ROWS + 1:
                return edges
        return _growing(low, high, (1,), 1_000)
    step = next(step for step in _round_numbers() if high // step - low // step < _ROWS)
    return list(range(low // step * step, high // step * step + step + 1, step))


def _round_numbers() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def _growing(low: int, high: int, steps: Sequence[int], base: int) -> list[int]:
    edges, power = [0], 1
    while edges[-1] <= high:
        edges += [step * power for step in steps]
        power *= base
    first = max(at for at, edge in enumerate(edges) if edge <= low)
    last = min(at for at, edge in enumerate(edges) if edge > high)
    return edges[first : last + 1]


def _range(low: int, high: int, *, plain: bool) -> str:
    return f"{low:,}" if low == high else f"{low:,}{'-' if plain else '–'}{high:,}"


def _bar(count: int, most: int, room: int, *, plain: bool) -> str:
    """Never empty where there is something, however little beside the longest."""
    if plain:
        return "#" * (count and max(1, count * room // most))
    eighths = count and max(1, count * room * 8 // most)
    return _EIGHTHS[-1] * (eighths // 8) + (_EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")
