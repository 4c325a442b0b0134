"""Write an export of Telegram Desktop, read it back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Chat = dict[str, Any]


@pytest.fixture
def chat() -> Callable[..., Chat]:
    """A chat around messages; what a message leaves out is filled in as Telegram Desktop would."""

    def make(*messages: dict[str, Any], **fields: Any) -> Chat:
        filled = []
        for at, message in enumerate(messages):
            usual: dict[str, Any] = {"id": at + 1, "type": "message", "date_unixtime": str(1_736_500_000 + 60 * at)}
            if message.get("type", "message") == "message":
                usual |= {"from": "Alice", "from_id": "user111", "text": "", "text_entities": []}
            filled.append({key: value for key, value in (usual | message).items() if value != "absent"})
        return {"name": "Team", "type": "private_supergroup", "id": 789, "messages": filled} | fields

    return make


@pytest.fixture
def read(tmp_path: Path, parse_file: Callable[..., Any]) -> Callable[..., Any]:
    """Parse a document (object, text or bytes) as ``result.json``."""

    def run(document: Any, **options: Any) -> Any:
        path = tmp_path / "result.json"
        if not isinstance(document, str | bytes):
            document = json.dumps(document, ensure_ascii=False, indent=1)
        path.write_bytes(document if isinstance(document, bytes) else document.encode())
        return parse_file(path, **options)

    return run
