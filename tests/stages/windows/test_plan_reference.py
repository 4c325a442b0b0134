"""Plans equal a naive reading of the rules, message by message, for every unit, overlap, alignment, zone and cap."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import accumulate, pairwise, product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.windows.plan import plan_windows
from stages.windows.spec import WindowSpec
from tests.stages.windows.drawn import (
    BEGINNINGS,
    OVERLAPS,
    SIZES,
    SPANS,
    ZONES,
    conversations,
    cut,
    long_conversations,
    many,
    specs,
    table,
)
from tests.stages.windows.rules import (
    DAY,
    EPOCH,
    HOUR,
    MICROSECOND,
    MINUTE,
    SECOND,
    by_the_rules,
    lines_of,
)

UNITS = pytest.mark.parametrize("unit", list(SIZES))


def grid(unit: str) -> Iterator[dict[str, Any]]:
    """Every overlap with every alignment, zone, cap and weight."""
    sizes = {"messages": 5, "hours": 3, "days": 2, "bytes": 170, "tokens": 45, "session": 20}
    weights = [None, "bytes:90", "tokens:45"] if unit == "session" else [None]
    for overlap, align, zone, weigh in product([0, 0.2, "0.29", 0.5], ["first", "calendar"], ZONES, weights):
        calendar = unit in ("hours", "days") and align == "calendar"
        # a calendar slot and its overlap must fit
        spans = [timedelta(days=4)] if calendar else [timedelta(minutes=1), timedelta(hours=7)]
        for span in [None, *spans]:
            yield {
                "unit": unit,
                "size": sizes[unit],
                "overlap": overlap,
                "max_span": span,
                "align": align,
                "timezone": zone,
                "weigh": weigh,
            }


@UNITS
def test_every_combination_follows_the_rules(unit: str) -> None:
    steps = [0] * 12 + [1, SECOND, MINUTE, MINUTE, 20 * MINUTE, HOUR - 1, HOUR, 5 * HOUR, DAY]
    texts = ["", "a", "olá", "🙂" * 5, "x" * 30, "é" * 60, "two\nlines"]
    rng = Random(1)
    tied = number = 0
    for number, spec in enumerate(grid(unit), 1):
        begin = (BEGINNINGS[number % len(BEGINNINGS)] - EPOCH) // MICROSECOND
        times = list(accumulate(rng.choices(steps, k=50), initial=begin))
        conversation = (times, rng.choices(texts, k=51), rng.choices(["Quiet Heron", "Élan", None, ""], k=51))
        assert cut(table(conversation), spec) == by_the_rules(conversation, spec), spec
        tied += len(times) - len(set(times))
    assert number >= 160
    assert tied > 20 * number


SMALL: dict[str, list[dict[str, Any]]] = {
    "messages": [{"size": 3}, {"size": 20}, {"size": 60}],
    "bytes": [{"size": 60}, {"size": 200}, {"size": 1_500}, {"size": 4_000}],
    "tokens": [{"size": 15}, {"size": 70}, {"size": 500}],
    "session": [{"size": 20}, {"size": 1, "weigh": "bytes:90"}, {"size": 60, "weigh": "tokens:300"}],
}


@pytest.mark.parametrize("unit", list(SMALL))
@many(25)
@given(data=st.data())
def test_thousands_of_windows_follow_the_rules(unit: str, data: st.DataObject) -> None:
    conversation = data.draw(long_conversations())
    spec = {"unit": unit, "overlap": data.draw(OVERLAPS), "max_span": data.draw(SPANS)}
    spec |= data.draw(st.sampled_from(SMALL[unit]))
    if unit == "messages" and spec["max_span"] is None:
        spec["max_span"] = timedelta(minutes=90)
    assert cut(table(conversation), spec) == by_the_rules(conversation, spec)


@UNITS
@many(300)
@given(data=st.data())
def test_a_plan_is_what_the_rules_say(unit: str, data: st.DataObject) -> None:
    conversation, spec = data.draw(conversations()), data.draw(specs(unit))
    assert cut(table(conversation), spec) == by_the_rules(conversation, spec)
    times, weight = conversation[0], [len(line.encode()) for line in lines_of(conversation)]
    for row in plan_windows(table(conversation), WindowSpec(**spec)).to_pylist():
        s, e = row["start_seq"], row["end_seq"]
        assert row["n_messages"] == e - s
        assert row["n_bytes"] == sum(weight[s:e])
        assert (row["start_ts"] - EPOCH) // MICROSECOND == times[s]
        assert (row["end_ts"] - EPOCH) // MICROSECOND == times[e - 1]


@pytest.mark.parametrize(
    "spec",
    [
        {"unit": "bytes", "size": 200, "overlap": 0.3},
        {"unit": "tokens", "size": 30, "overlap": 0, "max_span": timedelta(minutes=2)},
        {"unit": "messages", "size": 7, "overlap": 0.29, "max_span": timedelta(minutes=3)},
        {"unit": "session", "size": 2, "overlap": 0.5, "weigh": "bytes:150"},
        {"unit": "bytes", "size": 300_000, "overlap": 0.2},
    ],
    ids=lambda spec: f"{spec['unit']}-{spec['size']}",
)
def test_long_conversations_with_many_ties_follow_the_same_rules(spec: dict[str, Any]) -> None:
    gaps = [0, 0, 0, MINUTE, 0, 0, SECOND, 0, 3 * MINUTE, 0, 0]
    texts = [("é" * (i * 7919 % 61)) for i in range(9_001)]
    times = [sum(gaps) * (i // len(gaps)) + sum(gaps[: i % len(gaps)]) for i in range(len(texts))]
    authors: list[str | None] = ["Quiet Heron" if i % 3 else None for i in range(len(texts))]
    conversation = (times, texts, authors)
    windows = cut(table(conversation), spec)
    if spec["size"] < 1000:
        assert windows == by_the_rules(conversation, spec)
        return
    weight = [len(line.encode()) for line in lines_of(conversation)]
    # every window is full: the next message would have passed the limit
    for (s, e), (after, _) in pairwise(windows):
        assert sum(weight[s:e]) <= spec["size"] < sum(weight[s : e + 1])
        assert sum(weight[after:e]) <= 60_000 < sum(weight[after - 1 : e])
    assert windows[-1][1] == len(texts)
