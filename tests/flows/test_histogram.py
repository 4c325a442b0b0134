"""The bars that a person judges sizes by: every value is in one range, and every row fits."""

import random
from itertools import pairwise

import numpy as np
import pytest

from flows.commands.histogram import bars

CASES = {
    "one": [7],
    "equal": [120] * 1_000,
    "zeros": [0, 0, 1],
    "on-the-edges": [100, 150, 200, 250, 300, 350, 400, 450],
    "few": [1, 2, 2, 3],
    "one-outlier": [98, 99, 100] * 50 + [1_000_000],
    "enormous": [1, 10**15],
    "close-and-large": [10**15 - 1, 10**15],
}


def ranges(rows: list[str]) -> list[tuple[int, int, int]]:
    """(low, high, count) of each row."""
    found = []
    for row in rows:
        label, count = row.split()[:2]
        low, _, high = label.replace(",", "").replace("–", "-").partition("-")
        found.append((int(low), int(high or low), int(count.replace(",", ""))))
    return found


def check(values: list[int], width: int, *, plain: bool) -> None:
    rows = bars(np.array(values, np.int64), width, plain=plain)
    assert 1 <= len(rows) <= 10
    assert all(len(row) <= width for row in rows)
    found = ranges(rows)
    assert [count for _, _, count in found] == [sum(low <= value <= high for value in values) for low, high, _ in found]
    assert sum(count for _, _, count in found) == len(values)
    assert all(high + 1 == low for (_, high, _), (low, _, _) in pairwise(found))
    # a row shows a bar exactly where there is something, and the fullest has the longest
    lengths = [len(row.split()[2]) if len(row.split()) == 3 else 0 for row in rows]
    assert [length > 0 for length in lengths] == [count > 0 for _, _, count in found]
    assert max(lengths) == lengths[max(range(len(found)), key=lambda at: found[at][2])]
    assert not plain or "".join(rows).isascii()


@pytest.mark.parametrize("plain", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize("name", CASES)
def test_every_value_is_in_one_row(name: str, plain: bool) -> None:
    check(CASES[name], 80, plain=plain)


@pytest.mark.parametrize("seed", range(60))
def test_any_spread_of_sizes(seed: int) -> None:
    chance = random.Random(seed)
    top = chance.choice([1, 2, 9, 10, 99, 450, 10_000, 10**9])
    shape = chance.choice([1, 3, 12])
    values = [int(top * chance.random() ** shape) for _ in range(chance.choice([1, 2, 30, 500]))]
    check(values, chance.choice([60, 80, 120]), plain=bool(seed % 2))


def test_a_hundred_thousand_sizes_are_ten_rows() -> None:
    rows = bars(np.arange(100_000))
    assert len(rows) <= 10
    assert sum(count for _, _, count in ranges(rows)) == 100_000


def test_nothing_has_no_bars() -> None:
    assert bars(np.empty(0, np.int64)) == []
