"""The language in which pictures are described: that of the interface where it is set, else the chat's own."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import duckdb

from stages.enrich.pages.language import detect_language

_MESSAGES: Final = 400
_LONGEST: Final = 300
_CHUNK: Final = 2_500
"""Characters that are judged at once: :func:`detect_language` looks at 3,000."""
_ADDRESS: Final = re.compile(r"\S*(?:://|www\.|@)\S*")


def chat_language(cursor: duckdb.DuckDBPyConnection) -> str | None:
    """The language that most of an archive's posts are in, by which ``auto`` decides the interface; before there are
    any, the one that most messages are in, which the writer is asked to write in. None where it cannot be told.

    Cost: two queries, the second a pass over one column; linear in the messages.
    """
    written = cursor.execute(
        """SELECT language FROM (
             SELECT unnest(from_json(posts, '["JSON"]')) ->> 'language' AS language FROM outcomes
             WHERE status = 'written')
           WHERE language <> '' GROUP BY language ORDER BY count(*) DESC, language LIMIT 1"""
    ).fetchone()
    if written:
        return str(written[0])
    rows = cursor.execute(
        f"""SELECT left(text, {_LONGEST}) FROM messages
            WHERE kind = 'text' AND author IS NOT NULL
              AND seq % greatest(1, (SELECT count(*) // {_MESSAGES} FROM messages)) = 0 ORDER BY seq"""
    ).fetchall()
    found: Counter[str] = Counter()
    for chunk in _chunks(text for (text,) in rows):
        if language := detect_language(chunk):
            found[language] += len(chunk)
    for language, letters in found.most_common(1):
        return language if 2 * letters > found.total() else None
    return None


def _chunks(texts: Iterable[str]) -> Iterator[str]:
    chunk = ""
    for text in texts:
        chunk += _ADDRESS.sub(" ", text) + "\n"
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = ""
    yield chunk
