"""The search index: a script that assigns a list, since a page opened as a file may load scripts but no data."""

import json
from collections.abc import Iterable
from typing import Final

from stages.site.views import PostView

MAX_CHARACTERS: Final = 6_000
"""Of a post's text; what comes after is not searched."""


def search_index(posts: Iterable[tuple[PostView, str]]) -> str:
    """JavaScript of the index from (post, its plain text): address, title, dek, date, people and topics, text."""
    rows = [
        [
            post.url,
            post.title,
            post.dek,
            post.date_text,
            " · ".join([*(alias for alias, _ in post.people), *(topic.name for topic in post.tags)]),
            text[:MAX_CHARACTERS],
        ]
        for post, text in posts
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    for char in "<>&\u2028\u2029":
        lines = lines.replace(char, f"\\u{ord(char):04x}")
    return f"window.chronicle=[\n{lines}\n];\n"
