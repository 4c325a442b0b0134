"""Slack's markup as a person reads it."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("plain", "plain"),
        ("<@U02BOB> look", "@Bob Stone look"),
        ("<@U02BOB|old-name>: look", "@Bob Stone: look"),
        ("<@U77ELSE|guest> and <@U88>", "@guest and @U88"),
        ("in <#C02DEV|dev> and <#C01GEN> and <#C99>", "in #dev and #general and #C99"),
        ("<!here> <!channel> <!everyone> <!here|here>", "@here @channel @everyone @here"),
        ("<!subteam^S1|@ops> <!subteam^S2>", "@ops @S2"),
        ("<!date^1392734382^{date}|Feb 18, 2014> <!date^1^{d}^https://a.b/c|x>", "Feb 18, 2014 x"),
        ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
        ("<https://a.example/|the page>", "the page (https://a.example/)"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<https://a.example/|https://a.example>", "https://a.example/"),
        ("<mailto:a@b.example|a@b.example> <mailto:a@b.example|write>", "a@b.example write (a@b.example)"),
        ("<tel:+15550100|+1 555 0100>", "+1 555 0100 (+15550100)"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;b&amp;gt; &amp;amp; &nbsp; &quot;", "&lt;b&gt; &amp; &nbsp; &quot;"),
        ("*b* _i_ ~s~ `c` ```x &lt; y```", "*b* _i_ ~s~ `c` ```x < y```"),
        (":tada: :+1::skin-tone-2:", ":tada: :+1::skin-tone-2:"),
        ("a < b > c <> <", "a < b > c <> <"),
        ("<foo> <!odd> <!odd|shown>", "<foo> <!odd> shown"),
        ("one\r\ntwo\n\nthree", "one\ntwo\n\nthree"),
        ("\u200eleft\u202b", "left"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_markup_is_shown_as_slack_shows_it(source: str, shown: str, text_of: Callable[..., str]) -> None:
    assert text_of(source) == shown


def test_mentions_are_hidden_as_their_authors_are(read: Callable[..., Any]) -> None:
    entries = [
        {"ts": "1704412801.000001", "user": "U02BOB", "text": "I am here"},
        {"ts": "1704412802.000001", "user": "U01ANA", "text": "thanks <@U02BOB>, and <@U77X|Zoltan Kovacs>, <@U78>"},
        {"ts": "1704412803.000001", "user": "U01ANA", "text": "Zoltan Kovacs is not Ana Silva or asilva"},
    ]
    parsed = read(*entries, options={"raw_authors": False})
    first, second, third = parsed.rows
    assert f"thanks @{first['author']}, and @" in second["text"]
    shown = " ".join(parsed.column("text"))
    for name in ("Bob", "Stone", "Zoltan", "Kovacs", "Ana", "Silva", "asilva", "\u2068", "\u2069"):
        assert name not in shown
    assert not any("C01GEN" in warning or "general" in warning for warning in parsed.report.warnings)
    assert third["author"] == second["author"]


def test_names_that_only_messages_carry_are_hidden_before_they_are_met(read: Callable[..., Any]) -> None:
    profile = {"real_name": "Wendeline \\u00d6zt\u00fcrk", "display_name": "wend-o", "name": "wozturk"}
    entries = [
        {"ts": "1704412801.000001", "user": "U01ANA", "text": "ask Wendeline Öztürk or wend-o or wozturk"},
        {
            "ts": "1704412802.000001",
            "user": "U90",
            "text": "yes",
            "user_profile": {**profile, "real_name": "Wendeline Öztürk"},
        },
        {"ts": "1704412803.000001", "user": "U90", "text": "again"},
        {
            "ts": "1704412804.000001",
            "subtype": "bot_message",
            "bot_id": "B1",
            "username": "Gregor Bridge",
            "text": "hey",
        },
        {"ts": "1704412805.000001", "user": "U01ANA", "text": "Gregor Bridge said hey"},
    ]
    raw = read(*entries)
    assert raw.column("author") == ["ana.s", "wend-o", "wend-o", "Gregor Bridge", "ana.s"]
    hidden = read(*entries, options={"raw_authors": False})
    shown = " ".join(hidden.column("text"))
    for name in ("Wendeline", "Öztürk", "wend-o", "wozturk", "Gregor"):
        assert name not in shown
    assert hidden.column("message_id") == raw.column("message_id")


def test_the_names_of_apps_leave_links_whole(read: Callable[..., Any]) -> None:
    entries = [
        {
            "ts": "1704412801.000001",
            "subtype": "bot_message",
            "bot_id": "B1",
            "text": "pushed",
            "bot_profile": {"id": "B1", "name": "GitHub", "icons": {"image_36": "x"}},
        },
        {"ts": "1704412802.000001", "user": "U01ANA", "text": "<https://github.com/a/b>"},
        {"ts": "1704412803.000001", "user": "U04BOT", "bot_id": "B04BOT", "text": "<https://deploybot.example/>"},
    ]
    parsed = read(*entries, options={"raw_authors": False})
    assert parsed.column("text") == ["pushed", "https://github.com/a/b", "https://deploybot.example/"]
    assert not {"GitHub", "Deploybot"} & set(parsed.column("author"))
    assert read(*entries).column("author") == ["GitHub", "ana.s", "Deploybot"]
