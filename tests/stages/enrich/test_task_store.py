"""The task store: nothing lost, nothing paid for twice, one statement a batch."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from stages.archive.records import Enrichment, Failure
from stages.enrich.candidates import CANDIDATES
from stages.enrich.schema import SCHEMA_SQL
from stages.enrich.store import STATES, Task, TaskStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class CountingConnection:
    """A connection that keeps the statements that went through it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.statements: list[str] = []

    def execute(self, statement: str, *values: Any) -> Any:
        self.statements.append(statement)
        return self.connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(SCHEMA_SQL)
        yield opened


@pytest.fixture
def store(connection: duckdb.DuckDBPyConnection) -> TaskStore:
    return TaskStore(connection)


def candidates(*rows: tuple[str, int, int], kind: str = "url") -> pa.Table:
    """(key, first_seq, n_messages) each."""
    return pa.Table.from_pylist(
        [{"key": k, "kind": kind, "value": k, "first_seq": s, "n_messages": n} for k, s, n in rows], schema=CANDIDATES
    )


def numbered(n: int, prefix: str = "k") -> pa.Table:
    return candidates(*((f"{prefix}{i:06d}", i, 1) for i in range(n)))


def done(key: str, **what: Any) -> Enrichment:
    return Enrichment(key, "url", key, **what)


def begun(store: TaskStore, n: int) -> list[Task]:
    tasks = store.claim(n, 60, NOW)
    store.begin([task.key for task in tasks])
    return tasks


def test_a_candidate_is_queued_once_for_ever(store: TaskStore) -> None:
    assert store.enqueue(candidates(("a", 0, 1), ("b", 1, 1))) == 2
    assert store.enqueue(candidates(("b", 1, 5), ("c", 2, 1), ("c", 1, 4))) == 1
    store.complete([done("a")])
    assert store.enqueue(candidates(("a", 0, 1))) == 0
    assert store.counts() == {"pending": 2, "claimed": 0, "done": 1, "dead": 0}


def test_what_most_messages_speak_of_comes_first_then_the_earliest(store: TaskStore) -> None:
    store.enqueue(candidates(("once", 0, 1), ("later", 9, 3), ("earlier", 4, 3), ("often", 7, 8)))
    assert [task.key for task in store.claim(3, 60, NOW)] == ["often", "earlier", "later"]
    assert [task.key for task in store.claim(3, 60, NOW)] == ["once"]
    assert store.claim(3, 60, NOW) == []


def test_a_claim_says_what_is_to_be_done_and_what_begins_is_an_attempt(store: TaskStore) -> None:
    store.enqueue(candidates(("a", 3, 2)))
    (task,) = store.claim(1, 60, NOW)
    assert (task.key, task.kind, task.value, task.first_seq, task.n_messages, task.attempts) == (
        "a",
        "url",
        "a",
        3,
        2,
        0,
    )
    assert store.begin(["a", "?"]) == 1
    assert store.release_all() == 1
    assert [task.attempts for task in store.claim(1, 60, NOW)] == [1]


def test_a_lease_that_ran_out_returns_and_its_late_result_still_counts(store: TaskStore) -> None:
    store.enqueue(numbered(2))
    store.claim(2, 60, NOW)
    store.begin(["k000000", "k000001"])
    assert store.release_expired(NOW + timedelta(seconds=59)) == 0
    assert store.release_expired(NOW + timedelta(seconds=60)) == 2
    assert store.complete([done("k000000", title="late")]) == 1
    assert [task.attempts for task in store.claim(9, 60, NOW)] == [1]
    assert store.complete([done("k000000", title="later still")]) == 0
    assert [enrichment.title for enrichment in store.enrichments()] == ["late"]


def test_a_failure_in_passing_waits_again_until_its_attempts_are_used_up(store: TaskStore) -> None:
    store.enqueue(numbered(1))
    for _ in range(2):
        (task,) = begun(store, 1)
        store.fail([Failure(task.key, "throttled", "too many")], attempts_limit=3)
        assert store.counts()["pending"] == 1
    (task,) = begun(store, 1)
    store.fail([Failure(task.key, "transient", "no route")], attempts_limit=3)
    (letter,) = store.dead_letters()
    assert (letter.key, letter.attempts, letter.error_class, letter.reason) == (task.key, 3, "transient", "no route")


