"""Windows made of a few lines of chat, and a model's server for the writer to ask."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from stages.archive.records import Enrichment
from stages.archive.schema import MESSAGES
from stages.settings import Settings
from stages.write.writer import WindowInput
from tests.stages.llm.model_server import ModelServer

START = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
TALK = """
Quiet Heron: Shall we repaint the garden shed before the summer party?
Brave Otter: Yes, the shed looks dreadful. I have green paint left from the fence.
Calm Fox: The roof of the shed leaks as well, last winter my bicycle got wet
Quiet Heron: Then the roof first. Who has a ladder that reaches?
Calm Fox: My neighbour lends us his ladder, I asked him this morning
Brave Otter: Agreed, roof on Saturday, paint on Sunday
"""


def message_id(seq: int) -> str:
    return f"{seq:032x}"


def table_of(talk: str, *, every: int = 60, more: Mapping[int, Mapping[str, Any]] | None = None) -> pa.Table:
    """Lines ``Author: text`` (no author: a system line) as a table, ``every`` seconds apart; ``more`` by position."""
    rows = []
    for seq, line in enumerate(talk.strip().splitlines()):
        author, colon, text = line.partition(": ")
        system = not colon
        row = {
            "seq": seq,
            "message_id": message_id(seq),
            "ts": START + timedelta(seconds=every * seq),
            "author": None if system else author,
            "kind": "system" if system else "text",
            "text": line if system else text,
            "media": [],
            "reply_to": None,
            "edited": False,
        } | dict((more or {}).get(seq, {}))
        rows.append(row | {"text_bytes": len(row["text"].encode())})
    return pa.Table.from_pylist(rows, schema=MESSAGES)


def window_of(
    talk: str = TALK,
    *,
    own: tuple[int, int] | None = None,
    enrichments: Sequence[Enrichment] = (),
    language: str = "auto",
    timezone: str = "UTC",
    index: int = 0,
    **given: Any,
) -> WindowInput:
    messages = table_of(talk, **given)
    low, high = own or (0, messages.num_rows)
    known = {enrichment.value: enrichment for enrichment in enrichments}
    return WindowInput(index, f"signature-{index}", messages, low, high, known, timezone, language)


@pytest.fixture
def make_window() -> Callable[..., WindowInput]:
    return window_of


@pytest.fixture
def talk() -> str:
    return TALK


@pytest.fixture
def server() -> Iterator[ModelServer]:
    running = ModelServer()
    yield running
    running.close()


@pytest.fixture
def remote(server: ModelServer) -> Callable[..., Settings]:
    """Settings of a model at the server, with waits of milliseconds."""

    def make(**llm: Any) -> Settings:
        given = {"model": "openai/test-model", "api_base": server.base, "timeout_seconds": 5} | llm
        retry = {"attempts": 2, "wait_initial_seconds": 0.001, "wait_max_seconds": 0.01}
        return Settings.model_validate({"llm": given, "retry": retry})

    return make
