"""What is refused or guessed is said in words that fit the file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.errors import BadInput

ROWS = ["2026-03-13T09:00:00,Ines Brackwater,hello there", "2026-03-13T09:01:00,Tobias Quandt,hello"]
TABLES = {"no header": [*ROWS, *ROWS], "unknown names": ["A,B,C", *ROWS], "no chat": ["date,product,price", *ROWS]}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_whose_columns_are_not_plain_is_asked_for_its_mapping(
    name: str, parse_file: Callable[..., object], tmp_path: Path
) -> None:
    path = tmp_path / "chat.txt"
    path.write_text("\n".join(TABLES[name]) + "\n")
    with pytest.raises(BadInput, match="--map") as refused:
        parse_file(path)
    assert "phone" not in str(refused.value)
    assert "Brackwater" not in str(refused.value)


def test_a_text_with_commas_is_no_table(parse_file: Callable[..., object], tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ines,\nwe met, as you know, at the boathouse,\nand it was fine.\nYours, truly\n")
    with pytest.raises(BadInput, match="WhatsApp"):
        parse_file(path)


@pytest.mark.parametrize("opened", ['{"messages":', '{"guild":{"id":"1"},"channel":{"id":"2"},"messages":'])
@pytest.mark.parametrize("nested", ["[", '[{"a":'])
def test_json_that_nests_without_end_is_refused_at_once(
    opened: str, nested: str, parse_file: Callable[..., object], tmp_path: Path
) -> None:
    path = tmp_path / "deep.json"
    path.write_text(opened + nested * 150_000)
    with pytest.raises(BadInput):
        parse_file(path)


def test_json_that_nests_deep_and_closes_again_is_refused(parse_file: Callable[..., object], tmp_path: Path) -> None:
    channel = {"id": "55", "type": "GuildTextChat", "name": "c"}
    head = json.dumps({"guild": {"id": "9", "name": "G"}, "channel": channel})[:-1] + ', "messages": ['
    message = '{"id": "5", "type": "Default", "timestamp": "2024-01-01T00:00:00+00:00", "content": "x", "embeds": %s}]}'
    path = tmp_path / "deep.json"
    path.write_text(head + message % ("[" * 100_000 + "]" * 100_000))
    with pytest.raises(BadInput):
        parse_file(path)


def test_brackets_in_a_message_are_no_depth(parse_file: Callable[..., object], tmp_path: Path) -> None:
    rows = [{"ts": "2024-01-01T00:00:00Z", "author": "Ines", "text": text} for text in ("hello", "[" * 20_000)]
    path = tmp_path / "brackets.json"
    path.write_text(json.dumps(rows))
    parsed = parse_file(path)
    assert parsed.report.counts["entries"] == 2  # type: ignore[attr-defined]


def test_a_time_that_was_taken_from_a_discord_id_is_said(parse_file: Callable[..., object], tmp_path: Path) -> None:
    author = {"id": "1", "name": "ines", "discriminator": "0000", "nickname": "Ines"}
    message = {"type": "Default", "content": "hello", "author": author, "embeds": []}
    times = {"1478000000000000000": "2026-03-02T11:33:20+00:00", "1478000000100000000": "20x6-03-02T11:33:20+00:00"}
    messages = [{"id": number, **message, "timestamp": when} for number, when in times.items()]
    head = {"guild": {"id": "9", "name": "Guild"}, "channel": {"id": "55", "type": "GuildTextChat", "name": "cello"}}
    path = tmp_path / "cello.json"
    path.write_text(json.dumps(head | {"messages": messages, "messageCount": 2}))
    parsed = parse_file(path)
    assert ["from the id" in warning for warning in parsed.report.warnings] == [True]  # type: ignore[attr-defined]
