"""Which stored message an incoming one is, and what a stored message gains from being met again.

The table ``placed`` has a row for every row of the view ``incoming``: ``pos`` its place in the export, ``ts`` its time,
``moment`` the time of the stored message where there is one (``known``, a seq), ``said`` whether it is a written
message, ``better`` whether it knows something that the stored one does not.
"""

import duckdb

from stages.archive.overlap import Stretch


def look_up(cursor: duckdb.DuckDBPyConnection, *, has_aliases: bool) -> int:
    """Make ``placed`` by ids, and with ``has_aliases`` by ids that were found to be others' before.

    Returns the rows that the archive does not know. One join over the ids.
    """
    alias = "LEFT JOIN known_as k ON k.message_id = i.message_id" if has_aliases else ""
    name = "coalesce(k.same_as, i.message_id)" if has_aliases else "i.message_id"
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE placed AS
            SELECT i.pos, i.ts, coalesce(m.ts, i.ts) AS moment, i.kind = 'text' AS said, m.seq AS known,
                   coalesce((i.edited AND NOT m.edited) OR (i.reply_to IS NOT NULL AND m.answers_none)
                            OR (len(i.media) > 0 AND m.bare), false) AS better,
                   {"k.same_as IS NOT NULL" if has_aliases else "false"} AS renamed
            FROM incoming i {alias} LEFT JOIN (
              SELECT message_id, seq, ts, edited, reply_to IS NULL AS answers_none, len(media) = 0 AS bare FROM messages
            ) m ON m.message_id = {name}"""
    )
    if has_aliases:
        _part_twins(cursor)
    return _number(cursor, "SELECT count(*) FROM placed WHERE known IS NULL")


def _part_twins(cursor: duckdb.DuckDBPyConnection) -> None:
    """Two messages of one export are never one stored message: the later of them is a stranger again."""
    if not _number(cursor, "SELECT count(known) - count(DISTINCT known) FROM placed"):
        return
    cursor.execute(
        """CREATE OR REPLACE TEMP TABLE twins AS SELECT pos FROM placed WHERE known IS NOT NULL
           QUALIFY row_number() OVER (PARTITION BY known ORDER BY renamed, pos) > 1"""
    )
    cursor.execute(
        "DELETE FROM known_as WHERE message_id IN (SELECT message_id FROM incoming SEMI JOIN twins USING (pos))"
    )
    cursor.execute(
        """UPDATE placed SET known = NULL, moment = ts, better = false, renamed = false
           WHERE pos IN (SELECT pos FROM twins)"""
    )
    cursor.execute("DROP TABLE twins")


def remember(cursor: duckdb.DuckDBPyConnection, stretch: Stretch) -> None:
    """Take the ``pairs`` of an alignment as known from now on, in ``placed`` and for good in ``known_as``."""
    cursor.execute(
        """CREATE OR REPLACE TEMP TABLE same AS
           SELECT p.pos, p.seq, p.better, m.message_id, m.ts FROM pairs p JOIN messages m USING (seq)"""
    )
    cursor.execute(
        f"""INSERT INTO known_as SELECT i.message_id, s.message_id, {"NULL" if stretch.to_minute else "i.ts"}
            FROM incoming i JOIN same s USING (pos)"""
    )
    cursor.execute(
        "UPDATE placed SET known = s.seq, moment = s.ts, better = s.better FROM same s WHERE s.pos = placed.pos"
    )
    cursor.execute("DROP TABLE same")


def improve(cursor: duckdb.DuckDBPyConnection) -> int:
    """Give stored messages what the export knows more of them: files and the text that names them where they had none,
    that they were edited, what they answer. Their ids, times and authors stay. Returns how many gained."""
    if not _number(cursor, "SELECT count(*) FROM placed WHERE better"):
        return 0
    cursor.execute(
        """CREATE OR REPLACE TEMP TABLE gains AS
           SELECT m.seq, i.edited OR m.edited AS edited, coalesce(m.reply_to, i.reply_to) AS reply_to,
                  len(i.media) > 0 AND len(m.media) = 0 AS named, i.media, i.kind, i.text, i.text_bytes
           FROM (SELECT pos, known FROM placed WHERE better) p JOIN incoming i USING (pos)
           JOIN messages m ON m.seq = p.known"""
    )
    cursor.execute(
        """UPDATE messages SET edited = g.edited, reply_to = g.reply_to FROM gains g WHERE g.seq = messages.seq"""
    )
    cursor.execute(
        """UPDATE messages SET media = g.media, kind = g.kind, text = g.text, text_bytes = g.text_bytes
           FROM gains g WHERE g.named AND g.seq = messages.seq"""
    )
    gained = _number(cursor, "SELECT count(*) FROM gains")
    cursor.execute("DROP TABLE gains")
    return gained


def _number(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    row = cursor.execute(query).fetchone()
    return int(row[0]) if row else 0
