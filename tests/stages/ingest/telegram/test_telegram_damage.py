"""Broken exports: what can be read is read, the rest is counted and said; what makes no sense is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput


def written(document: Any, indent: int | None = 1) -> str:
    return json.dumps(document, ensure_ascii=False, indent=indent)


@pytest.fixture
def ten(chat: Any) -> Any:
    return chat(*({"text": f"message {at}"} for at in range(10)))


@pytest.mark.parametrize("indent", [1, None], ids=["pretty", "in one line"])
@pytest.mark.parametrize("share", [0.35, 0.6, 0.9, 0.99])
def test_a_cut_export_is_read_up_to_the_cut(ten: Any, read: Any, share: float, indent: int | None) -> None:
    text = written(ten, indent)
    cut = text[: int(len(text) * share)]
    parsed = read(cut)
    whole = len(re.findall(r'"text_entities": \[\]\s*}', cut))
    assert parsed.column("text") == [f"message {at}" for at in range(whole)]
    assert len(parsed.report.warnings) == 1
    assert "ends in the middle at byte" in parsed.report.warnings[0]
    at = int(parsed.report.warnings[0].split("at byte ")[1].split(":")[0])
    assert cut[at:].lstrip().startswith("{") or not cut[at:].strip(" \n]},")


def test_a_cut_before_the_first_whole_message_is_refused(ten: Any, read: Any) -> None:
    with pytest.raises(BadInput, match=r"ends at byte \d+, before the first whole message"):
        read(written(ten)[:150])


@pytest.mark.parametrize("indent", [1, None], ids=["pretty", "in one line"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"text": "message 4"', '"text": message 4"'),
        ('"text": "message 4"', '"text": "mess"age" 4"'),
        ('"text": "message 4"', '"text" "message 4"'),
        ('"text": "message 4"', '"text": "message 4}'),
        ('"text": "message 4"', '"text": {"message 4"'),
        ('"text": "message 4"', '"text": ]]]}'),
    ],
    ids=["opening quote", "inner quotes", "colon", "closing quote", "open brace", "brackets"],
)
def test_a_damaged_message_is_left_out_and_said(ten: Any, read: Any, old: str, new: str, indent: int | None) -> None:
    text = written(ten, indent)
    assert old in text
    parsed = read(text.replace(old, new))
    assert parsed.column("text") == [f"message {at}" for at in range(10) if at != 4]
    assert parsed.report.unparsed.count == 1
    start = text.rindex("{", 0, text.index(old))
    assert parsed.report.unparsed.where == f"byte {len(text[:start].encode())}"
    assert "message" not in parsed.report.unparsed.looks_like
    assert "1 message is no valid JSON" in parsed.report.warnings[0]


def test_more_damage_than_messages_is_refused(ten: Any, read: Any) -> None:
    text = written(ten)
    for at in range(4, 10):
        text = text.replace(f'"text": "message {at}"', '"text": oops')
    with pytest.raises(BadInput, match=r"6 messages that cannot be read, most of them, the first at byte \d+") as said:
        read(text)
    assert "Alice" not in str(said.value)


def test_messages_without_a_date_are_counted(chat: Any, read: Any) -> None:
    dateless = {"text": "secret words", "date_unixtime": "absent"}
    parsed = read(chat({"text": "a"}, {"text": "b"}, dateless, dateless | {"date": "tomorrow"}))
    assert parsed.column("text") == ["a", "b"]
    assert (parsed.report.unparsed.count, parsed.report.unparsed.where) == (2, "message 3")
    assert "secret" not in str(parsed.report.unparsed)
    with pytest.raises(BadInput, match="2 messages that cannot be read"):
        read(chat({"text": "a"}, dateless, dateless))


def test_items_that_are_no_messages_are_counted(ten: Any, read: Any) -> None:
    ten["messages"][3:3] = [None, 7, "text", [1, {"id": 2}]]
    parsed = read(ten)
    assert len(parsed.rows) == 10
    assert parsed.report.unparsed.count == 4


def test_the_escapes_of_telegram_that_are_no_json(ten: Any, read: Any) -> None:
    """Control characters are written as ``\\x1f``; a backslash before an x is no such escape."""
    text = written(ten).replace("message 4", "bell\\x07 end\\x1F").replace("message 6", "c:\\\\x41")
    parsed = read(text)
    assert (parsed.rows[4]["text"], parsed.rows[6]["text"]) == ("bell\x07 end\x1f", "c:\\x41")
    assert not parsed.report.warnings


def test_the_paths_without_quotes_of_2022(ten: Any, read: Any) -> None:
    ten["messages"][4]["text"] = [{"type": "custom_emoji", "text": "😮", "document_id": "BARE"}, " wow"]
    text = written(ten).replace('"BARE"', "video_files/sticker (2).webm")
    parsed = read(text)
    assert parsed.rows[4]["text"] == "😮 wow"
    assert len(parsed.rows) == 10
    assert not parsed.report.warnings


def test_text_that_is_no_unicode(ten: Any, read: Any) -> None:
    raw = written(ten).replace("message 4", "half \\ud83d pair \\ud83d\\ude00").encode()
    parsed = read(raw.replace(b"message 6", b"byte \xff end").replace(b"message 7", b"raw \x01 control"))
    read_as = [parsed.rows[at]["text"] for at in (4, 6, 7)]
    assert read_as == [
        "half \ufffd pair 😀",
        "byte \ufffd end",
        "raw \x01 control",
    ]


@pytest.mark.parametrize("depth", [50, 5_000, 200_000])
def test_nesting_without_end(ten: Any, read: Any, depth: int) -> None:
    ten["messages"][4]["more"] = "DEEP"
    parsed = read(written(ten).replace('"DEEP"', "[" * depth + "]" * depth))
    assert len(parsed.rows) == (10 if depth == 50 else 9)


def test_a_message_of_megabytes(ten: Any, read: Any) -> None:
    ten["messages"][4]["text"] = 'a "quoted" }, {"id" \n' * 200_000
    for indent in (1, None):
        parsed = read(written(ten, indent))
        assert parsed.rows[4]["text"] == ten["messages"][4]["text"]
        assert len(parsed.rows) == 10


def test_what_follows_the_end_is_said(ten: Any, read: Any) -> None:
    text = written(ten)
    assert read(text + "\n\n").report.warnings == []
    assert f"at byte {len(text.encode()) + 1} was not read" in read(text + "\n" + text).report.warnings[0]


@pytest.mark.parametrize(
    "page",
    [
        '<!DOCTYPE html>\n<html>\n <head><title>Exported Data</title></head><body onload="CheckLocation();">',
        '<html><body><div class="page_wrap"><div class="page_header">',
    ],
    ids=["title", "wrap"],
)
def test_pages_are_refused_with_the_way_out(
    page: str, read: Any, tmp_path: Path, make_zip: Any, parse_file: Any
) -> None:
    with pytest.raises(BadInput, match="Machine-readable JSON"):
        read(page)
    path = tmp_path / "messages.html"
    path.write_text(page)
    with pytest.raises(BadInput, match="Machine-readable JSON"):
        parse_file(path)
    for name in ("x/result.json", "x/messages.html"):
        with pytest.raises(BadInput, match="Machine-readable JSON"):
            parse_file(make_zip([(name, page), ("x/css/style.css", "")]))


def test_a_damaged_zip_is_refused(ten: Any, make_zip: Any, parse_file: Callable[..., Any], tmp_path: Path) -> None:
    path = make_zip([("result.json", written(ten) * 50)])
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(BadInput, match="ZIP"):
        parse_file(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"guild": {"id": "1"}, "channel": {"id": "2"}, "messages": [{"type": "Default", "timestamp": "x"}]}',
        '{"ok": true, "messages": [{"type": "message", "user": "U1", "text": "x", "ts": "1.2"}]}',
        '{"participants": [{"name": "A"}], "messages": [{"sender_name": "A", "timestamp_ms": 1, "content": "x"}]}',
        '{"a": 1}',
        "[]",
    ],
    ids=["discord", "slack", "facebook", "object", "array"],
)
def test_other_json_is_not_taken_for_telegram(tmp_path: Path, text: str) -> None:
    from stages.ingest import telegram
    from stages.ingest.detect import look_at

    path = tmp_path / "result.json"
    path.write_text(text)
    assert not telegram.matches(look_at(path))
