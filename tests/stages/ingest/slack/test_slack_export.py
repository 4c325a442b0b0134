"""A Slack export from the user's side: who, when, where, answers to what."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput

DAY = 1_704_412_800


def message(second: float, text: str = "hi", user: str | None = "U01ANA", **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": f"{DAY + second:.6f}", **more}


def test_people_have_the_names_that_slack_shows(read: Callable[..., Any]) -> None:
    parsed = read(message(1), message(2, user="U02BOB"), message(3, user="U03CLEO"), message(4, user="U99NEW"))
    assert parsed.column("author") == ["ana.s", "Bob Stone", "cleo", "U99NEW"]
    assert parsed.report.platform == "slack"
    assert parsed.report.counts["entries"] == 4
    assert parsed.report.evidence == "users.json, channels.json, 1 day file"


def test_times_are_exact_to_the_microsecond(read: Callable[..., Any]) -> None:
    entry = {**message(0), "ts": "1704412800.123456"}
    (row,) = read(entry).rows
    assert row["ts"].replace(tzinfo=None) == datetime(2024, 1, 5, 0, 0, 0, 123456)


def test_an_answer_finds_its_message_on_another_day(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    parent = message(10, "why?", thread_ts=f"{DAY + 10:.6f}", reply_count=2)
    answers = [
        message(90_000, "because", user="U02BOB", thread_ts=f"{DAY + 10:.6f}", parent_user_id="U01ANA"),
        message(5, "before all", user="U02BOB"),
    ]
    lost = message(90_001, "?", thread_ts="1500000000.000001")
    parsed = parse_file(make_slack({"general/2024-01-06": [*answers, lost], "general/2024-01-05": [parent]}))
    before, first, answer, orphan = parsed.rows
    assert [row["text"] for row in parsed.rows] == ["before all", "why?", "because", "?"]
    assert answer["reply_to"] == first["message_id"]
    assert [before["reply_to"], first["reply_to"], orphan["reply_to"]] == [None, None, None]


def test_threads_of_two_channels_with_equal_stamps_stay_apart(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    thread = [message(10, "q"), message(20, "a", thread_ts=f"{DAY + 10:.6f}")]
    parsed = parse_file(make_slack({"general/2024-01-05": thread, "dev/2024-01-05": thread}))
    assert parsed.report.counts["entries"] == 4
    assert len(set(parsed.column("message_id"))) == 4
    questions, answers = parsed.rows[:2], parsed.rows[2:]
    assert [row["reply_to"] for row in answers] == [row["message_id"] for row in questions]


def test_what_stands_twice_is_read_once(make_slack: Callable[..., Path], parse_file: Callable[..., Any]) -> None:
    twice = message(10.5, "to all", thread_ts=f"{DAY + 1:.6f}")
    parsed = parse_file(
        make_slack(
            {
                "general/2024-01-05": [message(1.25), twice, {**twice, "subtype": "thread_broadcast"}],
                "general/2024-01-06": [twice],
            }
        )
    )
    assert parsed.column("text") == ["hi", "to all"]
    assert any("2 repeats of messages" in warning for warning in parsed.report.warnings)


def test_two_people_at_one_moment_are_two_messages(read: Callable[..., Any]) -> None:
    parsed = read(message(5, "a"), message(5, "b"), message(5, "a", user="U02BOB"), message(5, "a"))
    assert [(row["author"], row["text"]) for row in parsed.rows] == [("ana.s", "a"), ("ana.s", "b"), ("Bob Stone", "a")]


def test_edits_and_reactions_are_counted(read: Callable[..., Any]) -> None:
    parsed = read(
        message(1, edited={"user": "U01ANA", "ts": "1704412900.000000"}),
        message(
            2, reactions=[{"name": "+1", "users": ["U01ANA", "U02BOB"], "count": 2}, {"name": "x", "users": ["U1"]}]
        ),
    )
    assert parsed.column("edited") == [True, False]
    assert parsed.column("reactions") == [None, 3]


def test_channels_are_numbered_as_slack_lists_them(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    path = make_slack(
        {
            "zz-unlisted/2024-01-05": [message(4)],
            "dev/2024-01-05": [message(1)],
            "secret/2024-01-05": [message(3)],
            "general/2024-01-05": [message(2), message(3)],
        },
        groups=[{"id": "G01SEC", "name": "secret"}],
    )
    chats = parse_file(path).report.chats
    assert [(chat["number"], chat["id"], chat["name"], chat["kind"], chat["entries"]) for chat in chats] == [
        (1, "C01GEN", "general", "public channel", 2),
        (2, "C02DEV", "dev", "public channel", 1),
        (3, "G01SEC", "secret", "private channel", 1),
        (4, "zz-unlisted", "zz-unlisted", "channel", 1),
    ]
    for wanted in ("2", "C02DEV", "dev", "#dev"):
        assert parse_file(path, chat=wanted).report.counts["entries"] == 1
    with pytest.raises(BadInput, match=r"Of the 4 conversations .* none has"):
        parse_file(path, chat="ghost")


def test_direct_messages_are_read_only_when_asked_for(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    path = make_slack(
        {
            "general/2024-01-05": [message(1, "open")],
            "D0ABCDEFG/2024-01-05": [message(2, "between us")],
            "mpdm-ana--bob--cleo-1/2024-01-05": [message(3, "we three")],
        },
        dms=[{"id": "D0ABCDEFG", "members": ["U01ANA", "U02BOB"]}],
        mpims=[{"id": "G0MPIM", "name": "mpdm-ana--bob--cleo-1"}],
    )
    left_out = parse_file(path)
    assert left_out.column("text") == ["open"]
    assert any(warning.startswith("2 direct conversations left out") for warning in left_out.report.warnings)
    everything = parse_file(path, direct_messages=True)
    assert everything.column("text") == ["open", "between us", "we three"]
    assert [chat["kind"] for chat in everything.report.chats] == [
        "public channel",
        "group direct message",
        "direct message",
    ]
    with pytest.raises(BadInput, match="direct"):
        parse_file(path, chat="D0ABCDEFG")
    assert parse_file(path, chat="D0ABCDEFG", direct_messages=True).column("text") == ["between us"]


@pytest.mark.parametrize("folder", ["D0ABCDEFG", "mpdm-ana--bob-1"])
def test_a_direct_conversation_that_no_list_names_is_left_out_too(
    folder: str, make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    days = {"general/2024-01-05": [message(1, "open")], f"{folder}/2024-01-05": [message(2, "between us")]}
    assert parse_file(make_slack(days)).column("text") == ["open"]
    with pytest.raises(BadInput, match="nothing but direct"):
        parse_file(make_slack({f"{folder}/2024-01-05": [message(2)]}))


@pytest.mark.parametrize("root", ["", "Acme Slack export Jan 1 2024 - Feb 1 2024/", "./", "a/b/"])
def test_the_tree_may_stand_in_a_folder(
    root: str, make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    junk = {"__MACOSX/general/._2024-01-05.json": b"\0\0", "general/.DS_Store": b"x"}
    path = make_slack({"general/2024-01-05": [message(1)]}, root=root, files=junk)
    parsed = parse_file(path)
    assert parsed.column("author") == ["ana.s"]
    assert [chat["id"] for chat in parsed.report.chats] == ["C01GEN"]


def test_parts_of_an_export_in_one_zip_are_one_channel(
    make_zip: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    import json

    lists = json.dumps([{"id": "C01GEN", "name": "general"}])
    path = make_zip(
        [
            ("jan/channels.json", lists),
            ("jan/users.json", "[]"),
            ("feb/channels.json", lists),
            ("feb/users.json", "[]"),
            ("jan/general/2024-01-05.json", json.dumps([message(1.5)])),
            ("feb/general/2024-01-05.json", json.dumps([message(1.5), message(2.5)])),
        ]
    )
    parsed = parse_file(path)
    assert parsed.report.counts["entries"] == 2
    assert len(parsed.report.chats) == 1


def test_uploads_are_never_taken_for_days(make_slack: Callable[..., Path], parse_file: Callable[..., Any]) -> None:
    files = {
        "__uploads/F0123456/2024-01-05.json": b'[{"ts": "1704412800.000001", "text": "not said"}]',
        "general/attachments/2024-01-06.json": b'[{"ts": "1704412800.000001", "text": "not said"}]',
        "__uploads/F0123457/users.json": b'[{"id": "U01ANA", "name": "wrong"}]',
        "general/canvas_in_the_conversation.json": b"[]",
        "canvases.json": b"[]",
    }
    parsed = parse_file(make_slack({"general/2024-01-05": [message(1)]}, files=files))
    assert parsed.said == [("2024-01-05T00:00:01", "ana.s", "hi")]


def test_ids_do_not_change_with_names_or_with_what_else_is_exported(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    days = {"general/2024-01-05": [message(1.5, "hello <@U02BOB>"), message(2.5, "bye")]}
    before = parse_file(make_slack(days)).column("message_id")
    renamed = [{"id": "U01ANA", "name": "other"}, {"id": "U02BOB", "name": "robert"}]
    days["dev/2024-01-05"] = [message(0.5)]
    days["general/2024-01-05"][1]["reactions"] = [{"name": "x", "count": 1}]
    after = parse_file(make_slack(days, users=renamed)).column("message_id")
    assert after[1:] == before


def test_a_zip_of_day_files_alone_is_known_by_its_time_stamps(
    make_slack: Callable[..., Path], parse_file: Callable[..., Any]
) -> None:
    entry = message(1, "hi <@U02BOB>", user_profile={"display_name": "", "real_name": "Ana B", "name": "ab"})
    parsed = parse_file(make_slack({"general/2024-01-05": [entry, message(2)]}, users=None, channels=None))
    assert parsed.report.platform == "slack"
    assert parsed.column("author") == ["Ana B", "Ana B"]
    assert parsed.column("text")[0] == "hi @U02BOB"
    assert any("no users.json" in warning for warning in parsed.report.warnings)


def test_the_public_sample_is_read_whole(parse_file: Callable[..., Any]) -> None:
    path = Path(__file__).parents[5] / "shared/fixtures/slack/slack-export-viewer/testarchive.zip"
    if path.is_file():
        parsed = parse_file(path)
        assert parsed.report.counts["entries"] == 158
        assert [chat["entries"] for chat in parsed.report.chats] == [102, 56]
        assert parsed.report.counts["system"] == 11
        assert parsed.report.counts["media"] == 4
        assert not any(not row["text"] for row in parsed.rows)
