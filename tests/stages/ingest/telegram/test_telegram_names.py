"""Nobody who is named in an export stands in what is written; and the quick scan finds all whom parsing finds."""

import io
import json
from typing import Any

import ijson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.telegram.people import full_name, people

NAMES = ("from", "actor", "forwarded_from", "saved_from", "author", "inviter", "to", "peer_name", "via_bot")


def naive_people(value: Any) -> set[str]:
    """Everybody named in a parsed document, by walking through it."""
    found: set[str] = set()
    if isinstance(value, list):
        for one in value:
            found |= naive_people(one)
    if not isinstance(value, dict):
        return found
    for key, inner in value.items():
        if key in NAMES and isinstance(inner, str):
            found.add(inner.removeprefix("@"))
        if key == "members":
            found |= {name for name in inner if name}
        if key in ("contact_information", "personal_information"):
            found.add(full_name(inner))
        found |= naive_people(inner)
    if value.get("type") in ("mention", "mention_name") and "text" in value:
        found.add(value["text"].removeprefix("@"))
    for key in ("from", "actor"):
        if key in value and value[key] is None and f"{key}_id" in value:
            found.add(value[f"{key}_id"])
    if value.get("type") in ("personal_chat", "bot_chat") and "name" in value:
        found.add(value["name"])
    return found - {""}


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda name: not name.startswith("@"))
texts = st.one_of(names, st.sampled_from(['"from": "nobody"', '\\"actor\\": \\"x\\"', '"members"', "mention", "to"]))
entities = st.one_of(
    texts,
    st.builds(lambda text: {"type": "mention", "text": f"@{text}"}, names),
    st.builds(lambda text: {"type": "mention_name", "text": text, "user_id": 5}, names),
    st.builds(lambda text: {"text": text, "user_id": 5, "type": "mention_name"}, names),
    st.builds(lambda text: {"text": f"{{ {text}", "type": "mention"}, names),
)
messages = st.fixed_dictionaries(
    {"id": st.integers(1, 9), "type": st.just("message"), "text": st.one_of(texts, st.lists(entities, max_size=3))},
    optional={
        **dict.fromkeys(NAMES, names),
        "members": st.lists(st.one_of(names, st.none()), max_size=3),
        "contact_information": st.fixed_dictionaries({"first_name": names, "last_name": names}),
        "reactions": st.lists(st.fixed_dictionaries({"recent": st.lists(st.fixed_dictionaries({"from": names}))})),
    },
)
deleted = st.sampled_from(
    [{"from": None, "from_id": "user44"}, {"type": "service", "actor": None, "actor_id": "user55", "action": "x"}]
)


@given(
    st.lists(st.one_of(messages, deleted), max_size=6),
    names,
    st.sampled_from([None, 1, 4]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_scan_finds_whom_parsing_finds(
    messages: list[Any], name: str, indent: int | None, ascii_only: bool, padded: bool
) -> None:
    document = {"name": name, "type": "personal_chat", "id": 5, "messages": messages}
    if padded:
        document["messages"] = [*messages, {"text": "x" * 300_000}, *messages]
    raw = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode("utf-8")
    parsed = next(ijson.items(io.BytesIO(raw), ""))
    assert people(io.BytesIO(raw), 1 << 18) >= naive_people(parsed)


def test_nobody_is_left_in_what_is_written(chat: Any, read: Any) -> None:
    mentions = [{"type": "mention_name", "text": "Ximena", "user_id": 3}, " ", {"type": "mention", "text": "@zed_zed"}]
    seen_by = [{"count": 1, "recent": [{"from": "Olympia"}]}]
    service = {"type": "service", "actor": "Quentin", "actor_id": "user7", "text": ""}
    document = chat(
        {"text": "Wilhelmina, Rosalinde and Ximena said hello to Quentin before @zed_zed came"},
        {"text": "x", "from": "Wilhelmina", "from_id": "user8", "forwarded_from": "Rosalinde Vega"},
        {"text": mentions},
        {**service, "action": "invite_members", "members": ["Theodora Blum"]},
        {**service, "action": "phone_call"},
        {"contact_information": {"first_name": "Yolanda", "last_name": "Kranz", "phone_number": "+351 912 345 678"}},
        {"text": "Yolanda Kranz and Theodora Blum and Olympia", "reactions": seen_by},
        name="Barnaby Quill",
        type="personal_chat",
    )
    document["messages"][0]["text"] += " and Barnaby Quill"
    parsed = read(document, raw_authors=False)
    said = json.dumps([parsed.rows, parsed.report.as_json()], default=str, ensure_ascii=False)
    for name in (
        "Wilhelmina", "Rosalinde", "Vega", "Ximena", "Quentin", "zed_zed", "Theodora", "Blum", "Yolanda", "Kranz",
        "Olympia", "Barnaby", "Quill", "Alice", "912",
    ):  # fmt: skip
        assert name not in said


@pytest.mark.parametrize("block", [1, 100_000, 1 << 20])
def test_names_across_the_borders_of_blocks(block: int) -> None:
    said = [{"from": f'Name {at} "é\\', "text": "y" * (at % 97)} for at in range(20_000)]
    raw = json.dumps({"messages": said}, indent=1, ensure_ascii=False).encode()
    assert people(io.BytesIO(raw), block) == {one["from"] for one in said}
