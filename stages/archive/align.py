"""Messages that two exports write differently are found to be the same: by author and text within the coarser time.

Ids differ where two phones export one chat: Android cuts the seconds off, each writes the app's own words in its
language, one has the media and the other has not. What an export and the archive do not share by id is compared here,
within the stretch of time that both cover, in rounds. Each round looks only at what the rounds before it left over:

1. the same text by the same person at the same time, the n-th with the n-th; then the same file name;
2. the same caption under media; the same kind of what the app words itself; media with contact cards; calls whoever
   is said to have called. Here a group has to have the same number of messages on both sides.

"The same time" is the same minute where one side knows no seconds, else the same second. Two files with different
names by which one phone names files are different files.

Counting is sound because an export is one stretch of a chat: the archive holds no message from within it that it
lacks. Only in a minute in which one export begins and another ends may each hold messages that the other lacks; there
a group is also parted by the messages that are certainly the same, and where there are none, or no order is known,
nothing is matched by number.

Two chats of the same people share a moment's "ok" too. So nothing is aligned unless at least half of the written
messages (kind text) of the smaller side match, by id or in round 1, in the time that both cover; where a side has
none, half of all its messages and three at least.
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from stages.archive.overlap import (
    MINUTE,
    Edges,
    Shared,
    Stretch,
    collect,
    find_edges,
    minute_of,
    shared_time,
    within,
)

_FEWEST: Final = 3
_PAIR: Final = "pos BIGINT, seq BIGINT, minute BIGINT, said BOOLEAN, better BOOLEAN"
_CARRIED: Final = "ref, minute, kind = 'text' AS said, edited, family, answers"
_BETTER: Final = "(t.edited AND NOT o.edited) OR (t.family > 0 AND o.family = 0) OR (t.answers AND NOT o.answers)"


@dataclass(frozen=True)
class Aligned:
    """Messages of the export that are the archive's under another id, and those that may be and were not taken so."""

    matched: int
    in_doubt: int


@dataclass(frozen=True)
class _Clock:
    """A clock by which times are compared: what stands for the time of an incoming row, and whether it is for stored
    rows that are compared by the minute (``rough``)."""

    at: str
    rough: bool


@dataclass(frozen=True)
class _Round:
    """Rows that are grouped by time and ``columns``, and matched in order where both sides have equally many."""

    only: str
    columns: tuple[str, ...]


_CERTAIN: Final = ("words", "named")
_COUNTED: Final = (
    _Round("caption IS NOT NULL", ("person", "caption")),
    _Round("kind <> 'text'", ("person", "kind")),
    _Round("kind IN ('media', 'contact')", ("person",)),
    _Round("kind = 'call'", ()),
)


def align(cursor: duckdb.DuckDBPyConnection, stretch: Stretch) -> Aligned:
    """Match what the view ``incoming`` and ``messages`` do not share by id, according to the table ``placed``.

    Leaves the table ``pairs``: ``pos`` of the incoming message, ``seq`` of the stored one, ``better`` where the
    incoming one knows more. Cost: nothing but two look-ups where no incoming message lies in the time that the archive
    covers; else linear in what is not shared by id, at a fixed number of statements.
    """
    for table in ("pairs", "counted"):
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({_PAIR})")
    shared = shared_time(cursor, stretch)
    if shared is None:
        return Aligned(0, 0)
    edges = find_edges(cursor, stretch)
    if not collect(cursor, stretch, shared, edges):
        return Aligned(0, 0)
    clocks = _clocks(stretch, edges)
    for clock in clocks:
        for column in _CERTAIN:
            _match_alike(cursor, clock, column)
    certain = _number(cursor, "SELECT count(*) FROM pairs")
    smaller, alike = _written(cursor, shared)
    if smaller and 2 * alike < smaller:
        cursor.execute("DELETE FROM pairs")
        return Aligned(0, certain)
    for table, column in (("theirs", "pos"), ("ours", "seq")):
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS FROM {table} ANTI JOIN pairs ON {table}.ref = pairs.{column}"
        )
    counted = in_doubt = 0
    if _number(cursor, "SELECT least((SELECT count(*) FROM theirs), (SELECT count(*) FROM ours))"):
        counted, in_doubt = _count_out(cursor, clocks, edges)
    if not smaller:
        least, by_id = _all_rows(cursor, shared)
        same = by_id + certain + counted
        if same < _FEWEST or 2 * same < least:
            cursor.execute("DELETE FROM pairs")
            return Aligned(0, certain + counted + in_doubt)
    cursor.execute("INSERT INTO pairs FROM counted")
    return Aligned(certain + counted, in_doubt)


