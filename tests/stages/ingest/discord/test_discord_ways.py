"""The fast way and the general one give the same, and nobody's name is missed, however a file is cut into blocks."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.detect import look_at
from stages.ingest.discord.messages import Damage, read_messages
from stages.ingest.discord.parts import Part, json_parts, utf8_chunks
from stages.ingest.discord.people import People
from stages.ingest.discord.reader import JsonReader
from stages.ingest.reader import ReadOptions
from stages.ingest.zone import LocalTimes

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.sampled_from(
    [
        "",
        '"',
        "\\",
        '\\"',
        "\n    },\n    {",
        '"author": {',
        '\n      "author": {\n',
        '"name": "x", "discriminator": "1"',
        "]}",
    ]
)
USER = st.builds(
    lambda number, name, nickname, disc: {
        "id": str(number), "name": name, "discriminator": disc, "nickname": nickname, "color": None, "isBot": False,
        "roles": [{"id": "1", "name": "Role", "color": None, "position": 1}],
    },
    st.integers(1, 5), TEXT, st.none() | TEXT, st.sampled_from(["0000", "1234"]),
)  # fmt: skip
MESSAGE = st.builds(
    lambda number, content, author, mentions, embed: {
        "id": str(number), "type": "Default", "content": content, "author": author, "embeds": embed,
        "mentions": mentions,
    },
    st.integers(1, 10**18), TEXT, USER, st.lists(USER, max_size=2),
    st.lists(st.fixed_dictionaries({"author": st.fixed_dictionaries({"name": TEXT}), "title": TEXT}), max_size=1),
)  # fmt: skip


def _part(data: bytes) -> Part:
    return Part(lambda: io.BytesIO(data), "The export", None, 0)  # type: ignore[arg-type]


def _file(messages: list[dict[str, Any]], indent: int | None, feed: str) -> bytes:
    value = {"guild": {"id": "1", "name": "G"}, "channel": {"id": "2", "name": "c"}, "messages": messages}
    return json.dumps(value, ensure_ascii=False, indent=indent).replace("\n", feed).encode()


@settings(max_examples=80, deadline=None)
@given(st.lists(MESSAGE, max_size=6), st.sampled_from([None, 2, 4]), st.sampled_from(["\n", "\r\n"]))
def test_both_ways_read_what_was_written(messages: list[dict[str, Any]], indent: int | None, feed: str) -> None:
    data = _file(messages, indent, feed)
    for by_events in (False, True):
        damage = Damage()
        found = [each for block in read_messages(_part(data), damage, by_events=by_events) for each in block]
        assert found == messages
        assert damage == Damage()


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGE, min_size=1, max_size=5), st.integers(0, 10**6))
def test_a_cut_anywhere_loses_only_what_is_behind_it(messages: list[dict[str, Any]], where: int) -> None:
    data = _file(messages, 2, "\n")
    start = data.index(b'"messages"')
    cut = data[: start + where % (len(data) - start)]
    read = []
    for by_events in (False, True):
        damage = Damage()
        found = [each for block in read_messages(_part(cut), damage, by_events=by_events) for each in block]
        assert found == messages[: len(found)]
        assert damage.cut or len(found) == len(messages)
        read.append(len(found))
    assert abs(read[0] - read[1]) <= 1


def _naive(value: Any) -> set[str]:
    names: set[str] = set()
    if isinstance(value, dict):
        if "discriminator" in value:
            names |= {(value.get(key) or "").strip() for key in ("name", "nickname")}
        for each in value.values():
            names |= _naive(each)
    elif isinstance(value, list):
        for each in value:
            names |= _naive(each)
    return names - {""}


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGE, max_size=6), st.sampled_from([None, 2]), st.integers(50, 3000))
def test_every_name_is_found(messages: list[dict[str, Any]], indent: int | None, size: int) -> None:
    people = People()
    people.scan(utf8_chunks(io.BytesIO(_file(messages, indent, "\n")), size))
    assert _naive(messages) <= {name.strip() for name in people.names}


@pytest.mark.parametrize(
    "keys",
    [
        ("id", "name", "isBot", "nickname"),
        ("id", "discriminator", "name", "nickname"),
        ("isBot", "name", "nickname", "id"),
        ("nickname", "name", "discriminator", "id"),
        ("id", "name", "discriminator", "isBot"),
        ("id", "name", "nickname"),
    ],
    ids=" ".join,
)
def test_names_in_another_order_of_keys(keys: tuple[str, ...], dce: Any) -> None:
    def reordered(number: int) -> dict[str, Any]:
        user = dce.user(number, f"name{number}", f"Nick {number}")
        return {key: user[key] for key in keys}

    people = People()
    people.scan([dce.written(dce.export([dce.message(n, reordered(n), "x") for n in range(1, 5)]))])
    wanted = {f"name{n}" for n in range(1, 5)} | ({f"Nick {n}" for n in range(1, 5)} if "nickname" in keys else set())
    assert wanted <= people.names
    assert "Helper" not in people.names


@pytest.mark.parametrize("size", [64, 1000])
def test_names_across_the_borders_of_blocks(size: int, dce: Any) -> None:
    people = People()
    messages = [dce.message(n, dce.user(n, f"name{n}", f'Nick "{n}"'), "x") for n in range(1, 40)]
    people.scan(utf8_chunks(io.BytesIO(dce.written(dce.export(messages))), size))
    assert {f'Nick "{n}"' for n in range(1, 40)} | {f"name{n}" for n in range(1, 40)} == people.names


def test_what_only_has_a_name_is_nobody(dce: Any) -> None:
    people = People()
    reaction = {"emoji": {"id": "1", "name": "smile", "code": "smile"}, "count": 1, "users": [dce.user(5, "eve")]}
    people.scan([dce.written(dce.export([dce.message(1, dce.user(1, "ann"), "x", reactions=[reaction])]))])
    assert people.names == {"ann", "eve"}


@pytest.mark.parametrize("feed", ["\n", "\r\n"])
@pytest.mark.parametrize("without", [(), ("inlineEmojis",), ("inlineEmojis", "stickers", "callEndedTimestamp")])
def test_both_ways_give_the_same_rows(without: tuple[str, ...], feed: str, dce: Any, tmp_path: Path) -> None:
    people = [dce.user(1, "ann", "Ann"), dce.user(2, "bob", discriminator="1234", nickname=None)]
    more: list[dict[str, Any]] = [
        {}, {}, {"mentions": people, "content": "@Ann <@2>"}, {"timestampEdited": "2024-03-15T11:00:00+00:00"},
        {"attachments": [{"id": "1", "url": "https://cdn.example/a.png", "fileName": "a.png"}]},
        {"reactions": [{"count": 2}]}, {"type": "GuildMemberJoin", "content": "Joined the server."},
        {"type": "Reply", "reference": {"messageId": "1", "channelId": "555"}}, {"timestamp": "2024-03-15T11:00:00"},
        {"content": "é\r\n\u200e<t:1:f>"}, {"author": None}, {"embeds": [{"url": "https://example.org"}]},
    ]  # fmt: skip
    messages = [dce.message(n, people[n % 2], f"m{n}") | extra for n, extra in enumerate(more, 1)]
    messages = [{key: value for key, value in each.items() if key not in without} for each in messages]
    path = tmp_path / "x.json"
    path.write_bytes(dce.written(dce.export(messages), feed=feed))
    columns = []
    for by_events in (False, True):
        source = look_at(path)
        reader = JsonReader(source, json_parts(source), ReadOptions(LocalTimes("UTC")), by_events=by_events)
        reader.names()
        (draft,) = reader.drafts()
        columns.append({name: _plain(value) for name, value in vars(draft).items()})
    assert columns[0] == columns[1]
    assert len(columns[0]["texts"]) == len(messages)


def _plain(column: Any) -> Any:
    for way in ("to_pylist", "tolist"):
        if hasattr(column, way):
            return getattr(column, way)()
    return column
