"""Written times: every format, compared with a naive reading of one value at a time."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.table.times import TimeColumn
from stages.ingest.zone import LocalTimes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _read(
    values: list[str | None], *, asked: str = "auto", zone: str = "UTC", mapped: bool = True
) -> tuple[list[datetime | None], TimeColumn]:
    column = TimeColumn("row", "ts", mapped)
    strings = [pa.array(values, pa.string())]
    column.observe(strings, np.arange(2, len(values) + 2, dtype=np.int64))
    column.settle(asked)
    _, utc, good = column.read(strings, LocalTimes(zone))
    return [
        EPOCH + timedelta(microseconds=value) if there else None
        for value, there in zip(utc.tolist(), good.tolist(), strict=True)
    ], column


@pytest.mark.parametrize(
    "written",
    [
        "2024-04-03T10:20:11Z", "2024-04-03 10:20:11", "2024-04-03 12:20:11+02:00", "2024-04-03T08:20:11-0200",
        "2024-04-03 10:20:11.000", "2024-04-03 10:20:11,0 UTC", "2024/04/03 10:20:11", "2024.04.03, 10:20:11",
        "20240403T102011Z", "20240403102011", "1712139611", "1712139611.0", "3 Apr 2024 10:20:11",
        "3. April 2024, 10:20:11", "Apr 3, 2024 10:20:11 AM", "April 3rd, 2024 at 10:20:11", "03-Apr-2024 10:20:11",
        "Wed, 3 Apr 2024 12:20:11 +0200", "Wed Apr  3 10:20:11 2024", "3 de abril de 2024 às 10:20:11",
        "3 avr. 2024 10:20:11", "3. März 2024 10:20:11", "2024年4月3日 10:20:11",
        "2024-04-03T12:20:11+02:00[Europe/Berlin]", "  2024-04-03 10:20:11 ", "Wed Apr 03 10:20:11 UTC 2024",
    ],
    ids=lambda written: re.sub(r"\W+", "_", written),
)  # fmt: skip
def test_a_time_in_any_usual_form(written: str) -> None:
    expected = datetime(2024, 3 if "März" in written else 4, 3, 10, 20, 11, tzinfo=UTC)
    assert _read([written])[0] == [expected]


@pytest.mark.parametrize(
    "written",
    ["", "x", "soon", "10:20", "2024-13-03 10:20", "2024-02-30 10:20", "2024-04-03 24:00", "2024-04-03 10:60",
     "3 Foo 2024 10:20", "31 Jun 2024", "13:20 PM 2024-04-03", "12", "99999999999999999999999", "1e9",
     "2024-04-03 10:20 EST", "1969-12-31 10:00", "2100-01-01 10:00"],
    ids=lambda written: re.sub(r"\W+", "_", written) or "empty",
)  # fmt: skip
def test_what_is_no_time_is_not_read(written: str) -> None:
    assert _read([written, "2024-04-03 10:20"])[0] == [None, datetime(2024, 4, 3, 10, 20, tzinfo=UTC)]


@pytest.mark.parametrize(("unit", "per"), [("seconds", 1), ("milliseconds", 1_000), ("microseconds", 1_000_000)])
def test_numbers_count_in_the_unit_of_their_size(unit: str, per: int) -> None:
    times, column = _read([str(1712139611 * per), str(1712139612 * per), "17"])
    assert times[:2] == [datetime(2024, 4, 3, 10, 20, second, tzinfo=UTC) for second in (11, 12)]
    assert times[2] is None
    assert column.evidence == [f"epoch {unit}"]
    assert column.date_order is None


def test_serial_numbers_are_refused_unless_mapped() -> None:
    with pytest.raises(BadInput, match=r"Column ts holds serial numbers.*--map ts=ts"):
        _read(["45385.4307986111"], mapped=False)
    times, column = _read(["45385.4307986111", "45385"])
    assert times == [datetime(2024, 4, 3, 10, 20, 21, tzinfo=UTC), datetime(2024, 4, 3, tzinfo=UTC)]
    assert "serial" in column.warnings[0]


def test_a_field_above_12_proves_the_order() -> None:
    times, column = _read(["03/04/2024 10:20", "13/04/2024 10:20"])
    assert times[0] == datetime(2024, 4, 3, 10, 20, tzinfo=UTC)
    assert (column.date_order, column.evidence, column.ambiguous) == ("dmy", ["a field above 12"], False)
    times, column = _read(["03/04/2024 10:20 PM", "03/14/24 10:20 PM"])
    assert times == [datetime(2024, 3, 4, 22, 20, tzinfo=UTC), datetime(2024, 3, 14, 22, 20, tzinfo=UTC)]
    assert (column.date_order, column.ambiguous) == ("mdy", False)


def test_an_open_order_is_said_and_can_be_settled() -> None:
    values: list[str | None] = ["03/04/2024 10:20", "03/05/2024 10:20"]
    _, column = _read(values)
    assert column.ambiguous
    assert "--date-order" in column.warnings[0]
    times, column = _read(values, asked="mdy")
    assert times[1] == datetime(2024, 3, 5, 10, 20, tzinfo=UTC)
    assert not column.ambiguous
    with pytest.raises(BadInput, match=r"does not fit.*in row 3"):
        _read(["03/04/2024 10:20", "13/04/2024 10:20"], asked="mdy")


def test_times_without_a_zone_are_local_and_others_are_not() -> None:
    times, _ = _read(["2024-07-03 10:20", "2024-07-03T10:20Z", "1719987600"], zone="Europe/Lisbon")
    assert [time and time.hour for time in times] == [9, 10, 6]


def test_a_date_alone_is_midnight_and_said() -> None:
    times, column = _read(["2024-04-03", "2024-04-03 10:20"])
    assert times[0] == datetime(2024, 4, 3, tzinfo=UTC)
    assert column.warnings == ["1 of 2 times are a date without a time of day; they were read as midnight."]


FORMS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M", "%d.%m.%Y, %H:%M:%S", "%d %b %Y %H:%M",
    "%B %d, %Y %I:%M %p", "%a, %d %b %Y %H:%M:%S +0100", "%Y-%m-%d %H:%M:%S.%f", "%Y%m%dT%H%M%S", "%d/%m/%Y %I:%M %p",
)  # fmt: skip


def _naive(value: str) -> datetime | None:
    """One value, by trying every form in turn."""
    for form in FORMS:
        try:
            time = datetime.strptime(value, form)
        except ValueError:
            continue
        if form.endswith("+0100"):
            return time.replace(tzinfo=UTC) - timedelta(hours=1)
        return time.replace(tzinfo=ZoneInfo("Europe/Lisbon")).astimezone(UTC)
    return None


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(FORMS),
            # few days and minutes: ties are the rule
            st.datetimes(datetime(2024, 3, 25), datetime(2024, 4, 3)).map(
                lambda time: time.replace(minute=time.minute % 3, microsecond=time.microsecond % 5)
            ),
        ),
        max_size=40,
    ),
    st.lists(st.sampled_from(["", "x", "2024-04-31 10:20:00", "31/04/2024 10:20", "10:20", "2024-04-03 10:2"])),
)
def test_columns_are_read_as_values_one_by_one(rows: list[tuple[str, datetime]], odd: list[str]) -> None:
    values: list[str | None] = ["13/01/2024 00:00", *(time.strftime(form) for form, time in rows), *odd]
    times, _ = _read(values, zone="Europe/Lisbon")
    assert times == [_naive(value or "") for value in values]
