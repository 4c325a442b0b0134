"""The task store against a plain dictionary, under any order of operations."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stages.archive.records import Enrichment, Failure
from stages.enrich.candidates import CANDIDATES
from stages.enrich.schema import SCHEMA_SQL
from stages.enrich.store import STATES, TaskStore

KEYS = st.sampled_from([f"k{i}" for i in range(8)])
BATCH = st.lists(KEYS, max_size=6)
LIMIT = st.integers(1, 3)
START = datetime(2026, 3, 1, tzinfo=UTC)


def kind_of(key: str) -> str:
    return "url" if key < "k4" else "image"


@dataclass
class Row:
    n_messages: int
    state: str = "pending"
    attempts: int = 0
    lease: int | None = None
    reason: str | None = None
    title: str | None = None
    told: bool = False


class StoreAgainstDictionary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute(SCHEMA_SQL)
        self.store = TaskStore(self.connection)
        self.rows: dict[str, Row] = {}
        self.clock = 0
        self.serial = 0

    @rule(batch=st.lists(st.tuples(KEYS, st.integers(1, 3)), max_size=6, unique_by=lambda pair: pair[0]))
    def enqueue(self, batch: list[tuple[str, int]]) -> None:
        table = pa.Table.from_pylist(
            [{"key": k, "kind": kind_of(k), "value": k, "first_seq": int(k[1]), "n_messages": n} for k, n in batch],
            schema=CANDIDATES,
        )
        new = [(key, n) for key, n in batch if key not in self.rows]
        assert self.store.enqueue(table) == len(new)
        self.rows |= {key: Row(n) for key, n in new}

    @rule(n=st.integers(0, 4), lease=st.integers(1, 5))
    def claim(self, n: int, lease: int) -> None:
        waiting = sorted(
            (key for key, row in self.rows.items() if row.state == "pending"),
            key=lambda key: (-self.rows[key].n_messages, int(key[1])),
        )[:n]
        tasks = self.store.claim(n, lease, START + timedelta(seconds=self.clock))
        for key in waiting:
            row = self.rows[key]
            row.state, row.lease = "claimed", self.clock + lease
        assert [(task.key, task.attempts) for task in tasks] == [(key, self.rows[key].attempts) for key in waiting]

    @rule(batch=BATCH)
    def begin(self, batch: list[str]) -> None:
        taken = {key for key in batch if key in self.rows and self.rows[key].state == "claimed"}
        assert self.store.begin(batch) == len(taken)
        for key in taken:
            self.rows[key].attempts += 1

    @rule(batch=BATCH)
    def complete(self, batch: list[str]) -> None:
        self.serial += 1
        title, told = f"t{self.serial}", self.serial % 2 == 0
        taken = {key for key in batch if key in self.rows and self.rows[key].state != "done"}
        results = [
            Enrichment(key, kind_of(key), key, title=title, fetched=True, told_by="m" if told else None)
            for key in batch
        ]
        assert self.store.complete(results) == len(taken)
        for key in taken:
            row = self.rows[key]
            row.state, row.lease, row.reason, row.title, row.told = "done", None, None, title, told

    @rule(
        batch=BATCH,
        error=st.sampled_from(["transient", "throttled", "permanent", "refused"]),
        limit=LIMIT,
        known=st.sets(KEYS),
    )
    def fail(self, batch: list[str], error: str, limit: int, known: set[str]) -> None:
        self.serial += 1
        reason = f"r{self.serial}"
        taken = {key for key in batch if key in self.rows and self.rows[key].state == "claimed"}
        failures = [
            Failure(key, error, reason, Enrichment(key, kind_of(key), key, title=reason) if key in known else None)
            for key in batch
        ]
        assert self.store.fail(failures, limit) == len(taken)
        for key in taken:
            row = self.rows[key]
            row.lease = None
            if key in known:
                row.title, row.told = reason, False
            if error == "refused":
                row.state, row.attempts = "pending", max(row.attempts - 1, 0)
                continue
            row.state = "dead" if error == "permanent" or row.attempts >= limit else "pending"
            row.reason = reason

    @rule(batch=BATCH, begun=st.booleans())
    def release(self, batch: list[str], begun: bool) -> None:
        taken = {key for key in batch if key in self.rows and self.rows[key].state == "claimed"}
        self._give_back(taken, None, self.store.release(batch, begun=begun))
        for key in taken:
            self.rows[key].attempts = max(self.rows[key].attempts - begun, 0)

    @rule(batch=BATCH, lease=st.integers(1, 5))
    def extend(self, batch: list[str], lease: int) -> None:
        taken = {key for key in batch if key in self.rows and self.rows[key].state == "claimed"}
        assert self.store.extend(batch, lease, START + timedelta(seconds=self.clock)) == len(taken)
        for key in taken:
            self.rows[key].lease = self.clock + lease

    @rule(batch=BATCH)
    def forget(self, batch: list[str]) -> None:
        links = {key for key in batch if key in self.rows and kind_of(key) == "url"}
        assert self.store.forget(batch) == len(links)
        self.rows = {key: row for key, row in self.rows.items() if key not in links}

    @rule(seconds=st.integers(0, 6), limit=st.none() | LIMIT)
    def time_passes(self, seconds: int, limit: int | None) -> None:
        self.clock += seconds
        count = self.store.release_expired(START + timedelta(seconds=self.clock), limit)
        expired = {key for key, row in self.rows.items() if row.lease is not None and row.lease <= self.clock}
        self._give_back(expired, limit, count)

    @rule(limit=st.none() | LIMIT)
    def start_again(self, limit: int | None) -> None:
        self._give_back(set(self.rows), limit, self.store.release_all(limit))

    def _give_back(self, keys: set[str], limit: int | None, count: int) -> None:
        claimed = [key for key in keys if self.rows[key].state == "claimed"]
        assert count == len(claimed)
        for key in claimed:
            row = self.rows[key]
            dies = limit is not None and row.attempts >= limit and kind_of(key) != "url"
            row.state, row.lease = ("dead" if dies else "pending"), None
            row.reason = "The program ended every time this was being worked on." if dies else row.reason

    @rule()
    def retry(self) -> None:
        self._again("dead", self.store.retry_dead())

    @rule()
    def renew(self) -> None:
        self._again("done", self.store.renew())

    @rule()
    def renew_untold(self) -> None:
        self._again("done", self.store.renew_untold(["url", "image"]), told=True)

    @rule(batch=st.lists(st.tuples(KEYS, st.integers(1, 3)), max_size=6, unique_by=lambda pair: pair[0]))
    def refresh(self, batch: list[tuple[str, int]]) -> None:
        table = pa.Table.from_pylist(
            [{"key": k, "kind": kind_of(k), "value": k, "first_seq": int(k[1]), "n_messages": n} for k, n in batch],
            schema=CANDIDATES,
        )
        changed = {key: n for key, n in batch if key in self.rows and self.rows[key].n_messages != n}
        assert self.store.refresh(table) == len(changed)
        for key, n in changed.items():
            self.rows[key].n_messages = n

    def _again(self, state: str, count: int, told: bool = False) -> None:
        rows = [row for row in self.rows.values() if row.state == state and not (told and row.told)]
        assert count == len(rows)
        for row in rows:
            row.state, row.attempts = "pending", 0

    @invariant()
    def agrees(self) -> None:
        states = [row.state for row in self.rows.values()]
        assert self.store.counts() == {state: states.count(state) for state in STATES}
        dead = [(key, row.attempts, row.reason) for key, row in sorted(self.rows.items()) if row.state == "dead"]
        assert [(letter.key, letter.attempts, letter.reason) for letter in self.store.dead_letters()] == dead
        done = [(key, row.title) for key, row in sorted(self.rows.items()) if row.title is not None]
        assert [(result.key, result.title) for result in self.store.enrichments()] == done

    def teardown(self) -> None:
        self.connection.close()


StoreAgainstDictionary.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestStoreAgainstDictionary = StoreAgainstDictionary.TestCase
