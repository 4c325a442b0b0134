"""What an export and the archive do not share by id, in the time that both cover, made comparable.

Times are microseconds since 1970; a minute is told by its start.
"""

from dataclasses import dataclass
from typing import Final

import duckdb

MINUTE: Final = 60_000_000
"""Microseconds."""

_MARKS: Final = r"[\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{061C}\x{FEFF}]"
_LINE_ENDS: Final = r"[ \t\r\x{00A0}\x{202F}]+(\n|$)"
_SUFFIX: Final = r"\s*<[^<>\n]{3,80}>\s*$"
# most texts need none of it, and finding that out costs a fifth of doing it
_UNTIDY: Final = rf"{_MARKS}|[ \t\r\n\x{{00A0}}\x{{202F}}](?:\n|$)"
_SAID: Final = rf"""CASE WHEN NOT edited AND NOT regexp_matches(text, '{_UNTIDY}') THEN text
    ELSE rtrim(regexp_replace(
      CASE WHEN edited THEN regexp_replace(regexp_replace(text, '{_MARKS}', '', 'g'), '{_SUFFIX}', '')
      ELSE regexp_replace(text, '{_MARKS}', '', 'g') END, '{_LINE_ENDS}', '\1', 'g'), chr(10)) END"""
# who names a file like that: 0 nobody, 1 Android, 2 iOS, 3 a person
_FAMILY: Final = r"""CASE WHEN len(media) = 0 THEN 0
    WHEN regexp_matches(media[1], '^(?:IMG|VID|AUD|PTT|DOC|STK)-\d{8}-WA\d') THEN 1
    WHEN regexp_matches(media[1], '^(?:\d{5,10}-|\d{4}-\d\d-\d\d-(?:PHOTO|VIDEO|AUDIO)-)') THEN 2 ELSE 3 END"""
_FIRST_LINE: Final = r"^[^\n]*\n"
_CAPTIONED: Final = r"""contains(text, chr(10)) AND (kind IN ('media', 'contact')
    OR (prefix(text, '<') AND regexp_matches(text, '^<[^<>\n]{3,40}>\s*\n')))"""


@dataclass(frozen=True)
class Stretch:
    """From when to when an export goes (microseconds since 1970), whether its times are cut to minutes, and whether
    any of its messages answers another."""

    entries: int
    first: int
    last: int
    to_minute: bool
    answers: bool


@dataclass(frozen=True)
class Shared:
    """Minutes (their starts, both included) that export and archive cover, and those of them with rows to align."""

    low: int
    high: int
    first: int
    last: int


@dataclass(frozen=True)
class Edges:
    """``cut``: minutes (their starts) in which this export begins and another ends, or the other way round.

    ``rough``: the time within which stored rows without seconds may have been cut to minutes.
    """

    cut: tuple[int, ...]
    rough: tuple[int, int] | None


def read_stretch(cursor: duckdb.DuckDBPyConnection) -> Stretch:
    """The stretch of the view ``incoming``, which must not be empty."""
    row = cursor.execute(
        f"""SELECT count(*), epoch_us(min(ts)), epoch_us(max(ts)), bool_and(epoch_us(ts) % {MINUTE} = 0),
                   count(reply_to) > 0
            FROM incoming"""
    ).fetchone()
    assert row is not None
    return Stretch(*row)


def shared_time(cursor: duckdb.DuckDBPyConnection, stretch: Stretch) -> Shared | None:
    """The time in which there may be something to align: None where no unknown row lies in what the archive covers."""
    row = cursor.execute(
        """SELECT f.low, f.high, m.low, m.high
           FROM (SELECT epoch_us(min(ts)) AS low, epoch_us(max(ts)) AS high FROM placed WHERE known IS NULL) f,
                (SELECT epoch_us(min(ts)) AS low, epoch_us(max(ts)) AS high FROM messages) m"""
    ).fetchone()
    if row is None or row[0] is None or row[2] is None:
        return None
    fresh_low, fresh_high, stored_low, stored_high = (_floor(value) for value in row)
    first, last = max(fresh_low, stored_low), min(fresh_high, stored_high)
    if first > last:
        return None
    return Shared(max(_floor(stretch.first), stored_low), min(_floor(stretch.last), stored_high), first, last)


