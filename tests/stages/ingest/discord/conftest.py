"""Chats as DiscordChatExporter writes them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def user(number: int, name: str, nickname: str | None = None, **more: Any) -> dict[str, Any]:
    """A user; without a nickname of their own they are shown by their name."""
    return {
        "id": str(number),
        "name": name,
        "discriminator": "0000",
        "nickname": nickname or name,
        "color": None,
        "isBot": False,
        "roles": [{"id": "900", "name": "Helper", "color": "#00FF00", "position": 1}],
        "avatarUrl": f"https://cdn.example/avatars/{number}.png",
    } | more


def message(number: int, author: dict[str, Any] | None, content: str, **more: Any) -> dict[str, Any]:
    """A message that nothing hangs on; the number is its id and its minute."""
    return {
        "id": str(number),
        "type": "Default",
        "timestamp": f"2024-03-15T{number // 60 % 24:02}:{number % 60:02}:00.000+00:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": content,
        "author": author,
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        "inlineEmojis": [],
    } | more


def export(
    messages: list[dict[str, Any]], *, channel: dict[str, Any] | None = None, guild: str = "42"
) -> dict[str, Any]:
    """A whole file."""
    return {
        "guild": {"id": guild, "name": "A Guild", "iconUrl": "https://cdn.example/g.png"},
        "channel": {"id": "555", "type": "GuildTextChat", "categoryId": "1", "category": "Text", "name": "general",
                    "topic": 'all about "messages": ['} | (channel or {}),
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2024-04-01T00:00:00+00:00",
        "messages": messages,
        "messageCount": len(messages),
    }  # fmt: skip


def written(value: dict[str, Any], indent: int | str | None = 2, feed: str = "\n") -> bytes:
    """The file as bytes, in any layout."""
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators).replace("\n", feed).encode()


@pytest.fixture
def parse_discord(tmp_path: Path, parse_file: Callable[..., Any]) -> Callable[..., Any]:
    """Parse messages, a whole export, or bytes."""

    def run(what: Any, *, name: str = "export.json", **options: Any) -> Any:
        value = export(what) if isinstance(what, list) else what
        path = tmp_path / name
        path.write_bytes(value if isinstance(value, bytes) else written(value))
        return parse_file(path, platform="discord", **options)

    return run


@pytest.fixture
def dce() -> Any:
    """The makers of users, messages and files."""
    return type("Dce", (), {"user": staticmethod(user), "message": staticmethod(message),
                            "export": staticmethod(export), "written": staticmethod(written)})  # fmt: skip
