"""A window is split into parts of equal time, or of equal count where time stands still."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.windows.split import split_window

Make = Callable[..., pa.Table]


def reference(times: list[int], n: int) -> list[list[int]]:
    """Positions of each part, straight from the rules."""
    if not times:
        return []
    first, last = times[0], times[-1]
    if first == last:
        sizes = [len(times) // n + (k < len(times) % n) for k in range(n)]
        parts = [list(range(sum(sizes[:k]), sum(sizes[: k + 1]))) for k in range(n)]
    else:
        edges = [first + (last - first) * k // n for k in range(n + 1)]
        parts = [
            [i for i, t in enumerate(times) if edges[k] <= t and (t < edges[k + 1] or k == n - 1)] for k in range(n)
        ]
    return [part for part in parts if part]


def table(times: list[int]) -> pa.Table:
    return pa.table(
        {
            "seq": pa.array(range(100, 100 + len(times)), pa.int64()),
            "ts": pa.array(times, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        }
    )


@settings(max_examples=300, deadline=None)
@given(
    times=st.lists(st.integers(0, 30) | st.sampled_from([0, 0, 10**15]), max_size=30).map(sorted),
    n=st.integers(2, 40),
)
def test_parts_are_what_the_rules_say_and_make_the_window(times: list[int], n: int) -> None:
    window = table(times)
    parts = split_window(window, n)
    assert [[seq - 100 for seq in part["seq"].to_pylist()] for part in parts] == reference(times, n)
    assert [row for part in parts for row in part.to_pylist()] == window.to_pylist()


def test_the_last_part_holds_its_end() -> None:
    parts = split_window(table([0, 5, 10]), 2)
    assert [part["seq"].to_pylist() for part in parts] == [[100], [101, 102]]


def test_equal_times_are_split_by_count_larger_parts_first() -> None:
    assert [part.num_rows for part in split_window(table([7] * 11), 4)] == [3, 3, 3, 2]
    assert [part.num_rows for part in split_window(table([7] * 3), 10)] == [1, 1, 1]


def test_more_parts_than_microseconds_leave_the_empty_ones_out() -> None:
    # of the edges only 0, 1 and the end differ, and the last part is closed
    assert [part.num_rows for part in split_window(table([0, 1, 2, 2]), 1_000)] == [1, 3]


def test_an_empty_window_has_no_parts() -> None:
    assert split_window(table([]), 2) == []


def test_parts_are_slices_and_no_copies() -> None:
    window = table(list(range(10_000)))
    address = window["seq"].chunk(0).buffers()[1].address
    assert all(part["seq"].chunk(0).buffers()[1].address == address for part in split_window(window, 50))


@pytest.mark.parametrize("n", [1, 0, -3, 2.0, "2", True, None])
def test_fewer_than_two_parts_are_refused(n: Any) -> None:
    with pytest.raises(ValueError, match="2 or more"):
        split_window(table([0, 1]), n)


def test_edges_are_exact_in_a_window_of_thousands_of_years() -> None:
    span = 200_000_000_000_000_003  # beyond what a binary fraction holds to the microsecond
    edge = span * 5 // 7
    times = [0, edge - 1, edge, span]
    assert [part["seq"].to_pylist() for part in split_window(table(times), 7)] == reference_rows(times, 7)


def reference_rows(times: list[int], n: int) -> list[list[int]]:
    return [[100 + position for position in part] for part in reference(times, n)]


def test_a_refusal_names_the_value() -> None:
    with pytest.raises(ValueError, match=r"^n must be a whole number, 2 or more, not 1\.$"):
        split_window(table([0, 1]), 1)
