"""Conversations full of equal times and specifications of every kind, drawn by hypothesis."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from stages.windows.plan import plan_windows
from stages.windows.spec import WindowSpec
from tests.stages.windows.conftest import make_messages
from tests.stages.windows.rules import DAY, EPOCH, HOUR, MICROSECOND, MINUTE, SECOND, Conversation

# whole, half and three quarter hours off, clocks changed by an hour, by half of one, at midnight; a day left out
ZONES = [
    "UTC",
    "America/Sao_Paulo",
    "Europe/Lisbon",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "America/St_Johns",
]
# beside the clock changes of both hemispheres, at midnight (São Paulo) and at night, and in quiet months
BEGINNINGS = [
    datetime(2018, 11, 3, 21, tzinfo=UTC),
    datetime(2019, 2, 16, 20, tzinfo=UTC),
    datetime(2026, 3, 28, 22, 17, tzinfo=UTC),
    datetime(2026, 10, 24, 9, tzinfo=UTC),
    datetime(2026, 4, 4, 3, 30, tzinfo=UTC),
    datetime(2026, 1, 5, tzinfo=UTC),
    datetime(1969, 12, 30, 5, tzinfo=UTC),
    datetime(2011, 12, 29, 7, 50, tzinfo=UTC),
    datetime(2026, 4, 4, 14, 45, tzinfo=UTC),
    datetime(2026, 9, 26, 13, 15, tzinfo=UTC),
]


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    begin = (draw(st.sampled_from(BEGINNINGS)) - EPOCH) // MICROSECOND
    step = st.sampled_from([0] * 6 + [1, SECOND, MINUTE, MINUTE, 20 * MINUTE, HOUR - 1, HOUR, 5 * HOUR, DAY, 3 * DAY])
    times = list(accumulate(draw(st.lists(step, max_size=40)), initial=begin))[1:]
    texts = st.sampled_from(["", "a", "olá", "🙂" * 5, "x" * 30, "é" * 60, "two\nlines"])
    count = len(times)
    authors = st.sampled_from(["Quiet Heron", "Élan", None, ""])
    return (
        times,
        draw(st.lists(texts, min_size=count, max_size=count)),
        draw(st.lists(authors, min_size=count, max_size=count)),
    )


OVERLAPS = st.sampled_from([0, 0.1, 0.2, 0.29, "0.3", 0.35, Decimal("0.5"), 0.5])
SPANS = st.sampled_from(
    [None, None, timedelta(microseconds=2), timedelta(minutes=1), timedelta(hours=1), timedelta(hours=7)]
)
SIZES: dict[str, st.SearchStrategy[Any]] = {
    "messages": st.integers(1, 12) | st.sampled_from([10**9, 7.0]),
    "hours": st.sampled_from([1, 3, 0.5, "0.1", 24, 1000]),
    "days": st.integers(1, 8),
    "bytes": st.integers(1, 400) | st.just(10**12),
    "tokens": st.integers(1, 100),
    "session": st.sampled_from([1, 20, 60, 0.5, 300]),
}


@st.composite
def specs(draw: st.DrawFn, unit: str) -> dict[str, Any]:
    spec = {
        "unit": unit,
        "size": draw(SIZES[unit]),
        "overlap": draw(OVERLAPS),
        "max_span": draw(SPANS),
        "align": draw(st.sampled_from(["first", "calendar"])),
        "timezone": draw(st.sampled_from(ZONES)),
    }
    if unit in ("hours", "days") and spec["align"] == "calendar":
        spec["max_span"] = None
    if unit == "session":
        spec["weigh"] = draw(st.sampled_from([None, "bytes:90", "bytes:200", "tokens:30"]))
    return spec


def many(cases: int) -> settings:
    return settings(max_examples=cases, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table(conversation: Conversation) -> pa.Table:
    return make_messages(*conversation)


def cut(messages: pa.Table, spec: dict[str, Any]) -> list[tuple[int, int]]:
    plan = plan_windows(messages, WindowSpec(**spec))
    return list(zip(plan["start_seq"].to_pylist(), plan["end_seq"].to_pylist(), strict=True))


@st.composite
def long_conversations(draw: st.DrawFn) -> Conversation:
    """Some thousand messages of small windows: a part said again and again, then another."""
    step = st.sampled_from([0] * 6 + [1, SECOND, MINUTE, 20 * MINUTE, 5 * HOUR])
    text = st.sampled_from(["", "a", "olá", "🙂" * 5, "x" * 30, "é" * 60, "z" * 400])
    part = st.lists(st.tuples(step, text, st.sampled_from(["Quiet Heron", "Élan", None])), min_size=1, max_size=30)
    parts = [(one := draw(part)) * (draw(st.integers(500, 5_000)) // len(one)) for _ in range(2)]
    gaps, texts, authors = zip(*parts[0], *parts[1], strict=True)
    return list(accumulate(gaps)), list(texts), list(authors)
