"""What holds of every plan, whatever the specification."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.spec import SpecError, WindowSpec
from tests.stages.windows.drawn import BEGINNINGS, OVERLAPS, SIZES, conversations, many, specs, table
from tests.stages.windows.rules import EPOCH, HOUR, MICROSECOND, MINUTE, lines_of

UNITS = pytest.mark.parametrize("unit", list(SIZES))


@UNITS
@many(150)
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
@many(150)
@given(data=st.data())
def test_a_weight_limit_is_passed_by_a_lone_message_only(unit: str, data: st.DataObject) -> None:
    conversation, spec = data.draw(conversations()), data.draw(specs(unit))
    weight = [len(line.encode()) for line in lines_of(conversation)]
    if unit == "tokens":
        weight = [-(-one // 4) for one in weight]
    for row in plan_windows(table(conversation), WindowSpec(**spec)).to_pylist():
        total = sum(weight[row["start_seq"] : row["end_seq"]])
        assert total <= spec["size"] or row["n_messages"] == 1


@UNITS
@many(60)
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


@many(150)
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
