"""Plans at the edges: nothing, one message, exact boundaries, ties, silences, days of 23 and 25 hours."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from stages.windows.plan import PLAN, plan_windows
from stages.windows.spec import WindowSpec

MINUTE, HOUR, DAY = 60 * 10**6, 3_600 * 10**6, 86_400 * 10**6
EVERY_UNIT = pytest.mark.parametrize(
    ("unit", "size", "align"),
    [
        ("messages", 3, "first"),
        ("hours", 2, "first"),
        ("hours", 2, "calendar"),
        ("days", 1, "first"),
        ("days", 1, "calendar"),
        ("days", 7, "calendar"),
        ("bytes", 100, "first"),
        ("tokens", 25, "first"),
        ("session", 60, "first"),
        ("hours", "0.000000001", "first"),
        ("days", "0.00000000002", "first"),
    ],
)
WEIGHED = pytest.mark.parametrize("weigh", ["bytes:130", "tokens:33"])
Make = Callable[..., pa.Table]


def cut(messages: pa.Table, unit: Any, size: Any, overlap: Any = 0, **more: Any) -> list[tuple[int, int]]:
    plan = plan_windows(messages, WindowSpec(unit, size, overlap, **more))
    return list(zip(plan["start_seq"].to_pylist(), plan["end_seq"].to_pylist(), strict=True))


@EVERY_UNIT
def test_no_message_makes_no_window(messages: Make, unit: str, size: int, align: str) -> None:
    plan = plan_windows(messages([]), WindowSpec(unit, size, align=align))  # type: ignore[arg-type]
    assert plan.num_rows == 0
    assert plan.schema.equals(PLAN)


@EVERY_UNIT
def test_one_message_makes_one_window(messages: Make, unit: str, size: int, align: str) -> None:
    assert cut(messages([5]), unit, size, 0.5, align=align) == [(0, 1)]


@pytest.mark.parametrize(("unit", "size"), [("hours", 1), ("days", 1), ("session", 1), ("days", 0.5)])
def test_one_instant_is_one_slot(messages: Make, unit: str, size: float) -> None:
    assert cut(messages([77] * 50), unit, size, 0.5) == [(0, 50)]


def test_one_instant_is_counted_and_weighed_all_the_same(messages: Make) -> None:
    one = messages([77] * 7)
    assert cut(one, "messages", 3) == [(0, 3), (3, 6), (6, 7)]
    line = len("1970-01-01 00:00 Quiet Heron: x\n")
    assert cut(one, "bytes", 2 * line) == [(0, 2), (2, 4), (4, 6), (6, 7)]


def test_counts_overlap_by_whole_messages_and_stop_at_the_end(messages: Make) -> None:
    assert cut(messages(range(10)), "messages", 5, 0.2) == [(0, 6), (5, 10)]
    assert cut(messages(range(6)), "messages", 5, 0.2) == [(0, 6)]
    assert cut(messages(range(5)), "messages", 5, 0) == [(0, 5)]
    assert cut(messages(range(11)), "messages", 5, 0.2) == [(0, 6), (5, 11)]


@pytest.mark.parametrize("overlap", [0.29, "0.29"])
def test_an_overlap_is_the_decimal_that_was_written(messages: Make, overlap: Any) -> None:
    # 100 * 0.29 is 28.999... in binary
    assert cut(messages(range(200)), "messages", 100, overlap)[:2] == [(0, 129), (100, 200)]


def test_a_cap_shortens_the_overlap_until_the_next_message_fits(messages: Make) -> None:
    times = [0, 1, 2, 10, 11, 12]
    cap = timedelta(microseconds=9)
    assert cut(messages(times), "messages", 4, 0.5, max_span=cap) == [(0, 3), (1, 4), (2, 5), (3, 6)]
    # a full window whose tail would leave no room for the next message is followed by one that has room
    assert cut(messages([0, 0, 0, 0, 0, 0, 20]), "messages", 4, 0.5, max_span=cap) == [(0, 6), (6, 7)]


def test_slots_are_half_open_to_the_microsecond(messages: Make) -> None:
    assert cut(messages([0, HOUR - 1, HOUR, 2 * HOUR]), "hours", 1) == [(0, 2), (2, 3), (3, 4)]
    # the overlap is the first fifth of the next hour, its end left out
    fifth = HOUR // 5
    assert cut(messages([0, HOUR + fifth - 1, HOUR + fifth]), "hours", 1, 0.2) == [(0, 2), (1, 3)]


def test_a_slot_that_adds_nothing_makes_no_window(messages: Make) -> None:
    # the second hour's only message was read by the first; the third hour stands
    assert cut(messages([0, HOUR + 1, 2 * HOUR + HOUR // 2]), "hours", 1, 0.2) == [(0, 2), (2, 3)]


def test_an_overlap_alone_makes_no_window(messages: Make) -> None:
    # nothing of its own in the second hour, though its overlap would reach the message after
    assert cut(messages([0, 2 * HOUR + 1]), "hours", 1, 0.5) == [(0, 1), (1, 2)]


@pytest.mark.parametrize("overlap", [0, 0.5])
@EVERY_UNIT
def test_a_hundred_years_of_silence_are_no_windows(
    messages: Make, instant: Callable[[str], int], unit: str, size: Any, align: str, overlap: float
) -> None:
    quiet = messages([instant("1926-03-01T10:00:00+00:00"), instant("2026-03-01T10:00:00+00:00")])
    day = {"align": align, "timezone": "Australia/Lord_Howe"}
    together = unit in ("messages", "bytes", "tokens")
    assert cut(quiet, unit, size, overlap, **day) == ([(0, 2)] if together else [(0, 1), (1, 2)])
    if align == "first":
        capped = cut(quiet, unit, size, overlap, **day, max_span=timedelta(days=36_524))
        assert capped == [(0, 1), (1, 2)]


@EVERY_UNIT
def test_a_plan_at_one_microsecond_keeps_every_message(messages: Make, unit: str, size: Any, align: str) -> None:
    one = messages([1_767_225_600_000_000 - 1] * 500)
    for overlap in (0, 0.5):
        for span in (None, timedelta(microseconds=1)) if align == "first" else (None,):
            windows = cut(one, unit, size, overlap, align=align, max_span=span)
            assert sorted({seq for s, e in windows for seq in range(s, e)}) == list(range(500))
            if unit in ("hours", "days", "session"):
                assert windows == [(0, 500)]


@pytest.mark.parametrize(
    ("unit", "size"), [("messages", 3), ("hours", 2), ("days", 1), ("bytes", 100), ("tokens", 25), ("session", 60)]
)
def test_a_cap_is_passed_by_not_even_a_microsecond(messages: Make, unit: str, size: int) -> None:
    cap = timedelta(seconds=1)
    assert cut(messages([0, 1_000_000]), unit, size, 0, max_span=cap) == (
        # the slots of a capped step are half open
        [(0, 1), (1, 2)] if unit in ("hours", "days") else [(0, 2)]
    )
    assert cut(messages([0, 1_000_001]), unit, size, 0, max_span=cap) == [(0, 1), (1, 2)]


def test_a_hundred_years_of_silence_cost_nothing(messages: Make, instant: Callable[[str], int]) -> None:
    quiet = messages([instant("1926-03-01T10:00:00+00:00"), instant("2026-03-01T10:00:00+00:00")])
    for unit, size in (("hours", 1), ("days", 1), ("session", 5), ("hours", "0.000001")):
        for align in ("first", "calendar"):
            assert cut(quiet, unit, size, 0.5, align=align, timezone="America/Sao_Paulo") == [(0, 1), (1, 2)]


def test_a_size_longer_than_all_time_is_one_window(messages: Make) -> None:
    two = messages([0, 10 * DAY])
    for unit in ("messages", "hours", "bytes", "tokens", "session"):
        assert cut(two, unit, 10**15, 0.5) == [(0, 2)]
    for align in ("first", "calendar"):
        assert cut(two, "days", 10**15, 0.5, align=align) == [(0, 2)]


@pytest.mark.parametrize(
    ("large", "windows"), [(0, [(0, 1), (1, 4)]), (2, [(0, 2), (2, 3), (3, 4)]), (3, [(0, 3), (3, 4)])]
)
def test_a_message_above_the_limit_stands_alone(messages: Make, large: int, windows: list[tuple[int, int]]) -> None:
    texts = ["x" * 500 if i == large else "x" for i in range(4)]
    assert cut(messages(range(4), texts), "bytes", 130, 0.5) == windows
    assert cut(messages(range(4), texts), "tokens", 33, 0.5) == windows


@WEIGHED
@pytest.mark.parametrize("large", [0, 2, 3])
def test_a_message_above_the_limit_stands_alone_in_its_session(messages: Make, weigh: str, large: int) -> None:
    texts = ["x" * 500 if i % 4 == large else "x" for i in range(8)]
    two = messages([0, 1, 2, 3, DAY, DAY + 1, DAY + 2, DAY + 3], texts)
    one = {0: [(0, 1), (1, 4)], 2: [(0, 2), (2, 3), (3, 4)], 3: [(0, 3), (3, 4)]}[large]
    both = [*one, *((s + 4, e + 4) for s, e in one)]
    assert cut(two, "session", 30, 0.5, weigh=weigh) == both
    assert cut(two, "session", 30, 0.5, weigh=weigh, max_span=timedelta(hours=1)) == both


@WEIGHED
def test_a_session_of_one_large_message_is_one_window(messages: Make, weigh: str) -> None:
    texts = ["x", "x" * 500, "x"]
    assert cut(messages([0, DAY, 2 * DAY], texts), "session", 30, 0.5, weigh=weigh) == [(0, 1), (1, 2), (2, 3)]


def test_a_limit_is_reached_exactly_and_not_passed(messages: Make) -> None:
    line = len("1970-01-01 00:00 Quiet Heron: x\n")
    for unit, one in (("bytes", line), ("tokens", -(-line // 4))):
        assert cut(messages(range(6)), unit, 3 * one) == [(0, 3), (3, 6)]
        assert cut(messages(range(6)), unit, 3 * one - 1) == [(0, 2), (2, 4), (4, 6)]
        # the tail weighs exactly what it may, or a byte too much
        assert cut(messages(range(6)), unit, 4 * one, "0.25") == [(0, 4), (3, 6)]
        assert cut(messages(range(6)), unit, 4 * one, "0.249") == [(0, 4), (4, 6)]


def test_bytes_are_bytes_and_every_message_is_weighed(messages: Make) -> None:
    line = len("1970-01-01 00:00 Quiet Heron: \n") + 4
    four = messages(range(4), ["🙂"] * 4)
    assert cut(four, "bytes", 2 * line) == [(0, 2), (2, 4)]
    assert cut(four, "bytes", 2 * line - 1) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_tail_is_read_again_once_and_not_message_by_message(messages: Make) -> None:
    line = len("1970-01-01 00:00 Quiet Heron: x\n")
    assert cut(messages(range(10)), "bytes", 5 * line, 0.2) == [(0, 5), (4, 9), (8, 10)]


def test_a_tail_gives_way_to_a_large_message(messages: Make) -> None:
    line = len("1970-01-01 00:00 Quiet Heron: x\n")
    texts = ["x"] * 4 + ["x" * (2 * line + 1)] + ["x"]
    # the tail of two would leave no room for a message of three lines' weight
    assert cut(messages(range(6), texts), "bytes", 4 * line, 0.5) == [(0, 4), (3, 5), (5, 6)]


def test_a_silence_of_exactly_the_size_ends_a_session(messages: Make) -> None:
    assert cut(messages([0, 30 * MINUTE, 59 * MINUTE + 59_999_999]), "session", 30, 0.5) == [(0, 1), (1, 3)]


def test_a_silence_between_two_microseconds_is_rounded_up(messages: Make) -> None:
    # 1.5 microseconds of silence: one is too short, two are enough
    assert cut(messages([0, 1, 3]), "session", "0.000000025") == [(0, 2), (2, 3)]


def test_a_long_session_is_weighed_and_no_overlap_crosses_a_silence(messages: Make) -> None:
    line = len("1970-01-01 00:00 Quiet Heron: x\n")
    two = messages([0, 0, 0, DAY, DAY])
    assert cut(two, "session", 30, 0.5, weigh=f"bytes:{2 * line}") == [(0, 2), (1, 3), (3, 5)]
    assert cut(two, "session", 30, 0, weigh=f"tokens:{2 * -(-line // 4)}") == [(0, 2), (2, 3), (3, 5)]


def test_a_cap_on_slots_shortens_the_step(messages: Make) -> None:
    # 60 minutes at most with a fifth of overlap: steps of 50 minutes
    minutes = messages([m * MINUTE for m in range(0, 200, 10)])
    cap = timedelta(minutes=60)
    assert cut(minutes, "hours", 3, 0.2, max_span=cap) == [(0, 6), (5, 11), (10, 16), (15, 20)]
    assert cut(minutes, "hours", 3, 0.5, max_span=timedelta(microseconds=1))[:2] == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("zone", "night", "hours"),
    [
        ("Europe/Lisbon", "2026-03-29T00:00:00+00:00", 23),
        ("Europe/Lisbon", "2026-10-24T23:00:00+00:00", 25),
        ("America/Sao_Paulo", "2018-11-04T03:00:00+00:00", 23),
        ("America/Sao_Paulo", "2019-02-16T02:00:00+00:00", 25),
        ("Australia/Sydney", "2026-10-03T14:00:00+00:00", 23),
        ("Australia/Sydney", "2026-04-04T13:00:00+00:00", 25),
        ("Asia/Kolkata", "2026-04-04T18:30:00+00:00", 24),
        # half an hour is put in or left out
        ("Australia/Lord_Howe", "2026-10-03T13:30:00+00:00", 23.5),
        ("Australia/Lord_Howe", "2026-04-04T13:00:00+00:00", 24.5),
        ("Pacific/Chatham", "2026-09-26T11:15:00+00:00", 23),
        ("Pacific/Chatham", "2026-04-04T10:15:00+00:00", 25),
        # 29 December 2011 in Samoa was followed by the 31st
        ("Pacific/Apia", "2011-12-29T10:00:00+00:00", 24),
        ("Pacific/Apia", "2011-12-30T10:00:00+00:00", 24),
    ],
)
def test_calendar_days_have_the_hours_that_the_zone_gives_them(
    messages: Make, instant: Callable[[str], int], zone: str, night: str, hours: float
) -> None:
    midnight = instant(night)
    next_midnight = midnight + int(hours * HOUR)
    times = [midnight - 1, midnight, next_midnight - 1, next_midnight]
    day = {"align": "calendar", "timezone": zone}
    assert cut(messages(times), "days", 1, **day) == [(0, 1), (1, 3), (3, 4)]
    # the overlap is a fifth of that very day
    fifth = int(hours * HOUR) // 5
    times = [midnight, next_midnight + fifth - 1, next_midnight + fifth]
    assert cut(messages(times), "days", 1, 0.2, **day) == [(0, 2), (1, 3)]


def test_a_day_that_was_left_out_shortens_its_group(messages: Make, instant: Callable[[str], int]) -> None:
    # the pair of 30 and 31 December 2011 in Samoa has 24 hours, and the overlap is a fifth of these
    low, high = instant("2011-12-30T10:00:00+00:00"), instant("2011-12-31T10:00:00+00:00")
    fifth = 24 * HOUR // 5
    times = messages([low - 1, low, high - 1, high + fifth - 1, high + fifth])
    pairs = {"align": "calendar", "timezone": "Pacific/Apia"}
    assert cut(times, "days", 2, 0, **pairs) == [(0, 1), (1, 3), (3, 5)]
    assert cut(times, "days", 2, 0.2, **pairs) == [(0, 2), (1, 4), (3, 5)]


def test_weeks_begin_on_monday_in_the_zone(messages: Make, instant: Callable[[str], int]) -> None:
    sunday, monday = instant("2026-03-01T12:00:00+00:00"), instant("2026-03-02T03:00:00+00:00")
    week = {"align": "calendar", "timezone": "America/Sao_Paulo"}
    assert cut(messages([sunday, monday - 1, monday, monday + 6 * DAY]), "days", 7, **week) == [(0, 2), (2, 4)]
    # before the epoch the groups go on in the same rhythm
    before = instant("1969-12-22T03:00:00+00:00")
    assert cut(messages([before - 1, before, before + 6 * DAY]), "days", 7, **week) == [(0, 1), (1, 3)]


def test_calendar_hours_begin_at_the_local_full_hour(messages: Make, instant: Callable[[str], int]) -> None:
    half = instant("2026-03-01T10:30:00+00:00")  # a full hour in Kolkata
    times = messages([half + 5 * MINUTE, half + HOUR - 1, half + HOUR])
    assert cut(times, "hours", 1, align="calendar", timezone="Asia/Kolkata") == [(0, 2), (2, 3)]
    assert cut(times, "hours", 1, align="calendar") == [(0, 1), (1, 3)]
    # hours are 60 minutes across a change of the clock
    change = instant("2026-03-29T01:00:00+00:00")
    times = messages([change - HOUR, change - 1, change, change + HOUR])
    assert cut(times, "hours", 1, align="calendar", timezone="Europe/Lisbon") == [(0, 2), (2, 3), (3, 4)]


def test_equal_times_keep_their_order_and_none_is_lost(messages: Make) -> None:
    tied = messages([minute * MINUTE for minute in range(40) for _ in range(500)])
    for unit, size in (("messages", 100), ("hours", 0.25), ("bytes", 3_000), ("tokens", 777), ("session", 2)):
        windows = cut(tied, unit, size)
        assert [seq for s, e in windows for seq in range(s, e)] == list(range(20_000))
