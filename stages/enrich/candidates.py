"""Candidates: every distinct link and attachment of a chat, where it first stands, and in how many messages.

One declarative pass in DuckDB: links are extracted with RE2 from the texts that can hold one, attachments come from
``media`` alone, spellings of one link meet in its key. No Python object is made per message. Time grows linearly;
memory is bounded by the connection's limit, past which DuckDB uses a temporary folder of its own.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from stages.enrich.kinds import EXTENSIONS, UNKNOWN, file_key
from stages.enrich.urls import ADDRESS, GLUED, HINT, IS_LINK, as_written, canonical, quoted

CANDIDATES: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("first_seq", pa.int64(), nullable=False),
        pa.field("n_messages", pa.int64(), nullable=False),
    ]
)
"""One row a candidate, ordered by (``first_seq``, ``key``). ``kind``: url, image, video, audio, document; ``value``:
the first spelling as written; ``n_messages`` counts messages, not mentions."""

MENTIONS: Final = pa.schema([pa.field("seq", pa.int64(), nullable=False), pa.field("key", pa.string(), nullable=False)])

Source: TypeAlias = pa.Table | Path | tuple[duckdb.DuckDBPyConnection, str]
"""Messages (columns ``seq``, ``text``, ``media``, perhaps ``links``): a table, a Parquet file, or the name of a table
with the first three on a connection."""

_MEMORY: Final = "150MB"
_BATCH_ROWS: Final = 100_000
HIDDEN: Final = "CASE WHEN len(links) > 0 THEN concat_ws(chr(10), text, array_to_string(links, chr(10))) ELSE text END"
"""SQL for a message's text with the addresses that it does not show, each on a line of its own."""

# `place` is packed under `seq` so that the first spelling is a minimum of integers; a spelling equal to its key is
# kept as '': strings inside an aggregate's state cannot be spilled
_LINKS: Final = f"""
    found AS (
        SELECT seq, regexp_extract_all(
            CASE WHEN regexp_matches(text, {quoted(GLUED)})
                THEN regexp_replace(text, {quoted(GLUED)}, '\\1 \\2', 'g') ELSE text END,
            {quoted(ADDRESS)}) AS matches
        FROM {{messages}} WHERE regexp_matches(text, {quoted(HINT)})),
    matched AS (
        SELECT seq, len(matches) AS n, generate_subscripts(matches, 1) AS place, unnest(matches) AS match FROM found),
    written AS (
        SELECT seq, n, place, {as_written("match")} AS link
        FROM matched WHERE regexp_matches(match, {quoted(IS_LINK)})),
    links AS (
        SELECT seq, n, seq * 1048576 + least(place, 1048575) AS spot, link, {canonical("link")} AS key FROM written)
"""

_FILES: Final = f"""
    named AS (SELECT seq, len(media) AS n, unnest(media) AS name FROM {{messages}} WHERE len(media) > 0),
    files AS (SELECT seq, n, name, {file_key("name")} AS key FROM named WHERE name <> '')
"""

# messages, not mentions; the distinct count is needed only where a message has several
_COUNT: Final = "count(*) FILTER (n = 1) + count(DISTINCT seq) FILTER (n > 1) AS n_messages"

# in turn, not as one union: each aggregate then has the whole memory limit
_FOUND_LINKS: Final = f"""
    CREATE OR REPLACE TEMP TABLE found_candidates AS WITH {_LINKS}
    SELECT key, 'url' AS kind, coalesce(nullif(other, ''), key) AS value, first_seq, n_messages FROM (
        SELECT key, arg_min(CASE WHEN link = key THEN '' ELSE link END, spot) AS other, min(seq) AS first_seq, {_COUNT}
        FROM links GROUP BY key)
"""
_FOUND_FILES: Final = f"""
    INSERT INTO found_candidates WITH {_FILES}
    SELECT key, coalesce({{kinds}}[lower(regexp_extract(name, '.[.]([^.]+)$', 1))], '{UNKNOWN.kind}'), name,
        first_seq, n_messages
    FROM (SELECT key, name, min(seq) AS first_seq, {_COUNT} FROM files GROUP BY key, name)
"""
_FOUND: Final = "SELECT key, kind, value, first_seq, n_messages FROM found_candidates ORDER BY first_seq, key"

_MENTIONS: Final = f"""
    WITH {_LINKS}, {_FILES}
    SELECT seq, key FROM links UNION SELECT seq, key FROM files ORDER BY seq, key
"""

_KINDS: Final = "MAP {" + ", ".join(f"'{ext}': '{kind.kind}'" for ext, kind in EXTENSIONS.items()) + "}"


def find_candidates(source: Source) -> pa.Table:
    """Every candidate once (:data:`CANDIDATES`). An attachment's key is its name, a link's ignores the case of scheme
    and host and the parameters ``utm_*``, ``fbclid``, ``gclid``."""
    with _messages(source) as (connection, messages):
        connection.execute(_FOUND_LINKS.replace("{messages}", messages))
        connection.execute(_FOUND_FILES.replace("{messages}", messages).replace("{kinds}", _KINDS))
        found = _fetch(connection, _FOUND, CANDIDATES)
        connection.execute("DROP TABLE found_candidates")
        return found


def find_mentions(source: Source) -> pa.Table:
    """Which message speaks of which candidate (:data:`MENTIONS`), each pair once, ordered by (``seq``, ``key``).

    What is known of a candidate reaches the messages by a join on ``key``: no text is rewritten.
    """
    with _messages(source) as (connection, messages):
        return _fetch(connection, _MENTIONS.replace("{messages}", messages), MENTIONS)


def _fetch(connection: Any, query: str, schema: pa.Schema) -> pa.Table:
    # a reader hands rows on as they come; a whole table would be held twice
    reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
    return pa.Table.from_batches(reader, reader.schema).cast(schema)


@contextmanager
def _messages(source: Source) -> Iterator[tuple[Any, str]]:
    """The connection and the SQL name to read from; a table or file gets a connection of its own for the query."""
    if isinstance(source, tuple):
        connection, table = source
        yield connection, '"' + table.replace('"', '""') + '"'
        return
    with tempfile.TemporaryDirectory(prefix="streamliner-") as spill, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute("SET threads = 2")
        connection.execute("SET temp_directory = " + quoted(spill))
        connection.execute("SET preserve_insertion_order = false")
        if isinstance(source, Path):
            table, columns = f"read_parquet({quoted(str(source))})", pq.read_schema(source).names
        else:
            table, columns = "messages", source.column_names
            connection.register(table, source)
        yield connection, with_hidden_links(table) if "links" in columns else table


def with_hidden_links(table: str) -> str:
    """``table`` (with a column ``links``) as a relation whose ``text`` ends in the links that the text hides."""
    return f"(SELECT seq, media, {HIDDEN} AS text FROM {table})"
