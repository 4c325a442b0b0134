"""Exports that are damaged, odd or hostile: what can be read is read, the rest is counted and said."""

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput
from stages.ingest.slack import days as slack_days

DAY = 1_704_412_800


def message(second: float, text: str = "hi", **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U01ANA", "text": text, "ts": f"{DAY + second:.6f}", **more}


def _days(broken: bytes, whole: int = 6) -> dict[str, Any]:
    days: dict[str, Any] = {
        f"general/2024-01-0{at}": [message(86_400 * at + n + 0.5, "m" * 50) for n in range(10)]
        for at in range(1, whole)
    }
    return days | {"general/2024-01-09": broken}


@pytest.mark.parametrize(
    ("broken", "read", "why"),
    [
        (b"{not json", 0, "broken at character 0"),
        (b"", 0, "broken"),
        (b'"a string"', 0, "no list of messages"),
        (b'{"ok": false}', 0, "no list of messages"),
        (
            json.dumps([message(900_000.5), message(900_001.5), message(900_002.5)]).encode()[:-40],
            2,
            "broken at character",
        ),
        (b"[" * 100_000, 0, "broken"),
        (b'[{"ts": "1704412800.0", "text": ' + b"[" * 3_000 + b"]" * 3_000 + b"}]", 0, "broken"),
    ],
    ids=["no json", "empty", "string", "object", "cut off", "brackets", "deep"],
)
def test_a_broken_day_is_said_and_the_rest_is_read(
    broken: bytes, read: int, why: str, make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    parsed = parse_file(make_slack(_days(broken[:5_000])))
    assert parsed.report.counts["entries"] == 50 + read
    (warning,) = [warning for warning in parsed.report.warnings if "could not be read to the end" in warning]
    assert warning.startswith("1 day file ")
    assert "entry 7 of the ZIP (2024-01-09)" in warning
    assert why in warning
    assert "general" not in warning


def test_an_export_that_is_mostly_broken_is_refused(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    with pytest.raises(BadInput, match="entry 3 of the ZIP"):
        parse_file(make_slack({"general/2024-01-05": [message(1)], "general/2024-01-06": b"[" + b"x" * 5_000}))


def test_a_day_with_a_wrong_checksum_is_left_out(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    noise = random.Random(1).randbytes(400).hex()
    path = make_slack(_days(json.dumps([message(900_000.5, noise)]).encode()))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.infolist()[-1]
    data[info.header_offset + 30 + len(info.filename) + 40] ^= 0xFF
    path.write_bytes(data)
    parsed = parse_file(path, platform="slack")
    assert parsed.report.counts["entries"] == 50
    assert any("damaged" in warning for warning in parsed.report.warnings)


def test_entries_without_a_time_stamp_are_counted(read: Callable[..., Any]) -> None:
    odd = [{"user": "U1", "text": "Secret Name"}, "text", None, 7, message(1), message(2), message(3)]
    odd += [
        {**message(4), "ts": value}
        for value in ("", "now", "-1.0", "99999999999999.0", None, [], "１７０４４１２８０４.０００００１")
    ]
    odd += [message(second) for second in range(10, 20)]
    parsed = read(*odd)
    assert parsed.report.counts["entries"] == 13
    assert parsed.report.unparsed.count == 11
    assert parsed.report.unparsed.where == "entry 2 of the ZIP (2024-01-05), message 1"
    assert "Secret" not in parsed.report.unparsed.looks_like
    with pytest.raises(BadInput, match="no messages"):
        read({"user": "U1"}, {"user": "U2"}, message(1))


def test_stamps_of_other_shapes_are_read(read: Callable[..., Any]) -> None:
    parsed = read(*({**message(0), "ts": value} for value in (1704412801, 1704412802.5, "1704412803", "1704412804.5")))
    assert [row["ts"].strftime("%S.%f") for row in parsed.rows] == [
        "01.000000",
        "02.500000",
        "03.000000",
        "04.500000",
    ]


FIELDS = [
    "user",
    "text",
    "subtype",
    "bot_id",
    "username",
    "thread_ts",
    "edited",
    "reactions",
    "files",
    "file",
    "attachments",
    "blocks",
    "user_profile",
    "bot_profile",
    "comment",
    "room",
    "message",
    "previous_message",
    "deleted_ts",
]
SUBTYPES = [None, "bot_message", "huddle_thread", "message_changed", "message_deleted", "channel_join", "file_share"]
VALUES: list[object] = [None, 7, True, [], {}, [None], [{}], "x", {"a": [1]}, [[["x"]]]]


@pytest.mark.parametrize("field", FIELDS)
def test_fields_of_any_type_break_nothing(field: str, read: Callable[..., Any]) -> None:
    entries = [
        message(10 * at + n + 0.5, subtype=subtype, bot_id="B1" if subtype else None) | {field: value}
        for n, subtype in enumerate(SUBTYPES)
        for at, value in enumerate(VALUES)
    ]
    parsed = read(*(message(1_000 + at) for at in range(70)), *entries)
    assert 120 <= parsed.report.counts["entries"] <= 140


@pytest.mark.parametrize("name", ["users", "channels", "dms", "integration_logs"])
@pytest.mark.parametrize(
    "content", [b"{", b"", b"null", b"[1, null]", b"[{}]", b'[{"id": 5, "name": [], "profile": 1}]']
)
def test_a_broken_list_does_not_stop_the_reading(name: str, content: bytes, read: Callable[..., Any]) -> None:
    assert read(message(1), **{name: content}).report.counts["entries"] == 1


def test_odd_letters_are_read(make_slack: Callable[..., Path], parse_file: Callable[..., Any]) -> None:
    whole = json.dumps([message(1, "é😀")], ensure_ascii=False)
    for encoding in ("utf-8-sig", "utf-16"):
        assert parse_file(make_slack({"general/2024-01-05": whole.encode(encoding)})).column("text") == ["é😀"]
    half = json.dumps([message(1, "a\ud83d b"), message(2, "\ud83d\ude00")]).encode()
    assert parse_file(make_slack({"general/2024-01-05": half})).column("text") == ["a? b", "😀"]
    wrong = parse_file(make_slack({"general/2024-01-05": whole.encode().replace("é".encode(), b"\xff\x01")}))
    assert wrong.column("text") == ["\ufffd\x01😀"]
    assert any("1 character that cannot be read" in warning for warning in wrong.report.warnings)


def test_a_large_day_is_streamed_and_read_the_same(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = {"real_name": "Inline Person", "display_name": "inl"}
    entries = [message(n + 0.5, f"text {n} <@U02BOB>", thread_ts=f"{DAY + 0.5:.6f}") for n in range(5_000)]
    entries[77] |= {"user": "U80", "user_profile": profile}
    days = {"general/2024-01-05": entries}
    small = parse_file(make_slack(days))
    # a few kilobytes stand for the many megabytes from which on a file is streamed
    monkeypatch.setattr(slack_days, "LARGE", 4_096)
    monkeypatch.setattr(slack_days.day_entries, "__defaults__", (4_096,))
    assert parse_file(make_slack(days)).rows == small.rows
    assert small.rows[77]["author"] == "inl"
    assert parse_file(make_slack({"general/2024-01-05": {"messages": entries}})).rows == small.rows
    cut = parse_file(make_slack({"general/2024-01-05": json.dumps(entries).encode()[:-1_000]}))
    assert 4_900 < cut.report.counts["entries"] < 5_000
    assert any("broken near byte" in warning for warning in cut.report.warnings)


@pytest.mark.parametrize("days", [{}, {"general/notes": []}], ids=["none", "another name"])
def test_a_zip_without_days_is_refused(
    days: dict[str, Any], make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    with pytest.raises(BadInput, match="holds no messages"):
        parse_file(make_slack(days))


def test_empty_days_are_no_fault_but_an_empty_export_is(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    parsed = parse_file(make_slack({"general/2024-01-05": [], "general/2024-01-06": [message(1)]}))
    assert parsed.report.counts["entries"] == 1
    assert not parsed.report.warnings
    with pytest.raises(BadInput, match="hold no message"):
        parse_file(make_slack({"general/2024-01-05": []}))


def test_a_message_of_very_many_attachments_is_read_in_bounded_time(read: Callable[..., Any]) -> None:
    attachments = [{"text": f"line {n} of many"} for n in range(30_000)]
    (row,) = read({"ts": "1704412800.000001", "bot_id": "B1", "text": "", "attachments": attachments}).rows
    assert row["text"].count("\n") == 29_999