def test_a_failure_for_good_dies_at_once_until_it_is_retried(store: TaskStore) -> None:
    store.enqueue(numbered(2))
    store.claim(2, 60, NOW)
    assert store.fail([Failure("k000001", "permanent", "not a picture"), Failure("gone", "permanent", "x")], 5) == 1
    assert store.claim(9, 60, NOW) == []
    assert store.counts()["dead"] == 1
    assert store.retry_dead() == 1
    assert store.retry_dead() == 0
    assert [(task.key, task.attempts) for task in store.claim(9, 60, NOW)] == [("k000001", 0)]


def test_a_failure_says_nothing_about_a_task_that_is_not_claimed(store: TaskStore) -> None:
    store.enqueue(numbered(2))
    store.complete([done("k000000")])
    assert store.fail([Failure("k000000", "permanent", "x"), Failure("k000001", "permanent", "x")], 1) == 0
    assert store.counts() == {"pending": 1, "claimed": 0, "done": 1, "dead": 0}


def test_a_batch_that_never_ended_is_given_back(store: TaskStore) -> None:
    store.enqueue(numbered(4))
    claimed = [task.key for task in store.claim(3, 60, NOW)]
    assert store.release(claimed[:1]) == 1
    assert store.release([]) == 0
    assert store.counts() == {"pending": 2, "claimed": 2, "done": 0, "dead": 0}
    assert store.release_all() == 2
    assert store.counts()["pending"] == 4


def test_what_was_refused_waits_as_if_it_had_not_been_claimed(store: TaskStore) -> None:
    store.enqueue(numbered(1))
    for _ in range(3):
        (task,) = begun(store, 1)
        assert (task.attempts, task.tried) == (0, False)
        assert store.fail([Failure(task.key, "refused", "no network")], attempts_limit=1) == 1
    store.claim(1, 60, NOW)
    store.fail([Failure("k000000", "permanent", "gone")], attempts_limit=1)
    store.retry_dead()
    (task,) = begun(store, 1)
    assert (task.attempts, task.tried) == (0, True)
    store.fail([Failure("k000000", "refused", "no network")], attempts_limit=1)
    assert store.release(["k000000"]) == 0
    assert [task.attempts for task in begun(store, 1)] == [0]
    assert store.release(["k000000"], begun=True) == 1
    assert [(task.attempts, task.tried) for task in store.claim(1, 60, NOW)] == [(0, True)]


def test_a_heartbeat_keeps_what_is_being_worked_on(store: TaskStore) -> None:
    store.enqueue(numbered(3))
    store.claim(2, 60, NOW)
    assert store.extend(["k000000", "k000002", "?"], 60, NOW + timedelta(seconds=59)) == 1
    assert store.release_expired(NOW + timedelta(seconds=61)) == 1
    assert store.counts() == {"pending": 2, "claimed": 1, "done": 0, "dead": 0}


def test_what_is_made_anew_stays_known_until_then_and_where_that_fails(store: TaskStore) -> None:
    store.enqueue(numbered(2))
    store.complete([done("k000000", title="old"), done("k000001", title="other")])
    store.renew()
    assert [known.title for known in store.enrichments()] == ["old", "other"]
    store.claim(2, 60, NOW)
    store.fail([Failure("k000000", "permanent", "The site refused.")], 3)
    store.complete([done("k000001", title="new")])
    assert [known.title for known in store.enrichments()] == ["old", "new"]
    assert store.reasons() == {"The site refused.": 1}


def test_what_a_model_told_gives_way_to_a_model_alone(store: TaskStore) -> None:
    store.enqueue(numbered(1))
    (task,) = store.claim(1, 60, NOW)
    told = Enrichment(task.key, task.kind, task.value, text="told", told_by="a/model")
    own = Enrichment(task.key, task.kind, task.value, text="own")
    store.complete([told])
    for known, left in ((own, told), (replace(told, text="anew"), replace(told, text="anew"))):
        store.renew()
        store.claim(1, 60, NOW)
        store.fail([Failure(task.key, "transient", "The model's server failed (500).", known)], 4)
        assert store.enrichments() == [left]


def test_what_was_learnt_of_a_failure_is_known(store: TaskStore) -> None:
    store.enqueue(numbered(3))
    tasks = store.claim(3, 60, NOW)
    assert not any(task.known for task in tasks)
    page = done("k000000", title="A page", told_by=None)
    store.fail([Failure("k000000", "permanent", "no words", page), Failure("k000001", "transient", "away")], 3)
    assert [found.title for found in store.enrichments()] == ["A page"]
    assert [letter.reason for letter in store.dead_letters()] == ["no words"]
    store.retry_dead()
    known = {task.key: task.known for task in store.claim(3, 60, NOW)}
    assert known == {"k000000": True, "k000001": False}
    store.fail([Failure("k000000", "refused", "not asked")], 3)
    assert [found.title for found in store.enrichments()] == ["A page"], "a later failure takes nothing away"


