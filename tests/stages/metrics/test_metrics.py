"""The monitor counts what happened, from any thread, and its report has the names that other programs read."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.metrics import PerformanceMonitor, as_markdown, as_table, timed

FIELDS = {"operation", "duration_seconds", "items", "items_per_second", "memory_mb", "p50_ms", "p95_ms", "p99_ms"}


@given(st.lists(st.tuples(st.floats(0.001, 10), st.integers(0, 1000)), min_size=1, max_size=50))
def test_sums_and_percentiles_are_those_of_the_calls(calls: list[tuple[float, int]]) -> None:
    monitor = PerformanceMonitor()
    for seconds, items in calls:
        monitor.add("parse", seconds, items)
    [row] = monitor.operations()
    assert set(row) == FIELDS
    durations = [seconds for seconds, _ in calls]
    assert row["items"] == sum(items for _, items in calls)
    assert abs(row["duration_seconds"] - sum(durations)) < 1e-5
    assert abs(row["p95_ms"] - np.percentile(durations, 95) * 1000) < 1e-2
    assert row["memory_mb"] > 1


def test_threads_lose_nothing() -> None:
    monitor = PerformanceMonitor()

    def work(_: int) -> None:
        for _ in range(200):
            monitor.add("batch", 0.001, 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert monitor.operations()[0]["items"] == 1600


def test_a_block_that_fails_is_measured_too() -> None:
    monitor = PerformanceMonitor()
    try:
        with monitor.measure("merge") as operation:
            operation.items = 3
            raise ValueError
    except ValueError:
        pass
    assert [(row["operation"], row["items"]) for row in monitor.operations()] == [("merge", 3)]


def test_off_means_off() -> None:
    monitor = PerformanceMonitor(enabled=False)
    with monitor.measure("merge", 5):
        pass
    assert monitor.operations() == []


def test_timed_keeps_the_value() -> None:
    result = timed(lambda a, b: a + b, 1, b=2)
    assert result.value == 3
    assert result.seconds >= 0


def test_the_markdown_has_a_table_a_chart_and_the_counts() -> None:
    monitor = PerformanceMonitor()
    monitor.add("parse", 0.5, 1000)
    monitor.add("site", 1.0, 3)
    counts = dict.fromkeys(("messages", "windows", "model_calls", "fetches", "dead_letters", "posts_written"), 7)
    report = {"status": "completed", "posts_total": 9, "cost_usd": None, "operations": monitor.operations(), **counts}
    text = as_markdown(report)
    assert "| parse | 0.500 | 1,000 | 2,000 |" in text
    assert text.count("█" * 40) == 1
    assert "| cost_usd | unknown |" in text
    assert len(as_table(report["operations"])) == 2
