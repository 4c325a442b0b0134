"""Ids: the same message in any export has the same id, another never; repeats are told apart by their number."""

import hashlib
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.identity import Identity

KEY = b"k" * 32
CHAT = (
    "13/03/2024, 10:00 - Ana: hi\n13/03/2024, 10:01 - Rui: ok\n13/03/2024, 10:01 - Rui: ok\n"
    "13/03/2024, 10:01 - Ana: ok\n13/03/2024, 10:02 - Rui: ok\n13/03/2024, 10:01 - Rui: ok\n"
)


def naive(messages: list[tuple[int, str | None, str]], chat: str) -> list[str]:
    """One hash at a time, repeats counted in a dictionary."""
    seen: dict[bytes, int] = {}
    found = []
    for local, author, text in messages:
        hashed = hashlib.blake2b(key=KEY, digest_size=16, person=b"streamliner-msg")
        hashed.update(struct.pack("<q", len(chat.encode())) + chat.encode())
        name = b"" if author is None else author.encode()
        hashed.update(struct.pack("<qi", local, -1 if author is None else len(name)) + name + text.encode())
        digest = hashed.digest()
        times = seen[digest] = seen.get(digest, -1) + 1
        if times:
            digest = hashlib.blake2b(
                digest + struct.pack("<q", times), key=KEY, digest_size=16, person=b"streamliner-rep"
            ).digest()
        found.append(digest.hex())
    return found


MESSAGES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([None, "", "A", "Bé"]), st.sampled_from(["", "x", "😀"])), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.integers(1, 9), st.sampled_from(["", "chat"]))
def test_ids_equal_the_naive_ones_in_blocks_of_any_size(
    messages: list[tuple[int, str | None, str]], size: int, chat: str
) -> None:
    identity = Identity(KEY, chat)
    found: list[str] = []
    for start in range(0, len(messages), size):
        part = messages[start : start + size]
        found += identity.ids(
            np.array([message[0] for message in part], np.int64),
            pa.array([message[1] for message in part], pa.string()),
            pa.array([message[2] for message in part], pa.string()),
        ).to_pylist()
    assert found == naive(messages, chat)
    assert len(set(found)) == len(found)


def test_ids_survive_another_export_of_the_chat(parse: Callable[..., Any]) -> None:
    whole = parse(CHAT).column("message_id")
    again = parse(CHAT.replace("\n", "\r\n") + "14/03/2024, 10:00 - Bia: new\n").column("message_id")
    assert again[:-1] == whole
    assert len(set(whole)) == len(whole)


def test_ids_depend_on_neither_zone_nor_privacy_but_on_key_and_chat(parse: Callable[..., Any]) -> None:
    ids = parse(CHAT).column("message_id")
    assert parse(CHAT, timezone="Asia/Tokyo").column("message_id") == ids
    assert parse(CHAT, raw_authors=False).column("message_id") == ids
    assert not set(parse(CHAT, key=b"x" * 32).column("message_id")) & set(ids)
    assert not set(parse(CHAT, chat_id="other").column("message_id")) & set(ids)
