"""Day or month first: what proves it, what is said when nothing does, and local times across changes of the clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.whatsapp.dates import to_days
from stages.ingest.zone import LocalTimes

Parse = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "order", "evidence"),
    [
        ("2024-03-04, 10:00 - A: x\n", "ymd", "year first"),
        ("04/03/2024, 10:00 - A: x\n14/03/2024, 10:00 - A: x\n", "dmy", "a field above 12"),
        ("3/4/24, 10:00\u202fAM - A: x\n4/25/24, 10:00\u202fAM - A: x\n", "mdy", "a field above 12"),
        ("03/11/2026, 10:00 - A: IMG-20260311-WA0004.jpg (file attached)\n", "mdy", "attachment names"),
        (
            "[03/11/2026, 10:00:00] A: \u200e<attached: 00000020-GIF-2026-11-03-23-21-16.mp4>\n",
            "dmy",
            "attachment names",
        ),
        ("06/03/2017, 00:45 - A: x\n08/05/2017, 01:48 - A: x\n09/04/2017, 01:50 - A: x\n", "mdy", "chronology"),
        ("03/04/2024, 10:00 - A: Mensagem apagada\n03/04/2024, 10:00 - A: x\n", "dmy", "locale"),
        ("05/05/2024, 10:00 - A: x\n", "dmy", "day and month are equal"),
    ],
)
def test_what_decides(parse: Parse, text: str, order: str, evidence: str) -> None:
    report = parse(text).report
    assert (report.date_order, report.evidence, report.ambiguous) == (order, evidence, False)


@pytest.mark.parametrize(
    "text", ["09/10/2023, 11:11\u202fam - A: x\n", "[7/11/2017, 8:20:41 PM] A: x\n", "02.05.18, 18:00 - A: x\n"]
)
def test_what_nothing_proves_is_read_by_the_default_and_said(parse: Parse, text: str) -> None:
    report = parse(text).report
    assert (report.date_order, report.evidence, report.ambiguous) == ("dmy", "default", True)
    assert any("--date-order" in warning for warning in report.warnings)


def test_date_order_settles_it(parse: Parse) -> None:
    text = "[7/11/2017, 8:20:41 PM] A: x\n"
    assert parse(text, date_order="mdy").said[0][0] == "2017-07-11T20:20:41"
    assert parse(text, date_order="dmy").said[0][0] == "2017-11-07T20:20:41"
    assert not parse(text, date_order="mdy").report.ambiguous


def test_a_date_order_that_cannot_be_is_refused_with_the_line(parse: Parse) -> None:
    with pytest.raises(BadInput, match="line 2"):
        parse("04/03/2024, 10:00 - A: x\n14/03/2024, 10:00 - A: x\n", date_order="mdy")
    with pytest.raises(BadInput, match="year"):
        parse("04/03/2024, 10:00 - A: x\n", date_order="ymd")


def test_a_region_that_changed_is_said(parse: Parse) -> None:
    lines = [f"{day}/01/2024, 10:00 - A: x" for day in range(13, 28)] + ["1/28/2024, 10:00 - A: y"]
    parsed = parse("\n".join(lines))
    assert parsed.said[-1][0] == "2024-01-28T10:00:00"
    assert parsed.report.ambiguous
    assert any("line 16" in warning for warning in parsed.report.warnings)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("31/03/2024, 00:59", "2024-03-31T00:59:00"),
        ("31/03/2024, 01:30", "2024-03-31T01:30:00"),
        ("31/03/2024, 02:00", "2024-03-31T01:00:00"),
        ("27/10/2024, 01:30", "2024-10-27T00:30:00"),
        ("27/10/2024, 02:30", "2024-10-27T02:30:00"),
        ("13/07/2024, 12:00", "2024-07-13T11:00:00"),
    ],
)
def test_local_times_become_utc_by_the_zone(parse: Parse, local: str, utc: str) -> None:
    assert parse(f"{local} - A: x\n", timezone="Europe/Lisbon").said[0][0] == utc


ZONES = [
    "UTC",
    "Europe/Lisbon",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/New_York",
]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(st.datetimes(datetime(1970, 1, 2), datetime(2037, 12, 30)), min_size=1, max_size=20),
)
def test_zones_agree_with_the_standard_library(zone: str, times: list[datetime]) -> None:
    whole = [time.replace(microsecond=0) for time in times]
    local = np.array([int(time.replace(tzinfo=UTC).timestamp()) for time in whole], np.int64)
    expected = [int(time.replace(tzinfo=ZoneInfo(zone)).timestamp()) for time in whole]
    assert LocalTimes(zone).to_utc(local).tolist() == expected


def test_a_zone_that_is_none_is_refused(parse: Parse) -> None:
    with pytest.raises(BadInput, match="Mars"):
        parse("13/03/2024, 10:00 - A: x\n", timezone="Mars/Base")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2100), st.integers(0, 20), st.integers(0, 40))
def test_dates_exist_as_the_calendar_says(year: int, month: int, day: int) -> None:
    days, good = to_days(np.array([[day], [month], [year]], np.int64), "dmy")
    full = year + 2000 if year < 100 else year
    try:
        expected = (datetime(full, month, day) - datetime(1970, 1, 1)).days if 1970 <= full <= 2099 else None
    except ValueError:
        expected = None
    assert (int(days[0]) if good[0] else None) == expected
