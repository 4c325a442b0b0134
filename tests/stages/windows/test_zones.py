"""Local midnights and full hours where clocks do unusual things."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from stages.windows.zones import full_hour, midnight

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


@pytest.mark.parametrize(
    ("zone", "time", "hour"),
    [
        ("UTC", "2026-03-01T10:59:59.999999+00:00", "2026-03-01T10:00:00+00:00"),
        ("Asia/Kathmandu", "2026-03-01T10:14:00+00:00", "2026-03-01T09:15:00+00:00"),
        ("Europe/Lisbon", "2026-03-29T01:00:00+00:00", "2026-03-29T01:00:00+00:00"),
        # at 02:00 the clock goes back by half an hour: the last full hour was 01:00, before the change
        ("Australia/Lord_Howe", "2026-04-04T15:15:00+00:00", "2026-04-04T14:00:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:30:00+00:00", "2026-04-04T15:30:00+00:00"),
    ],
)
def test_the_full_hour_before_is_one_on_the_local_clock(instant: Instant, zone: str, time: str, hour: str) -> None:
    found = full_hour(instant(time), ZoneInfo(zone))
    assert found == instant(hour)
    assert datetime.fromtimestamp(found / 10**6, ZoneInfo(zone)).minute == 0
