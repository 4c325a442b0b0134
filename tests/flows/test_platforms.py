"""Exports of every app, published from the command line (F4.1, F4.6, F4.9, F4.10)."""

import json
import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
PEOPLE = ("Marisol Vexley", "Tobias Quandt", "Ines Brackwater")
SAID = (
    "Did anyone find the missing cello? The concert is on Friday",
    "It was in the boathouse all along, behind the green canoe",
    "Great, then the concert can happen. Who brings the music stands?",
    "I bring the stands and two lamps, the church is dark",
    "Let us meet at seven at the boathouse and carry the cello together",
    "Agreed, seven at the boathouse",
)
START = 1_773_392_400  # 2026-03-13 09:00 UTC


def telegram_chat(number: int, name: str) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [
        {
            "id": 1, "type": "service", "date_unixtime": str(START), "actor": PEOPLE[0], "actor_id": "user1",
            "action": "create_group", "title": name, "members": list(PEOPLE), "text": "",
        }
    ]  # fmt: skip
    for at, text in enumerate(SAID):
        message = {
            "id": at + 2, "type": "message", "date_unixtime": str(START + 60 * at), "from": PEOPLE[at % 3],
            "from_id": f"user{at % 3 + 1}", "text": text,
        }  # fmt: skip
        messages.append(message | ({"reply_to_message_id": at + 1} if at else {}))
    return {"name": name, "type": "private_group", "id": number, "messages": messages}


def telegram(folder: Path) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps(telegram_chat(77, "Cello friends"), ensure_ascii=False))
    return path


def telegram_account(folder: Path) -> Path:
    path = folder / "account.json"
    chats = [telegram_chat(77, "Cello friends"), telegram_chat(78, "Canoe friends")]
    path.write_text(json.dumps({"chats": {"list": chats}}))
    return path


def slack(folder: Path) -> Path:
    path = folder / "workspace.zip"
    users = [
        {"id": f"U{at}", "name": name.split()[0].lower(), "profile": {"display_name": name, "real_name": name}}
        for at, name in enumerate(PEOPLE)
    ]
    days: dict[str, list[dict[str, Any]]] = {"2026-03-13": [], "2026-03-14": []}
    for at, text in enumerate(SAID):
        day, offset = ("2026-03-13", 0) if at < 3 else ("2026-03-14", 86_400)
        stamp = f"{START + 60 * at + offset}.000100"
        message = {"type": "message", "user": f"U{at % 3}", "text": text, "ts": stamp}
        days[day].append(message | ({"thread_ts": f"{START}.000100"} if at else {}))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("users.json", json.dumps(users))
        archive.writestr("channels.json", json.dumps([{"id": "C1", "name": "cello", "members": ["U0", "U1", "U2"]}]))
        archive.writestr("dms.json", json.dumps([{"id": "D1", "members": ["U0", "U1"]}]))
        for day, messages in days.items():
            archive.writestr(f"cello/{day}.json", json.dumps(messages))
        archive.writestr("D1/2026-03-13.json", json.dumps([{**days["2026-03-13"][0], "text": "secret talk"}]))
    return path


def discord(folder: Path) -> Path:
    path = folder / "Guild - cello [55].json"
    messages = [
        {
            "id": str(1000 + at), "type": "Reply" if at else "Default",
            "timestamp": f"2026-03-13T09:{at:02}:00.000+00:00", "timestampEdited": None, "isPinned": False,
            "content": text, "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [],
            "author": {"id": str(at % 3 + 1), "name": PEOPLE[at % 3], "discriminator": "0000", "isBot": False},
            **({"reference": {"messageId": str(999 + at), "channelId": "55"}} if at else {}),
        }
        for at, text in enumerate(SAID)
    ]  # fmt: skip
    head = {"guild": {"id": "9", "name": "Guild"}, "channel": {"id": "55", "type": "GuildTextChat", "name": "cello"}}
    path.write_text(json.dumps(head | {"messages": messages, "messageCount": len(messages)}, indent=2))
    return path


def signal(folder: Path) -> Path:
    path = folder / "chat.md"
    lines = [f"[2026-03-13, 09:{at:02}] {PEOPLE[at % 3]}: {text}" for at, text in enumerate(SAID)]
    path.write_text("\n".join(lines) + "\n")
    return path


def csv(folder: Path) -> Path:
    path = folder / "chat.csv"
    rows = [f'2026-03-13T09:{at:02}:00Z,{PEOPLE[at % 3]},"{text}"' for at, text in enumerate(SAID)]
    path.write_text("\n".join(["timestamp,author,message", *rows]) + "\n")
    return path


