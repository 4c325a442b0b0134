"""A phone whose region, app or language changed; orders that were asked for; pieces of a chat that were pasted."""

from collections.abc import Callable
from typing import Any

import pytest

from stages.errors import BadInput

Parse = Callable[..., Any]


def times(parsed: Any) -> list[str]:
    return [ts[:16] for ts, _, _ in parsed.said]


def both() -> str:
    """Days above 12 in front, then behind: the region changed, and the form of the date did not."""
    first = [f"{day}/01/2024, 10:00 - Ana: x" for day in range(13, 28)]
    return "\n".join([*first, "02/03/2024, 10:00 - Ana: y", "2/28/2024, 10:00 - Ana: y", "04/05/2024, 10:00 - Ana: z"])


@pytest.mark.parametrize(("order", "second"), [("dmy", "2024-03-02T10:00"), ("mdy", "2024-02-03T10:00")])
def test_an_order_that_was_asked_settles_what_a_changed_region_left_open(parse: Parse, order: str, second: str) -> None:
    assert parse(both()).report.ambiguous
    parsed = parse(both(), date_order=order)
    assert (parsed.report.evidence, parsed.report.ambiguous) == ("as asked", False)
    assert {"2024-01-13T10:00", "2024-02-28T10:00", second} <= set(times(parsed))
    assert any("cannot be" in warning for warning in parsed.report.warnings)


def test_each_shape_has_an_order_of_its_own(parse: Parse) -> None:
    before = [f"{day}/03/2024, 10:00 - Ana: x" for day in range(13, 28)]
    after = [f"4/{day}/24, 9:15\u202fAM - Rui: y" for day in range(13, 28)]
    parsed = parse("\n".join(before + after))
    assert times(parsed)[0] == "2024-03-13T10:00"
    assert times(parsed)[15] == "2024-04-13T09:15"
    assert not parsed.report.ambiguous
    assert "dd/mm/yyyy" in parsed.report.format
    assert "mm/dd/yy" in parsed.report.format


def test_a_shape_that_proves_nothing_is_put_in_time_beside_its_neighbours(parse: Parse) -> None:
    before = [f"{day}/03/2024, 10:00 - Ana: x" for day in range(13, 28)]
    # only as 4 May does it come after the 27th of March and before the 6th of June
    parsed = parse("\n".join([*before, "5/4/24, 9:15\u202fAM - Rui: y", "06/06/2024, 10:00 - Ana: z"]))
    assert times(parsed)[15] in ("2024-05-04T09:15", "2024-04-05T09:15")
    assert parsed.report.ambiguous
    parsed = parse("\n".join([*before, "2/4/24, 9:15\u202fAM - Rui: y", "06/06/2024, 10:00 - Ana: z"]))
    assert times(parsed)[15] == "2024-04-02T09:15"
    assert not parsed.report.ambiguous


def test_an_order_that_was_asked_leaves_a_shape_that_proves_another_as_it_is(parse: Parse) -> None:
    before = [f"0{day}/03/2024, 10:00 - Ana: x" for day in range(1, 9)]
    after = [f"4/{day}/24, 9:15\u202fAM - Rui: y" for day in range(13, 28)]
    parsed = parse("\n".join(before + after), date_order="dmy")
    assert times(parsed)[0] == "2024-03-01T10:00"
    assert times(parsed)[8] == "2024-04-13T09:15"
    assert any("--date-order dmy does not fit 15" in warning for warning in parsed.report.warnings)


def test_an_order_that_no_shape_can_have_is_refused(parse: Parse) -> None:
    before = [f"3/{day}/2024, 10:00 - Ana: x" for day in range(13, 28)]
    after = [f"4/{day}/24, 9:15\u202fAM - Rui: y" for day in range(13, 28)]
    with pytest.raises(BadInput, match="--date-order dmy does not fit"):
        parse("\n".join(before + after), date_order="dmy")


def test_a_language_that_changes_with_the_phone_is_followed(parse: Parse) -> None:
    before = [f"{day}/03/2024, 10:00 - Ana: x" for day in range(13, 20)]
    after = [f"[{day}.4.2024 klo 9.15.30] Ana: \u200ekuva jätettiin pois" for day in range(13, 20)]
    parsed = parse("\n".join(before + after))
    assert parsed.report.counts["entries"] == 14
    assert times(parsed)[7] == "2024-04-13T09:15"


def test_a_pasted_piece_of_a_chat_in_the_same_format_is_said(parse: Parse) -> None:
    lines = [f"{day}/03/2024, 10:00 - Ana: x" for day in range(13, 28)]
    pasted = ["01/02/2023, 10:00 - Jo: old", "02/02/2023, 10:00 - Jo: older"]
    parsed = parse("\n".join([*lines[:8], *pasted, *lines[8:]]))
    assert parsed.report.counts["entries"] == 17
    assert any("leaps back" in warning and "line 9" in warning for warning in parsed.report.warnings)


def test_a_notice_at_the_top_that_bears_a_later_date_is_no_leap(parse: Parse) -> None:
    lines = [f"{day}/03/2024, 10:00 - Ana: x" for day in range(13, 28)]
    notice = "14/09/2024, 10:00 - Messages and calls are end-to-end encrypted."
    assert parse("\n".join([notice, *lines])).report.warnings == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("18/3/2565 BE, 15:04", "2022-03-18T15:04"),
        ("18/3/2565, 15:04", "2022-03-18T15:04"),
        ("18/3/65, 15:04", "2022-03-18T15:04"),
        ("3/18/R4, 15:04", "2022-03-18T15:04"),
        ("R4/3/18 15:04", "2022-03-18T15:04"),
        ("18/3/H30, 15:04", "2018-03-18T15:04"),
        ("١٨\u200f/٣\u200f/٢٠٢٢، ٣:٠٤\u00a0م", "2022-03-18T15:04"),
        ("۲۰۲۲/۳/۱۸،\u200f ۱۵:۰۴", "2022-03-18T15:04"),
        ("18.03.22 г., 15:04 ч.", "2022-03-18T15:04"),
        ("2022-03-18 15 h 04", "2022-03-18T15:04"),
        ("22/3/18 (15:04)", "2022-03-18T15:04"),
    ],
)
def test_calendars_digits_and_clocks(parse: Parse, written: str, read: str) -> None:
    order = "ymd" if written.startswith("22") else "auto"
    assert times(parse(f"{written} - Ana: x\n", date_order=order)) == [read]


def test_years_of_two_digits_beyond_the_app_are_said_to_be_buddhist(parse: Parse) -> None:
    assert any("Buddhist" in warning for warning in parse("18/3/65, 15:04 - Ana: x\n").report.warnings)
