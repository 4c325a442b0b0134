"""Plans equal a naive reading of the rules, message by message, for every unit, overlap, alignment, zone and cap."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.spec import SpecError, WindowSpec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3_600 * 10**6, 86_400 * 10**6
ZONES = ["UTC", "America/Sao_Paulo", "Europe/Lisbon", "Asia/Kolkata", "Australia/Sydney", "America/New_York"]
# beside the clock changes of both hemispheres, at midnight (São Paulo) and at night, and in quiet months
BEGINNINGS = [
    datetime(2018, 11, 3, 21, tzinfo=UTC),
    datetime(2019, 2, 16, 20, tzinfo=UTC),
    datetime(2026, 3, 28, 22, 17, tzinfo=UTC),
    datetime(2026, 10, 24, 9, tzinfo=UTC),
    datetime(2026, 4, 4, 3, 30, tzinfo=UTC),
    datetime(2026, 1, 5, tzinfo=UTC),
    datetime(1969, 12, 30, 5, tzinfo=UTC),
]


def line_of(time: int, author: str | None, text: str) -> str:
    return f"{EPOCH + time * MICROSECOND:%Y-%m-%d %H:%M} {author or '*'}: {text}\n"


def reference(times: list[int], lines: list[str], spec: dict[str, Any]) -> list[tuple[int, int]]:
    """The windows by the words of the rules; quadratic, and proud of it."""
    count = len(times)
    size, overlap = Fraction(str(spec["size"])), Fraction(str(spec["overlap"]))
    span = None if spec.get("max_span") is None else spec["max_span"] // MICROSECOND
    weight = [len(line.encode()) for line in lines]
    tokens = [-(-one // 4) for one in weight]

    def fits_time(first: int, last: int) -> bool:
        return span is None or times[last] - times[first] <= span

    def by_count() -> list[tuple[int, int]]:
        shared = floor(size * overlap)
        made, covered, s = [], 0, 0
        while count:
            whole = min(s + size + shared, count)
            e = s
            while e < whole and fits_time(s, e):
                e += 1
            if e > covered:
                made.append((s, e))
                covered = e
            if e == count:
                break
            low = e - shared if e == whole else max(s + 1, e - shared)
            s = low if e == whole else next(p for p in range(low, e + 1) if fits_time(p, e))
        return made

    def by_weight(weights: list[int], limit: int, begin: int, stop: int) -> list[tuple[int, int]]:
        made, s = [], begin
        while s < stop:
            e = s
            while e < stop and (e == s or sum(weights[s : e + 1]) <= limit) and fits_time(s, e):
                e += 1
                if weights[s] > limit:
                    break
            made.append((s, e))
            if e == stop:
                break
            p = e
            if weights[s] <= limit:
                while p > s and sum(weights[p - 1 : e]) <= floor(limit * overlap):
                    p -= 1
                while p < e and (sum(weights[p : e + 1]) > limit or not fits_time(p, e)):
                    p += 1
            s = p
        return made

    def by_session() -> list[tuple[int, int]]:
        made, s = [], 0
        while s < count:
            e = s + 1
            while e < count and times[e] - times[e - 1] < size * MINUTE:
                e += 1
            if spec.get("weigh"):
                unit, limit = spec["weigh"].split(":")
                made += by_weight(weight if unit == "bytes" else tokens, int(limit), s, e)
            else:
                while s < e:
                    stop = s
                    while stop < e and fits_time(s, stop):
                        stop += 1
                    made.append((s, stop))
                    s = stop
            s = e
        return made

    def by_slot(slot_of: Callable[[int], int], edges: Callable[[int], tuple[int, int]]) -> list[tuple[int, int]]:
        made, covered = [], 0
        for slot in sorted({slot_of(time) for time in times}):
            low, high = edges(slot)
            own = [i for i in range(count) if low <= times[i] < high]
            assert own == [i for i in range(count) if slot_of(times[i]) == slot]
            e = sum(time < high + floor(overlap * (high - low)) for time in times)
            if e > covered:
                made.append((own[0], e))
                covered = e
        return made

    if count == 0:
        return []
    if spec["unit"] == "messages":
        return by_count()
    if spec["unit"] in ("bytes", "tokens"):
        return by_weight(weight if spec["unit"] == "bytes" else tokens, int(size), 0, count)
    if spec["unit"] == "session":
        return by_session()
    zone = ZoneInfo(spec["timezone"])
    if spec["unit"] == "days" and spec["align"] == "calendar":

        def group_of(time: int) -> int:
            local = (EPOCH + time * MICROSECOND).astimezone(zone).date()
            return (local - date(1970, 1, 5)).days // int(size)

        def midnights(group: int) -> tuple[int, int]:
            days = [date(1970, 1, 5) + timedelta(days=(group + k) * int(size)) for k in (0, 1)]
            low, high = ((datetime(d.year, d.month, d.day, tzinfo=zone) - EPOCH) // MICROSECOND for d in days)
            return low, high

        return by_slot(group_of, midnights)
    step = floor(size * (HOUR if spec["unit"] == "hours" else DAY))
    begin = times[0]
    if spec["align"] == "calendar":
        local = (EPOCH + begin * MICROSECOND).astimezone(zone)
        begin -= (local - local.replace(minute=0, second=0, microsecond=0)) // MICROSECOND
    elif span is not None:
        step = min(step, floor(span / (1 + overlap)))
    return by_slot(lambda t: (t - begin) // step, lambda i: (begin + i * step, begin + (i + 1) * step))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[int], list[str], list[str | None]]:
    begin = (draw(st.sampled_from(BEGINNINGS)) - EPOCH) // MICROSECOND
    step = st.sampled_from([0] * 6 + [1, SECOND, MINUTE, MINUTE, 20 * MINUTE, HOUR - 1, HOUR, 5 * HOUR, DAY, 3 * DAY])
    gaps = draw(st.lists(step, max_size=40))
    times, now = [], begin
    for gap in gaps:
        now += gap
        times.append(now)
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


def table(conversation: tuple[list[int], list[str], list[str | None]]) -> pa.Table:
    times, texts, authors = conversation
    return pa.table(
        {
            "seq": pa.array(range(len(times)), pa.int64()),
            "ts": pa.array(times, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "author": pa.array(authors, pa.string()),
            "text": pa.array(texts, pa.string()),
            "text_bytes": pa.array([len(text.encode()) for text in texts], pa.int32()),
        }
    )


UNITS = pytest.mark.parametrize("unit", list(SIZES))
MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@UNITS
@MANY
@given(data=st.data())
def test_a_plan_is_what_the_rules_say(unit: str, data: st.DataObject) -> None:
    conversation, spec = data.draw(conversations()), data.draw(specs(unit))
    times, texts, authors = conversation
    lines = [line_of(*one) for one in zip(times, authors, texts, strict=True)]
    plan = plan_windows(table(conversation), WindowSpec(**spec))
    windows = list(zip(plan["start_seq"].to_pylist(), plan["end_seq"].to_pylist(), strict=True))
    assert windows == reference(times, lines, spec)
    weight = [len(line.encode()) for line in lines]
    for row in plan.to_pylist():
        s, e = row["start_seq"], row["end_seq"]
        assert row["n_messages"] == e - s
        assert row["n_bytes"] == sum(weight[s:e])
        assert (row["start_ts"] - EPOCH) // MICROSECOND == times[s]
        assert (row["end_ts"] - EPOCH) // MICROSECOND == times[e - 1]


@UNITS
@MANY
@given(data=st.data())
def test_windows_cover_all_and_none_is_idle(unit: str, data: st.DataObject) -> None:
    conversation, spec = data.draw(conversations()), data.draw(specs(unit))
    messages = table(conversation)
    rows = plan_windows(messages, WindowSpec(**spec)).to_pylist()
    assert [row["window_index"] for row in rows] == list(range(len(rows)))
    # own ranges partition the messages, lie in their windows, and none is empty
    own = [seq for row in rows for seq in range(row["own_start_seq"], row["own_end_seq"])]
    assert own == list(range(messages.num_rows))
    for row in rows:
        assert row["start_seq"] <= row["own_start_seq"] < row["own_end_seq"] == row["end_seq"]
        if float(spec["overlap"]) == 0:
            assert row["start_seq"] == row["own_start_seq"]
        if spec["max_span"] is not None:
            assert row["end_ts"] - row["start_ts"] <= spec["max_span"]
    starts = [row["start_seq"] for row in rows]
    assert starts == sorted(set(starts)), "a window lies in another"


@pytest.mark.parametrize("unit", ["bytes", "tokens"])
@MANY
@given(data=st.data())
def test_a_weight_limit_is_passed_by_a_lone_message_only(unit: str, data: st.DataObject) -> None:
    conversation, spec = data.draw(conversations()), data.draw(specs(unit))
    times, texts, authors = conversation
    weight = [len(line_of(*one).encode()) for one in zip(times, authors, texts, strict=True)]
    if unit == "tokens":
        weight = [-(-one // 4) for one in weight]
    for row in plan_windows(table(conversation), WindowSpec(**spec)).to_pylist():
        total = sum(weight[row["start_seq"] : row["end_seq"]])
        assert total <= spec["size"] or row["n_messages"] == 1


@UNITS
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_read_by_a_plan_is_the_table(unit: str, data: st.DataObject) -> None:
    conversation, spec = data.draw(conversations()), data.draw(specs(unit))
    cuts = data.draw(st.lists(st.integers(0, 40), max_size=6).map(sorted))
    messages = table(conversation)
    count = messages.num_rows
    edges = [0, *(min(cut, count) for cut in cuts), count]
    batches = [messages.slice(a, b - a) for a, b in pairwise(edges) if b > a]
    chunked = pa.concat_tables(batches) if batches else messages
    plan = plan_windows(chunked, WindowSpec(**spec))
    windows = dict(read_windows(chunked, plan))
    assert list(windows) == plan["window_index"].to_pylist()
    for row in plan.to_pylist():
        expected = messages.slice(row["start_seq"], row["n_messages"])
        assert windows[row["window_index"]].equals(expected)
    own = [
        windows[row["window_index"]].slice(row["own_start_seq"] - row["start_seq"]).to_pylist()
        for row in plan.to_pylist()
    ]
    assert [message for part in own for message in part] == messages.to_pylist()


@settings(max_examples=100, deadline=None)
@given(
    unit=st.sampled_from(["hours", "days"]),
    size=st.integers(1, 5),
    overlap=OVERLAPS,
    span=st.sampled_from([1, 23, 24, 25, 26, 50, 300]).map(lambda hours: timedelta(hours=hours)),
)
def test_a_cap_below_a_calendar_slot_is_refused_and_holds_otherwise(
    unit: str, size: int, overlap: Any, span: timedelta
) -> None:
    slot = size * (25 * HOUR if unit == "days" else HOUR)
    fields: dict[str, Any] = {"unit": unit, "size": size, "overlap": overlap, "max_span": span, "align": "calendar"}
    if slot + floor(Fraction(str(overlap)) * slot) > span // MICROSECOND:
        with pytest.raises(SpecError, match="max_span"):
            WindowSpec(**fields)
        return
    begin = (BEGINNINGS[3] - EPOCH) // MICROSECOND
    messages = table(([begin + i * 25 * MINUTE for i in range(300)], ["x"] * 300, [None] * 300))
    rows = plan_windows(messages, WindowSpec(**fields, timezone="Europe/Lisbon")).to_pylist()
    assert all(row["end_ts"] - row["start_ts"] <= span for row in rows)


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
    lines = [line_of(*one) for one in zip(times, authors, texts, strict=True)]
    plan = plan_windows(table((times, texts, authors)), WindowSpec(**spec))
    windows = list(zip(plan["start_seq"].to_pylist(), plan["end_seq"].to_pylist(), strict=True))
    if spec["size"] < 1000:
        assert windows == reference(times, lines, spec)
        return
    weight = [len(line.encode()) for line in lines]
    # every window is full: the next message would have passed the limit
    for (s, e), (after, _) in pairwise(windows):
        assert sum(weight[s:e]) <= spec["size"] < sum(weight[s : e + 1])
        assert sum(weight[after:e]) <= 60_000 < sum(weight[after - 1 : e])
    assert windows[-1][1] == len(texts)