def json_lines(folder: Path) -> Path:
    path = folder / "chat.jsonl"
    rows = [
        {"timestamp": f"2026-03-13T09:{at:02}:00Z", "author": PEOPLE[at % 3], "text": text}
        for at, text in enumerate(SAID)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


MAKERS = {
    "telegram": telegram, "slack": slack, "discord": discord, "signal": signal, "csv": csv, "jsonl": json_lines,
}  # fmt: skip
REPLIES = {"telegram": 5, "slack": 5, "discord": 5}


@pytest.mark.parametrize("platform", MAKERS)
def test_f4_1_an_export_of_any_app_is_found_and_read(platform: str, streamliner, tmp_path: Path) -> None:
    export, out = MAKERS[platform](tmp_path), tmp_path / "messages.parquet"
    report = json.loads(streamliner("parse", export, "--out", out, "--json", "--raw-authors").stdout)
    rows = [row for row in pq.read_table(out).to_pylist() if row["kind"] == "text"]
    assert report["platform"] == platform
    assert [row["text"] for row in rows] == list(SAID)
    assert [row["author"] for row in rows] == [PEOPLE[at % 3] for at in range(len(SAID))]
    by_id = {row["message_id"]: row for row in rows}
    assert sum(row["reply_to"] in by_id for row in rows) == REPLIES.get(platform, 0)
    assert not report["ambiguous"]


@pytest.mark.parametrize("platform", MAKERS)
def test_f4_an_export_of_any_app_becomes_a_chronicle(platform: str, publish, contents, tmp_path: Path) -> None:
    export = MAKERS[platform](tmp_path)
    report = publish(export, "--archive", tmp_path / "a")
    assert report["status"] == "completed"
    assert report["posts_total"] >= 1
    everything = b"".join(contents((tmp_path / "a" / "site").resolve()).values())
    assert b"boathouse" in everything
    for person in PEOPLE:
        for part in person.encode().split():
            assert part not in everything
    assert b"secret talk" not in everything
    again = publish(export, "--archive", tmp_path / "a")
    assert (again["model_calls"], again["messages"]) == (0, report["messages"])


def test_f4_2_an_export_of_several_chats_is_published_one_by_one(streamliner, publish, tmp_path: Path) -> None:
    account = telegram_account(tmp_path)
    refused = streamliner("publish", account, "--archive", tmp_path / "a", check=2)
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1
    assert "2 chats" in refused.stderr
    assert "--chat" in refused.stderr
    assert "friends" not in refused.stderr
    assert not (tmp_path / "a").exists()
    by_number = publish(account, "--archive", tmp_path / "a", "--chat", "2")
    by_name = publish(account, "--archive", tmp_path / "b", "--chat", "Canoe friends")
    by_id = publish(account, "--archive", tmp_path / "c", "--chat", "78")
    both = publish(account, "--archive", tmp_path / "d", "--chat", "all")
    assert by_number["messages"] == by_name["messages"] == by_id["messages"] == len(SAID) + 1
    assert both["messages"] == 2 * (len(SAID) + 1)
    unknown = streamliner("publish", account, "--archive", tmp_path / "e", "--chat", "Kayak", check=2)
    assert len(unknown.stderr.splitlines()) == 1


def test_f4_1_direct_messages_are_left_out_unless_asked_for(streamliner, tmp_path: Path) -> None:
    export = slack(tmp_path)
    report = json.loads(streamliner("parse", export, "--json").stdout)
    assert report["counts"]["entries"] == len(SAID)
    assert any("direct" in warning for warning in report["warnings"])
    report = json.loads(streamliner("parse", export, "--json", "--direct-messages").stdout)
    assert report["counts"]["entries"] == len(SAID) + 1


def test_f4_10_a_table_is_read_as_it_is_mapped(streamliner, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("a;b;c\n13/03/2026 09:00;Tobias Quandt;hello\n14/03/2026 09:00;Ines Brackwater;good morning\n")
    refused = streamliner("parse", path, "--json", check=2)
    assert len(refused.stderr.splitlines()) == 1
    report = json.loads(streamliner("parse", path, "--map", "ts=a,author=b,text=c", "--json").stdout)
    assert (report["platform"], report["counts"]["entries"], report["date_order"]) == ("csv", 2, "dmy")
    for wrong in ("ts=a", "when=a,author=b,text=c", "ts=zzz,author=b,text=c"):
        refused = streamliner("parse", path, "--map", wrong, check=2)
        assert len(refused.stderr.splitlines()) == 1


def test_f4_10_detection_can_be_overruled(streamliner, tmp_path: Path) -> None:
    export = signal(tmp_path)
    assert json.loads(streamliner("parse", export, "--json").stdout)["platform"] == "signal"
    overruled = json.loads(streamliner("parse", export, "--format", "whatsapp", "--json").stdout)
    assert (overruled["platform"], overruled["counts"]["entries"]) == ("whatsapp", len(SAID))
    refused = streamliner("parse", export, "--format", "icq", check=2)
    assert "icq" in refused.stderr
    assert "telegram" in refused.stderr


PLUGIN = '''
"""A reader of lines "seconds|author|text"."""

from stages.ingest.draft import DraftBuilder
from stages.ingest.reader import Summary

PLATFORM = "pipes"


def matches(source):
    return source.members is None and source.head.startswith(b"#pipes")


class Reader:
    def __init__(self, source):
        with source.open() as stream:
            self.rows = [line.split("|", 2) for line in stream.read().decode().splitlines()[1:]]

    def names(self):
        return {author for _, author, _ in self.rows}

    def drafts(self):
        builder = DraftBuilder()
        for seconds, author, text in self.rows:
            builder.add(int(seconds) * 1_000_000, author, text)
        yield builder.take()

    def summary(self):
        return Summary(format="pipes", evidence="first line")


def open_reader(source, options):
    return Reader(source)
'''


def test_f4_9_a_plug_in_adds_a_platform(streamliner, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    (installed / "pipes-1.0.dist-info").mkdir(parents=True)
    (installed / "pipes-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: pipes\nVersion: 1.0\n")
    (installed / "pipes-1.0.dist-info" / "entry_points.txt").write_text("[streamliner.readers]\npipes = pipes_reader\n")
    (installed / "pipes_reader.py").write_text(PLUGIN)
    export = tmp_path / "chat.pipes"
    export.write_text(f"#pipes\n{START}|Tobias Quandt|hello there\n{START + 60}|Ines Brackwater|and to Tobias Quandt\n")
    path = {"PYTHONPATH": os.pathsep.join((str(installed), str(ROOT)))}
    out = tmp_path / "messages.parquet"
    report = json.loads(streamliner("parse", export, "--out", out, "--json", **path).stdout)
    assert (report["platform"], report["counts"]["entries"]) == ("pipes", 2)
    assert "Quandt" not in str(pq.read_table(out).to_pylist())
    (installed / "pipes_reader.py").write_text("import nothing_like_it\n")
    refused = streamliner("parse", export, check=2, **path)
    assert "pipes" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


AMBIGUOUS = (
    "03/04/2026, 09:00 - Tobias Quandt: Did anyone find the missing cello? The concert is on Friday\n"
    "03/04/2026, 09:01 - Ines Brackwater: It was in the boathouse all along, behind the green canoe\n"
    "03/04/2026, 09:02 - Tobias Quandt: Great, then the concert can happen. Who brings the music stands?\n"
)


def test_an_ambiguous_export_is_published_only_when_settled(streamliner, publish, tmp_path: Path) -> None:
    export = tmp_path / "chat.txt"
    export.write_text(AMBIGUOUS)
    report = json.loads(streamliner("parse", export, "--json").stdout)
    assert (report["ambiguous"], report["evidence"], report["date_order"]) == (True, "default", "dmy")
    assert any("--date-order" in warning for warning in report["warnings"])
    refused = streamliner("publish", export, "--archive", tmp_path / "a", check=2)
    assert "--date-order" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "a").exists()
    publish(export, "--archive", tmp_path / "a", "--date-order", "mdy")
    assert list((tmp_path / "a" / "posts").glob("2026/03/*.md")) or not list((tmp_path / "a" / "posts").rglob("*.md"))
    # a later export of the same kind follows what was settled
    export.write_text(AMBIGUOUS + "03/05/2026, 09:00 - Ines Brackwater: Agreed, seven at the boathouse\n")
    grown = publish(export, "--archive", tmp_path / "a")
    assert (grown["matched"], grown["added"]) == (3, 1)


def test_an_ambiguous_export_is_asked_about_once_at_a_terminal(tmp_path: Path) -> None:
    export = tmp_path / "chat.txt"
    export.write_text(AMBIGUOUS)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT"))
    }
    environment |= {"STREAMLINER_PRIVACY__KEY": "5a" * 32, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "flows", "publish", str(export), "--archive", str(tmp_path / "a"), "--json"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path
    )
    os.write(ours, b"mdy\n")
    stdout, stderr = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, stderr
    assert stderr.count(b"Which is it?") == 1
    assert json.loads(stdout)["messages"] == 3
