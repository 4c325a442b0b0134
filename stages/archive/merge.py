"""Exports flow into the archive: the union of their messages, in one order, with every name replaced.

Re-exports of a chat overlap. A message that both hold is kept once: it has the same id, or another id under which the
archive knows it by now, or it is found to be the same by alignment (:mod:`stages.archive.align`). What is in doubt is
kept twice, so that nothing is lost. A new message takes its place by time (:mod:`stages.archive.places`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from stages.archive.align import Aligned, align
from stages.archive.details import detail_columns, keep_details
from stages.archive.known import improve, look_up, remember
from stages.archive.overlap import read_stretch
from stages.archive.places import COLUMNS, put_in_place
from stages.archive.records import Attachment, NameRecord
from stages.archive.replace import replace_stored
from stages.archive.rewrite import Rewriter
from stages.archive.roster import (
    learn_names,
    missed_names,
    searched,
    settle_aliases,
    stored_names,
    with_aliases,
)
from stages.archive.store import Archive, borrow
from stages.privacy.guard import Guard

__all__ = ["MergeReport", "ParsedExport", "merge_export", "replace_stored", "stored_names"]


@dataclass(frozen=True)
class MergeReport:
    """Messages of the export that the archive had (``matched``) and had not (``added``).

    ``in_doubt`` of the added ones may repeat a message that is there. ``improved`` are stored messages of which the
    export knew more.
    """

    matched: int
    added: int
    in_doubt: int = 0
    improved: int = 0


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

    Exports of one run may have been parsed without each other's names: those are replaced here, in the rows of all.
    Cost: a first export or one that only continues the chat is appended (linear in the new messages); an older or
    interleaved one sorts what comes from its first new message on once; one that is worded differently is aligned,
    linear in what differs. A fixed number of statements, never one per message.
    """
    parsed = export.messages
    with borrow(archive_folder) as archive, archive.transaction() as cursor:
        export, learnt = _put_right(archive, cursor, export, key, run_id)
        if learnt and archive.count("messages"):
            replace_stored(archive, Guard.build(key, [], known=learnt))
        report, touched = _merge(archive, cursor, export)
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
        if touched or learnt:
            archive.touch("messages")
    if export.messages != parsed:
        export.messages.unlink()
    return report


def _put_right(
    archive: Archive, cursor: duckdb.DuckDBPyConnection, export: ParsedExport, key: bytes, run_id: str
) -> tuple[ParsedExport, list[NameRecord]]:
    """The export as if it had been parsed knowing the others of its run, and names to replace in what is stored."""
    moved = settle_aliases(cursor, export.names, key)
    names = with_aliases(export.names, moved) if moved else export.names
    missed = missed_names(cursor, names, run_id)
    learnt = searched(learn_names(cursor, names, run_id))
    if moved or missed:
        aliases = [name.alias for name in export.names if name.alias]
        rewriter = Rewriter(moved, aliases, Guard.build(key, [], known=missed) if missed else None)
        export = replace(
            export,
            messages=rewriter.rewrite(export.messages, archive.work / f"{export.messages.stem}-rewritten.parquet"),
            names=names,
            attachments=[replace(item, name=rewriter.file_name(item.name)) for item in export.attachments],
        )
    return export, learnt


def _merge(archive: Archive, cursor: duckdb.DuckDBPyConnection, export: ParsedExport) -> tuple[MergeReport, bool]:
    """The report, and whether anything that is shown has changed."""
    columns = detail_columns(export.messages)
    _view(cursor, export.messages, columns)
    stretch = read_stretch(cursor)
    if archive.count("messages") == 0:
        cursor.execute("CREATE OR REPLACE TEMP TABLE placed (pos BIGINT, known BIGINT)")
        keep_details(cursor, columns)
        cursor.execute(f"INSERT INTO messages SELECT pos, {COLUMNS} FROM incoming")
        report, changed = MergeReport(0, stretch.entries), True
    else:
        fresh = look_up(cursor, has_aliases=archive.count("known_as") > 0)
        aligned = align(cursor, stretch) if fresh else Aligned(0, 0)
        if aligned.matched:
            remember(cursor, stretch)
        if stretch.answers and archive.count("known_as"):
            _view(cursor, export.messages, columns, rename_answered=True)
        improved = improve(cursor)
        told = keep_details(cursor, columns)
        moved = put_in_place(cursor)
        added = fresh - aligned.matched
        report = MergeReport(stretch.entries - added, added, aligned.in_doubt, improved)
        changed = bool(moved or improved or told)
    cursor.execute(
        "INSERT INTO stretches VALUES (?, make_timestamptz(?), make_timestamptz(?), ?)",
        [export.sha256, stretch.first, stretch.last, stretch.to_minute],
    )
    for table in ("placed", "pairs", "counted", "theirs", "ours"):
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
    cursor.execute("DROP VIEW incoming")
    return report, changed


def _view(
    cursor: duckdb.DuckDBPyConnection, parquet: Path, details: Sequence[str], *, rename_answered: bool = False
) -> None:
    """The export's rows as ``incoming``; with ``rename_answered`` replies name the ids of the archive."""
    columns = ", ".join(f"f.{name}" for name in [*COLUMNS.split(", "), *details])
    source = f"read_parquet('{_quoted(parquet)}') f"
    if rename_answered:
        columns = columns.replace("f.reply_to", "coalesce(k.same_as, f.reply_to) AS reply_to")
        source += " LEFT JOIN known_as k ON k.message_id = f.reply_to"
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT f.seq AS pos, {columns} FROM {source}")


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


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
