"""Where the messages of an export stand among those that are stored: one order, dense, by time.

Where times tie, a new message stands behind the one that it follows in its own export (or before the one that follows
it). Exports of one chat that overlap thus give the chat's order, whatever the order in which they come. Where an
export has messages of a moment of which the archive has only others, nothing tells yet which are first: those of an
export that goes on from there stand behind, those of one that ends there before, and the place is kept in
``tie_breaks`` as a guess, which the first export that holds messages of both sides of it puts right.
"""

from typing import Final

import duckdb

COLUMNS: Final = "message_id, ts, author, kind, text, text_bytes, media, reply_to, edited"
_AFTER: Final = 1 << 40


def put_in_place(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Add the rows of ``incoming`` that ``placed`` knows no stored message for; whether anything changed.

    Rows from the first changed time on are written anew, those before stay. Cost: linear in the new rows where all
    are later than what is stored, else one sort of what comes from there on.
    """
    guessed = _number(cursor, "SELECT count(*) FROM tie_breaks") > 0
    if guessed:
        _rank_components(cursor)
    since = _first_change(cursor, guessed)
    if since is None:
        return False
    row = cursor.execute(
        """SELECT (SELECT count(*) FROM messages WHERE ts < make_timestamptz(?)), (SELECT count(*) FROM messages)""",
        [since],
    ).fetchone()
    assert row is not None
    before, stored = row
    if before == stored:
        cursor.execute(
            f"""INSERT INTO messages SELECT {stored} + row_number() OVER (ORDER BY pos) - 1 AS seq, {COLUMNS}
                FROM incoming WHERE pos IN (SELECT pos FROM placed WHERE known IS NULL) ORDER BY seq"""
        )
    else:
        _interleave(cursor, since, before, guessed)
    return True


def _rank_components(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make ``ranks``: for the stored rows (seq) of times with guesses, what the export says of their order.

    A component is a run of rows whose order is known. Those that the export holds rows of are one ``block``, in which
    ``part`` is their order; any other is a block of its own. ``glued`` where the export joins several.
    """
    cursor.execute(
        """CREATE OR REPLACE TEMP TABLE ranks AS
           WITH comps AS (
             SELECT m.seq, m.ts, count(b.message_id) OVER (PARTITION BY m.ts ORDER BY m.seq) AS comp, p.pos
             FROM messages m LEFT JOIN tie_breaks b USING (message_id) LEFT JOIN placed p ON p.known = m.seq
             WHERE m.ts IN (SELECT ts FROM messages SEMI JOIN tie_breaks USING (message_id))),
           firsts AS (SELECT ts, comp, min(pos) AS first FROM comps GROUP BY ts, comp),
           blocks AS (
             SELECT ts, comp, coalesce(first, 0) AS part, CASE WHEN first IS NULL THEN comp ELSE min(
               CASE WHEN first IS NOT NULL THEN comp END) OVER (PARTITION BY ts) END AS block FROM firsts)
           SELECT seq, ts, block, part, block <> comp AS glued FROM comps JOIN blocks USING (ts, comp)"""
    )


def _first_change(cursor: duckdb.DuckDBPyConnection, guessed: bool) -> int | None:
    """The first time (microseconds) at which something is added, or known to stand in another order than so far."""
    query = "SELECT epoch_us(min(ts)) FROM placed WHERE known IS NULL"
    if guessed:
        query = f"SELECT least(({query}), (SELECT epoch_us(min(ts)) FROM ranks WHERE glued))"
    row = cursor.execute(query).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _interleave(cursor: duckdb.DuckDBPyConnection, since: int, before: int, guessed: bool) -> None:
    block, part, ranks = "0", "0", "LEFT JOIN ranks r ON r.seq ="
    if guessed:
        block, part = "coalesce(r.block, 0)", "coalesce(r.part, 0)"
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE places AS
            WITH fresh AS (
              SELECT pos, ts, last_value(known IGNORE NULLS) OVER behind AS behind,
                     first_value(known IGNORE NULLS) OVER ahead AS ahead, min(pos) OVER (PARTITION BY moment) AS start
              FROM placed WHERE moment >= make_timestamptz({since})
              WINDOW behind AS (PARTITION BY moment ORDER BY pos ROWS UNBOUNDED PRECEDING),
                     ahead AS (PARTITION BY moment ORDER BY pos ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
              QUALIFY known IS NULL)
            SELECT old, pos, ts, block, row_number() OVER (
              ORDER BY ts, block, part, anchor, side, pos) - 1 + {before} AS seq
            FROM (
              SELECT m.seq AS old, NULL::BIGINT AS pos, m.ts, {block} AS block, {part} AS part, m.seq AS anchor,
                     0 AS side
              FROM messages m {f"{ranks} m.seq" if guessed else ""} WHERE m.ts >= make_timestamptz({since})
              UNION ALL
              SELECT NULL, f.pos, f.ts,
                     CASE WHEN coalesce(behind, ahead) IS NOT NULL THEN {block}
                          WHEN start > 0 THEN -1 ELSE {_AFTER} END,
                     {part}, coalesce(behind, ahead, -1), CASE WHEN behind IS NULL THEN -1 ELSE 1 END
              FROM fresh f {f"{ranks} coalesce(behind, ahead)" if guessed else ""})"""
    )
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE merged AS
            SELECT p.seq, {COLUMNS} FROM (SELECT seq AS old, {COLUMNS} FROM messages) JOIN (
              SELECT old, seq FROM places WHERE old IS NOT NULL) p USING (old)
            UNION ALL
            SELECT p.seq, {COLUMNS} FROM (SELECT pos, {COLUMNS} FROM incoming) JOIN (
              SELECT pos, seq FROM places WHERE pos IS NOT NULL) p USING (pos)"""
    )
    cursor.execute("DELETE FROM messages WHERE ts >= make_timestamptz(?)", [since])
    cursor.execute("INSERT INTO messages SELECT * FROM merged ORDER BY seq")
    cursor.execute("DROP TABLE merged")
    _keep_guesses(cursor, since, guessed)
    cursor.execute("DROP TABLE places")


def _keep_guesses(cursor: duckdb.DuckDBPyConnection, since: int, guessed: bool) -> None:
    """Breaks stand where one block follows another at the same time."""
    several = "SELECT count(*) FROM (SELECT ts FROM places GROUP BY ts HAVING min(block) <> max(block))"
    if not guessed and not _number(cursor, several):
        return
    cursor.execute(
        """DELETE FROM tie_breaks WHERE message_id IN (
             SELECT message_id FROM messages WHERE ts >= make_timestamptz(?))""",
        [since],
    )
    cursor.execute(
        """INSERT INTO tie_breaks SELECT message_id FROM messages SEMI JOIN (
             SELECT seq FROM places QUALIFY block <> lag(block) OVER (PARTITION BY ts ORDER BY seq)) USING (seq)"""
    )


def _number(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    row = cursor.execute(query).fetchone()
    return int(row[0]) if row else 0
