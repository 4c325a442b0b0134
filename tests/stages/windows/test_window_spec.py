"""A specification says exactly what was written, and refuses what makes no sense by field and range."""

import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.windows.spec import SpecError, WindowSpec, parse_span


@pytest.mark.parametrize(
    ("field", "given_fields", "range_named"),
    [
        ("unit", {"unit": "weeks"}, "messages, hours, days, bytes, tokens, session"),
        ("align", {"align": "monday"}, "first or calendar"),
        ("size", {"size": 0}, "above 0"),
        ("size", {"size": -1}, "above 0"),
        ("size", {"size": float("nan")}, "above 0"),
        ("size", {"size": float("inf")}, "above 0"),
        ("size", {"size": 10**15 + 1}, "10^15"),
        ("size", {"size": "1e999999999"}, "10^15"),
        ("size", {"size": "many"}, "a number"),
        ("size", {"size": True}, "a number"),
        ("size", {"size": None}, "a number"),
        ("size", {"size": 1.5}, "whole number"),
        ("size", {"unit": "bytes", "size": 0.5}, "whole number"),
        ("size", {"unit": "tokens", "size": "2.5"}, "whole number"),
        ("size", {"unit": "days", "size": 1.5, "align": "calendar"}, "whole number"),
        ("size", {"unit": "hours", "size": "0.0000000001"}, "microsecond"),
        ("overlap", {"overlap": -0.1}, "between 0 and 0.5"),
        ("overlap", {"overlap": 0.51}, "between 0 and 0.5"),
        ("overlap", {"overlap": "0.50000000000000000000001"}, "between 0 and 0.5"),
        ("overlap", {"overlap": float("nan")}, "between 0 and 0.5"),
        ("max_span", {"max_span": timedelta(0)}, "above 0"),
        ("max_span", {"max_span": timedelta(seconds=-1)}, "above 0"),
        ("max_span", {"max_span": 5}, "timedelta"),
        ("timezone", {"timezone": "Mars/Olympus"}, "IANA"),
        ("timezone", {"timezone": ""}, "IANA"),
        ("timezone", {"timezone": "../etc/passwd"}, "IANA"),
        ("timezone", {"timezone": "America"}, "IANA"),
        ("weigh", {"unit": "session", "weigh": "bytes"}, "bytes:LIMIT"),
        ("weigh", {"unit": "session", "weigh": "bytes:0"}, "from 1"),
        ("weigh", {"unit": "session", "weigh": "words:10"}, "bytes:LIMIT"),
        ("weigh", {"unit": "session", "weigh": f"bytes:{10**15 + 1}"}, "to 10^15"),
        ("weigh", {"unit": "session", "weigh": "bytes:" + "0" * 16 + "5"}, "bytes:LIMIT or tokens:LIMIT"),
        ("weigh", {"unit": "session", "weigh": "bytes:٥"}, "whole LIMIT"),
        ("weigh", {"unit": "session", "weigh": " bytes:5"}, "bytes:LIMIT"),
        ("weigh", {"unit": "session", "weigh": ""}, "bytes:LIMIT"),
        ("weigh", {"unit": "messages", "weigh": "bytes:10"}, "session"),
        ("size", {"size": 10**16}, "above 0 and at most 10^15, not 10000000000000000"),
        ("size", {"size": "1e400"}, "must be above 0 and at most 10^15"),
        ("size", {"size": "1e401"}, "must be a number above 0 and at most 10^15, not '1e401'"),
        ("size", {"size": "1e-401"}, "must be a number above 0 and at most 10^15"),
        ("size", {"size": "1e-400"}, "must be a whole number, 1 or more, when the unit is messages, not 1e-400"),
        ("size", {"unit": "days", "size": 1.5, "align": "calendar"}, "when the unit is calendar days, not 1.5"),
        ("size", {"unit": "bytes", "size": 0.5}, "when the unit is bytes, not 0.5"),
        ("size", {"unit": "days", "size": "0.00000000001"}, "at least one microsecond, not 0.00000000001 days"),
        ("overlap", {"overlap": "much"}, "must be a number between 0 and 0.5, not 'much'"),
        ("overlap", {"overlap": "-1e-30"}, "between 0 and 0.5, not -1e-30"),
        ("overlap", {"overlap": False}, "must be a number between 0 and 0.5, not False"),
        ("max_span", {"max_span": timedelta(microseconds=-1)}, "above 0, not -1 day, 23:59:59.999999"),
        ("max_span", {"max_span": "5h"}, "must be a timedelta above 0, not '5h'"),
        ("timezone", {"timezone": None}, "Europe/Lisbon, not None"),
        ("timezone", {"timezone": 5}, "Europe/Lisbon, not 5"),
        ("weigh", {"unit": "session", "weigh": 5}, "bytes:LIMIT or tokens:LIMIT with a whole LIMIT from 1 to 10^15"),
        ("unit", {"unit": "weeks"}, "not 'weeks'"),
        ("unit", {"unit": None}, "not None"),
        ("align", {"align": "monday"}, "not 'monday'"),
    ],
)
def test_a_field_out_of_range_is_named_with_its_range(
    field: str, given_fields: dict[str, Any], range_named: str
) -> None:
    fields: dict[str, Any] = {"unit": "messages", "size": 10} | given_fields
    with pytest.raises(ValueError, match=f"^{field} must") as caught:
        WindowSpec(**fields)
    assert range_named in str(caught.value)
    # the command line ends with 2 for it
    assert isinstance(caught.value, BadInput)


