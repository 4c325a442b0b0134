"""JSON lines, JSON arrays and Parquet files of messages from the user's side."""

import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.detect import look_at
from stages.ingest.table import json_lines, parquet_file

ONE = {"ts": "2024-04-03T10:20:00Z", "author": "Ana", "text": "hi"}
TWO = {"ts": "2024-04-03T10:21:00Z", "author": "Bob", "text": "yo"}


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cf", "Cc"]), max_size=20)


@pytest.fixture
def lines(parse: Callable[..., Any]) -> Callable[..., Any]:
    return lambda text, **options: parse(text, platform="jsonl", **options)


@pytest.fixture
def table(parse: Callable[..., Any]) -> Callable[..., Any]:
    def read(columns: Any, **options: Any) -> Any:
        found = columns if isinstance(columns, pa.Table) else pa.table(columns)
        out = io.BytesIO()
        pq.write_table(found, out, row_group_size=2)
        return parse(out.getvalue(), platform="parquet", **options)

    return read


def _dumped(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_objects_a_line_with_nested_keys_and_blank_lines(lines: Callable[..., Any]) -> None:
    found = lines(
        _dumped({"ts": 1712139600, "user": {"id": 7, "name": "Ana"}, "text": "hi"})
        + "\n"
        + _dumped(
            {"ts": 1712139661.5, "user": {"id": 8, "name": "Bob"}, "text": ["see ", {"type": "link", "text": "x"}]}
        )
    )
    assert found.column("author") == ["Ana", "Bob"]
    assert found.column("text") == ["hi", "see x"]
    assert found.rows[1]["ts"].isoformat() == "2024-04-03T10:21:01.500000+00:00"
    assert found.report.format == "JSON lines, ts=ts, author=user.name, text=text"
    assert found.report.evidence == "columns by name, epoch seconds"


@pytest.mark.parametrize("form", ["{}", '{{"chat": "x", "messages": {}}}'], ids=["array", "inside_an_object"])
@pytest.mark.parametrize("indent", [None, 2], ids=["packed", "indented"])
def test_an_array_of_objects(lines: Callable[..., Any], form: str, indent: int | None) -> None:
    found = lines(form.format(json.dumps([ONE, TWO], indent=indent)))
    assert [(row["author"], row["text"]) for row in found.rows] == [("Ana", "hi"), ("Bob", "yo")]


def test_a_broken_line_is_counted_with_its_number(lines: Callable[..., Any]) -> None:
    found = lines(_dumped(ONE) + '{"ts": secret\n' + '["no", "object"]\n' + _dumped(TWO, ONE))
    assert len(found.rows) == 3
    assert found.report.as_json()["unparsed"] == {"count": 2, "first": "line 2", "looks_like": '{"xx": xxxxxx'}
    with pytest.raises(BadInput, match="Line 2 did not parse"):
        lines(_dumped(ONE) + "{x\n{y\n{z\n", mapping={"ts": "ts", "author": "author", "text": "text"})


def test_an_array_that_is_cut_off_is_read_as_far_as_it_goes(lines: Callable[..., Any]) -> None:
    whole = json.dumps([ONE, TWO] * 5)
    found = lines(whole[: len(whole) * 3 // 4])
    assert len(found.rows) == 7
    assert "behind object 7" in found.report.warnings[0]


def test_what_strict_readers_refuse_is_read(lines: Callable[..., Any]) -> None:
    found = lines(
        '{"ts": "2024-04-03T10:20:00Z", "author": "A", "text": "a\\ud83db", "n": NaN, "m": 12345678901234567890123}\n'
        '{"ts": "2024-04-03T10:20:00Z", "author": "Ana", "text": "a\\u0000b", "n": 1}\n'
    )
    assert found.column("text") == ["a\ufffdb", "a\ufffdb"]


def test_keys_that_come_and_go(lines: Callable[..., Any]) -> None:
    rows = [{**ONE, "id": at} for at in range(5)] + [
        {**TWO, "id": "x9", "reply_to": 3, "edited": True, "reactions": {"👍": 2}}
    ]
    found = lines(_dumped(*rows, {"author": "Ana"}))
    assert found.rows[-1]["reply_to"] == found.rows[3]["message_id"]
    assert found.rows[-1]["edited"] is True
    assert found.rows[-1]["reactions"] == 2
    assert found.report.as_json()["unparsed"]["first"] == "line 7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_dumped(ONE, TWO), True),
        (json.dumps([ONE]), True), (json.dumps(ONE), True), (_dumped({"a": 1}, {"a": 2}), False),
        ("[1, 2, 3]", False), ("ts,author,text\n", False), ("[03/04/2024, 10:20] Ana: hi\n", False), ("{", False),
    ],
    ids=["lines", "array", "one_line", "no_chat", "numbers", "csv", "whatsapp", "cut"],
)  # fmt: skip
def test_only_json_of_messages_is_known(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    assert json_lines.matches(look_at(path)) is expected


def test_parquet_of_many_types(table: Callable[..., Any]) -> None:
    stamps = [dt.datetime(2024, 7, 3, 10, 20), dt.datetime(2024, 7, 3, 10, 21), dt.datetime(2024, 7, 3, 10, 22)]
    found = table(
        {
            "sent_at": pa.array(stamps, pa.timestamp("ns")),
            "sender": pa.array(["Ana", "Bob", "Ana"]).dictionary_encode(),
            "body": pa.array(["hi", None, "yo"], pa.large_string()),
            "message_id": pa.array([10, 11, 12], pa.int32()),
            "in_reply_to": pa.array([None, 10.0, None], pa.float64()),
            "files": pa.array([[], ["a.png"], None]),
            "edited": [False, True, None],
        },
        timezone="Europe/Lisbon",
    )
    assert [row["ts"].hour for row in found.rows] == [9, 9, 9]
    assert found.column("author") == ["Ana", "Bob", "Ana"]
    assert found.column("text") == ["hi", "", "yo"]
    assert found.column("media") == [[], ["a.png"], []]
    assert found.column("kind") == ["text", "media", "text"]
    assert found.column("reply_to") == [None, found.rows[0]["message_id"], None]
    assert found.column("edited") == [False, True, False]
    assert found.report.evidence == "columns by name, typed times without a zone"


def test_times_with_a_zone_and_dates_beside_times(table: Callable[..., Any]) -> None:
    zoned = pa.array([dt.datetime(2024, 7, 3, 10, 20, tzinfo=dt.UTC)], pa.timestamp("ms", tz="America/New_York"))
    found = table({"ts": zoned, "author": ["Ana"], "text": ["hi"]}, timezone="Europe/Lisbon")
    assert found.rows[0]["ts"].hour == 10
    columns = {"date": [dt.date(2024, 7, 3)], "time": [dt.time(10, 20)], "author": ["Ana"], "text": ["hi"]}
    assert table(columns, timezone="Europe/Lisbon").rows[0]["ts"].isoformat() == "2024-07-03T09:20:00+00:00"


def test_rows_without_a_time_are_counted(table: Callable[..., Any]) -> None:
    stamps = pa.array([dt.datetime(2024, 7, 3), None, dt.datetime(2024, 7, 4)], pa.timestamp("us"))
    found = table({"ts": stamps, "author": ["A", "B", "C"], "text": ["x", "y", "z"]})
    assert found.column("text") == ["x", "z"]
    assert found.report.as_json()["unparsed"]["first"] == "row 2"


def test_nested_columns_are_named_with_dots(table: Callable[..., Any]) -> None:
    users = pa.array([{"id": 1, "name": "Ana"}, {"id": 2, "name": "Bob"}])
    found = table({"ts": ["2024-04-03 10:20", "2024-04-03 10:21"], "user": users, "text": ["hi", "yo"]})
    assert found.column("author") == ["Ana", "Bob"]


def test_what_parse_wrote_is_read_back(parse: Callable[..., Any], tmp_path: Path) -> None:
    text = (
        "id,ts,author,text,type,reply_to,edited\n1,2024-04-03 10:20,Ana,hi,,,no\n"
        "2,2024-04-03 10:21,,Bob left,leave,,no\n3,2024-04-03 10:22,Bob,yo,,1,yes\n"
    )
    first = parse(text, platform="csv")
    again = parse((tmp_path / "out" / "messages.parquet").read_bytes(), platform="parquet")
    columns = ("ts", "author", "text", "kind", "edited")
    assert [[row[name] for name in columns] for row in again.rows] == [
        [row[name] for name in columns] for row in first.rows
    ]
    assert again.rows[2]["reply_to"] == again.rows[0]["message_id"]
    assert again.report.format.startswith("Parquet, messages as parse writes them, ts=ts")
    assert "ids are made anew" in again.report.warnings[0]


def test_damaged_parquet_is_refused_in_a_sentence(parse: Callable[..., Any], tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(
        pa.table({"ts": ["2024-04-03 10:20"] * 99, "author": ["A"] * 99, "text": [str(at) for at in range(99)]}), out
    )
    raw = out.getvalue()
    broken = raw[:40] + bytes(200) + raw[240:]
    for data in (raw[: len(raw) // 2], raw[:-6] + b"xxPAR1", b"PAR1" + bytes(100) + b"PAR1", broken):
        with pytest.raises(BadInput, match="is a Parquet file that is damaged or cut off"):
            parse(data, platform="parquet")
    path = tmp_path / "cut"
    path.write_bytes(raw[:-4])
    assert not parquet_file.matches(look_at(path))


@pytest.mark.parametrize(
    "columns",
    [{"window_index": [0], "start_seq": [0]}, {"ts": [], "author": [], "text": []}],
    ids=["windows", "no_rows"],
)
def test_parquet_that_is_no_chat_is_refused(table: Callable[..., Any], columns: dict[str, list[Any]]) -> None:
    with pytest.raises(BadInput):
        table(columns)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["Ana", "Bob"]), TEXTS),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_one_chat_in_three_formats_is_the_same(
    lines: Callable[..., Any], table: Callable[..., Any], rows: list[tuple[int, str, str]]
) -> None:
    start = dt.datetime(2024, 4, 13, 10, 20, tzinfo=dt.UTC)
    found = [{"ts": start + dt.timedelta(seconds=at), "author": author, "text": text} for at, author, text in rows]
    written = [{**row, "ts": row["ts"].isoformat()} for row in found]
    read = [lines(_dumped(*written)), lines(json.dumps(written)), table(pa.Table.from_pylist(found))]
    assert [part.said for part in read] == [read[0].said] * 3
    assert [part.column("message_id") for part in read] == [read[0].column("message_id")] * 3
    assert sorted(read[0].column("text")) == sorted(text for _, _, text in rows)
