"""What few sources tell of a message: its reactions, its topic, and addresses that its text does not show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS: Final = {"reactions": "INTEGER", "topic": "VARCHAR", "links": "VARCHAR[]"}


@dataclass(frozen=True)
class Details:
    """``reactions`` counts all of them, None where the source counts none; ``links`` in the order of the source."""

    reactions: int | None = None
    topic: str | None = None
    links: tuple[str, ...] = ()


def details(cursor: duckdb.DuckDBPyConnection, message_ids: Sequence[str] | None = None) -> dict[str, Details]:
    """The details of those messages that have any, by id; of all messages where none are named. One query."""
    query = "SELECT message_id, reactions, topic, links FROM details"
    if message_ids is None:
        rows = cursor.execute(f"{query} ORDER BY message_id").fetchall()
    else:
        cursor.register("asked", pa.table({"message_id": pa.array(message_ids, pa.string())}))
        rows = cursor.execute(f"{query} SEMI JOIN asked USING (message_id) ORDER BY message_id").fetchall()
        cursor.unregister("asked")
    return {identity: Details(reactions, topic, tuple(links or ())) for identity, reactions, topic, links in rows}


def detail_columns(parquet: Path) -> list[str]:
    """Which of the columns an export has."""
    return [name for name in pq.read_schema(parquet).names if name in COLUMNS]


def keep_details(cursor: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> int:
    """Keep what the rows of the view ``incoming`` tell, under the ids of the archive; returns the rows that changed.

    ``placed`` says which stored message an incoming one is (``known`` is a seq). What this export tells replaces what
    was told before, what it is silent about stays.
    """
    if not columns:
        return 0
    given = {name: f"i.{name}" if name in columns else "NULL" for name in COLUMNS}
    if "links" in columns:
        given["links"] = "CASE WHEN len(i.links) > 0 THEN i.links END"
    told = " OR ".join(f"{given[name]} IS NOT NULL" for name in columns)
    newest = ", ".join(f"coalesce({given[name]}, d.{name})::{kind} AS {name}" for name, kind in COLUMNS.items())
    differs = " OR ".join(f"t.{name} IS DISTINCT FROM d.{name}" for name in COLUMNS)
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE told AS
            WITH t AS (
              SELECT coalesce(m.message_id, i.message_id) AS message_id, {newest}
              FROM incoming i LEFT JOIN placed p USING (pos) LEFT JOIN messages m ON m.seq = p.known
              LEFT JOIN details d ON d.message_id = coalesce(m.message_id, i.message_id)
              WHERE {told})
            SELECT t.* FROM t LEFT JOIN details d USING (message_id) WHERE d.message_id IS NULL OR {differs}"""
    )
    row = cursor.execute("SELECT count(*) FROM told").fetchone()
    changed = int(row[0]) if row else 0
    if changed:
        cursor.execute("DELETE FROM details WHERE message_id IN (SELECT message_id FROM told)")
        cursor.execute("INSERT INTO details SELECT message_id, reactions, topic, links FROM told")
    cursor.execute("DROP TABLE told")
    return changed