@pytest.mark.parametrize(
    "fields",
    [
        {"unit": "messages", "size": 1},
        {"unit": "bytes", "size": 10**15},
        {"unit": "hours", "size": 10**15},
        {"unit": "days", "size": "0.000000000011575"},
        {"unit": "hours", "size": "1.5", "align": "calendar"},
        {"unit": "days", "size": 1.5},
        {"unit": "session", "size": "1e-300"},
        {"unit": "messages", "size": 1, "overlap": 0},
        {"unit": "messages", "size": 1, "overlap": "0.50"},
        {"unit": "messages", "size": 1, "overlap": "1e-400"},
        {"unit": "messages", "size": 1, "max_span": timedelta(microseconds=1)},
        {"unit": "session", "size": 1, "weigh": "bytes:1"},
        {"unit": "session", "size": 1, "weigh": f"tokens:{10**15}"},
        {"unit": "session", "size": 1, "weigh": "tokens:0000000000000005"},
    ],
    ids=str,
)
def test_the_edges_of_every_range_are_in_it(fields: dict[str, Any]) -> None:
    spec = WindowSpec(**fields)
    assert spec.exact_size > 0
    assert spec.limit == {"bytes:1": ("bytes", 1), f"tokens:{10**15}": ("tokens", 10**15), None: None}.get(
        spec.weigh, ("tokens", 5)
    )


def test_lengths_are_rounded_to_the_microsecond_away_from_losing_a_message() -> None:
    # slots are never longer than written, silences never shorter
    assert WindowSpec("hours", "0.0000000005").size_us == 1
    assert WindowSpec("days", "0.00000000005").size_us == 4
    assert WindowSpec("session", "0.00000005").size_us == 3
    assert WindowSpec("session", "1e-300").size_us == 1
    assert WindowSpec("session", 2).size_us == 120_000_000


def test_numbers_are_the_decimals_that_were_written() -> None:
    for written in (0.1, "0.1", Decimal("0.1")):
        assert WindowSpec("messages", 10, written).exact_overlap == Fraction(1, 10)
    assert WindowSpec("hours", 0.1).size_us == 360_000_000
    assert WindowSpec("messages", 10).exact_overlap == Fraction(1, 5)
    assert WindowSpec("messages", 100.0).exact_size == 100


@given(amount=st.integers(0, 10**18), hundredths=st.integers(0, 50))
def test_products_with_the_overlap_are_exact(amount: int, hundredths: int) -> None:
    assert WindowSpec("messages", 1, hundredths / 100).overlap_of(amount) == amount * hundredths // 100


def test_a_calendar_cap_is_judged_with_days_of_25_hours() -> None:
    day: dict[str, Any] = {"unit": "days", "size": 1, "overlap": 0.2, "align": "calendar"}
    WindowSpec(**day, max_span=timedelta(hours=30))
    with pytest.raises(SpecError, match="max_span must be at least"):
        WindowSpec(**day, max_span=timedelta(hours=30) - timedelta(microseconds=1))
    with pytest.raises(SpecError, match=r"overlap, 1 day, 6:00:00, when days are .*, not 1 day, 5:59:59.999999; use"):
        WindowSpec(**day, max_span=timedelta(hours=30) - timedelta(microseconds=1))
    hours: dict[str, Any] = {"unit": "hours", "size": 2, "overlap": "0.5", "align": "calendar"}
    WindowSpec(**hours, max_span=timedelta(hours=3))
    with pytest.raises(SpecError, match=r"max_span must be at least .* 3:00:00, when hours are"):
        WindowSpec(**hours, max_span=timedelta(hours=3) - timedelta(microseconds=1))
    with pytest.raises(SpecError, match="max_span must be at least"):
        WindowSpec("days", 10**15, 0, align="calendar", max_span=timedelta.max)
    # other units have no calendar slots
    WindowSpec("messages", 1, align="calendar", max_span=timedelta(seconds=1))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("5h", timedelta(hours=5)),
        ("2d", timedelta(days=2)),
        ("90m", timedelta(minutes=90)),
        ("90min", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)),
        ("1w", timedelta(weeks=1)),
        (" 1H30m ", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("1w2d3h4m5s", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
        ("2 h 30 min", timedelta(minutes=150)),
        ("0.000001s", timedelta(microseconds=1)),
        ("0.0000019s", timedelta(microseconds=1)),
        ("999999999d", timedelta(days=999_999_999)),
    ],
)
def test_a_span_is_read_as_people_write_it(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "5", "h", "-5h", "5 apples", "5h!", "1e3h", "nan h", "1w5", "5 5h", "h5", ".5h"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    sentence = "max_span must be a length of time above 0 .*at most 999999999 days, such as 90m, 5h or 2d"
    with pytest.raises(SpecError, match=f"^{sentence}, not {re.escape(repr(text))}"):
        parse_span(text)


@pytest.mark.parametrize(
    ("text", "range_named"),
    [
        ("0h", "above 0 .* and at most 999999999 days"),
        ("0.0000009s", "above 0 .* and at most 999999999 days"),
        ("999999999d1d", "at most 999999999 days, and above 0"),
        ("99999999999999w", "at most 999999999 days, and above 0"),
    ],
)
def test_a_span_out_of_range_is_refused_with_the_range(text: str, range_named: str) -> None:
    with pytest.raises(SpecError, match=f"^max_span must be {range_named}, not '{text}'"):
        parse_span(text)


def test_the_longest_span_is_a_span_and_a_second_more_is_not() -> None:
    assert parse_span("999999999d") == timedelta(days=999_999_999)
    assert parse_span(f"{999_999_999 * 86_400 + 86_399}.999999s") == timedelta.max
    with pytest.raises(SpecError, match="max_span must be"):
        parse_span("1000000000d")
