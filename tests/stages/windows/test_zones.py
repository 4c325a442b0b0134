"""Local midnights and full hours where clocks do unusual things."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from stages.windows.spec import DAY_US, HOUR_US
from stages.windows.zones import EARLIEST_US, LATEST_US, full_hour, midnight

Instant = Callable[[str], int]


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("UTC", "2026-03-01", "2026-03-01T00:00:00+00:00"),
        ("Asia/Kathmandu", "2026-03-01", "2026-02-28T18:15:00+00:00"),
        # midnight is skipped: the day begins with the skip
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00+00:00"),
        # the skip began before midnight, at 23:30: the day begins with it, at 00:30
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00+00:00"),
        # midnight comes twice: the first one counts
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00+00:00"),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00+00:00"),
        # half-hour clock changes, and three quarters of an hour off
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-06", "2026-04-05T13:30:00+00:00"),
        ("Pacific/Chatham", "2026-04-06", "2026-04-05T11:15:00+00:00"),
        # a date that never was ends where it begins
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00+00:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_a_local_day_begins_at_its_first_instant(instant: Instant, zone: str, day: str, begins: str) -> None:
    number = (date.fromisoformat(day) - date(1970, 1, 1)).days
    assert midnight(number, ZoneInfo(zone)) == instant(begins)


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/St_Johns", "Pacific/Kwajalein", "Asia/Tehran"])
def test_days_never_run_backwards(zone: str) -> None:
    edges = [midnight(day, ZoneInfo(zone)) for day in range(-8_000, 24_000)]
    assert edges == sorted(edges)


def test_days_beyond_the_calendar_are_plain() -> None:
    assert midnight(-(10**9), ZoneInfo("Europe/Lisbon")) == -(10**9) * 86_400_000_000
    assert midnight(10**9, ZoneInfo("Europe/Lisbon")) == 10**9 * 86_400_000_000


def test_the_zone_is_followed_from_the_year_2_to_9997() -> None:
    tokyo = ZoneInfo("Etc/GMT-9")
    first, last = EARLIEST_US // DAY_US, (date(9998, 1, 1) - date(1970, 1, 1)).days
    nine = 9 * HOUR_US
    assert midnight(first, tokyo) == first * DAY_US - nine
    assert midnight(first - 1, tokyo) == (first - 1) * DAY_US
    assert midnight(last - 1, tokyo) == (last - 1) * DAY_US - nine
    assert midnight(last, tokyo) == last * DAY_US == LATEST_US


@pytest.mark.parametrize(
    ("zone", "time", "hour"),
    [
        ("UTC", "2026-03-01T10:59:59.999999+00:00", "2026-03-01T10:00:00+00:00"),
        ("Asia/Kathmandu", "2026-03-01T10:14:00+00:00", "2026-03-01T09:15:00+00:00"),
        ("Europe/Lisbon", "2026-03-29T01:00:00+00:00", "2026-03-29T01:00:00+00:00"),
        ("Pacific/Chatham", "2026-04-04T14:20:00+00:00", "2026-04-04T14:15:00+00:00"),
        # at 02:00 the clock goes forward to 02:30: the last full hour was 01:00
        ("Australia/Lord_Howe", "2026-10-03T15:45:00+00:00", "2026-10-03T14:30:00+00:00"),
        # at 02:00 the clock goes back by half an hour: the last full hour was 01:00, before the change
        ("Australia/Lord_Howe", "2026-04-04T15:15:00+00:00", "2026-04-04T14:00:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:30:00+00:00", "2026-04-04T15:30:00+00:00"),
    ],
)
def test_the_full_hour_before_is_one_on_the_local_clock(instant: Instant, zone: str, time: str, hour: str) -> None:
    found = full_hour(instant(time), ZoneInfo(zone))
    assert found == instant(hour)
    assert datetime.fromtimestamp(found / 10**6, ZoneInfo(zone)).minute == 0
