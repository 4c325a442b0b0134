"""Write a Slack export and read it back."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

USERS = [
    {
        "id": "U01ANA",
        "name": "asilva",
        "real_name": "Ana Silva",
        "profile": {"display_name": "ana.s", "real_name": "Ana Silva"},
    },
    {
        "id": "U02BOB",
        "name": "bob",
        "real_name": "Bob Stone",
        "profile": {"display_name": "", "real_name": "Bob Stone"},
    },
    {"id": "U03CLEO", "name": "cleo", "deleted": True, "profile": {}},
    {"id": "U04BOT", "name": "deploybot", "is_bot": True, "profile": {"real_name": "Deploybot", "bot_id": "B04BOT"}},
]
CHANNELS = [{"id": "C01GEN", "name": "general"}, {"id": "C02DEV", "name": "dev"}]
DAY = 1_704_412_800  # 2024-01-05, midnight in UTC


def stamp(second: float) -> str:
    """The ``ts`` of a moment after midnight."""
    return f"{DAY + second:.6f}"


def message(second: float, text: str = "hi", user: str | None = "U01ANA", **more: Any) -> dict[str, Any]:
    """A person's message."""
    return {"type": "message", "user": user, "text": text, "ts": stamp(second), **more}


@pytest.fixture
def make_slack(make_zip: Callable[..., Path]) -> Callable[..., Path]:
    """A Slack ZIP of ``{"general/2024-01-05": [messages]}``; lists by name without ``.json``, None leaves one out."""

    def make(
        days: Mapping[str, Any], *, root: str = "", files: Mapping[str, bytes] | None = None, **lists: Any
    ) -> Path:
        found: dict[str, Any] = {"users": USERS, "channels": CHANNELS, **lists}
        entries: list[tuple[str, bytes | str]] = [
            (f"{root}{name}.json", value if isinstance(value, bytes) else json.dumps(value))
            for name, value in found.items()
            if value is not None
        ]
        for name, value in days.items():
            entries.append((f"{root}{name}.json", value if isinstance(value, bytes) else json.dumps(value, indent=4)))
        entries += [(f"{root}{name}", data) for name, data in (files or {}).items()]
        return make_zip(entries)

    return make


@pytest.fixture
def read(make_slack: Callable[..., Path], parse_file: Callable[..., Any]) -> Callable[..., Any]:
    """Messages of one day in one channel, written and read back."""

    def run(*messages: Any, options: Mapping[str, Any] | None = None, **more: Any) -> Any:
        return parse_file(make_slack({"general/2024-01-05": list(messages)}, **more), **(options or {}))

    return run


@pytest.fixture
def text_of(read: Callable[..., Any]) -> Callable[..., str]:
    """The text that a person reads of one message."""

    def run(text: str = "", **more: Any) -> str:
        (row,) = read(message(1, text, **more)).rows
        return str(row["text"])

    return run
