"""Tables of messages for the tests of windows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def make_messages(
    times: Sequence[int], texts: Sequence[str] | None = None, authors: Sequence[str | None] | None = None
) -> pa.Table:
    """Messages at ``times`` (microseconds since the epoch, UTC) in this order."""
    texts = ["x"] * len(times) if texts is None else texts
    authors = ["Quiet Heron"] * len(times) if authors is None else authors
    return pa.table(
        {
            "seq": pa.array(range(len(times)), pa.int64()),
            "ts": pa.array(times, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "author": pa.array(authors, pa.string()),
            "text": pa.array(texts, pa.string()),
            "text_bytes": pa.array([len(text.encode()) for text in texts], pa.int32()),
        }
    )


def at(text: str) -> int:
    """An ISO time as microseconds since the epoch."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


@pytest.fixture
def messages() -> Callable[..., pa.Table]:
    return make_messages


@pytest.fixture
def instant() -> Callable[[str], int]:
    return at
