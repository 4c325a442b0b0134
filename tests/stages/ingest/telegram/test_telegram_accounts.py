"""Exports of a whole account hold many chats; ZIPs hold the files beside them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput


@pytest.fixture
def account(chat: Any) -> dict[str, Any]:
    """Four chats, as Telegram Desktop writes an account; two of them bear one name."""
    return {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": 1, "first_name": "Olga", "last_name": "Owner", "username": "@olga_o"},
        "contacts": {"about": "…", "list": [{"first_name": "C", "last_name": "", "date": "2020-01-01T00:00:00"}]},
        "sessions": {"list": [{"last_ip": "1.2.3.4"}]},
        "chats": {
            "about": "These are the chats [{]}.",
            "list": [
                chat({"text": "a1"}, {"text": "a2", "reply_to_message_id": 1}, id=10, name="Ann", type="personal_chat"),
                chat({"text": "b1"}, id=20, name="Team"),
                {
                    key: value
                    for key, value in chat({"text": "s1"}, id=1, type="saved_messages").items()
                    if key != "name"
                },
            ],
        },
        "left_chats": {"about": "…", "list": [chat({"text": "l1"}, id=40, name="Team")]},
    }


def test_all_chats_are_read_and_listed(account: Any, read: Any) -> None:
    parsed = read(account)
    assert sorted(parsed.column("text")) == ["a1", "a2", "b1", "l1", "s1"]
    assert [
        (chat["number"], chat["id"], chat["kind"], chat["entries"], chat["name"]) for chat in parsed.report.chats
    ] == [
        (1, "10", "personal chat", 2, "Ann"),
        (2, "20", "private supergroup", 1, "Team"),
        (3, "1", "saved messages", 1, "Saved Messages"),
        (4, "40", "private supergroup", 1, "Team"),
    ]
    ids = {row["text"]: row["message_id"] for row in parsed.rows}
    assert {row["text"]: row["reply_to"] for row in parsed.rows} == {
        "a1": None, "a2": ids["a1"], "b1": None, "s1": None, "l1": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [("1", ["a1", "a2"]), ("4", ["l1"]), ("20", ["b1"]), ("ann", ["a1", "a2"]), ("Saved Messages", ["s1"])],
    ids=["number", "left", "id", "name", "saved"],
)
def test_one_chat_is_chosen(account: Any, read: Any, wanted: str, texts: list[str]) -> None:
    parsed = read(account, chat=wanted)
    assert parsed.column("text") == texts
    assert [chat["entries"] for chat in parsed.report.chats] == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [("Nobody", "holds 4"), ("5", "holds 4"), ("Team", "by its number: 2, 4")],
    ids=["unknown", "beyond", "two of a name"],
)
def test_a_choice_that_fits_no_chat_is_refused(account: Any, read: Any, wanted: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as refusal:
        read(account, chat=wanted)
    assert wanted not in str(refusal.value) or wanted.isdecimal()


def test_a_chat_has_the_same_ids_alone_and_in_an_account(account: Any, read: Any) -> None:
    together = {row["text"]: row["message_id"] for row in read(account).rows}
    alone = read(account["chats"]["list"][0])
    assert {row["text"]: row["message_id"] for row in alone.rows} == {key: together[key] for key in ("a1", "a2")}


def test_fields_may_stand_behind_the_messages(account: Any, read: Any) -> None:
    turned = json.loads(json.dumps(account))
    for group in ("chats", "left_chats"):
        turned[group]["list"] = [dict(reversed(chat.items())) for chat in turned[group]["list"]]
    assert read(turned).rows == read(account).rows
    assert read(turned, chat="20").column("text") == ["b1"]


def test_files_of_a_zip_belong_to_their_messages(chat: Any, make_zip: Any, parse_file: Callable[..., Any]) -> None:
    document = chat(
        {"photo": "photos/photo_1.jpg"}, {"file": "files/result.json"}, {"file": "files/Relatório.pdf"}, {"text": "x"}
    )
    path = make_zip(
        [
            ("ChatExport_2025/photos/photo_1.jpg", b"jpg"),
            ("ChatExport_2025/files/result.json", json.dumps(chat({"text": "sent as a document"}))),
            ("ChatExport_2025/files/Relatório.pdf", b"pdf"),
            ("ChatExport_2025/result.json", json.dumps(document)),
            ("ChatExport_2025/messages.html", '<!DOCTYPE html><div class="page_wrap">'),
        ]
    )
    parsed = parse_file(path)
    assert parsed.column("media") == [["photo_1.jpg"], ["result.json"], ["Relatório.pdf"], []]
    assert {file.name for file in parsed.report.attachments} >= {"photo_1.jpg", "result.json", "Relatório.pdf"}
    assert not parsed.report.warnings


def test_two_exports_in_one_zip_are_refused(chat: Any, make_zip: Any, parse_file: Callable[..., Any]) -> None:
    document = json.dumps(chat({"text": "x"}))
    path = make_zip([("a/result.json", document), ("b/result.json", document)])
    with pytest.raises(BadInput, match="holds 2 Telegram exports"):
        parse_file(path)


def test_an_account_without_chats_is_refused(account: Any, read: Any) -> None:
    with pytest.raises(BadInput, match="without chats"):
        read(account | {"chats": {"list": []}, "left_chats": {"list": []}})


def test_chats_without_messages_are_refused(chat: Any, read: Any) -> None:
    with pytest.raises(BadInput, match="without messages"):
        read(chat())


def test_read_from_elsewhere(tmp_path: Path, chat: Any, parse_file: Callable[..., Any]) -> None:
    path = tmp_path / "some name.txt"
    path.write_text(json.dumps(chat({"text": "x"})), encoding="utf-8")
    assert parse_file(path).report.platform == "telegram"
