"""Exports of apps that have ids of their own, published again: renamed people, edited messages, strangers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

START = 1_773_392_400  # 2026-03-13 09:00 UTC
OLD, NEW, OTHER = "Marisol Vexley", "Marisol Brackwater", "Tobias Quandt"
SAID = (
    (1, "Did anyone find the missing cello? The concert is on Friday"),
    (2, "It was in the boathouse all along, behind the green canoe"),
    (1, "Let us meet at seven at the boathouse and carry the cello together"),
    (2, "Agreed, seven at the boathouse"),
)
LATER = (*SAID[:2], (1, "Let us meet at eight at the boathouse and carry the cello together"), SAID[3])
LATER = (*LATER, (1, "The cello is dry again"), (2, "Well done, Marisol Brackwater"))


def telegram(path: Path, called: str, said: Sequence[tuple[int, str]], chat: int = 77) -> Path:
    """A chat in which user 1 is ``called`` so; the third message counts as edited where it says eight."""
    messages: list[dict[str, Any]] = []
    for at, (user, text) in enumerate(said):
        edited = {"edited_unixtime": str(START + 5_000)} if "eight" in text else {}
        messages.append(
            {
                "id": at + 1, "type": "message", "date_unixtime": str(START + 60 * at), **edited,
                "from": called if user == 1 else OTHER, "from_id": f"user{user}", "text": text,
            }
        )  # fmt: skip
    path.write_text(json.dumps({"name": OTHER, "type": "personal_chat", "id": chat, "messages": messages}))
    return path


def discord(folder: Path) -> tuple[Path, Path]:
    """One channel as JSON, where people go by nicknames, and as CSV, where they go by user names."""
    users = {1: ("vexley_m", OLD), 2: ("tquandt", OTHER)}
    rows, messages = ["AuthorID,Author,Date,Content,Attachments,Reactions"], []
    for at, (user, text) in enumerate(SAID):
        when = f"2026-03-13T09:{at:02}:00.0000000+00:00"
        rows.append(f'"{user}","{users[user][0]}","{when}","{text}","",""')
        author = {"id": str(user), "name": users[user][0], "discriminator": "0000", "nickname": users[user][1]}
        messages.append(
            {
                "id": str(1000 + at),
                "type": "Default",
                "timestamp": when,
                "content": text,
                "author": author,
                "embeds": [],
            }
        )
    head = {"guild": {"id": "9", "name": "Guild"}, "channel": {"id": "55", "type": "GuildTextChat", "name": "cello"}}
    whole, table = folder / "cello.json", folder / "cello.csv"
    whole.write_text(json.dumps(head | {"messages": messages, "messageCount": len(messages)}))
    table.write_text("\n".join(rows) + "\n")
    return whole, table


def authors(archive: Path) -> list[str]:
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as opened:
        return [name for (name,) in opened.execute("SELECT author FROM messages ORDER BY seq").fetchall()]


def test_a_user_who_was_renamed_stays_one_person_under_the_first_pseudonym(publish, contents, tmp_path: Path) -> None:
    first = telegram(tmp_path / "first.json", OLD, SAID)
    second = telegram(tmp_path / "second.json", NEW, LATER)
    publish(first, "--archive", tmp_path / "a")
    before = set(authors(tmp_path / "a"))
    report = publish(second, "--archive", tmp_path / "a")
    assert (report["matched"], report["added"], report["in_doubt"]) == (3, 3, 1)
    assert set(authors(tmp_path / "a")) == before
    together = publish(first, second, "--archive", tmp_path / "b")
    assert (together["messages"], together["in_doubt"]) == (7, 1)
    assert authors(tmp_path / "b") == authors(tmp_path / "a")
    everything = b"".join([*contents(tmp_path / "a").values(), *contents(tmp_path / "b").values()])
    for part in (OLD + " " + NEW + " " + OTHER).encode().split():
        assert part not in everything


def test_people_who_swapped_names_stay_two(publish, tmp_path: Path) -> None:
    publish(telegram(tmp_path / "first.json", OLD, SAID), "--archive", tmp_path / "a")
    marisol, tobias = authors(tmp_path / "a")[:2]
    later = json.loads(telegram(tmp_path / "second.json", OTHER, LATER).read_text())
    for message in later["messages"]:
        if message["from_id"] == "user2":
            message["from"] = OLD
    (tmp_path / "second.json").write_text(json.dumps(later))
    publish(tmp_path / "second.json", "--archive", tmp_path / "a")
    assert authors(tmp_path / "a")[-2:] == [marisol, tobias]


def test_namesakes_are_nobody_who_was_renamed(publish, tmp_path: Path) -> None:
    publish(telegram(tmp_path / "first.json", OTHER, SAID), "--archive", tmp_path / "a")
    assert len(set(authors(tmp_path / "a"))) == 1
    report = publish(telegram(tmp_path / "second.json", OLD, LATER), "--archive", tmp_path / "a")
    assert report["added"] == 3
    assert len(set(authors(tmp_path / "a"))) == 2


def test_a_channel_as_csv_and_as_json_is_one_chat(publish, tmp_path: Path) -> None:
    whole, table = discord(tmp_path)
    publish(whole, "--archive", tmp_path / "a")
    report = publish(table, "--archive", tmp_path / "a")
    assert (report["matched"], report["added"], report["messages"]) == (4, 0, 4)


def test_another_chat_in_an_archive_is_said(streamliner, tmp_path: Path) -> None:
    chat = telegram(tmp_path / "chat.json", OLD, SAID)
    again = telegram(tmp_path / "again.json", OLD, LATER)
    other = telegram(tmp_path / "other.json", OLD, SAID, chat=78)
    whole, _ = discord(tmp_path)

    def told(export: Path) -> str:
        return str(streamliner("publish", export, "--archive", tmp_path / "a", "--json").stderr)

    assert "archive of its own" not in told(chat)
    assert "archive of its own" not in told(again)
    assert "is another chat than the archive's" in told(other)
    assert "is a chat of discord, and the archive holds one of telegram" in told(whole)


def test_the_name_by_which_a_chat_was_chosen_is_kept_nowhere(publish, contents, tmp_path: Path) -> None:
    chats = [json.loads(telegram(tmp_path / "one.json", OLD, SAID, chat=chat).read_text()) for chat in (77, 78)]
    account = tmp_path / "account.json"
    chats[1]["name"] = NEW
    account.write_text(json.dumps({"chats": {"list": chats}}))
    publish(account, "--archive", tmp_path / "a", "--chat", NEW)
    for name, content in contents(tmp_path / "a").items():
        assert b"Brackwater" not in content, name
    again = publish(account, "--archive", tmp_path / "a", "--chat", NEW)
    assert again["model_calls"] == 0
    assert "matched" not in again
