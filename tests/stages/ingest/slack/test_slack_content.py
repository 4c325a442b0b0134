"""What apps and files say: everything that can be read, and nothing twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def bot(second: int = 1, **more: Any) -> dict[str, Any]:
    return {"ts": f"{1_704_412_800 + second}.000001", "subtype": "bot_message", "bot_id": "B9", "text": "", **more}


def _words(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def _text(read: Callable[..., Any], *messages: dict[str, Any]) -> Any:
    (row,) = read(*messages).rows
    return row["text"]


def test_an_attachment_is_read_part_by_part(read: Callable[..., Any]) -> None:
    attachment = {
        "fallback": "short form",
        "pretext": "Build 7:",
        "title": "Job &amp; log",
        "title_link": "https://ci.example/7?a=1&b=2",
        "text": "by <@U02BOB>",
        "image_url": "https://ci.example/chart.png",
        "fields": [
            {"title": "Errors", "value": "5"},
            {"title": "Warnings", "value": "5"},
            {"title": "", "value": "late"},
        ],
    }
    (row,) = read(bot(attachments=[attachment])).rows
    assert row["text"] == (
        "Build 7:\nJob & log (https://ci.example/7?a=1&b=2)\nby @Bob Stone\nErrors: 5\nWarnings: 5\nlate"
    )
    assert row["links"] == ["https://ci.example/chart.png"]
    assert row["kind"] == "text"


def test_the_short_form_stands_in_where_there_is_nothing_else(read: Callable[..., Any]) -> None:
    assert _text(read, bot(attachments=[{"fallback": "[a:b] <https://x.example|one> by me"}])) == (
        "[a:b] one (https://x.example) by me"
    )
    assert _text(read, bot(text="said", attachments=[{"fallback": "[no preview available]"}])) == "said"


def test_what_text_blocks_and_attachments_repeat_is_said_once(read: Callable[..., Any]) -> None:
    text = "Deploy of *api* is done by <@U02BOB>"
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    assert _text(read, bot(text=text, blocks=[section])) == "Deploy of *api* is done by @Bob Stone"
    header = {"type": "header", "text": {"type": "plain_text", "text": "Release 1.2 &amp; more"}}
    both = bot(text="Release 1.2 &amp; more", blocks=[header, section], attachments=[{"text": text, "fallback": text}])
    assert _text(read, both) == "Release 1.2 & more\nDeploy of *api* is done by @Bob Stone"


def test_blocks_are_read_as_they_look(read: Callable[..., Any]) -> None:
    blocks = [
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*Hi*"},
            "fields": [{"type": "plain_text", "text": "a <b>"}],
            "accessory": {"type": "image", "alt_text": "a chart", "image_url": "https://x.example/c.png"},
        },
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "by"}, {"type": "image", "alt_text": "face"}]},
        {
            "type": "image",
            "title": {"type": "plain_text", "text": "Map"},
            "alt_text": "a map",
            "image_url": "https://x.example/m.png",
        },
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "OK"}, "url": "https://x.example/ok"}
            ],
        },
        {"type": "table", "rows": [[{"type": "raw_text", "text": "1"}, {"type": "raw_text", "text": "<2>"}]]},
        {"type": "some_new_block", "text": {"type": "mrkdwn", "text": "new"}},
        None,
        7,
        {"type": ["x"]},
    ]
    (row,) = read(bot(blocks=blocks)).rows
    assert row["text"] == "*Hi*\na <b>\na chart\nby face\nMap\na map\n1 | <2>\nnew"
    assert row["links"] == ["https://x.example/c.png", "https://x.example/m.png", "https://x.example/ok"]


def test_rich_text_without_a_text_is_read(text_of: Callable[..., str]) -> None:
    listed = {
        "type": "rich_text_list",
        "style": "ordered",
        "indent": 1,
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": item}]} for item in ("x", "y")
        ],
    }
    block = _words(
        {"type": "text", "text": "a < b & "},
        {"type": "text", "text": "bold ", "style": {"bold": True}},
        {"type": "user", "user_id": "U02BOB"},
        {"type": "text", "text": " "},
        {"type": "emoji", "name": "tada"},
        {"type": "link", "url": "https://x.example/?a=1&b=2", "text": "page"},
        {"type": "channel", "channel_id": "C02DEV"},
        {"type": "broadcast", "range": "here"},
        {"type": "text", "text": "<@U02BOB>"},
    )
    block["elements"] += [
        listed,
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said\nso"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x = 1"}]},
    ]
    assert text_of("", blocks=[block]) == (
        "a < b & *bold* @Bob Stone :tada:page (https://x.example/?a=1&b=2)#dev@here<@U02BOB>\n"
        "    1. x\n    2. y\n> said\n> so\n```x = 1```"
    )


def test_a_persons_text_stands_for_itself(text_of: Callable[..., str]) -> None:
    preview = {"from_url": "https://x.example", "title": "The site", "text": "its preview", "service_name": "x"}
    assert text_of(
        "see <https://x.example>", attachments=[preview], blocks=[_words({"type": "text", "text": "see"})]
    ) == ("see https://x.example")
    passed_on = {"is_share": True, "from_url": "https://s.example/p1", "author_name": "x", "text": "what they wrote"}
    assert text_of("look", attachments=[passed_on]) == "look\nwhat they wrote"


def test_the_name_of_a_bot_is_the_one_that_is_shown(read: Callable[..., Any]) -> None:
    parsed = read(
        bot(1, username="Build &amp; run", text="a"),
        bot(2, bot_profile={"name": "Jenkins"}, text="b"),
        bot(3, text="c", bot_id="B404"),
        bot(4, text="d", bot_id="", username="hook"),
        bot(5, text="e", bot_id="B04BOT"),
        {"ts": "1704412809.1", "bot_id": "B04BOT", "user": "U04BOT", "text": "f"},
    )
    assert parsed.column("author") == ["Build & run", "Jenkins", "B404", "hook", "Deploybot", "Deploybot"]


def test_files_have_the_names_of_the_chat(read: Callable[..., Any]) -> None:
    secret = "https://files.slack.com/files-pri/T1-F0000001/image.png?t=xoxe-123-456-abc"
    parsed = read(
        {
            "ts": "1704412801.000001",
            "user": "U01ANA",
            "text": "",
            "files": [
                {"id": "F0000001", "name": "image.png", "url_private": secret},
                {"id": "F0000002", "name": "image.png"},
                {"id": "F0000003", "mode": "tombstone"},
            ],
        },
        {
            "ts": "1704412802.000001",
            "user": "U01ANA",
            "text": "again",
            "files": [{"id": "F0000002", "name": "image.png"}],
        },
        {
            "ts": "1704412803.000001",
            "user": "U01ANA",
            "text": "",
            "files": [{"id": "F0000004", "mode": "hidden_by_limit"}],
        },
        {
            "ts": "1704412804.000001",
            "subtype": "file_share",
            "user": "U01ANA",
            "text": f"<@U01ANA> uploaded <{secret}|plan>",
            "file": {"id": "F0000005", "name": "plan.pdf"},
        },
        {
            "ts": "1704412805.000001",
            "subtype": "file_comment",
            "text": "<@U02BOB> commented",
            "comment": {"user": "U02BOB"},
            "file": {"id": "F0000005", "name": "plan.pdf"},
        },
        {
            "ts": "1704412806.000001",
            "user": "U01ANA",
            "text": "doc",
            "files": [
                {"id": "F0000006", "name": "Doc", "is_external": True, "url_private": "https://docs.example/d/1"}
            ],
        },
    )
    assert parsed.column("media") == [
        ["image.png", "F0000002-image.png"],
        ["F0000002-image.png"],
        [],
        ["plan.pdf"],
        ["plan.pdf"],
        ["Doc"],
    ]
    assert set(parsed.column("kind")) == {"media"}
    assert parsed.column("author")[4] == "Bob Stone"
    assert parsed.column("text")[3] == "@ana.s uploaded plan (https://files.slack.com/files-pri/T1-F0000001/image.png)"
    assert parsed.column("links")[5] == ["https://docs.example/d/1"]
    assert "xox" not in repr(parsed.rows) + repr(parsed.report)


@pytest.mark.parametrize("layout", ["__uploads/{id}/{name}", "{channel}/attachments/{id}-{name}"])
def test_files_in_the_zip_are_found(
    layout: str, make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    files = {
        layout.format(id=identity, name=name, channel="general"): identity.encode()
        for identity, name in (("F0000001", "image.png"), ("F0000002", "image.png"), ("F0000003", "a.json"))
    }
    files["__avatars/U01ANA/face.png"] = b"face"
    messages = [
        {"ts": f"170441280{at}.000001", "user": "U01ANA", "text": "", "files": [{"id": f"F000000{at}", "name": name}]}
        for at, name in ((2, "image.png"), (1, "image.png"), (3, "a.json"))
    ]
    parsed = parse_file(make_slack({"general/2024-01-05": messages}, files=files))
    assert not parsed.report.warnings
    found = {attachment.name: attachment.size for attachment in parsed.report.attachments}
    assert len(found) == 3
    assert all(name in found for (name,) in parsed.column("media"))
    assert len({name for (name,) in parsed.column("media")}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "https://x.example/f?t=xoxe-1-2-3&a=1",
        "<https://x.example/f?a=1&amp;t=xoxe-1-2-3|f>",
        "<https://x.example/f?pub_secret=1&amp;t=xoxb-1-2>",
    ],
)
def test_no_key_of_slack_stays_in_a_text(text: str, text_of: Callable[..., str]) -> None:
    shown = text_of(text)
    assert "xox" not in shown
    assert "https://x.example/f" in shown
