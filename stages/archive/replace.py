"""Names that were learnt later are replaced in what is stored already."""

from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.store import Archive
from stages.enrich.store import TaskStore
from stages.privacy.guard import Guard

_TOLD: Final = ("title", "text", "alt", "transcript", "site")
"""What of an enrichment is words."""


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
    _replace_details(cursor, guard)
    _replace_enrichments(cursor, guard)
    _replace_posts(cursor, guard)
    return rows


def _replace_details(cursor: duckdb.DuckDBPyConnection, guard: Guard) -> None:
    """Topics and hidden links are few different ones, or belong to few messages."""
    told = cursor.execute(
        "SELECT DISTINCT topic FROM details WHERE topic IS NOT NULL UNION SELECT DISTINCT unnest(links) FROM details"
    ).fetchall()
    fresh = {value: guard.text(value) for (value,) in told if value is not None}
    fresh = {old: new for old, new in fresh.items() if old != new}
    if not fresh:
        return
    cursor.register("renamed", pa.table({"old": list(fresh), "new": list(fresh.values())}))
    cursor.execute("UPDATE details SET topic = n.new FROM renamed n WHERE details.topic = n.old")
    cursor.execute(
        """UPDATE details SET links = fresh.links FROM (
             SELECT message_id, list(coalesce(n.new, link) ORDER BY place) AS links
             FROM (SELECT message_id, unnest(links) AS link, generate_subscripts(links, 1) AS place FROM details)
             LEFT JOIN renamed n ON n.old = link GROUP BY message_id) fresh
           WHERE details.message_id = fresh.message_id"""
    )
    cursor.unregister("renamed")


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


def _replace_enrichments(cursor: duckdb.DuckDBPyConnection, guard: Guard) -> None:
    """What pages and files say of themselves. A link whose address held the name goes: the texts hold it no more."""
    links = cursor.execute("SELECT DISTINCT value FROM tasks WHERE kind = 'url'").fetchall()
    held = [value for (value,) in links if guard.text(value) != value]
    if held:
        TaskStore(cursor).forget(held)
    told = cursor.execute(f"SELECT key, {', '.join(_TOLD)} FROM enrichments").fetchall()
    fresh = [(row[0], *(value and guard.text(value) for value in row[1:])) for row in told]
    changed = [new for new, old in zip(fresh, told, strict=True) if new != old]
    if not changed:
        return
    columns = [pa.array(values, pa.string()) for values in zip(*changed, strict=True)]
    cursor.register("changed", pa.table(columns, names=["key", *_TOLD]))
    assignments = ", ".join(f"{name} = c.{name}" for name in _TOLD)
    cursor.execute(f"UPDATE tasks SET {assignments} FROM changed c WHERE tasks.key = c.key")
    cursor.unregister("changed")


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
