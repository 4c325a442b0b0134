"""Large exports of Telegram, Slack and Discord from a seed, laid out as those apps write them, streamed to disk."""

import json
import random
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.chats import WORDS

PEOPLE: Final = ("Ana Beatriz Souza", "Rui Costa", "Zoë Marchetti", "Ximena Prado", "Kofi Mensah", "Yusuf Demir")
_START: Final = 1_600_000_000
_DAY: Final = 86_400


def _texts(seed: int) -> Iterator[tuple[int, int, int, str]]:
    """(number, seconds, who, text) for ever; many within one second."""
    rng = random.Random(seed)
    seconds, number = _START, 0
    while True:
        number += 1
        seconds += rng.choice((0, 0, 1, 7, 40, 300))
        text = " ".join(rng.choices(WORDS, k=rng.randrange(3, 30)))
        if number % 20 == 0:
            text += f" https://example.org/page/{number % 5_000}"
        yield number, seconds, rng.randrange(len(PEOPLE)), text


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def write_telegram(folder: Path, size: int, seed: int = 1) -> Path:
    """``result.json`` of Telegram Desktop with at least ``size`` bytes of messages."""
    path = folder / "result.json"
    with path.open("w", encoding="utf-8") as out:
        out.write('{\n "name": "Bench",\n "type": "private_group",\n "id": 1,\n "messages": [')
        for number, seconds, who, text in _texts(seed):
            message: dict[str, Any] = {
                "id": number, "type": "message", "date": _iso(seconds), "date_unixtime": str(seconds),
                "from": PEOPLE[who], "from_id": f"user{who}", "text": text,
                "text_entities": [{"type": "plain", "text": text}],
            }  # fmt: skip
            if number % 4 == 0:
                message["reply_to_message_id"] = number - 3
            body = json.dumps(message, ensure_ascii=False, indent=1).replace("\n", "\n  ")
            out.write(("," if number > 1 else "") + "\n  " + body)
            if out.tell() >= size:
                break
        out.write("\n ]\n}")
    return path


def write_discord(folder: Path, size: int, seed: int = 1) -> Path:
    """JSON of DiscordChatExporter with at least ``size`` bytes of messages."""
    path = folder / "channel.json"
    head = {"guild": {"id": "9", "name": "Bench"}, "channel": {"id": "55", "type": "GuildTextChat", "name": "bench"}}
    with path.open("w", encoding="utf-8") as out:
        out.write(json.dumps(head, indent=2)[:-2] + ',\n  "messages": [')
        for number, seconds, who, text in _texts(seed):
            message: dict[str, Any] = {
                "id": str(10**17 + number), "type": "Default", "timestamp": f"{_iso(seconds)}.123+00:00",
                "timestampEdited": None, "callEndedTimestamp": None, "isPinned": False, "content": text,
                "author": {
                    "id": str(who), "name": f"user{who}", "discriminator": "0000", "nickname": PEOPLE[who],
                    "color": None, "isBot": False, "roles": [], "avatarUrl": "https://cdn.example/avatar.png",
                },
                "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [], "inlineEmojis": [],
            }  # fmt: skip
            if number % 4 == 0:
                message |= {"type": "Reply", "reference": {"messageId": str(10**17 + number - 3), "channelId": "55"}}
            body = json.dumps(message, ensure_ascii=False, indent=2).replace("\n", "\n    ")
            out.write(("," if number > 1 else "") + "\n    " + body)
            if out.tell() >= size:
                break
        out.write(f'\n  ],\n  "messageCount": {number}\n}}')
    return path


def write_slack(folder: Path, size: int, seed: int = 1) -> Path:
    """A Slack export with one channel whose day files have at least ``size`` bytes together."""
    path = folder / "slack.zip"
    users = [{"id": f"U{who}", "name": f"user{who}", "profile": {"real_name": name}} for who, name in enumerate(PEOPLE)]
    written, day, messages = 0, _START // _DAY, []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("users.json", json.dumps(users))
        archive.writestr("channels.json", json.dumps([{"id": "C1", "name": "bench"}]))
        for number, seconds, who, text in _texts(seed):
            if seconds // _DAY != day:
                body = json.dumps(messages, indent=4)
                archive.writestr(f"bench/{_iso(day * _DAY)[:10]}.json", body)
                written, day, messages = written + len(body), seconds // _DAY, []
                if written >= size:
                    break
            message = {
                "client_msg_id": f"{number:032x}", "type": "message", "user": f"U{who}", "text": text,
                "ts": f"{seconds}.{number % 1_000_000:06}", "team": "T1",
                "blocks": [{"type": "rich_text", "elements": [{"type": "text", "text": text}]}],
            }  # fmt: skip
            messages.append(message)
    return path


WRITERS: Final[dict[str, Callable[[Path, int, int], Path]]] = {
    "telegram": write_telegram,
    "slack": write_slack,
    "discord": write_discord,
}
