"""Messages read many at once come out as they do when each is read by itself."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.draft import Draft
from stages.ingest.telegram.chat import ChatInHand
from stages.ingest.telegram.outline import Head
from stages.ingest.telegram.report import Report
from stages.ingest.zone import LocalTimes

HEAD = Head("5", "5", "private_supergroup", "Team")
texts = st.text(max_size=12)
parts = st.lists(
    st.one_of(
        texts,
        st.fixed_dictionaries({"type": st.sampled_from(["bold", "text_link"]), "text": texts, "href": texts}),
        st.sampled_from([None, 5, {}, {"text": ["a", {"text": "b"}]}]),
    ),
    max_size=3,
)
odd = st.sampled_from([None, 7, True, "", [], {}, "x", ["x"]])
usual = st.fixed_dictionaries(
    {
        "type": st.just("message"),
        "date_unixtime": st.integers(1_700_000_000, 1_700_000_005).map(str),
        "from": st.sampled_from(["Al", "Bo", "Bo", "é"]),
        "from_id": st.sampled_from(["user1", "user2", "channel3"]),
        "text": st.one_of(texts, parts),
        "text_entities": st.one_of(st.just([]), parts, st.just([{"type": "text_link", "text": "a", "href": "b"}])),
    },
    optional={
        "reply_to_message_id": st.integers(1, 9),
        "edited": st.sampled_from(["1970-01-01T00:00:00", "2024-01-01T00:00:00"]),
        "edited_unixtime": st.sampled_from(["0", "1700000000"]),
        "photo": st.sampled_from(["photos/a.jpg", "(File not included.)", ""]),
        "file": st.sampled_from(["files\\b.pdf", "c"]),
        "media_type": st.just("sticker"),
        "reactions": st.one_of(
            st.just([]), st.lists(st.fixed_dictionaries({"count": st.one_of(st.integers(), texts)}))
        ),
        "forwarded_from": texts,
        "via_bot": texts,
    },
)
old = st.builds(
    lambda message, date, sign, entities: {
        **{key: value for key, value in message.items() if key != "date_unixtime" and (entities or "ent" not in key)},
        "date": date,
        "from_id": sign,
    },
    usual,
    st.sampled_from(["2020-03-29T01:30:00", "2020-10-25T01:30:00", "1969-12-31T23:59:59", "2020-13-01T00:00:00", "x"]),
    st.sampled_from(["user1", 1, 2, 4_294_967_297, 8_589_934_595, None]),
    st.booleans(),
)
spoilt = st.tuples(
    st.one_of(usual, old),
    st.sampled_from(["type", "date_unixtime", "from", "from_id", "text", "text_entities", "photo", "reactions", "id",
                     "reply_to_message_id", "edited"]),
    odd,
).map(lambda drawn: drawn[0] | {drawn[1]: drawn[2]})  # fmt: skip
services = st.fixed_dictionaries(
    {
        "type": st.just("service"),
        "action": st.sampled_from(["pin_message", "topic_created", "phone_call"]),
        "title": texts,
        "date": st.just("2024-01-01T00:00:00"),
    }
)
numbers = st.one_of(st.just(1), st.integers(-2, 3))


def columns(drafts: list[Draft]) -> list[list[Any]]:
    """Every column of the drafts, as plain lists."""
    names = ("local", "utc", "authors", "texts", "kinds", "media", "edited", "signers", "wordings", "keys", "replies")
    rows: list[list[Any]] = []
    for draft in drafts:
        given = [getattr(draft, name).tolist() for name in names]
        sparse = [getattr(draft, name) for name in ("reactions", "topics", "links")]
        nothing = [[None] * len(draft), [None] * len(draft), [[]] * len(draft)]
        given += [
            empty if column is None else column.to_pylist() for column, empty in zip(sparse, nothing, strict=True)
        ]
        rows += map(list, zip(*given, strict=True))
    return rows


def numbered(messages: list[dict[str, Any]], steps: list[int]) -> list[dict[str, Any]]:
    key, result = 0, []
    for message, step in zip(messages, steps, strict=False):
        key += step
        result.append({"id": key} | message)
    return result


@given(
    st.lists(st.one_of(usual, usual, old, spoilt, services), min_size=1, max_size=12),
    st.lists(numbers, min_size=12, max_size=12),
    st.integers(1, 12),
)
@settings(max_examples=300, deadline=None)
def test_together_as_one_by_one(messages: list[dict[str, Any]], steps: list[int], size: int) -> None:
    messages = numbered(messages, steps)
    zone = LocalTimes("Europe/Lisbon")
    reports = Report(), Report()
    together, alone = (ChatInHand(HEAD, zone, report) for report in reports)
    quick = [draft for at in range(0, len(messages), size) for draft in together.take(messages[at : at + size])]
    quick += together.rest()
    slow: list[Draft] = []
    for message in messages:
        # a key that nobody knows keeps a message from being taken for a usual one
        slow += alone.take([message | {"never seen before": 1}])
    slow += alone.rest()
    assert columns(quick) == columns(slow)
    assert together.entries == alone.entries
    assert set(together.senders()) == set(alone.senders())
    assert reports[0].sentences(zone) == reports[1].sentences(zone)


@pytest.mark.parametrize("count", [19_999, 20_000, 45_000])
def test_many_messages_come_in_several_drafts(count: int) -> None:
    chat = ChatInHand(HEAD, LocalTimes("UTC"), Report())
    message = {"type": "message", "date_unixtime": "1700000000", "from": "Al", "from_id": "user1", "text": "x"}
    drafts = []
    for at in range(0, count, 500):
        batch = [{"id": key, **message, "text_entities": []} for key in range(at, min(at + 500, count))]
        drafts += chat.take(batch)
    drafts += chat.rest()
    assert [key for draft in drafts for key in draft.keys.tolist()] == list(range(count))
    assert max(len(draft) for draft in drafts) <= 20_500
