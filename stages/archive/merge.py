"""Exports flow into the archive: the union by ``message_id``, in one order, with every name replaced.

Re-exports of a chat overlap. A message that both hold is kept once. A new message takes its place by time; where
times tie it stands behind the message that it follows in its own export, so that both exports' orders survive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.records import Attachment, NameRecord
from stages.archive.store import Archive, borrow
from stages.enrich.store import TaskStore
from stages.privacy.guard import Guard

_COLUMNS = "message_id, ts, author, kind, text, text_bytes, media, reply_to, edited"


@dataclass(frozen=True)
class MergeReport:
    """Messages of the export that the archive had (``matched``) and had not (``added``).

    ``in_doubt`` of the added ones may repeat a message that is there.
    """

    matched: int
    added: int
    in_doubt: int = 0


@dataclass(frozen=True)
class ParsedExport:
    """What a parsed export hands to the archive: its identity, its reading, and the Parquet file of its messages."""

    sha256: str
    reading: str
    platform: str
    format: str
    messages: Path
    names: Sequence[NameRecord]
    attachments: Sequence[Attachment]


def merge_export(archive_folder: str, export: ParsedExport, *, key: bytes, run_id: str) -> MergeReport:
    """Merge one parsed export in one transaction.

    Cost: a first export or one that only continues the chat is appended (linear in the new messages); an older or
    interleaved one sorts the table once. Never a statement per message.
    """
    with borrow(archive_folder) as archive, archive.transaction() as cursor:
        learnt = _learn(cursor, export.names)
        if learnt and archive.count("messages"):
            replace_stored(archive, Guard.build(key, [], known=learnt))
        report = _merge(cursor, export.messages)
        _keep_attachments(cursor, export.attachments)
        cursor.execute(
            "INSERT OR REPLACE INTO exports VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                export.sha256,
                run_id,
                export.platform,
                export.format,
                export.reading,
                report.matched + report.added,
                report.matched,
                report.added,
            ],
        )
        if report.added or learnt:
            archive.touch("messages")
    return report


def stored_names(cursor: duckdb.DuckDBPyConnection) -> list[NameRecord]:
    """Every name, number and address that was ever seen in the chat, as MACs."""
    rows = cursor.execute("SELECT mac, head, words, kind, common, alias FROM names ORDER BY kind, mac").fetchall()
    return [NameRecord(*row) for row in rows]


def _learn(cursor: duckdb.DuckDBPyConnection, names: Sequence[NameRecord]) -> list[NameRecord]:
    """Keep the names that are new and return them."""
    had = {(mac, kind) for mac, kind in cursor.execute("SELECT mac, kind FROM names").fetchall()}
    new = list({(name.mac, name.kind): name for name in names if (name.mac, name.kind) not in had}.values())
    if new:
        rows = pa.table(
            {
                "mac": pa.array([name.mac for name in new], pa.string()),
                "head": pa.array([name.head for name in new], pa.string()),
                "words": pa.array([name.words for name in new], pa.int32()),
                "kind": pa.array([name.kind for name in new], pa.string()),
                "common": pa.array([name.common for name in new], pa.bool_()),
                "alias": pa.array([name.alias for name in new], pa.string()),
            }
        )
        cursor.register("learnt", rows)
        cursor.execute("INSERT INTO names SELECT * FROM learnt")
        cursor.unregister("learnt")
    return new


def replace_stored(archive: Archive, guard: Guard) -> int:
    """Replace names that were learnt just now in what is stored already; returns the messages that changed.

    One pass over the texts in batches, one UPDATE for all rows that changed. Posts are rewritten in place, so that
    no model is asked again for a window whose only change is a name.
    """
    cursor = archive.cursor()
    changed: list[pa.Table] = []
    reader = cursor.execute("SELECT seq, text, media FROM messages").to_arrow_reader(100_000)
    for batch in reader:
        before = batch.column("text")
        after = guard.texts(before)
        hits = pc.not_equal(before, after)
        if pc.any(hits).as_py():
            changed.append(pa.table({"seq": batch.column("seq").filter(hits), "text": after.filter(hits)}))
    rows = 0
    if changed:
        table = pa.concat_tables(changed)
        rows = table.num_rows
        cursor.register("changed", table)
        cursor.execute(
            "UPDATE messages SET text = changed.text, text_bytes = strlen(changed.text)::INTEGER "
            "FROM changed WHERE messages.seq = changed.seq"
        )
        cursor.unregister("changed")
    _rename_media(cursor, guard)
    _replace_posts(cursor, guard)
    return rows


def _rename_media(cursor: duckdb.DuckDBPyConnection, guard: Guard) -> None:
    names = [name for (name,) in cursor.execute("SELECT DISTINCT unnest(media) FROM messages").fetchall()]
    renamed = {name: guard.file_name(name) for name in names}
    renamed = {old: new for old, new in renamed.items() if old != new}
    if not renamed:
        return
    cursor.register("renamed", pa.table({"old": list(renamed), "new": list(renamed.values())}))
    cursor.execute("CREATE OR REPLACE TEMP TABLE new_names AS SELECT * FROM renamed")
    cursor.unregister("renamed")
    cursor.execute(
        """UPDATE messages SET media = fresh.media FROM (
             SELECT seq, list(coalesce(n.new, name) ORDER BY place) AS media
             FROM (SELECT seq, unnest(media) AS name, generate_subscripts(media, 1) AS place FROM messages
                   WHERE list_has_any(media, (SELECT list(old) FROM new_names)))
             LEFT JOIN new_names n ON n.old = name GROUP BY seq) fresh
           WHERE messages.seq = fresh.seq"""
    )
    cursor.execute("UPDATE attachments SET name = n.new FROM new_names n WHERE attachments.name = n.old")
    TaskStore(cursor).rename(renamed.items())


def _replace_posts(cursor: duckdb.DuckDBPyConnection, guard: Guard) -> None:
    rows = cursor.execute("SELECT signature, posts FROM outcomes WHERE posts <> '[]'").fetchall()
    fresh = [(signature, guard.text(posts)) for signature, posts in rows]
    changed = [(signature, posts) for (signature, posts), (_, old) in zip(fresh, rows, strict=True) if posts != old]
    if not changed:
        return
    cursor.register(
        "changed", pa.table({"signature": [row[0] for row in changed], "posts": [row[1] for row in changed]})
    )
    cursor.execute("UPDATE outcomes SET posts = c.posts FROM changed c WHERE outcomes.signature = c.signature")
    # an address that held a name is given anew
    cursor.execute("DELETE FROM slugs WHERE signature IN (SELECT signature FROM changed)")
    cursor.unregister("changed")


def _merge(cursor: duckdb.DuckDBPyConnection, parquet: Path) -> MergeReport:
    cursor.execute(
        f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT seq AS pos, {_COLUMNS} FROM read_parquet('{_quoted(parquet)}')"
    )
    total = _number(cursor, "SELECT count(*) FROM incoming")
    have = _number(cursor, "SELECT count(*) FROM messages")
    if have == 0:
        cursor.execute(f"INSERT INTO messages SELECT pos, {_COLUMNS} FROM incoming")
        return MergeReport(0, total)
    cursor.execute(
        """CREATE OR REPLACE TEMP TABLE fresh AS
           SELECT i.*, coalesce(max(m.seq) OVER (
               PARTITION BY i.ts ORDER BY i.pos ROWS UNBOUNDED PRECEDING), -1) AS anchor, m.seq AS known
           FROM incoming i LEFT JOIN messages m USING (message_id)"""
    )
    cursor.execute("DELETE FROM fresh WHERE known IS NOT NULL")
    added = _number(cursor, "SELECT count(*) FROM fresh")
    if added == 0:
        return MergeReport(total, 0)
    behind = _number(cursor, "SELECT count(*) FROM fresh WHERE ts <= (SELECT max(ts) FROM messages)")
    if behind == 0:
        cursor.execute(
            f"INSERT INTO messages SELECT {have} + row_number() OVER (ORDER BY pos) - 1 AS seq, {_COLUMNS} FROM fresh "
            "ORDER BY seq"
        )
    else:
        cursor.execute(
            f"""CREATE OR REPLACE TEMP TABLE merged AS
                SELECT row_number() OVER (ORDER BY ts, anchor, is_new, pos) - 1 AS seq, {_COLUMNS} FROM (
                  SELECT seq AS anchor, 0 AS is_new, 0 AS pos, {_COLUMNS} FROM messages
                  UNION ALL BY NAME SELECT anchor, 1 AS is_new, pos, {_COLUMNS} FROM fresh)"""
        )
        cursor.execute("DELETE FROM messages")
        cursor.execute(f"INSERT INTO messages SELECT seq, {_COLUMNS} FROM merged ORDER BY seq")
        cursor.execute("DROP TABLE merged")
    cursor.execute("DROP TABLE fresh")
    return MergeReport(total - added, added)


def _keep_attachments(cursor: duckdb.DuckDBPyConnection, attachments: Sequence[Attachment]) -> None:
    if not attachments:
        return
    rows = {attachment.name: attachment for attachment in reversed(attachments)}
    cursor.register(
        "seen",
        pa.table(
            {
                "name": list(rows),
                "export": [row.export for row in rows.values()],
                "member": pa.array([row.member for row in rows.values()], pa.int64()),
                "size": pa.array([row.size for row in rows.values()], pa.int64()),
            }
        ),
    )
    # the newest export holds the bytes: an earlier one may be gone by now
    cursor.execute("INSERT OR REPLACE INTO attachments SELECT name, export, member, size FROM seen")
    cursor.unregister("seen")


def _number(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    row = cursor.execute(query).fetchone()
    return int(row[0]) if row else 0


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
