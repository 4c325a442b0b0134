"""Candidates of an archive enter its task store, each once for ever."""

from dataclasses import dataclass

import duckdb

from stages.archive.store import borrow
from stages.enrich.candidates import find_candidates, find_mentions, limit_links, with_hidden_links
from stages.enrich.store import TaskStore


@dataclass(frozen=True)
class QueueReport:
    """``items`` candidates were found, ``added`` of them are new, ``left_out`` links passed the limit."""

    items: int
    added: int
    left_out: int


def enqueue_candidates(archive_folder: str, *, max_links: int) -> QueueReport:
    """Find the candidates of all messages and queue those that are new; remember which message speaks of which.

    Cost: two passes over the texts that can hold a link, and three statements whatever the number; nothing when no
    message changed since the last time.
    """
    with borrow(archive_folder) as archive:
        mark = f"{archive.revision('messages')}:{max_links}"
        if archive.meta("queued") == mark:
            return QueueReport(archive.count("tasks"), 0, int(archive.meta("links_left_out") or 0))
        cursor = archive.cursor()
        messages = (cursor, _with_hidden_links(cursor))
        candidates, left_out = limit_links(find_candidates(messages), max_links)
        mentions = find_mentions(messages)
        with archive.transaction() as cursor:
            added = TaskStore(cursor).enqueue(candidates)
            cursor.register("found_mentions", mentions)
            cursor.execute("DELETE FROM mentions")
            cursor.execute("INSERT INTO mentions SELECT seq, key FROM found_mentions")
            cursor.unregister("found_mentions")
            archive.set_meta(queued=mark, links_left_out=str(left_out))
        return QueueReport(candidates.num_rows, added, left_out)


def _with_hidden_links(cursor: duckdb.DuckDBPyConnection) -> str:
    """The name of the messages to look into: with the links that their texts hide, where a source has such links."""
    row = cursor.execute("SELECT count(links) FROM details").fetchone()
    if not row or not row[0]:
        return "messages"
    joined = "(SELECT seq, media, text, links FROM messages LEFT JOIN details USING (message_id))"
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW told_messages AS SELECT * FROM {with_hidden_links(joined)}")
    return "told_messages"
