"""The canonical table of messages as Arrow, stated once.

Every stage orders messages by ``seq`` and none by ``ts``: chat times have minute resolution, so ties are the rule.
"""

from typing import Final

import pyarrow as pa

KINDS: Final = ("text", "media", "system", "deleted", "poll", "call", "location", "contact")

MESSAGES: Final = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("ts", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("author", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("text_bytes", pa.int32(), nullable=False),
        pa.field("media", pa.list_(pa.string()), nullable=False),
        pa.field("reply_to", pa.string()),
        pa.field("edited", pa.bool_(), nullable=False),
    ]
)
"""One row a message, ``seq`` dense 0..N-1 by (``ts``, order in the source); ``author`` is a pseudonym, null for
system events; ``text_bytes`` counts the UTF-8 bytes of ``text``."""

DETAILS: Final = (
    pa.field("reactions", pa.int32()),
    pa.field("topic", pa.string()),
    pa.field("links", pa.list_(pa.string())),
)
"""Columns that follow where a source has them: how many reactions, the topic, addresses that the text hides."""
