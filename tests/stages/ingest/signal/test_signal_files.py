"""signal-export's JSON lines, its folders in a ZIP, and forms that are not read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput
from stages.ingest.detect import look_at
from stages.ingest.signal import matches

Parse = Callable[..., Any]


def line(date: str, sender: str, body: str, **more: Any) -> str:
    """A message as signal-export writes it."""
    value = {"date": date, "sender": sender, "body": f"{body}  ", "quote": "", "sticker": None, "reactions": [],
             "attachments": [], "deleted": False, "call": False, "missed": False} | more  # fmt: skip
    return json.dumps(value, ensure_ascii=False) + "\n"


LINES = (
    line("2024-05-06T07:08:09.500000", "Aya", "Look\n\nhere")
    + line("2024-05-06T07:09:00", "Jim", "Nice", quote="\n\n> Look\n> \n> here\n\n",
           reactions=[["Aya", "👍"], ["Me", "❤️"]],
           attachments=[{"name": "x_00_a.jpg", "path": "media/x_00_a.jpg", "missing_kind": None}])
    + line("2024-05-06T07:10:00", "Aya", "", sticker={"id": "3", "packId": "abc", "packKey": "k", "emoji": "😀",
                                                      "extension": "webp"})
    + line("2024-05-06T07:11:00", "Aya", "whatever", deleted=True)
    + line("2024-05-06T07:12:00", "Jim", "Missed voice call", call=True, missed=True)
    + line("2024-05-06T07:13:00", "Jim", "", attachments=[{"name": "", "path": "", "missing_kind": "media"}])
    + line("2024-05-06T07:14:00", "No-Sender", "")
)  # fmt: skip
MARKDOWN = (
    "[2024-05-06 07:08:09] Aya: Look\n\nhere  \n\n"
    "[2024-05-06 07:09:00] Jim: \n\n> Look\n> \n> here\n\nNice  \n"
    "(- Aya: 👍, Me: ❤️ -)![x_00_a.jpg](./media/x_00_a.jpg)  \n\n"
    "[2024-05-06 07:10:00] Aya:   [😀](../exported_stickers/abc/3.webp)  \n\n"
    "[2024-05-06 07:11:00] Aya: (This message was deleted)\n\n"
    "[2024-05-06 07:12:00] Jim: Missed voice call  \n\n"
    "[2024-05-06 07:13:00] Jim:   (media not exported)  \n\n"
    "[2024-05-06 07:14:00] No-Sender:   \n\n"
)


def _write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_and_markdown_of_a_chat_are_the_same_messages(tmp_path: Path, parse_file: Parse) -> None:
    lines = parse_file(_write(tmp_path, "data.json", LINES), platform="signal")
    markdown = parse_file(_write(tmp_path, "chat.md", MARKDOWN), platform="signal")
    for name in ("message_id", "author", "kind", "text", "media", "reply_to", "reactions"):
        assert lines.column(name) == markdown.column(name), name
    assert lines.column("kind") == ["text", "media", "media", "deleted", "call", "media", "system"]
    assert lines.rows[0]["ts"].isoformat() == "2024-05-06T07:08:09.500000+00:00"
    assert lines.rows[1]["reply_to"] == lines.rows[0]["message_id"]


def test_a_folder_is_a_chat_and_is_read_once(make_zip: Any, parse_file: Parse) -> None:
    path = make_zip(
        [
            ("signal/style.css", "x"),
            ("signal/Aya/chat.md", MARKDOWN),
            ("signal/Aya/data.json", LINES),
            ("signal/Aya/index.html", "<html>"),
            ("signal/Aya/media/x_00_a.jpg", b"1"),
            ("signal/Club/chat.md", "[2024-05-06 07:08:09] Me: hello  \n\n"),
            ("signal/exported_stickers/abc/3.webp", b"2"),
            ("signal/exported_stickers/abc/data.json", '{"id": "abc", "title": "x"}'),
        ]
    )
    assert matches(look_at(path))
    parsed = parse_file(path, platform="signal")
    assert parsed.report.counts["entries"] == 8
    assert [(chat["name"], chat["entries"]) for chat in parsed.report.chats] == [("Aya", 7), ("Club", 1)]
    assert {each.member for each in parsed.report.attachments} == {4, 6}
    assert not [warning for warning in parsed.report.warnings if "does not hold" in warning]
    assert parse_file(path, platform="signal", chat="Club").column("text") == ["hello"]
    assert parse_file(path, platform="signal", chat="1").report.counts["entries"] == 7
    with pytest.raises(BadInput, match="holds 2"):
        parse_file(path, platform="signal", chat="Aya Storm")


def test_lines_that_are_none_are_counted(tmp_path: Path, parse_file: Parse) -> None:
    parsed = parse_file(_write(tmp_path, "data.json", LINES + '{"date": "x"}\n{broken\n'), platform="signal")
    assert parsed.report.counts["entries"] == 7
    assert (parsed.report.unparsed.count, parsed.report.unparsed.where) == (2, "line 8")
    broken = LINES.split("\n", 1)[0] + "\n" + "{broken\n" * 3
    with pytest.raises(BadInput, match="line 2"):
        parse_file(_write(tmp_path, "data.json", broken), platform="signal")


@pytest.mark.parametrize(
    "text",
    [
        '{"conversationId": "a", "sent_at": 1, "body": "x", "type": "incoming"}\n',
        '[{"conversationId": "a", "sent_at": 1, "body": "x", "type": "incoming"}]',
    ],
)
def test_signal_desktops_own_records_are_refused(tmp_path: Path, parse_file: Parse, text: str) -> None:
    path = _write(tmp_path, "messages.json", text)
    assert matches(look_at(path))
    with pytest.raises(BadInput, match="signal-export"):
        parse_file(path, platform="signal")


@pytest.mark.parametrize("text", ['{"a": 1}\n', "[]", '{"date": "x", "sender": "y"}', '{"guild": {}, "channel": {}}'])
def test_other_json_is_left_to_others(tmp_path: Path, text: str) -> None:
    assert not matches(look_at(_write(tmp_path, "x.json", text)))
