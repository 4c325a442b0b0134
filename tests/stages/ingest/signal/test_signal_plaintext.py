"""Signal's own plaintext export: recipients, then chats, then messages of all chats."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput
from stages.ingest.detect import look_at
from stages.ingest.signal import matches

Parse = Callable[..., Any]
T0 = 1_714_979_289_500
PICTURE = bytes(range(32))
DIGEST = base64.b64encode(PICTURE).decode()

PEOPLE = [
    {"version": "1", "backupTimeMs": "1714979999000", "mediaRootBackupKey": "AAAA"},
    {"account": {"givenName": "Olga", "familyName": "Owner", "profileKey": "AAAA"}},
    {"recipient": {"id": "1", "self": {}}},
    {"recipient": {"id": "2", "contact": {"aci": "QUJD", "e164": "351912345678", "profileGivenName": "Aya",
                                          "profileFamilyName": "Storm"}}},
    {"recipient": {"id": "3", "contact": {"aci": "REVG", "nickname": {"given": "Jim"}, "profileGivenName": "James"}}},
    {"recipient": {"id": "4", "group": {"masterKey": "c2VjcmV0", "snapshot": {"title": {"title": "Club"}}}}},
    {"chat": {"id": "10", "recipientId": "2"}},
    {"chat": {"id": "11", "recipientId": "4"}},
]  # fmt: skip


def item(number: int, chat: int, author: int, **what: Any) -> dict[str, Any]:
    """A message, ``number`` minutes after the first."""
    direction = {"outgoing": {}} if author == 1 else {"incoming": {"dateReceived": "1"}}
    sent = {"chatId": str(chat), "authorId": str(author), "dateSent": str(T0 + number * 60_000)}
    return {"chatItem": sent | direction | what}


def text(body: str, **more: Any) -> dict[str, Any]:
    return {"standardMessage": {"text": {"body": body, **more.pop("text", {})}} | more}


ITEMS = [
    item(0, 10, 2, **text("Hello")),
    item(1, 11, 3, **text("hi \ufffc, 😀 and \ufffc!", text={"bodyRanges": [
        {"start": 13, "length": 1, "mentionAci": "REVG"}, {"start": 3, "length": 1, "mentionAci": "QUJD"},
        {"start": 0, "length": 2, "style": "BOLD"}]})),
    item(2, 10, 1, revisions=[{}], **text("Hello you", quote={
        "targetSentTimestamp": str(T0), "authorId": "2", "text": {"body": "Hello"}},
        reactions=[{"emoji": "👍", "authorId": "2"}], linkPreview=[{"url": "https://example.org"}])),
    item(3, 10, 2, standardMessage={"attachments": [
        {"pointer": {"contentType": "image/jpeg", "locatorInfo": {"plaintextHash": DIGEST}}},
        {"pointer": {"fileName": "notes.pdf"}}]}),
    item(4, 10, 2, remoteDeletedMessage={}),
    item(5, 10, 2, updateMessage={"individualCall": {"type": "VIDEO_CALL", "state": "MISSED"}}),
    item(6, 11, 3, updateMessage={"groupChange": {"updates": [
        {"groupMemberAddedUpdate": {"updaterAci": "REVG", "newMemberAci": "QUJD"}}]}}),
    item(7, 11, 3, poll={"question": "When?", "options": [{"option": "Now"}, {"option": "Later"}]}),
    item(8, 11, 3, stickerMessage={"sticker": {"emoji": "😀"}}),
    item(9, 11, 3, contactMessage={"contact": {"name": {"givenName": "Zoe"}, "number": [{"value": "+351911111111"}]}}),
    item(10, 10, 2, updateMessage={"simpleUpdate": {"type": "CHANGE_NUMBER"}}),
]  # fmt: skip


def _export(frames: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(frame, ensure_ascii=False, separators=(",", ":")) + "\n" for frame in frames)


@pytest.fixture
def parse_frames(make_zip: Any, parse_file: Parse) -> Parse:
    def run(frames: list[dict[str, Any]], **options: Any) -> Any:
        path = make_zip(
            [
                ("signal-export-2024/metadata.json", '{"version": 1}'),
                ("signal-export-2024/main.jsonl", _export(frames)),
                (f"signal-export-2024/files/00/{PICTURE.hex()}.jpg", b"1"),
            ]
        )
        assert matches(look_at(path))
        return parse_file(path, platform="signal", **options)

    return run


def test_every_kind_of_message(parse_frames: Parse) -> None:
    parsed = parse_frames(PEOPLE + ITEMS)
    rows = parsed.rows
    assert [(row["author"], row["kind"], row["text"]) for row in rows] == [
        ("Aya Storm", "text", "Hello"),
        ("Jim", "text", "hi @Aya Storm, 😀 and @Jim!"),
        ("Olga Owner", "text", "Hello you"),
        ("Aya Storm", "media", ""),
        ("Aya Storm", "deleted", "(This message was deleted)"),
        (None, "call", "@Aya Storm started a video call that was missed."),
        (None, "system", "Change of the group: group member added, @Jim, @Aya Storm."),
        ("Jim", "poll", "When?\n- Now\n- Later"),
        ("Jim", "media", "😀"),
        ("Jim", "contact", "@Zoe\n+351911111111"),
        (None, "system", "@Aya Storm changed their phone number."),
    ]
    assert rows[0]["ts"].isoformat() == "2024-05-06T07:08:09.500000+00:00"
    assert rows[2]["reply_to"] == rows[0]["message_id"]
    assert (rows[2]["edited"], rows[2]["reactions"], rows[2]["links"]) == (True, 1, ["https://example.org"])
    assert rows[3]["media"] == [f"{PICTURE.hex()}.jpg", "notes.pdf"]
    assert [(chat["kind"], chat["entries"], chat["name"]) for chat in parsed.report.chats] == [
        ("direct messages", 6, "Aya Storm"), ("group", 5, "Club"),
    ]  # fmt: skip
    assert "c2VjcmV0" not in str(parsed.report.as_json())
    assert hashlib.sha256(b"c2VjcmV0").hexdigest()[:16] == parsed.report.chats[1]["id"]


def test_one_chat_of_many(parse_frames: Parse) -> None:
    for wanted in ("2", "Club"):
        assert parse_frames(PEOPLE + ITEMS, chat=wanted).report.counts["entries"] == 5
    with pytest.raises(BadInput, match="holds 2"):
        parse_frames(PEOPLE + ITEMS, chat="3")


def test_numbers_that_change_between_exports_change_no_id(parse_frames: Parse) -> None:
    first = parse_frames(PEOPLE + ITEMS)
    other = json.loads(
        json.dumps(PEOPLE + ITEMS)
        .replace('"authorId": "2"', '"authorId": "22"')
        .replace('"recipient": {"id": "2"', '"recipient": {"id": "22"')
        .replace('"recipientId": "2"', '"recipientId": "22"')
        .replace('"chatId": "10"', '"chatId": "99"')
        .replace('"chat": {"id": "10"', '"chat": {"id": "99"')
        .replace('"profileGivenName": "Aya"', '"profileGivenName": "Ayah"')
    )
    assert parse_frames(other).column("message_id") == first.column("message_id")


def test_names_are_hidden(parse_frames: Parse) -> None:
    shown = parse_frames(PEOPLE + ITEMS, raw_authors=False)
    said = " ".join(shown.column("text"))
    assert not any(name in said for name in ("Aya", "Storm", "Jim", "Zoe", "911111111"))


def test_what_cannot_be_read_is_counted(tmp_path: Path, parse_file: Parse) -> None:
    path = tmp_path / "main.jsonl"
    path.write_text(_export(PEOPLE + ITEMS) + '{"chatItem": {broken\n' + _export([item(20, 10, 2, unheardOf={})]))
    parsed = parse_file(path, platform="signal")
    assert parsed.report.counts["entries"] == len(ITEMS)
    assert (parsed.report.unparsed.count, parsed.report.unparsed.where) == (2, f"line {len(PEOPLE + ITEMS) + 1}")
    path.write_text(_export(PEOPLE) + "{broken\n" * 3 + _export(ITEMS[:1]))
    with pytest.raises(BadInput, match="could be read"):
        parse_file(path, platform="signal")