def test_what_no_model_told_of_is_taken_up_when_one_can(store: TaskStore) -> None:
    store.enqueue(numbered(3))
    store.enqueue(candidates(("a.jpg", 9, 1), ("b.jpg", 10, 1), kind="image"))
    store.claim(5, 60, NOW)
    store.complete(
        [
            done("k000000", fetched=True, told_by="m"),
            done("k000001", fetched=True),
            done("k000002"),
            done("a.jpg", alt="Picture"),
            done("b.jpg", alt="A boat", told_by="m"),
        ]
    )
    assert store.renew_untold(["image", "audio"]) == 1
    assert [task.key for task in store.claim(9, 60, NOW)] == ["a.jpg"]
    assert store.renew_untold(["url"]) == 1, "a link that was not fetched has no page to tell of"
    assert [task.key for task in store.claim(9, 60, NOW)] == ["k000001"]


def test_a_file_that_is_stored_needs_no_export_any_more(store: TaskStore) -> None:
    store.enqueue(candidates(("a.jpg", 0, 1), ("b.jpg", 1, 1), kind="image"))
    store.enqueue(numbered(1))
    store.claim(3, 60, NOW)
    stored = Enrichment("a.jpg", "image", "a.jpg", files=("x-640.jpg",))
    store.fail([Failure("a.jpg", "transient", "The model did not answer.", stored)], 3)
    assert (store.files_waiting(), store.links_waiting()) == (1, 1)
    assert store.waiting_by_kind() == {"image": 2, "url": 1}


def test_a_chat_that_grows_changes_places_and_numbers_of_what_is_queued(store: TaskStore) -> None:
    store.enqueue(candidates(("a", 0, 1), ("b", 1, 2), ("c", 2, 1)))
    assert store.refresh(candidates(("a", 5, 4), ("b", 1, 2), ("new", 3, 1))) == 1
    assert [(t.key, t.first_seq, t.n_messages) for t in store.claim(9, 60, NOW)] == [
        ("a", 5, 4), ("b", 1, 2), ("c", 2, 1)
    ]  # fmt: skip


def test_links_that_were_not_fetched_are_taken_up(store: TaskStore) -> None:
    store.enqueue(numbered(3))
    store.enqueue(candidates(("a.jpg", 9, 1), kind="image"))
    store.complete([done("k000000", fetched=True), done("k000001"), Enrichment("a.jpg", "image", "a.jpg")])
    assert store.links_waiting() == 1
    assert store.renew_unfetched() == 1
    assert store.links_waiting() == 2


def test_a_file_that_ends_the_program_every_time_dies_in_the_end_and_nothing_else_does(store: TaskStore) -> None:
    store.enqueue(candidates(("bomb.mp4", 0, 1), ("waits.jpg", 1, 1), kind="video"))
    store.enqueue(candidates(("a link", 2, 1)))
    for crash in range(3):
        tasks = {task.key: task.suspect for task in store.claim(3, 60, NOW)}
        assert tasks == {"bomb.mp4": crash > 0, "waits.jpg": False, "a link": False}
        store.begin(["bomb.mp4", "a link"])
        if crash < 2:
            assert store.release_all(attempts_limit=3) == 3
    assert store.release_expired(NOW + timedelta(hours=1), attempts_limit=3) == 3
    assert [(letter.key, letter.error_class) for letter in store.dead_letters()] == [("bomb.mp4", "transient")]
    assert store.counts()["pending"] == 2


def test_results_come_back_as_they_were_given(store: TaskStore, connection: duckdb.DuckDBPyConnection) -> None:
    full = Enrichment(
        "b.jpg", "image", "b.jpg", title="t", text="«x»", alt="Picture", transcript="said", mime="image/jpeg",
        width=1600, height=1200, bytes=5_000_000_000, sha256="ab" * 32, files=("x-1600.jpg", "x-640.jpg"), fetched=True,
    )  # fmt: skip
    store.enqueue(candidates(("a", 5, 1)))
    store.enqueue(candidates(("b.jpg", 1, 1), ("c", 2, 1), kind="image"))
    assert store.complete([done("a"), full, done("never queued")]) == 2
    assert store.enrichments() == [full, done("a")]
    assert store.enrichments(["a", "c", "?"]) == [done("a")]
    assert store.enrichments([]) == []
    assert connection.execute("SELECT key, files FROM enrichments ORDER BY key").fetchall() == [
        ("a", "[]"),
        ("b.jpg", '["x-1600.jpg", "x-640.jpg"]'),
    ]


