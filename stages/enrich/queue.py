"""Candidates of an archive enter its task store, each once for ever."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from stages.archive.store import Archive, borrow, to_json
from stages.enrich.candidates import find_candidates, find_mentions, with_hidden_links
from stages.enrich.limits import LeftOut, Limits, limit_candidates
from stages.enrich.store import TaskStore
from stages.settings import Settings


@dataclass(frozen=True)
class QueueReport:
    """``items`` candidates are taken up, ``added`` of them are new, ``left_out`` are past a limit; ``limited`` says
    how many of which kind are past which."""

    items: int
    added: int
    left_out: int
    limited: tuple[LeftOut, ...] = ()


def enqueue_candidates(archive_folder: str, *, settings: Settings) -> QueueReport:
    """Find the candidates of all messages and queue those that are new; remember which message speaks of which.

    Cost: two passes over the texts that can hold a link, and four statements whatever the number; where there are
    more candidates than a window may bring, windows are planned as well (a pass over two columns); no statement at all
    when no message and no setting that matters here changed since the last time.
    """
    limits = Limits.of(settings)
    with borrow(archive_folder) as archive:
        mark = to_json([archive.revision("messages"), asdict(limits), settings.windows.model_dump()])
        known = archive.meta("candidates")
        if archive.meta("queued") == mark and known is not None:
            return _report(int(known), 0, _known(archive))
        cursor = archive.cursor()
        messages = (cursor, _with_hidden_links(cursor))
        found = find_candidates(messages)
        candidates, limited = limit_candidates(found, limits, _planned(archive, settings))
        mentions = find_mentions(messages)
        with archive.transaction() as cursor:
            store = TaskStore(cursor)
            store.refresh(found)  # what was queued before stays, be it past a limit now
            added = store.enqueue(candidates)
            cursor.register("found_mentions", mentions)
            cursor.execute("DELETE FROM mentions")
            cursor.execute("INSERT INTO mentions SELECT seq, key FROM found_mentions")
            cursor.unregister("found_mentions")
            taken = str(candidates.num_rows)
            archive.set_meta(queued=mark, candidates=taken, left_out=json.dumps([asdict(row) for row in limited]))
        return _report(candidates.num_rows, added, limited)


def _report(items: int, added: int, limited: tuple[LeftOut, ...]) -> QueueReport:
    return QueueReport(items, added, sum(row.candidates for row in limited), limited)


def _known(archive: Archive) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(**row) for row in json.loads(archive.meta("left_out") or "[]"))


def _planned(archive: Archive, settings: Settings) -> Callable[[], pa.Table]:
    def plan() -> pa.Table:
        from stages.windows.archive import window_spec
        from stages.windows.plan import plan_windows

        timezone = archive.meta("timezone") or settings.archive.timezone
        reader = archive.cursor().execute("SELECT seq, ts, author, text_bytes FROM messages").to_arrow_reader(1 << 18)
        return plan_windows(reader, window_spec(settings.windows, timezone))

    return plan


def _with_hidden_links(cursor: duckdb.DuckDBPyConnection) -> str:
    """The name of the messages to look into: with the links that their texts hide, where a source has such links."""
    row = cursor.execute("SELECT count(links) FROM details").fetchone()
    if not row or not row[0]:
        return "messages"
    joined = "(SELECT seq, media, text, links FROM messages LEFT JOIN details USING (message_id))"
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW told_messages AS SELECT * FROM {with_hidden_links(joined)}")
    return "told_messages"
