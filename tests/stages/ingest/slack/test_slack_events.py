"""What Slack itself writes: joins, topics, pins, huddles, edits and deletions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DAY = 1_704_412_800


def at(second: float, **more: Any) -> dict[str, Any]:
    return {"type": "message", "ts": f"{DAY + second:.6f}", **more}


@pytest.mark.parametrize(
    ("entry", "kind", "text"),
    [
        (
            {"subtype": "channel_join", "user": "U02BOB", "text": "<@U02BOB> has joined the channel"},
            "system",
            "@Bob Stone has joined the channel",
        ),
        ({"subtype": "group_leave", "user": "U02BOB", "text": ""}, "system", "@Bob Stone left the channel"),
        (
            {"subtype": "channel_topic", "user": "U02BOB", "text": "set the channel topic: a &amp; b"},
            "system",
            "@Bob Stone set the channel topic: a & b",
        ),
        ({"subtype": "channel_brand_new", "user": "U02BOB", "text": ""}, "system", "@Bob Stone channel brand new"),
        ({"subtype": "pinned_item", "user": "U02BOB", "text": ""}, "system", "@Bob Stone pinned a message"),
        (
            {
                "subtype": "bot_add",
                "user": "U02BOB",
                "bot_id": "B1",
                "text": "added an integration: <https://x.example/|hub>",
            },
            "system",
            "@Bob Stone added an integration: hub (https://x.example/)",
        ),
        (
            {"subtype": "tombstone", "user": "USLACKBOT", "hidden": True, "text": "This message was deleted."},
            "deleted",
            "This message was deleted.",
        ),
        (
            {
                "subtype": "huddle_thread",
                "user": "USLACKBOT",
                "text": "",
                "edited": {"user": "USLACKBOT"},
                "room": {
                    "id": "R1",
                    "created_by": "U02BOB",
                    "date_start": 100,
                    "date_end": 1120,
                    "participant_history": ["U1", "U2"],
                },
            },
            "call",
            "@Bob Stone started a huddle (17 minutes, 2 people)",
        ),
        ({"subtype": "sh_room_created", "user": "U02BOB", "text": "A call began"}, "call", "A call began"),
    ],
    ids=lambda value: value.get("subtype") if isinstance(value, dict) else "",
)
def test_an_event_has_no_author_and_says_what_happened(
    entry: dict[str, Any], kind: str, text: str, read: Callable[..., Any]
) -> None:
    (row,) = read(at(1, **entry)).rows
    assert (row["author"], row["kind"], row["text"], row["edited"]) == (None, kind, text, False)


@pytest.mark.parametrize("subtype", ["me_message", "thread_broadcast", "reply_broadcast", "slackbot_response"])
def test_what_somebody_wrote_has_an_author(subtype: str, read: Callable[..., Any]) -> None:
    (row,) = read(at(1, subtype=subtype, user="U02BOB", text="dances")).rows
    assert (row["author"], row["kind"], row["text"]) == ("Bob Stone", "text", "dances")


def test_unknown_kinds_are_read_and_counted(read: Callable[..., Any]) -> None:
    parsed = read(
        at(1, subtype="hologram", user="U02BOB", text="wave"), at(2, subtype="hologram", text=""), at(3, subtype="<b>")
    )
    assert [(row["author"], row["kind"], row["text"]) for row in parsed.rows] == [
        ("Bob Stone", "text", "wave"),
        (None, "system", "hologram"),
        (None, "system", "<b>"),
    ]
    assert "3 entries of kinds not known: hologram (2), another (1)." in parsed.report.warnings


def test_records_of_edits_are_no_messages_of_their_own(read: Callable[..., Any]) -> None:
    old = at(1.5, user="U01ANA", text="frist")
    new = {**old, "text": "first", "edited": {"user": "U01ANA", "ts": "1704412810.000000"}}
    record = at(9.5, subtype="message_changed", hidden=True, message=new, previous_message=old)
    parsed = read(new, record)
    assert [(row["text"], row["edited"]) for row in parsed.rows] == [("first", True)]
    assert any("1 record of edits" in warning for warning in parsed.report.warnings)
    (alone,) = read(record).rows
    assert (alone["text"], alone["edited"], alone["author"]) == ("first", True, "ana.s")


def test_a_deleted_message_shows_that_it_was_deleted(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    said = at(1.5, user="U01ANA", text="secret")
    gone = at(9.5, subtype="message_deleted", hidden=True, deleted_ts=said["ts"], previous_message=said)
    unknown = at(9.75, subtype="message_deleted", deleted_ts=f"{DAY + 2.5:.6f}")
    for messages in ([said, gone, unknown], [gone, unknown, said], [gone, unknown]):
        rows = parse_file(make_slack({"general/2024-01-05": messages})).rows
        assert [(row["author"], row["kind"]) for row in rows] == [("ana.s", "deleted"), (None, "deleted")]
        assert "secret" not in repr(rows)
    later = parse_file(make_slack({"general/2024-01-05": [said], "general/2024-01-06": [gone]}))
    assert later.column("text") == ["secret"]
    assert any("1 message deleted on a later day" in warning for warning in later.report.warnings)
