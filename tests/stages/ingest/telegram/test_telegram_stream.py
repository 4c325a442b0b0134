"""The stream of slices gives what a plain JSON parser gives, whatever the layout and the size of blocks."""

import io
import json
from typing import Any

import ijson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.ingest.telegram.stream import Broken, JsonStream

text = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(['},\n  {\n   "id"', '"}]', "\\", '\\"', "[[[", '},{"id":1}', "\u2028", "😀"]),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), text)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(text, inner, max_size=4)),
    max_leaves=8,
)
messages = st.one_of(
    st.fixed_dictionaries({"id": st.integers(1, 99), "text": values}, optional={"more": values, "type": text}),
    values,
)
layouts = st.sampled_from([None, 0, 1, 2, "\t"])


plain = st.lists(st.fixed_dictionaries({"id": st.integers(1, 99), "text": text}), min_size=1, max_size=8)


def read_all(raw: bytes, block: int) -> tuple[dict[str, Any], list[Any], Broken | None, JsonStream]:
    """The keys and values of a document, with "messages" read as a stream; and where it broke."""
    stream = JsonStream(io.BytesIO(raw), block)
    found: dict[str, Any] = {}
    items: list[Any] = []
    try:
        for key in stream.members():
            if key == "messages" and stream.peek() == ord("["):
                for batch in stream.items():
                    items += batch
            elif key == "skipped":
                stream.skip()
            elif key == "elements":
                found[key] = [stream.value() for _ in stream.elements()]
            else:
                found[key] = stream.value()
    except Broken as broken:
        return found, items, broken, stream
    return found, items, None, stream


@given(st.lists(messages, max_size=12), values, layouts, st.booleans(), st.sampled_from([1, 7, 64, 300, 1 << 20]))
@example([{"id": 1}, {"id": 2}], {}, 1, True, 1)
@example([], [], None, True, 1)
@settings(max_examples=200, deadline=None)
def test_equal_to_ijson(items: list[Any], other: Any, indent: Any, ascii_only: bool, block: int) -> None:
    document = {"name": other, "skipped": other, "messages": items, "elements": [other, other], "end": other}
    raw = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    expected = list(ijson.items(io.BytesIO(raw), "messages.item", use_float=True))
    found, read, broken, stream = read_all(raw, block)
    assert read == expected == items
    assert found == {"name": other, "elements": [other, other], "end": other}
    assert (broken, stream.damage.count) == (None, 0)
    assert (stream.peek(), stream.offset) == (-1, len(raw))


@given(plain, layouts, st.data())
@settings(max_examples=150, deadline=None)
def test_cut_anywhere_gives_the_whole_messages_before(items: list[Any], indent: Any, data: Any) -> None:
    raw = json.dumps({"messages": items, "end": 1}, indent=indent).encode()
    cut = data.draw(st.integers(raw.index(b"[") + 1, len(raw) - 1))
    _, found, broken, stream = read_all(raw[:cut], data.draw(st.sampled_from([1, 50, 1 << 20])))
    assert broken is not None
    assert broken.cut
    assert found == items[: len(found)]
    assert stream.damage.count == 0
    if len(found) < len(items):
        # nothing whole stands behind the place that is named, and all before it was read
        assert raw[broken.offset : cut].count(b"}") <= json.dumps(items[len(found)]).count("}")
        assert json.loads(raw[: broken.offset].rstrip(b", \t\n") + b"]}")["messages"] == found


@given(plain, layouts, st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_and_invents_nothing(items: list[Any], indent: Any, data: Any) -> None:
    raw = bytearray(json.dumps({"messages": items}, indent=indent).encode())
    start = raw.index(b"[")
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(start, len(raw) - 1))] = data.draw(st.sampled_from(b'"{}[],:\\x0 \xff\n'))
    _, found, broken, _ = read_all(bytes(raw), data.draw(st.sampled_from([1, 50, 1 << 20])))
    assert broken is None or 0 <= broken.offset <= len(raw)
    assert len(found) <= raw.count(b"{") + raw.count(b",") + 1


def test_a_damaged_message_costs_itself_alone() -> None:
    items = [{"id": at, "text": f"t{at}"} for at in range(2_000)]
    raw = json.dumps({"messages": items}, indent=1).encode().replace(b'"t7"', b'"t7').replace(b'"t900"', b"}")
    _, found, broken, stream = read_all(raw, 1 << 20)
    assert broken is None
    assert found == [item for item in items if item["id"] not in (7, 900)]
    assert (stream.damage.count, stream.damage.offset) == (2, raw.index(b'{\n   "id": 7,'))
