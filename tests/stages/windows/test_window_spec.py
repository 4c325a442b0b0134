"""A specification says exactly what was written, and refuses what makes no sense by field and range."""

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
        ("weigh", {"unit": "messages", "weigh": "bytes:10"}, "session"),
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
    ],
)
def test_a_span_is_read_as_people_write_it(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "5", "h", "-5h", "5 apples", "0h", "5h!", "1e3h", "99999999999999w", "nan h"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="max_span"):
        parse_span(text)
