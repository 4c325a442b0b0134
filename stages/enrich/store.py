"""The task store: a row a candidate, unique by key, with a state, attempts and a lease; its result when it is done.

``pending -> claimed -> done``, or back to ``pending`` (failed in passing, lease run out, released), or ``dead`` (failed
for good, or too often) until :meth:`TaskStore.retry_dead`. Every operation on a batch is one SQL statement, so that a
crash leaves all of it or none. The result stands in the task's own row for that reason; ``enrichments`` is a view. A
result stays what is known while it is made anew, and where that fails: what was learnt once is not lost again.

The archive's own process alone writes, one thread claims, and time comes in as an argument.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.records import Enrichment, Failure
from stages.enrich.kinds import file_key
from stages.enrich.schema import KNOWN, RESULT

STATES: Final = ("pending", "claimed", "done", "dead")

_ENRICHMENTS: Final = pa.schema(
    [("key", pa.string())]
    + [(name, pa.string()) for name in ("title", "text", "alt", "transcript", "mime")]
    + [("width", pa.int64()), ("height", pa.int64()), ("bytes", pa.int64())]
    + [("sha256", pa.string()), ("files", pa.string()), ("fetched", pa.bool_())]
    + [("site", pa.string()), ("published", pa.string()), ("language", pa.string()), ("seconds", pa.float64())]
    + [(name, pa.string()) for name in ("preview", "look", "sizes", "told_by")]
)
_FAILURES: Final = pa.schema([("key", pa.string()), ("error_class", pa.string()), ("reason", pa.string())])
_LISTS: Final = ("files", "sizes")
_BATCH: Final = "enrichment_batch"
_UNFETCHED: Final = "kind = 'url' AND NOT coalesce(fetched, false)"
_DIES: Final = "attempts >= $limit AND kind <> 'url'"
_GAVE_UP: Final = "The program ended every time this was being worked on."


@dataclass(frozen=True)
class Task:
    """A claimed candidate; ``attempts`` were made before. ``tried``: it failed before, so that what others remember of
    its failing is no reason not to try it. ``known``: the store holds a result of it, which is to be made anew or
    whole."""

    key: str
    kind: str
    value: str
    first_seq: int
    n_messages: int
    attempts: int
    tried: bool = False
    known: bool = False

    @property
    def suspect(self) -> bool:
        """Whether the program ended while this was being worked on. Pages are read in other processes: no link is."""
        return self.attempts > 0 and not self.tried and self.kind != "url"


@dataclass(frozen=True)
class DeadLetter:
    """A candidate that was given up, and why."""

    key: str
    kind: str
    value: str
    attempts: int
    error_class: str
    reason: str


class TaskStore:
    """The store on one connection (or one thread's cursor) of the archive; the tables must be there already.

    An operation on a batch is one statement: its cost grows with the batch and with one scan of the store's states.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def enqueue(self, candidates: pa.Table) -> int:
        """Queue the candidates (columns of ``find_candidates``) whose keys are new; returns how many were."""
        columns, grouped = "key, kind, value, first_seq, n_messages", ""
        if pc.count_distinct(candidates["key"]).as_py() < candidates.num_rows:
            columns = "key, any_value(kind), any_value(value), min(first_seq), max(n_messages)"
            grouped = "GROUP BY key"
        with self._registered(candidates):
            return self._changed(
                f"""INSERT INTO tasks (key, kind, value, first_seq, n_messages, state, attempts, fetched)
                    SELECT {columns}, 'pending', 0, false FROM {_BATCH} ANTI JOIN tasks USING (key) {grouped}"""
            )

    def refresh(self, candidates: pa.Table) -> int:
        """Give what is queued the places and numbers of messages that these candidates have now; returns how many
        changed: the chat has grown, before or behind them."""
        with self._registered(candidates.select(["key", "first_seq", "n_messages"])):
            return self._changed(
                f"""UPDATE tasks SET first_seq = batch.first_seq, n_messages = batch.n_messages
                    FROM {_BATCH} batch WHERE tasks.key = batch.key
                      AND (tasks.first_seq <> batch.first_seq OR tasks.n_messages <> batch.n_messages)"""
            )

    def claim(self, n: int, lease_seconds: float, now: datetime) -> list[Task]:
        """Take up to ``n`` pending tasks, those that most messages speak of first, for ``lease_seconds``. What waits
        behind others was not tried when the program ends, so that is no attempt: :meth:`begin` counts them."""
        rows = self._connection.execute(
            """UPDATE tasks SET state = 'claimed', lease_until = $until
               WHERE key IN (SELECT key FROM tasks WHERE state = 'pending'
                             ORDER BY n_messages DESC, first_seq, key LIMIT $n)
               RETURNING key, kind, value, first_seq, n_messages, attempts, error_class IS NOT NULL,
                 files IS NOT NULL""",
            {"n": n, "until": now + timedelta(seconds=lease_seconds)},
        ).fetchall()
        return sorted((Task(*row) for row in rows), key=lambda task: (-task.n_messages, task.first_seq, task.key))

    def begin(self, keys: Iterable[str]) -> int:
        """Count an attempt for what is claimed of these: they are worked on from here on. Returns how many."""
        with self._registered(pa.table({"key": pa.array(keys, pa.string())})):
            return self._changed(
                f"""UPDATE tasks SET attempts = attempts + 1
                    WHERE state = 'claimed' AND key IN (SELECT key FROM {_BATCH})"""
            )

    def extend(self, keys: Iterable[str], lease_seconds: float, now: datetime) -> int:
        """The heartbeat: what is still claimed of these stays so for ``lease_seconds`` from now; returns how many."""
        with self._registered(pa.table({"key": pa.array(keys, pa.string())})):
            return self._changed(
                f"""UPDATE tasks SET lease_until = $until
                    WHERE state = 'claimed' AND key IN (SELECT key FROM {_BATCH})""",
                {"until": now + timedelta(seconds=lease_seconds)},
            )

    def complete(self, enrichments: Sequence[Enrichment]) -> int:
        """Keep results and end their tasks; returns how many were kept.

        A result that comes after its lease ran out is as good as any, but the first one of a key stays.
        """
        if not enrichments:
            return 0
        latest = {enrichment.key: enrichment for enrichment in reversed(enrichments)}
        assignments = ", ".join(f"{name} = batch.{name}" for name in RESULT)
        with self._registered(_results(list(latest.values()))):
            return self._changed(
                f"""UPDATE tasks SET state = 'done', lease_until = NULL, error_class = NULL, last_error = NULL,
                    {assignments}
                    FROM {_BATCH} batch WHERE tasks.key = batch.key AND tasks.state <> 'done'"""
            )

    def fail(self, failures: Sequence[Failure], attempts_limit: int) -> int:
        """Record failures of claimed tasks: permanent ones and those out of attempts die, the rest wait again.

        What was ``refused`` was never tried: it waits, and its attempt does not count. What is known of a task all the
        same is kept beside its failure, but where a model's words would go and none come. Returns how many were
        recorded. Attempts count from the first or from the last :meth:`retry_dead`.
        """
        if not failures:
            return 0
        latest = {failure.key: failure for failure in reversed(failures)}
        columns = {name: [getattr(item, name) for item in latest.values()] for name in _FAILURES.names}
        table, kept = pa.table(columns, schema=_FAILURES), ""
        known = [failure.known for failure in latest.values() if failure.known is not None]
        if known:
            table = table.join(_results(known), "key")
            kept = "".join(
                f", {name} = CASE WHEN batch.files IS NULL OR tasks.told_by IS NOT NULL AND batch.told_by IS NULL"
                f" THEN tasks.{name} ELSE batch.{name} END"
                for name in RESULT
            )
        with self._registered(table):
            return self._changed(
                f"""UPDATE tasks SET lease_until = NULL,
                    error_class = CASE WHEN batch.error_class = 'refused' THEN tasks.error_class
                        ELSE batch.error_class END,
                    last_error = CASE WHEN batch.error_class = 'refused' THEN last_error ELSE batch.reason END,
                    attempts = CASE WHEN batch.error_class = 'refused' THEN greatest(attempts - 1, 0) ELSE attempts END,
                    state = CASE WHEN batch.error_class = 'refused' THEN 'pending'
                        WHEN batch.error_class = 'permanent' OR attempts >= $limit THEN 'dead' ELSE 'pending' END
                    {kept}
                    FROM {_BATCH} batch WHERE tasks.key = batch.key AND tasks.state = 'claimed'""",
                {"limit": attempts_limit},
            )

    def release(self, keys: Iterable[str], *, begun: bool = False) -> int:
        """Give claimed tasks back unharmed, as if they had not been claimed, nor ``begun``; returns how many."""
        with self._registered(pa.table({"key": pa.array(keys, pa.string())})):
            return self._changed(
                f"""UPDATE tasks SET state = 'pending', lease_until = NULL, attempts = greatest(attempts - $begun, 0)
                    WHERE state = 'claimed' AND key IN (SELECT key FROM {_BATCH})""",
                {"begun": int(begun)},
            )

    def release_expired(self, now: datetime, attempts_limit: int | None = None) -> int:
        """Give back what was claimed and whose lease has run out; returns how many.

        With ``attempts_limit``, a file that was begun so often dies: it may be what ends the program.
        """
        return self._give_back("lease_until <= $now", {"now": now}, attempts_limit)

    def release_all(self, attempts_limit: int | None = None) -> int:
        """Give back everything that is claimed, for a process that holds the archive alone: a claim that it finds at
        its start belongs to a run that is dead."""
        return self._give_back("true", {}, attempts_limit)

    def retry_dead(self) -> int:
        """Dead letters wait again, with all their attempts; returns how many."""
        return self._changed("UPDATE tasks SET state = 'pending', attempts = 0 WHERE state = 'dead'")

    def renew(self) -> int:
        """What is done waits again, to be made anew; until then it stays known. Returns how many."""
        return self._changed("UPDATE tasks SET state = 'pending', attempts = 0 WHERE state = 'done'")

    def renew_unfetched(self) -> int:
        """Links that were recorded without being fetched wait to be fetched; returns how many."""
        return self._changed(f"UPDATE tasks SET state = 'pending', attempts = 0 WHERE state = 'done' AND {_UNFETCHED}")

    def renew_untold(self, kinds: Iterable[str]) -> int:
        """What is done of these kinds and no model has told of waits to be told; returns how many."""
        with self._registered(pa.table({"kind": pa.array(kinds, pa.string())})):
            return self._changed(
                f"""UPDATE tasks SET state = 'pending', attempts = 0
                    WHERE state = 'done' AND told_by IS NULL AND kind IN (SELECT kind FROM {_BATCH})
                      AND (kind <> 'url' OR fetched)"""
            )

    def forget(self, links: Iterable[str]) -> int:
        """Take out links by their value as written; returns how many."""
        with self._registered(pa.table({"value": pa.array(links, pa.string())})):
            return self._changed(f"DELETE FROM tasks WHERE kind = 'url' AND value IN (SELECT value FROM {_BATCH})")

    def rename(self, names: Iterable[tuple[str, str]]) -> int:
        """Attachments get new names (old, new), key and value both; returns how many rows changed.

        Where the new name is queued too, the row of the old one goes: they are the same file.
        """
        pairs = dict(names)
        table = pa.table({"old": pa.array(pairs, pa.string()), "new": pa.array(pairs.values(), pa.string())})
        with self._registered(table):
            gone = self._changed(
                f"""DELETE FROM tasks WHERE kind <> 'url' AND value IN (
                      SELECT old FROM (SELECT old, new, row_number() OVER (PARTITION BY new ORDER BY old) AS place
                                       FROM {_BATCH} JOIN tasks ON value = old AND kind <> 'url')
                      WHERE place > 1 OR {file_key("new")} IN (SELECT key FROM tasks))"""
            )
            return gone + self._changed(
                f"""UPDATE tasks SET key = {file_key("b.new")}, value = b.new FROM {_BATCH} b
                    WHERE value = b.old AND kind <> 'url'"""
            )

    def counts(self) -> dict[str, int]:
        """Tasks by state; every state is there."""
        rows = self._connection.execute("SELECT state, count(*) FROM tasks GROUP BY state").fetchall()
        return dict.fromkeys(STATES, 0) | dict(rows)

    def links_waiting(self) -> int:
        """Links that are not done and not given up."""
        row = self._connection.execute(
            "SELECT count(*) FROM tasks WHERE kind = 'url' AND state IN ('pending', 'claimed')"
        ).fetchone()
        return int(row[0]) if row else 0

    def files_waiting(self) -> int:
        """Attachments whose bytes are still to be had from an export."""
        row = self._connection.execute(
            f"SELECT count(*) FROM tasks WHERE kind <> 'url' AND state IN ('pending', 'claimed') AND NOT ({KNOWN})"
        ).fetchone()
        return int(row[0]) if row else 0

    def waiting_by_kind(self) -> Counter[str]:
        """What is not done and not given up, by kind."""
        rows = self._connection.execute(
            "SELECT kind, count(*) FROM tasks WHERE state IN ('pending', 'claimed') GROUP BY kind"
        ).fetchall()
        return Counter(dict(rows))

    def reasons(self) -> dict[str, int]:
        """Why dead letters were given up: each sentence, and of how many it is told, the most first."""
        rows = self._connection.execute(
            """SELECT last_error, count(*) AS n FROM tasks WHERE state = 'dead' AND last_error IS NOT NULL
               GROUP BY last_error ORDER BY n DESC, last_error"""
        ).fetchall()
        return dict(rows)

    def dead_letters(self) -> list[DeadLetter]:
        """What was given up, in the order of the chat."""
        rows = self._connection.execute(
            """SELECT key, kind, value, attempts, error_class, last_error FROM tasks WHERE state = 'dead'
               ORDER BY first_seq, key"""
        ).fetchall()
        return [DeadLetter(*row) for row in rows]

    def enrichments(self, keys: Iterable[str] | None = None) -> list[Enrichment]:
        """What is known, of all candidates or of those named, in the order of the chat. One query."""
        query = f"SELECT key, kind, value, {', '.join(RESULT)} FROM tasks WHERE {KNOWN}"
        if keys is None:
            rows = self._connection.execute(f"{query} ORDER BY first_seq, key").fetchall()
        else:
            with self._registered(pa.table({"key": pa.array(keys, pa.string())})):
                rows = self._connection.execute(
                    f"{query} AND key IN (SELECT key FROM {_BATCH}) ORDER BY first_seq, key"
                ).fetchall()
        return [_enrichment(row) for row in rows]

    def _give_back(self, condition: str, values: dict[str, Any], attempts_limit: int | None) -> int:
        return self._changed(
            f"""UPDATE tasks SET lease_until = NULL,
                state = CASE WHEN {_DIES} THEN 'dead' ELSE 'pending' END,
                error_class = CASE WHEN {_DIES} THEN 'transient' ELSE error_class END,
                last_error = CASE WHEN {_DIES} THEN $reason ELSE last_error END
                WHERE state = 'claimed' AND {condition}""",
            {"limit": attempts_limit, "reason": _GAVE_UP, **values},
        )

    def _changed(self, statement: str, values: dict[str, Any] | None = None) -> int:
        row = self._connection.execute(statement, values).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def _registered(self, table: pa.Table) -> Iterator[None]:
        self._connection.register(_BATCH, table)
        try:
            yield
        finally:
            self._connection.unregister(_BATCH)


def _results(enrichments: Sequence[Enrichment]) -> pa.Table:
    columns = {name: [getattr(item, name) for item in enrichments] for name in _ENRICHMENTS.names}
    for name in _LISTS:
        columns[name] = [json.dumps(values) for values in columns[name]]
    return pa.table(columns, schema=_ENRICHMENTS)


def _enrichment(row: tuple[Any, ...]) -> Enrichment:
    values = dict(zip(("key", "kind", "value", *RESULT), row, strict=True))
    sizes = tuple((width, height) for width, height in json.loads(values["sizes"] or "[]"))
    return Enrichment(**(values | {"files": tuple(json.loads(values["files"])), "sizes": sizes}))
