"""Exports in many files, in other layouts, damaged, or in a form that is only to be looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput
from stages.ingest.detect import look_at
from stages.ingest.discord import matches

Parse = Callable[..., Any]


def _chat(dce: Any, numbers: range, author: Any = None) -> list[dict[str, Any]]:
    return [dce.message(number, author or dce.user(1, "ann"), f"m{number}") for number in numbers]


def test_partitions_are_one_chat_and_channels_are_several(make_zip: Any, parse_file: Parse, dce: Any) -> None:
    other = dce.export(_chat(dce, range(5, 7)), channel={"id": "556", "name": "random"})
    path = make_zip(
        [
            ("Guild - general [555] [part 2].json", dce.written(dce.export(_chat(dce, range(4, 8))))),
            ("Guild - random [556].json", dce.written(other)),
            ("Guild - general [555].json", dce.written(dce.export(_chat(dce, range(1, 5))))),
            ("Guild - general [555].json_Files/notes.json", b'{"a": 1}'),
        ]
    )
    assert matches(look_at(path))
    parsed = parse_file(path, platform="discord")
    assert sorted(parsed.column("text")) == sorted([*(f"m{n}" for n in range(1, 8)), "m5", "m6"])
    assert [(chat["number"], chat["id"], chat["name"], chat["entries"]) for chat in parsed.report.chats] == [
        (1, "555", "general", 7),
        (2, "556", "random", 2),
    ]
    for wanted in ("2", "556", "random", "#random"):
        assert parse_file(path, platform="discord", chat=wanted).column("text") == ["m5", "m6"]
    with pytest.raises(BadInput, match="holds 2"):
        parse_file(path, platform="discord", chat="general chat")


def test_replies_reach_over_partitions(make_zip: Any, parse_file: Parse, dce: Any) -> None:
    ann = dce.user(1, "ann")
    reply = dce.message(9, ann, "yes", type="Reply", reference={"messageId": "1", "channelId": "555"})
    path = make_zip(
        [("b.json", dce.written(dce.export([reply]))), ("a.json", dce.written(dce.export(_chat(dce, range(1, 3)))))]
    )
    rows = parse_file(path, platform="discord").rows
    assert rows[-1]["reply_to"] == rows[0]["message_id"]


def test_media_that_came_along_are_named_as_in_the_zip(make_zip: Any, parse_file: Parse, dce: Any) -> None:
    ann = dce.user(1, "ann")
    files = [
        {"id": "1", "url": "x.json_Files\\image-A1B2C.png", "fileName": "image.png"},
        {"id": "2", "url": "x.json_Files/caf%C3%A9-D3E4F.png", "fileName": "café.png"},
        {"id": "3", "url": "https://cdn.example/3/image.png", "fileName": "image.png"},
        {"id": "4", "url": "https://cdn.example/4/image.png?ex=1", "fileName": "image.png"},
        {"id": "4", "url": "https://cdn.example/4/image.png?ex=2", "fileName": "image.png"},
    ]
    sticker = {"id": "8", "name": "Wave", "sourceUrl": "x.json_Files/8-AAAAA.png"}
    path = make_zip(
        [
            ("x.json", dce.written(dce.export([dce.message(1, ann, "see", attachments=files, stickers=[sticker])]))),
            ("x.json_Files/image-A1B2C.png", b"1"),
            ("x.json_Files/café-D3E4F.png", b"2"),
            ("x.json_Files/8-AAAAA.png", b"3"),
        ]
    )
    parsed = parse_file(path, platform="discord")
    assert parsed.rows[0]["media"] == [
        "image-A1B2C.png", "café-D3E4F.png", "image.png", "image-4.png", "image-4.png", "8-AAAAA.png",
    ]  # fmt: skip
    assert {"image-A1B2C.png", "café-D3E4F.png", "8-AAAAA.png"} == {each.name for each in parsed.report.attachments}


@pytest.mark.parametrize(("indent", "feed"), [(2, "\n"), (2, "\r\n"), (4, "\n"), ("\t", "\n"), (None, "\n")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_layout_and_encoding_is_read_alike(
    parse_discord: Parse, dce: Any, indent: Any, feed: str, encoding: str
) -> None:
    people = [dce.user(1, "ann", 'An"n\\'), dce.user(2, "žofie", "日本 {x}")]
    messages = [dce.message(n, people[n % 2], f'm{n} "é"\n    }},\n    {{ 😀') for n in range(1, 30)]
    value = dce.written(dce.export(messages), indent, feed)
    parsed = parse_discord(value.decode().encode(encoding))
    assert parsed.column("text") == [message["content"] for message in messages]
    assert parsed.report.authors == sorted(['An"n\\', "日本 {x}"])


@pytest.mark.parametrize("indent", [2, None], ids=["lines", "compact"])
def test_a_file_that_is_cut_off_gives_what_it_has_and_says_so(parse_discord: Parse, dce: Any, indent: Any) -> None:
    whole = dce.written(dce.export(_chat(dce, range(1, 50))), indent)
    parsed = parse_discord(whole[: whole.index(b'"m40"')])
    assert parsed.column("text") == [f"m{number}" for number in range(1, 40)]
    assert any("cut off" in warning for warning in parsed.report.warnings)


@pytest.mark.parametrize("indent", [2, None], ids=["lines", "compact"])
def test_a_damaged_message_is_counted(parse_discord: Parse, dce: Any, indent: Any) -> None:
    whole = dce.written(dce.export(_chat(dce, range(1, 50))), indent)
    parsed = parse_discord(whole.replace(b'"m40"', b'"m40'))
    texts = parsed.column("text")
    assert texts[:39] == [f"m{number}" for number in range(1, 40)]
    assert parsed.report.unparsed.count == 49 - len(texts)
    assert "byte" in parsed.report.unparsed.where
    assert parsed.report.warnings


@pytest.mark.parametrize("indent", [2, None], ids=["lines", "compact"])
def test_a_file_of_which_less_than_half_is_left_is_refused(parse_discord: Parse, dce: Any, indent: Any) -> None:
    whole = dce.written(dce.export(_chat(dce, range(1, 50))), indent)
    for number in range(2, 50):
        whole = whole.replace(b'"m%d"' % number, b'"m%d' % number)
    with pytest.raises(BadInput, match="could be read"):
        parse_discord(whole)


@pytest.mark.parametrize("indent", [2, None], ids=["lines", "compact"])
def test_bytes_that_are_no_text_are_replaced_and_half_letters_too(parse_discord: Parse, dce: Any, indent: Any) -> None:
    whole = dce.written(dce.export(_chat(dce, range(1, 9))), indent)
    parsed = parse_discord(whole.replace(b'"m3"', b'"m\xff3"').replace(b'"m5"', b'"m\\ud83d5"'))
    texts = parsed.column("text")
    assert texts[2] == "m\ufffd3"
    assert len(texts) == 8
    assert texts[4].startswith("m")
    assert texts[4].endswith("5")


def test_one_long_message_over_many_blocks(parse_discord: Parse, dce: Any) -> None:
    text = "x" * (9 << 20)
    parsed = parse_discord([dce.message(1, dce.user(1, "ann"), text), dce.message(2, dce.user(2, "bob"), "short")])
    assert [len(text) for text in parsed.column("text")] == [9 << 20, 5]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>Guild - general</title>\n<!-- DiscordChatExporter -->',
        "=" * 62 + "\nGuild: A Guild\nChannel: Text / general\n" + "=" * 62 + "\n\n[3/15/2024 2:20 PM] ann\nHello\n",
        "[15-Mar-24 02:20 PM] ann\nHello\n\n[15-Mar-24 02:21 PM] bob#1234\nHi\n",
    ],
    ids=["html", "text", "old text"],
)
def test_forms_to_look_at_are_refused_with_the_form_to_use(parse_discord: Parse, tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="as JSON") as refusal:
        parse_discord(text.encode())
    assert matches(look_at(tmp_path / "export.json"))
    assert str(refusal.value).count(". ") == 0


@pytest.mark.parametrize(
    "text", ['{"name": "x", "messages": []}', '[{"guild": 1}]', "[1/2/24, 10:00:00] ann: hi", "a,b\n1,2"]
)
def test_what_is_not_discord_is_left_to_others(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    assert not matches(look_at(path))