def _clocks(stretch: Stretch, edges: Edges) -> list[_Clock]:
    if stretch.to_minute:
        return [_Clock("minute", True)]
    return [_Clock("us", False)] + ([_Clock("minute", True)] if edges.rough else [])


def _count_out(cursor: duckdb.DuckDBPyConnection, clocks: list[_Clock], edges: Edges) -> tuple[int, int]:
    """Match by number what is left over: how many were matched, how many of the others are in doubt."""
    if edges.cut:
        _part(cursor, edges.cut)
    for clock in clocks:
        for step in _COUNTED:
            _match_equal_numbers(cursor, clock, step)
    return _number(cursor, "SELECT count(*) FROM counted"), _doubts(cursor, clocks, edges)


def _match_alike(cursor: duckdb.DuckDBPyConnection, clock: _Clock, column: str) -> None:
    """Pair what is alike in ``column`` at one time, the n-th with the n-th."""
    cursor.execute(
        f"""INSERT INTO pairs SELECT t.ref, o.ref, t.minute, t.said, {_BETTER} FROM (
              SELECT {_CARRIED}, {clock.at} AS moment, {column}, row_number() OVER (
                PARTITION BY {clock.at}, {column} ORDER BY ref) AS nth
              FROM theirs ANTI JOIN pairs ON theirs.ref = pairs.pos WHERE {column} IS NOT NULL) t
            JOIN (
              SELECT {_CARRIED}, moment, {column}, row_number() OVER (
                PARTITION BY moment, {column} ORDER BY ref) AS nth
              FROM ours ANTI JOIN pairs ON ours.ref = pairs.seq WHERE rough = {clock.rough} AND {column} IS NOT NULL) o
            USING (moment, {column}, nth)"""
    )


def _match_equal_numbers(cursor: duckdb.DuckDBPyConnection, clock: _Clock, step: _Round) -> None:
    """Pair groups of which both sides hold as many rows, in order; not where that would make two files one."""
    group = ", ".join(("slot", *step.columns))
    cursor.execute(
        f"""INSERT INTO counted SELECT pos, seq, minute, said, better FROM (
              SELECT t.ref AS pos, o.ref AS seq, t.minute, t.said, {_BETTER} AS better,
                     bool_or(t.family > 0 AND t.family = o.family) OVER (PARTITION BY moment, {group}) AS differ
              FROM (
                SELECT {_CARRIED}, {clock.at} AS moment, {group},
                       count(*) OVER (PARTITION BY {clock.at}, {group}) AS n,
                       row_number() OVER (PARTITION BY {clock.at}, {group} ORDER BY ref) AS nth
                FROM theirs ANTI JOIN counted ON theirs.ref = counted.pos WHERE {step.only}) t
              JOIN (
                SELECT {_CARRIED}, moment, {group}, count(*) OVER (PARTITION BY moment, {group}) AS n,
                       row_number() OVER (PARTITION BY moment, {group} ORDER BY ref) AS nth
                FROM ours ANTI JOIN counted ON ours.ref = counted.seq WHERE rough = {clock.rough} AND {step.only}) o
              USING (moment, {group}, n, nth))
            WHERE NOT differ"""
    )


