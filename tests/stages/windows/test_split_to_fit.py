"""A window is split to fit a model: the fewest parts, none too large, all of an even size, nothing copied or lost."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.windows.render import line_weights, render_lines
from stages.windows.split import even_cuts, split_to_fit

Make = Callable[..., pa.Table]
COUNTS = st.lists(st.integers(0, 12) | st.sampled_from([0, 0, 1, 1, 40]), max_size=24)


def fewest(counts: Sequence[int], limit: int) -> int:
    """The fewest runs of at most ``limit``, by filling one after another."""
    runs, held = 0, None
    for count in counts:
        if held is None or held + count > limit:
            runs, held = runs + 1, 0
        held += count
    return runs


def reference(counts: Sequence[int], limit: int) -> list[list[int]]:
    """Positions of each part, straight from the rules: every place of an edge is tried."""
    parts: list[list[int]] = []
    stretch: list[int] = []
    for position, count in [*enumerate(counts), (len(counts), limit + 1)]:
        if count <= limit:
            stretch.append(position)
            continue
        parts += stretch_parts(stretch, counts, limit)
        stretch = []
        if position < len(counts):
            parts.append([position])
    return parts


def stretch_parts(stretch: list[int], counts: Sequence[int], limit: int) -> list[list[int]]:
    weights = [counts[position] for position in stretch]
    runs, edges = fewest(weights, limit), [0]
    for run in range(1, runs):
        places = [
            place
            for place in range(edges[-1] + 1, len(weights))
            if sum(weights[edges[-1] : place]) <= limit and fewest(weights[place:], limit) <= runs - run
        ]
        share = sum(weights) * run
        edges.append(min(places, key=lambda e: (abs(sum(weights[:e]) * runs - share), -sum(weights[:e]), e)))
    return [stretch[low:high] for low, high in pairwise([*edges, len(weights)])] if stretch else []


def table(rows: int) -> pa.Table:
    return pa.table({"seq": pa.array(range(100, 100 + rows), pa.int64())})


def positions(parts: list[pa.Table]) -> list[list[int]]:
    return [[seq - 100 for seq in part["seq"].to_pylist()] for part in parts]


@settings(max_examples=600, deadline=None)
@given(counts=COUNTS, limit=st.integers(1, 30))
@example(counts=[0, 0, 0], limit=1)
@example(counts=[5, 0, 0, 5], limit=5)
@example(counts=[9, 0, 9], limit=5)
@example(counts=[1, 100, 1], limit=100)
def test_parts_are_what_the_rules_say_and_make_the_window(counts: list[int], limit: int) -> None:
    window = table(len(counts))
    parts = split_to_fit(window, limit, counts)
    assert positions(parts) == reference(counts, limit)
    assert [row for part in parts for row in part.to_pylist()] == window.to_pylist()


@settings(max_examples=400, deadline=None)
@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=300), limit=st.integers(50, 400))
def test_no_part_is_too_large_and_none_is_tiny(counts: list[int], limit: int) -> None:
    weights = np.array(counts, np.int64)
    cuts = even_cuts(weights, limit)
    shares = [int(weights[low:high].sum()) for low, high in pairwise(cuts)]
    assert (cuts[0], cuts[-1]) == (0, len(counts))
    assert max(shares) <= limit
    assert len(shares) == fewest(counts, limit)
    assert min(shares) >= sum(counts) / len(shares) - max(counts)


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        ([1] * 10, [3, 2, 3, 2]),
        ([1] * 9, [3, 3, 3]),
        ([1] * 3, [3]),
        ([4, 1, 1], [1, 2]),
        ([1, 4, 1], [1, 1, 1]),
        ([1, 1, 4], [2, 1]),
        ([4, 4], [1, 1]),
        ([1, 1, 1, 1, 4, 1, 1, 1, 1], [2, 2, 1, 2, 2]),
    ],
    ids=["even", "full", "fits", "large first", "large inside", "large last", "all large", "each side by itself"],
)
def test_examples_with_a_limit_of_three(counts: list[int], sizes: list[int]) -> None:
    assert [part.num_rows for part in split_to_fit(table(len(counts)), 3, counts)] == sizes


def test_a_window_that_fits_is_its_own_only_part_and_an_empty_one_has_none() -> None:
    window = table(3)
    assert split_to_fit(window, 6, [1, 2, 3]) == [window]
    assert split_to_fit(table(0), 1, []) == split_to_fit(table(0), 1, np.empty(0)) == []


def test_tokens_are_a_quarter_of_the_line_unless_the_model_counted(messages: Make) -> None:
    window = messages([0, 1, 2, 3], ["olá" * 20, "x", "y" * 400, "z"], ["Quiet Heron", None, "", "Calm Fox"])
    lines = [-(-len(line.encode()) // 4) for line in render_lines(window).to_pylist()]
    assert line_weights(window, "tokens").tolist() == lines
    for limit in (1, 30, sum(lines) - 1, sum(lines)):
        assert split_to_fit(window, limit) == split_to_fit(window, limit, lines)


@pytest.mark.parametrize("kind", [list, tuple, np.array, pa.array, lambda given: np.array(given, np.uint8)])
def test_counts_come_as_any_row_of_whole_numbers(kind: Callable[[list[int]], Any]) -> None:
    assert [part.num_rows for part in split_to_fit(table(3), 3, kind([1, 2, 3]))] == [2, 1]


def test_parts_are_slices_and_no_copies() -> None:
    window = table(10_000)
    address = window["seq"].chunk(0).buffers()[1].address
    parts = split_to_fit(window, 700, np.ones(10_000, np.int64))
    assert len(parts) == 15
    assert all(part["seq"].chunk(0).buffers()[1].address == address for part in parts)


def test_sums_past_32_bits_are_exact() -> None:
    most = 2**32 - 1
    assert positions(split_to_fit(table(5), 2 * most, [most] * 5)) == [[0, 1], [2], [3, 4]]


@pytest.mark.parametrize("limit", [0, -1, 10**15 + 1, 2.0, "3", True, None], ids=repr)
def test_a_limit_out_of_range_is_refused_by_name(limit: Any) -> None:
    with pytest.raises(ValueError, match=r"^limit must be a whole number from 1 to 10\^15, not"):
        split_to_fit(table(2), limit, [1, 1])


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([1], "counts must be whole numbers, one for each of the 2 messages"),
        ([1, 2, 3], "counts must be whole numbers, one for each of the 2 messages"),
        ([1.0, 2.0], "counts must be whole numbers"),
        ([True, False], "counts must be whole numbers"),
        ([[1, 2]], "counts must be whole numbers"),
        ([1, -1], "counts must be from 0 to 2"),
        ([1, 2**32], "counts must be from 0 to 2"),
    ],
    ids=["few", "many", "fractions", "truths", "a square", "negative", "too large"],
)
def test_counts_out_of_range_are_refused_by_name(counts: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        split_to_fit(table(2), 5, counts)


def test_the_largest_limit_is_a_limit_and_one_more_is_not() -> None:
    assert [part.num_rows for part in split_to_fit(table(3), 10**15, [1, 2, 3])] == [3]
    with pytest.raises(ValueError, match="limit"):
        split_to_fit(table(3), 10**15 + 1, [1, 2, 3])


def test_no_counts_are_right_for_no_message_alone() -> None:
    assert split_to_fit(table(0), 5, []) == []
    with pytest.raises(ValueError, match="one for each of the 3 messages"):
        split_to_fit(table(3), 5, np.empty(0, np.int64))
