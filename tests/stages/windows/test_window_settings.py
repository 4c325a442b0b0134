"""Settings become the specification that they describe, number for number."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from stages.settings import WindowSettings
from stages.windows.archive import window_spec
from stages.windows.spec import SpecError, WindowSpec

FIELDS: dict[str, Any] = {"unit": "session", "size": 30, "overlap": 0.29, "max_span": "5h", "weigh": "bytes:900"}


def test_every_field_arrives() -> None:
    spec = window_spec(WindowSettings(**FIELDS), "America/Sao_Paulo")
    assert spec == WindowSpec(
        "session", 30, 0.29, max_span=timedelta(hours=5), align=WindowSettings(**FIELDS).align,
        timezone="America/Sao_Paulo", weigh="bytes:900",
    )  # fmt: skip
    assert spec.exact_overlap == Fraction(29, 100)


def test_a_cap_may_be_absent_and_an_alignment_given() -> None:
    spec = window_spec(WindowSettings(unit="hours", size=0.5, align="calendar"), "Asia/Kolkata")
    assert (spec.max_span, spec.align, spec.size_us) == (None, "calendar", 1_800_000_000)


def test_a_whole_size_is_whole_however_it_was_written() -> None:
    spec = window_spec(WindowSettings(unit="messages", size=7.0), "UTC")
    assert spec.size == 7
    assert isinstance(spec.size, int)


@pytest.mark.parametrize("zone", ["", "Nowhere/Land"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(SpecError, match="timezone must be"):
        window_spec(WindowSettings(), zone)