def find_edges(cursor: duckdb.DuckDBPyConnection, stretch: Stretch) -> Edges:
    """What the stretches of the exports before tell about this one."""
    begin, end = _floor(stretch.first), _floor(stretch.last)
    row = cursor.execute(
        f"""SELECT coalesce(bool_or({minute_of("last")} = {begin}), false),
                   coalesce(bool_or({minute_of("first")} = {end}), false),
                   min(first) FILTER (to_minute), max(last) FILTER (to_minute)
            FROM (SELECT epoch_us(first_ts) AS first, epoch_us(last_ts) AS last, to_minute FROM stretches)"""
    ).fetchone()
    assert row is not None
    cut = {minute for minute, is_cut in ((begin, row[0]), (end, row[1])) if is_cut}
    return Edges(tuple(sorted(cut)), None if row[2] is None else (row[2], row[3]))


def collect(cursor: duckdb.DuckDBPyConnection, stretch: Stretch, shared: Shared, edges: Edges) -> bool:
    """Make ``theirs`` and ``ours``, what either side holds alone; whether both hold anything.

    A row's texts stand there as hashes (64 bits, compared within one moment only). ``moment`` is the time by which a
    row is compared: its minute where it or the whole export knows no seconds (``rough``).
    """
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE theirs AS SELECT *, 0::BIGINT AS slot FROM ({
            _features(
                "SELECT i.pos AS ref, epoch_us(i.ts) AS us, false AS rough, i.author, i.kind, i.text, i.media, "
                "i.edited, i.reply_to FROM incoming i "
                f"WHERE {within('i.ts', shared.first, shared.last)} "
                "AND i.pos IN (SELECT pos FROM placed WHERE known IS NULL)"
            )
        })"""
    )
    rough = "true" if stretch.to_minute else "false"
    if edges.rough and not stretch.to_minute:
        low, high = edges.rough
        rough = f"k.ts IS NULL AND epoch_us(m.ts) % {MINUTE} = 0 AND epoch_us(m.ts) BETWEEN {low} AND {high}"
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE ours AS
            SELECT *, CASE WHEN rough THEN minute ELSE us END AS moment, 0::BIGINT AS slot FROM ({
            _features(
                f"SELECT m.seq AS ref, epoch_us(coalesce(k.ts, m.ts)) AS us, {rough} AS rough, "
                "m.author, m.kind, m.text, m.media, m.edited, m.reply_to FROM messages m "
                "LEFT JOIN (SELECT same_as, max(ts) AS ts FROM known_as WHERE ts IS NOT NULL GROUP BY same_as) k "
                f"ON k.same_as = m.message_id WHERE {within('m.ts', shared.first, shared.last)} "
                "AND NOT EXISTS (SELECT 1 FROM placed p WHERE p.known = m.seq)"
            )
        })"""
    )
    row = cursor.execute("SELECT (SELECT count(*) FROM theirs), (SELECT count(*) FROM ours)").fetchone()
    return row is not None and row[0] > 0 and row[1] > 0


def _features(source: str) -> str:
    """What rows are compared by, of a query that gives ref, us, rough, author, kind, text, media, edited, reply_to."""
    return f"""
        SELECT ref, us, {minute_of("us")} AS minute, rough, kind, edited, reply_to IS NOT NULL AS answers,
               hash(author) AS person, hash(said) AS phrase,
               hash(author, said) AS words, {_FAMILY} AS family,
               CASE WHEN len(media) > 0 THEN hash(author, media[1]) END AS named,
               CASE WHEN {_CAPTIONED} THEN hash(author, regexp_replace(said, '{_FIRST_LINE}', '')) END AS caption
        FROM (SELECT *, {_SAID} AS said FROM ({source}))"""


def within(column: str, first: int, last: int) -> str:
    """From the minute ``first`` to the end of the minute ``last``, such that only their part of a table is read."""
    return f"{column} >= make_timestamptz({first}) AND {column} < make_timestamptz({last + MINUTE})"


def _floor(microseconds: int) -> int:
    return microseconds - microseconds % MINUTE


def minute_of(microseconds: str) -> str:
    """The start of the minute, of microseconds before 1970 too."""
    return f"({microseconds} - (({microseconds}) % {MINUTE} + {MINUTE}) % {MINUTE})"
