"""What became of each window is kept by its signature, so that it is never written, or paid for, twice."""

from collections.abc import Sequence

import pyarrow as pa

from stages.archive.store import Archive, to_json
from stages.write.writer import WindowOutcome


def keep_outcomes(archive: Archive, outcomes: Sequence[WindowOutcome], run_id: str) -> None:
    """Keep a batch of outcomes in one transaction; an outcome that was kept before gives way."""
    if not outcomes:
        return
    rows = pa.table(
        {
            "signature": [outcome.signature for outcome in outcomes],
            "status": [outcome.status for outcome in outcomes],
            "posts": [to_json([post.model_dump(mode="json") for post in outcome.posts]) for outcome in outcomes],
            "model": [outcome.by for outcome in outcomes],
            "error": pa.array([outcome.error for outcome in outcomes], pa.string()),
            "run_id": [run_id] * len(outcomes),
        }
    )
    with archive.transaction() as cursor:
        cursor.register("fresh_outcomes", rows)
        cursor.execute("DELETE FROM outcomes WHERE signature IN (SELECT signature FROM fresh_outcomes)")
        cursor.execute("INSERT INTO outcomes SELECT * FROM fresh_outcomes")
        cursor.unregister("fresh_outcomes")
        archive.touch("posts")


def forget_failures(archive: Archive) -> int:
    """Windows whose writing failed for good want a post again; returns how many."""
    with archive.transaction() as cursor:
        rows = cursor.execute("DELETE FROM outcomes WHERE status = 'failed' RETURNING signature").fetchall()
    return len(rows)
