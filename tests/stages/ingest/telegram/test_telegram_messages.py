"""What people see in Telegram is what is read: texts, senders, times, files, answers, topics, events."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).parents[4].parent / "shared/fixtures/telegram"
NOT_INCLUDED = "(File not included. Change data exporting settings to download.)"


def test_text_is_joined_with_nothing_and_hidden_links_are_kept_apart(chat: Any, read: Any) -> None:
    parts = [
        "See ",
        {"type": "text_link", "text": "the spec", "href": "https://example.com/a?b=1&c=2"},
        {"type": "bold", "text": "!"},
        "\n",
        {"type": "pre", "text": "x = 1", "language": "python"},
        {"type": "link", "text": "https://shown.example"},
    ]
    row = read(chat({"text": parts})).rows[0]
    assert row["text"] == "See the spec!\nx = 1https://shown.example"
    assert row["links"] == ["https://example.com/a?b=1&c=2"]


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("absent", [{"type": "plain", "text": "a "}, {"type": "bold", "text": "b"}], "a b"),
        (None, [{"type": "plain", "text": "only here"}], "only here"),
        ("", [{"type": "plain", "text": "not here"}], ""),
        ("old", "absent", "old"),
        (["a", {"type": "bold", "text": "b"}, 7, None, {"type": "x"}, {"text": ["c", {"text": "d"}]}], [], "abcd"),
        ("one\r\ntwo\u200e \u2066three\u2069", [], "one\ntwo three"),
        ({"strange": 1}, [], ""),
    ],
    ids=["entities only", "null", "empty wins", "old export", "odd parts", "marks", "no text at all"],
)
def test_text_in_every_form(chat: Any, read: Any, text: Any, entities: Any, expected: str) -> None:
    assert read(chat({"text": "x"}, {"text": text, "text_entities": entities})).rows[1]["text"] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"from": "Bob", "from_id": "user2"}, "Bob"),
        ({"from": None, "from_id": "user444"}, "user444"),
        ({"from": None, "from_id": 444}, "user444"),
        ({"from": "absent", "from_id": "user5"}, "user5"),
        ({"from": "Bob", "from_id": "absent"}, "Bob"),
        ({"from": "News", "from_id": 8_589_934_592 + 17}, "News"),
        ({"forwarded_from": "Zoe", "via_bot": "@gif"}, "Alice"),
        ({"from": "absent", "from_id": "absent"}, None),
    ],
    ids=["name", "deleted", "deleted old", "no name", "no id", "old channel", "forwarded", "nobody"],
)
def test_author(chat: Any, read: Any, fields: dict[str, Any], expected: str | None) -> None:
    parsed = read(chat({"text": "hi"} | fields))
    assert parsed.rows[0]["author"] == expected
    assert any("without a sender" in warning for warning in parsed.report.warnings) == (expected is None)


def test_a_channel_writes_under_its_own_name(chat: Any, read: Any) -> None:
    posts = chat({"from": "absent", "from_id": "absent", "text": "news"}, type="public_channel", name="The News")
    assert read(posts).column("author") == ["The News"]


@pytest.mark.parametrize(
    ("unix", "local", "zone", "expected"),
    [
        ("1736510700", "2025-01-10T15:05:00", "UTC", "2025-01-10T12:05:00"),
        ("1736510700", "absent", "Asia/Tokyo", "2025-01-10T12:05:00"),
        (1736510700, "absent", "UTC", "2025-01-10T12:05:00"),
        ("absent", "2025-01-10T12:05:00", "America/Sao_Paulo", "2025-01-10T15:05:00"),
        ("hidden", "2025-01-10T12:05:00", "UTC", "2025-01-10T12:05:00"),
        ("absent", "2025-01-10T12:05:00+02:00", "Asia/Tokyo", "2025-01-10T10:05:00"),
        ("0", "absent", "UTC", "1970-01-01T00:00:00"),
        ("absent", "2099-12-31T23:59:59", "UTC", "2099-12-31T23:59:59"),
    ],
    ids=["both", "unix only", "number", "local only", "junk", "with offset", "1970", "2099"],
)
def test_time(chat: Any, read: Any, unix: Any, local: str, zone: str, expected: str) -> None:
    parsed = read(chat({"text": "x", "date_unixtime": unix, "date": local}), timezone=zone)
    assert parsed.said[0][0] == expected


def test_a_clock_that_belies_the_zone_is_said(chat: Any, read: Any) -> None:
    both = {"text": "x", "date_unixtime": "1736510700", "date": "2025-01-10T15:05:00"}
    late = {"text": "y", "date_unixtime": "absent", "date": "2025-01-10T15:06:00"}
    assert any("+3 h from UTC" in warning for warning in read(chat(both, late)).report.warnings)
    assert not read(chat(both, late), timezone="Europe/Moscow").report.warnings
    assert not read(chat(both, both)).report.warnings


@pytest.mark.parametrize(
    ("fields", "kind", "media", "text"),
    [
        ({"photo": "photos/photo_1@10-01-2025.jpg", "text": "see"}, "media", ["photo_1@10-01-2025.jpg"], "see"),
        ({"file": "chats/chat_01/files/Relatório.pdf"}, "media", ["Relatório.pdf"], ""),
        ({"file": NOT_INCLUDED, "media_type": "voice_message"}, "media", [], ""),
        ({"photo": "(File exceeds maximum size. Change data exporting settings to download.)"}, "media", [], ""),
        (
            {"file": "video_files/a.mp4", "thumbnail": "video_files/a.mp4_thumb.jpg", "media_type": "video_file"},
            "media",
            ["a.mp4"],
            "",
        ),
        ({"file": "stickers/s.webp", "media_type": "sticker", "sticker_emoji": "😀"}, "media", ["s.webp"], ""),
        ({"paid_stars_amount": 5}, "media", [], ""),
        (
            {"poll": {"question": "Go?", "total_voters": 3, "answers": [{"text": "yes", "voters": 3}, {"text": "no"}]}},
            "poll",
            [],
            "Go?\n- yes\n- no",
        ),
        (
            {"contact_information": {"first_name": "Zoe", "last_name": "Ray", "phone_number": "+351 912 345 678"}},
            "contact",
            [],
            "Zoe Ray\n+351 912 345 678",
        ),
        (
            {"location_information": {"latitude": 38.5, "longitude": -9.25}},
            "location",
            [],
            "https://maps.google.com/?q=38.5,-9.25",
        ),
        ({"place_name": "Café", "address": "Rua 1", "location_information": None}, "location", [], "Café\nRua 1"),
        ({"game_title": "Chess", "game_description": "Play"}, "text", [], "Chess\nPlay"),
        ({"invoice_information": '{\n "title": "Tea",\n "amount": 5\n}'}, "text", [], "Tea"),
        ({"todo_list": {"title": "Buy", "answers": [{"id": 1, "text": "milk"}]}}, "text", [], "Buy\n- milk"),
        ({"giveaway_information": {"quantity": 3}}, "text", [], "Giveaway"),
    ],
    ids=[
        "photo", "document", "not included", "too large", "film", "sticker", "paid", "poll", "contact", "location",
        "place", "game", "invoice", "list", "giveaway",
    ],
)  # fmt: skip
def test_kind(chat: Any, read: Any, fields: dict[str, Any], kind: str, media: list[str], text: str) -> None:
    row = read(chat({"text": ""} | fields)).rows[0]
    assert (row["kind"], row["media"], row["text"], row["author"]) == (kind, media, text, "Alice")


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"action": "create_group", "title": "Go", "members": ["Al", "Bo", None]}, "system",
         "Al created the group “Go” with Al, Bo and someone"),
        ({"action": "invite_members", "members": ["Bo"]}, "system", "Al added Bo"),
        ({"action": "invite_members", "members": ["Al"]}, "system", "Al joined the group"),
        ({"action": "remove_members", "members": ["Al"]}, "system", "Al left the group"),
        ({"action": "join_group_by_link", "inviter": "Bo"}, "system", "Al joined the group by a link"),
        ({"action": "migrate_from_group", "title": "Go"}, "system", "The group “Go” was turned into a supergroup"),
        ({"action": "pin_message", "message_id": 1}, "system", "Al pinned a message"),
        ({"action": "phone_call", "duration_seconds": 200}, "call", "Al called (3 min 20 s)"),
        ({"action": "phone_call", "discard_reason": "missed"}, "call", "Al called (missed)"),
        ({"action": "group_call", "duration": 60}, "call", "Voice chat of 1 min"),
        ({"action": "topic_created", "title": "Ops"}, "system", "Al created the topic “Ops”"),
        ({"action": "edit_group_title"}, "system", "Al changed the name of the group to"),
        ({"action": "dance_in_circles"}, "system", "Al: dance in circles"),
        ({"action": "dance", "actor": None, "actor_id": "user9"}, "system", "user9: dance"),
        ({"information_text": "Al {took} part"}, "system", "Al {took} part"),
        ({}, "system", "Al: event"),
        ({"type": "from_the_future", "text": "beep"}, "system", "beep"),
        ({"type": 7, "action": ["x"]}, "system", "Al: event"),
    ],
    ids=lambda value: (value.get("action") and str(value["action"])) or "other" if isinstance(value, dict) else "",
)  # fmt: skip
def test_event(chat: Any, read: Any, fields: dict[str, Any], kind: str, text: str) -> None:
    event = {"type": "service", "actor": "Al", "actor_id": "user1"} | fields
    row = read(chat({"text": "x"}, event)).rows[1]
    assert (row["author"], row["kind"], row["text"]) == (None, kind, text)


def test_answers_lead_to_messages_of_the_same_chat_only(chat: Any, read: Any) -> None:
    rows = read(
        chat(
            {"text": "first"},
            {"text": "answer", "reply_to_message_id": 1},
            {"text": "elsewhere", "reply_to_message_id": 1, "reply_to_peer_id": "channel555"},
            {"text": "here", "reply_to_message_id": 1, "reply_to_peer_id": "channel789"},
            {"text": "before the export", "reply_to_message_id": 99},
            {"text": "junk", "reply_to_message_id": "x"},
        )
    ).rows
    first = rows[0]["message_id"]
    assert [row["reply_to"] for row in rows] == [None, first, None, first, None, None]


def test_topics_follow_the_chain_of_answers(chat: Any, read: Any) -> None:
    created = {"type": "service", "action": "topic_created", "actor": "Al", "actor_id": "user1"}
    rows = read(
        chat(
            {"text": "general"},
            {**created, "title": "Ops"},
            {**created, "title": "Tea"},
            {"text": "a", "reply_to_message_id": 2},
            {"text": "b", "reply_to_message_id": 3},
            {"text": "c", "reply_to_message_id": 4, "photo": "photos/p.jpg"},
            {"text": "d", "reply_to_message_id": 6},
            {"text": "e", "reply_to_message_id": 1},
        )
    ).rows
    assert [row["topic"] for row in rows] == [None, "Ops", "Tea", "Ops", "Tea", "Ops", "Ops", None]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"edited": "2025-01-10T12:06:00"}, True),
        ({"edited": "2025-01-10T12:06:00", "edited_unixtime": "1736510760"}, True),
        ({"edited": "1970-01-01T03:00:00"}, False),
        ({"edited": "1969-12-31T20:00:00"}, False),
        ({"edited": "1970-01-01T03:00:00", "edited_unixtime": "0"}, False),
    ],
    ids=["never", "old", "new", "old never", "old never in the west", "zero"],
)
def test_edited(chat: Any, read: Any, fields: dict[str, Any], expected: bool) -> None:
    assert read(chat({"text": "x"} | fields)).rows[0]["edited"] is expected


def test_reactions_are_counted_together(chat: Any, read: Any) -> None:
    reactions = [{"type": "emoji", "count": 2, "emoji": "👍"}, {"type": "paid", "count": 3}, {"count": "x"}, 7]
    parsed = read(chat({"text": "x", "reactions": reactions}, {"text": "y"}))
    assert parsed.column("reactions") == [5, None]


def test_ids_do_not_change_with_names_reactions_votes_and_old_ids(chat: Any, read: Any) -> None:
    poll = {"question": "Go?", "answers": [{"text": "yes", "voters": 0}]}
    joined = {"type": "service", "action": "invite_members", "actor": "Al", "actor_id": "user1", "members": ["Bo"]}
    before = chat({"text": "x", "from_id": 111}, {"poll": poll}, joined, id=8_589_934_592 + 789)
    poll = {"question": "Go?", "answers": [{"text": "yes", "voters": 5}], "total_voters": 5}
    renamed = {**joined, "actor": "Alan", "members": ["Bob"]}
    after = chat(
        {"text": "x", "from": "Alicia", "reactions": [{"count": 1}], "edited_unixtime": "1736510760"},
        {"poll": poll, "from": "Alicia"},
        renamed,
        {"text": "new"},
        name="Another title",
    )
    assert read(after).column("message_id")[:3] == read(before).column("message_id")


def test_a_message_that_stands_there_twice_is_read_once(chat: Any, read: Any) -> None:
    one = {"id": 5, "text": "a", "date_unixtime": "1736500000"}
    parsed = read(chat(one, {"id": 6, "text": "b"}, one, {"id": 6, "text": "other", "date_unixtime": "1736500009"}))
    assert sorted(row["text"] for row in parsed.rows) == ["a", "b", "other"]
    assert [warning.split(" ", 1)[1] for warning in parsed.report.warnings] == [
        "message is in the export twice and read once.",
        "message is numbered like another one; replies lead to the first.",
    ]


def test_numbers_may_descend(chat: Any, read: Any) -> None:
    messages = [
        {"id": 100 - at, "text": f"m{at}", "date_unixtime": str(1_736_500_000 - at), "reply_to_message_id": 50}
        for at in range(90)
    ]
    parsed = read(chat(*messages))
    assert [row["text"] for row in parsed.rows] == [f"m{at}" for at in reversed(range(90))]
    assert len({row["reply_to"] for row in parsed.rows}) == 1
    assert not parsed.report.warnings


def test_one_name_of_two_people_is_said_without_the_name(chat: Any, read: Any) -> None:
    parsed = read(chat({"text": "a", "from": "Sam"}, {"text": "b", "from": "Sam", "from_id": "user2"}))
    assert parsed.report.warnings == [
        "1 name is borne by several people, who are one author here; Telegram tells them apart by ids."
    ]


def test_messages_that_telegram_left_out_are_said(chat: Any, read: Any) -> None:
    left_out = {"type": "unsupported", "date_unixtime": "absent"}
    parsed = read(chat(left_out, left_out, {"text": "a"}))
    assert parsed.report.warnings == ["2 messages are of a type that Telegram Desktop did not export."]


def test_the_sample_with_everything(parse_file: Callable[..., Any]) -> None:
    path = FIXTURES / "own/forum_entities.json"
    if path.exists():
        rows = parse_file(path).rows
        wrote = [row for row in rows if row["author"]]
        assert (len(wrote), len(rows) - len(wrote)) == (6, 2)
        assert wrote[0]["text"] == "See the spec and ping @bob Carla #api\nx = 1"
        assert wrote[0]["links"] == ["https://example.com/spec?a=1&b=2"]
        assert (wrote[0]["topic"], wrote[0]["reply_to"]) == ("Backend", rows[1]["message_id"])
        assert (wrote[1]["author"], wrote[1]["reply_to"]) == ("user444", wrote[0]["message_id"])


def test_peers_samples(parse_file: Callable[..., Any]) -> None:
    for name in ("test_single_export.json", "test_batch_export.json"):
        path = FIXTURES / "chat-miner" / name
        if path.exists():
            assert parse_file(path).said == [
                ("2018-12-05T10:39:10", "Author 1", "Minimal Message"),
                ("2018-12-05T10:49:24", "Author 2", "Link:https://telegram.org/"),
            ]


def test_the_layout_changes_nothing(chat: Any, read: Any) -> None:
    document = chat(*({"text": f'}},{{"id" \\ " {at} 😀 é', "reply_to_message_id": at} for at in range(300)))
    expected = read(document).rows
    for text in (
        json.dumps(document),
        json.dumps(document, separators=(",", ":"), ensure_ascii=False),
        json.dumps(document, indent=4).replace("\n", "\r\n"),
        json.dumps(dict(reversed(document.items())), indent=2),
        "\ufeff" + json.dumps(document, indent="\t"),
    ):
        for block_bytes in (64, 1_000, 1 << 22):
            assert read(text, block_bytes=block_bytes).rows == expected
    assert read(json.dumps(document).encode("utf-16")).rows == expected