def test_what_is_done_can_be_made_anew(store: TaskStore) -> None:
    store.enqueue(numbered(2))
    store.complete([done("k000000", title="old")])
    assert store.renew() == 1
    assert len(store.claim(9, 60, NOW)) == 2
    store.complete([done("k000000", title="new")])
    assert [enrichment.title for enrichment in store.enrichments()] == ["new"]


def test_attachments_are_renamed_in_key_and_value_and_links_are_not(store: TaskStore) -> None:
    store.enqueue(
        candidates(("Ana.pdf", 0, 1), ("ana.pdf", 1, 1), ("Rui.jpg", 2, 1), ("Heron.jpg", 3, 1), kind="image")
    )
    store.enqueue(candidates(("https://x.example/Ana.pdf", 4, 1)))
    pairs = [("Ana.pdf", "Fox.pdf"), ("ana.pdf", "Fox.pdf"), ("Rui.jpg", "Heron.jpg"), ("none", "x")]
    assert store.rename([*pairs, ("https://x.example/Ana.pdf", "y")]) == 3
    keys = {(task.key, task.value) for task in store.claim(9, 60, NOW)}
    assert keys == {(k, k) for k in ("Fox.pdf", "Heron.jpg", "https://x.example/Ana.pdf")}


@pytest.mark.parametrize("n", [1, 1_000])
def test_an_operation_is_one_statement_whatever_the_size_of_the_batch(
    connection: duckdb.DuckDBPyConnection, n: int
) -> None:
    counting = CountingConnection(connection)
    store = TaskStore(counting)  # type: ignore[arg-type]
    operations = {
        "enqueue": lambda: store.enqueue(numbered(2 * n)),
        "enqueue again": lambda: store.enqueue(numbered(2 * n)),
        "claim": lambda: store.claim(2 * n, 60, NOW),
        "complete": lambda: store.complete([done(f"k{i:06d}") for i in range(n)]),
        "fail": lambda: store.fail([Failure(f"k{i:06d}", "permanent", "x") for i in range(n, 2 * n)], 3),
        "counts": store.counts,
        "dead": store.dead_letters,
        "results": store.enrichments,
        "some results": lambda: store.enrichments([f"k{i:06d}" for i in range(n)]),
        "retry": store.retry_dead,
        "release": lambda: store.release([f"k{i:06d}" for i in range(n)]),
        "expired": lambda: store.release_expired(NOW),
        "all": store.release_all,
        "begin": lambda: store.begin([f"k{i:06d}" for i in range(n)]),
        "extend": lambda: store.extend([f"k{i:06d}" for i in range(n)], 60, NOW),
        "reasons": store.reasons,
        "waiting": store.links_waiting,
        "files waiting": store.files_waiting,
        "waiting by kind": store.waiting_by_kind,
        "unfetched": store.renew_unfetched,
        "untold": lambda: store.renew_untold(["url"]),
        "refresh": lambda: store.refresh(numbered(2 * n)),
        "forget": lambda: store.forget(["?"]),
        "renew": store.renew,
    }
    for name, operation in operations.items():
        counting.statements.clear()
        operation()
        assert len(counting.statements) == 1, name
    assert store.counts() == dict.fromkeys(STATES, 0) | {"pending": 2 * n}


def test_nothing_to_do_is_no_statement(connection: duckdb.DuckDBPyConnection) -> None:
    counting = CountingConnection(connection)
    store = TaskStore(counting)  # type: ignore[arg-type]
    assert (store.complete([]), store.fail([], 3)) == (0, 0)
    assert counting.statements == []


def test_the_store_outlives_its_process_and_is_made_once(tmp_path: Path) -> None:
    file = str(tmp_path / "a.duckdb")
    for round_ in range(2):
        with duckdb.connect(file) as opened:
            opened.execute(SCHEMA_SQL)
            assert TaskStore(opened).enqueue(numbered(3)) == (3 if round_ == 0 else 0)
            TaskStore(opened).claim(1, 60, NOW)
    with duckdb.connect(file, read_only=True) as opened:
        assert TaskStore(opened).counts() == {"pending": 1, "claimed": 2, "done": 0, "dead": 0}


def test_an_operation_takes_part_in_a_transaction(store: TaskStore, connection: duckdb.DuckDBPyConnection) -> None:
    store.enqueue(numbered(3))
    connection.execute("BEGIN")
    store.claim(3, 60, NOW)
    store.complete([done("k000000")])
    store.fail([Failure("k000001", "permanent", "x")], 1)
    store.rename([("k000002", "x")])
    connection.execute("ROLLBACK")
    assert store.counts()["pending"] == 3