def _written(cursor: duckdb.DuckDBPyConnection, shared: Shared) -> tuple[int, int]:
    """Written messages of the smaller side in the shared time, and how many are certainly on both sides."""
    shared_part = within("ts", shared.low, shared.high)
    row = cursor.execute(
        f"""SELECT least((SELECT count(*) FROM placed WHERE said AND {shared_part}),
                         (SELECT count(*) FROM messages WHERE kind = 'text' AND {shared_part})),
                   (SELECT count(*) FROM placed WHERE said AND known IS NOT NULL AND {shared_part})
                   + (SELECT count(*) FROM pairs WHERE said)"""
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _all_rows(cursor: duckdb.DuckDBPyConnection, shared: Shared) -> tuple[int, int]:
    """Messages of the smaller side in the shared time, and how many have one id on both."""
    shared_part = within("ts", shared.low, shared.high)
    row = cursor.execute(
        f"""SELECT least((SELECT count(*) FROM placed WHERE {shared_part}),
                         (SELECT count(*) FROM messages WHERE {shared_part})),
                   (SELECT count(*) FROM placed WHERE known IS NOT NULL AND {shared_part})"""
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _part(cursor: duckdb.DuckDBPyConnection, cut: tuple[int, ...]) -> None:
    """Give the rows of cut minutes a slot: the last message before them that is certainly on both sides, by ``seq``.

    It is null, which equals nothing, where the minute has no such message, and where the order of what is stored is a
    guess: between exports that do not meet, and between times with seconds and without.
    """
    minutes = ", ".join(map(str, cut))
    parts = " OR ".join(f"({within('ts', minute, minute)})" for minute in cut)
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE certain AS
            WITH ordered AS (
              SELECT {minute_of("epoch_us(ts)")} AS minute FROM messages LEFT JOIN tie_breaks b USING (message_id)
              WHERE {parts} GROUP BY 1
              HAVING count(b.message_id) = 0 AND count_if(epoch_us(ts) % {MINUTE} = 0) IN (0, count(*)))
            SELECT * FROM (
              SELECT pos, known AS seq, {minute_of("epoch_us(ts)")} AS minute FROM placed
              WHERE known IS NOT NULL AND ({parts})
              UNION ALL SELECT pos, seq, minute FROM pairs WHERE minute IN ({minutes}))
            WHERE minute IN (SELECT minute FROM ordered)"""
    )
    for table, place in (("theirs", "pos"), ("ours", "seq")):
        cursor.execute(
            f"""UPDATE {table} SET slot = parted.slot FROM (
                  SELECT t.ref, CASE WHEN t.minute IN (SELECT minute FROM certain) THEN coalesce(c.seq, -1) END AS slot
                  FROM {table} t ASOF LEFT JOIN certain c ON t.minute = c.minute AND t.ref > c.{place}
                  WHERE t.minute IN ({minutes})) parted
                WHERE parted.ref = {table}.ref"""
        )
    cursor.execute("DROP TABLE certain")


def _doubts(cursor: duckdb.DuckDBPyConnection, clocks: list[_Clock], edges: Edges) -> int:
    """How many rows that are left over may repeat a stored one that is left over.

    Those of one kind that the app words, or of which one side is edited or deleted, by one person at one time; and
    what was written at one time in the same words under another name: the person may have been renamed; and what one
    person wrote at one time in other words, but where an export begins or ends: it may have been edited.
    """
    cut = ", ".join(map(str, edges.cut)) or "NULL"
    parts = [
        f"""SELECT t.ref
            FROM (SELECT *, {clock.at} AS moment FROM theirs ANTI JOIN counted ON theirs.ref = counted.pos) t
            SEMI JOIN (SELECT * FROM ours ANTI JOIN counted ON ours.ref = counted.seq WHERE rough = {clock.rough}) o
            ON t.moment = o.moment AND coalesce(t.slot = o.slot, true) AND (
               (t.person <> o.person AND t.kind = 'text' AND o.kind = 'text' AND t.phrase = o.phrase)
               OR (t.person = o.person AND NOT (t.family > 0 AND t.family = o.family)
                   AND (({_class("t")} = {_class("o")} AND (t.kind <> 'text' OR t.edited OR o.edited
                                                             OR (t.minute IN ({cut})) IS NOT TRUE))
                        OR t.kind = 'deleted' OR o.kind = 'deleted')))"""
        for clock in clocks
    ]
    return _number(cursor, f"SELECT count(DISTINCT ref) FROM ({' UNION ALL '.join(parts)})")


def _class(table: str) -> str:
    return f"CASE {table}.kind WHEN 'contact' THEN 'media' ELSE {table}.kind END"


def _number(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    row = cursor.execute(query).fetchone()
    return int(row[0]) if row else 0
