"""Which windows want a post: the whole archive is cut, each window is signed, and what is not yet known is asked for.

Windows are planned over the whole archive, whatever range a person asked for, so that tomorrow's run re-cuts nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa

from stages.archive.store import Archive, borrow
from stages.settings import Settings
from stages.windows.archive import window_spec
from stages.windows.columns import TableError
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.write.writer import signature


@dataclass(frozen=True)
class Selection:
    """What a person narrowed the run to; ``refresh`` writes windows anew although they are known."""

    days: int | None = None
    from_date: date | None = None
    to_date: date | None = None
    refresh: bool = False
    window: int | None = None


@dataclass(frozen=True)
class ArchivePlan:
    """``items`` windows in all; ``todo`` are the rows of the plan of those to write, in order: ``window_index``,
    ``start_seq``, ``end_seq``, ``n_messages``, ``n_bytes``."""

    items: int
    todo: pa.Table

    @property
    def todo_bytes(self) -> int:
        """What the windows to write weigh together."""
        return int(self.todo.column("n_bytes").to_numpy().sum())


def plan_archive(archive_folder: str, *, settings: Settings, selection: Selection) -> ArchivePlan:
    """Cut the archive, keep the plan, and return the windows to write.

    Cost: one query for planning, one pass over the ids for the signatures, three statements in all to keep and select;
    linear in the messages. Messages are stored in the order of ``seq`` by every merge, so neither query sorts: planning
    takes rows in any order, and signing verifies theirs on the way. Where attachments were renamed or came later, the
    database has moved those messages to the table's end: then the ids are read once more, sorted.
    """
    with borrow(archive_folder) as archive:
        timezone = archive.meta("timezone") or settings.archive.timezone
        cursor = archive.cursor()
        reader = cursor.execute("SELECT seq, ts, author, text_bytes FROM messages").to_arrow_reader(1 << 18)
        plan = plan_windows(reader, window_spec(settings.windows, timezone))
        signed = plan.append_column("signature", pa.array(_signatures(archive, plan, settings), pa.string()))
        _keep(archive, signed)
        return ArchivePlan(plan.num_rows, _todo(cursor, selection, timezone))


def _signatures(archive: Archive, plan: pa.Table, settings: Settings) -> list[str]:
    parameters = parameters_of(settings)
    seqs, digests = _known_enrichments(archive)
    starts, ends = (plan.column(name).to_numpy() for name in ("start_seq", "end_seq"))
    firsts, lasts = np.searchsorted(seqs, starts), np.searchsorted(seqs, ends)

    def sign(query: str) -> list[str]:
        reader = archive.cursor().execute(query).to_arrow_reader(1 << 18)
        signatures = []
        for index, messages in read_windows(reader, plan, columns=["message_id"]):
            known = hashlib.blake2b(digest_size=16)
            for digest in sorted(set(digests[firsts[index] : lasts[index]])):
                known.update(digest)
            ids = messages.column("message_id")
            signatures.append(signature(ids, known.hexdigest(), settings.llm.model, parameters))
        return signatures

    try:
        return sign("SELECT seq, message_id FROM messages")
    except TableError:
        # an update of a list, such as the names of attachments, moves its rows behind all others
        return sign("SELECT seq, message_id FROM messages ORDER BY seq")


# What the prompt and the post are made from, spelt as the first version spelt a whole row, so that its archives are
# signed as they were. Of a page that is what it says: its date and the look of its card are the site's alone. The other
# columns of a file change with its content and never alone.
_DIGEST: Final = r"""md5(to_json({
    key: e.key, kind: e.kind, value: e.value, title: e.title, text: e.text, alt: e.alt, transcript: e.transcript,
    mime: if(e.kind = 'url', NULL, e.mime), width: if(e.kind = 'url', NULL, e.width),
    height: if(e.kind = 'url', NULL, e.height), bytes: if(e.kind = 'url', NULL, e.bytes),
    sha256: if(e.kind = 'url', NULL, e.sha256), files: if(e.kind = 'url', '[]', e.files), fetched: e.fetched
    })::VARCHAR
    || if(e.seconds IS NULL OR coalesce(e.alt, '') SIMILAR TO '.*, \d+:\d\d', '', round(e.seconds)::VARCHAR))"""


def _known_enrichments(archive: Archive) -> tuple["np.ndarray[tuple[int], np.dtype[np.int64]]", list[bytes]]:
    """(seq of a message, digest of one thing known about what it mentions), ordered by seq."""
    table = (
        archive.cursor()
        .execute(
            f"""SELECT m.seq, {_DIGEST} AS digest
               FROM mentions m JOIN enrichments e USING (key) ORDER BY m.seq, digest"""
        )
        .to_arrow_table()
    )
    return table.column("seq").to_numpy(), [value.encode() for value in table.column("digest").to_pylist()]


def _keep(archive: Archive, signed: pa.Table) -> None:
    """Replace the stored plan when it differs, in one transaction."""
    names = ", ".join(signed.column_names)
    with archive.transaction() as cursor:
        cursor.register("planned", signed)
        same = cursor.execute(
            f"""SELECT (SELECT count(*) FROM windows) = (SELECT count(*) FROM planned) AND NOT EXISTS (
                  SELECT {names} FROM planned EXCEPT SELECT {names} FROM windows)"""
        ).fetchone()
        if not (same and same[0]):
            cursor.execute("DELETE FROM windows")
            cursor.execute(f"INSERT INTO windows ({names}) SELECT {names} FROM planned")
            archive.touch("posts")
        cursor.unregister("planned")


def _todo(cursor: duckdb.DuckDBPyConnection, selection: Selection, timezone: str) -> pa.Table:
    low, high = _range(cursor, selection, timezone)
    conditions = ["w.own_end_seq > ?", "w.own_start_seq < ?"]
    values: list[int] = [low, high]
    if selection.refresh and selection.window is not None:
        conditions.append("w.window_index = ?")
        values.append(selection.window)
    elif not selection.refresh:
        conditions.append("o.signature IS NULL")
    return cursor.execute(
        f"""SELECT window_index, start_seq, end_seq, n_messages, n_bytes
            FROM windows w LEFT JOIN outcomes o USING (signature)
            WHERE {" AND ".join(conditions)} ORDER BY window_index""",
        values,
    ).to_arrow_table()


def _range(cursor: duckdb.DuckDBPyConnection, selection: Selection, timezone: str) -> tuple[int, int]:
    """The half-open range of ``seq`` that the dates select."""
    last = cursor.execute("SELECT max(ts) FROM messages").fetchone()
    lowest = datetime.min.replace(tzinfo=UTC, year=1000)
    highest = datetime.max.replace(tzinfo=UTC, year=8999)
    zone = ZoneInfo(timezone)
    if selection.from_date:
        lowest = datetime.combine(selection.from_date, time(), zone)
    if selection.to_date:
        highest = datetime.combine(selection.to_date + timedelta(days=1), time(), zone)
    if selection.days and last and last[0]:
        lowest = max(lowest, last[0] - timedelta(days=selection.days))
    row = cursor.execute(
        "SELECT count(*) FILTER (ts < ?), count(*) FILTER (ts < ?) FROM messages", [lowest, highest]
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def parameters_of(settings: Settings) -> Mapping[str, object]:
    """What, beside the model's name, changes its answers."""
    return {
        "temperature": settings.llm.temperature,
        "max_tokens": settings.llm.max_tokens,
        "language": settings.site.language,
    }
