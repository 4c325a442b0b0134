"""Rows of exports that tests make up, merged into an archive without a text to parse, and what is stored then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq

from stages.archive.merge import MergeReport, ParsedExport, merge_export
from stages.archive.schema import MESSAGES
from stages.archive.store import Archive

KEY = bytes(range(32))
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
NUMBERS = count()


@dataclass(frozen=True)
class Row:
    """A message as an export has it; ``ts`` seconds after START, ``place`` its position or seq."""

    place: int
    id: str
    ts: int
    author: str | None = "Quiet Heron"
    kind: str = "text"
    text: str = "text"
    media: tuple[str, ...] = ()
    edited: bool = False

    @property
    def minute(self) -> int:
        return self.ts // 60


@dataclass
class Stored:
    """What an archive holds: messages in ``seq`` order, other ids (and the second that they tell), exports' times."""

    rows: list[Row]
    known_as: dict[str, tuple[str, int | None]]
    stretches: list[tuple[int, int, bool]]
    guesses: set[str]


def empty(archive: Archive) -> None:
    """Take out everything that merging put in."""
    for table in ("messages", "exports", "stretches", "tie_breaks", "known_as"):
        archive.cursor().execute(f"DELETE FROM {table}")


def merge_rows(archive: Archive, rows: Sequence[Row]) -> MergeReport:
    """Merge an export of these rows."""
    number = next(NUMBERS)
    table = pa.table(
        {
            "seq": range(len(rows)),
            "message_id": [row.id for row in rows],
            "ts": [START + timedelta(seconds=row.ts) for row in rows],
            "author": pa.array([row.author for row in rows], pa.string()),
            "kind": [row.kind for row in rows],
            "text": [row.text for row in rows],
            "text_bytes": [len(row.text.encode()) for row in rows],
            "media": pa.array([row.media for row in rows], pa.list_(pa.string())),
            "reply_to": pa.array([None] * len(rows), pa.string()),
            "edited": [row.edited for row in rows],
        }
    )
    # a new name each time: what DuckDB has read of a file it keeps
    path = archive.work / f"rows-{number}.parquet"
    pq.write_table(table.cast(MESSAGES), path)
    export = ParsedExport(f"{number:064x}", "dmy", "whatsapp", "made up", path, (), ())
    return merge_export(str(archive.folder), export, key=KEY, run_id="run")


def look(archive: Archive) -> Stored:
    """What is stored now."""
    cursor = archive.cursor()
    rows = cursor.execute(
        "SELECT seq, message_id, ts, author, kind, text, media, edited FROM messages ORDER BY seq"
    ).fetchall()
    known = cursor.execute("SELECT message_id, same_as, ts FROM known_as").fetchall()
    spans = cursor.execute("SELECT first_ts, last_ts, to_minute FROM stretches").fetchall()
    return Stored(
        [Row(seq, name, _seconds(ts), *rest[:3], tuple(rest[3]), rest[4]) for seq, name, ts, *rest in rows],
        {name: (same, None if ts is None else _seconds(ts)) for name, same, ts in known},
        [(_seconds(first), _seconds(last), rough) for first, last, rough in spans],
        {name for (name,) in cursor.execute("SELECT message_id FROM tie_breaks").fetchall()},
    )


def _seconds(ts: datetime) -> int:
    return int((ts - START).total_seconds())
