"""Planning an archive and reading a batch cost a fixed number of queries, and no sort where rows lie in order."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stages.archive.records import Enrichment
from stages.archive.schema import MESSAGES
from stages.archive.store import Archive, hold_archive, open_archive
from stages.settings import Settings
from stages.windows.batches import batch_windows
from stages.write.batch import CostLimit, write_batch
from stages.write.outcomes import keep_outcomes
from stages.write.selection import Selection, parameters_of, plan_archive
from stages.write.signature import signature
from tests.stages.site.archives import made
from tests.stages.write.conftest import START, message_id


def settings_of(size: int) -> Settings:
    return Settings.model_validate({"windows": {"unit": "messages", "size": size, "overlap": 0.2, "align": "first"}})


@pytest.fixture
def fill(tmp_path: Path) -> Iterator[Callable[..., Archive]]:
    """An open archive of so many messages."""
    opened: list[Any] = []

    def make(rows: int) -> Archive:
        hold = hold_archive(tmp_path / f"archive-{len(opened)}")
        archive = open_archive(hold.__enter__())
        opened.append((archive, hold))
        texts = [f"Shed number {n} needs paint, nails and another lock" for n in range(rows)]
        table = pa.table(
            {
                "seq": range(rows),
                "message_id": [message_id(n) for n in range(rows)],
                "ts": [START + timedelta(seconds=20 * n) for n in range(rows)],
                "author": ["Quiet Heron"] * rows,
                "kind": ["text"] * rows,
                "text": texts,
                "text_bytes": [len(text) for text in texts],
                "media": [["IMG-1.jpg"]] * rows,
                "reply_to": [None] * rows,
                "edited": [False] * rows,
            },
            schema=MESSAGES,
        )
        cursor = archive.cursor()
        cursor.register("rows", table)
        cursor.execute("INSERT INTO messages SELECT * FROM rows")
        cursor.unregister("rows")
        return archive

    yield make
    for archive, hold in opened:
        archive.close()
        hold.__exit__(None, None, None)


def logged(archive: Archive, work: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What ``work`` returns, and the statements over messages that the database says it ran."""
    cursor = archive.cursor()
    cursor.execute("CALL enable_logging('QueryLog')")
    result = work()
    cursor.execute("CALL disable_logging()")
    rows = cursor.execute("SELECT message FROM duckdb_logs WHERE type = 'QueryLog'").fetchall()
    cursor.execute("CALL truncate_duckdb_logs()")
    return result, [row[0] for row in rows if "FROM messages" in row[0]]


def plan(archive: Archive, size: int = 40, **selection: Any) -> Any:
    return plan_archive(str(archive.folder), settings=settings_of(size), selection=Selection(**selection))


def signatures(archive: Archive) -> list[Any]:
    return archive.cursor().execute("SELECT window_index, signature FROM windows ORDER BY ALL").fetchall()


@pytest.mark.parametrize(("rows", "size"), [(400, 40), (4_000, 40), (4_000, 4)])
def test_planning_reads_the_messages_twice_and_sorts_nothing(fill: Any, rows: int, size: int) -> None:
    archive = fill(rows)
    planned, asked = logged(archive, lambda: plan(archive, size))
    assert planned.items == planned.todo.num_rows == rows // size
    passes = [query for query in asked if "seq" in query]
    assert passes == ["SELECT seq, ts, author, text_bytes FROM messages", "SELECT seq, message_id FROM messages"]
    assert planned.todo_bytes == sum(planned.todo.column("n_bytes").to_pylist()) > 60 * rows


def test_rows_that_the_database_moved_are_signed_as_if_they_had_stayed(fill: Any) -> None:
    archive = fill(500)
    plan(archive)
    before = signatures(archive)
    archive.cursor().execute("UPDATE messages SET media = ['IMG-2.jpg'] WHERE seq IN (0, 7, 300)")
    stored = [seq for (seq,) in archive.cursor().execute("SELECT seq FROM messages").fetchall()]
    assert stored != sorted(stored)
    planned, asked = logged(archive, lambda: plan(archive))
    assert signatures(archive) == before
    assert planned.todo.num_rows == planned.items
    assert asked[2:3] == ["SELECT seq, message_id FROM messages ORDER BY seq"]
    [batch] = batch_windows(str(archive.folder), planned.todo, most_windows=100)
    written = write_batch(batch, settings=settings_of(40), limit=CostLimit(None))
    assert [outcome.index for outcome in written.outcomes] == [*range(planned.items)]
    assert written.outcomes[0].posts[0].sources[0] >= message_id(0)


@pytest.mark.parametrize(("rows", "size"), [(400, 40), (4_000, 400)])
def test_a_batch_asks_for_its_messages_once(fill: Any, rows: int, size: int) -> None:
    archive = fill(rows)
    todo = plan(archive, size).todo
    wanted = todo.take(pa.array([0, 1, 4, 6]))  # neighbours and gaps
    [batch] = batch_windows(str(archive.folder), wanted, most_windows=10)
    written, asked = logged(archive, lambda: write_batch(batch, settings=settings_of(size), limit=CostLimit(None)))
    assert len(asked) == 1
    assert [outcome.index for outcome in written.outcomes] == [0, 1, 4, 6]


def test_what_is_written_wants_nothing_more_and_the_rest_stays_in_order(fill: Any) -> None:
    archive = fill(400)
    todo = plan(archive).todo
    [batch] = batch_windows(str(archive.folder), todo.take(pa.array([1, 2, 5])), most_windows=10)
    written = write_batch(batch, settings=settings_of(40), limit=CostLimit(None))
    keep_outcomes(archive, written.outcomes, "run")
    assert plan(archive).todo.column("window_index").to_pylist() == [0, 3, 4, 6, 7, 8, 9]
    assert plan(archive, refresh=True, window=5).todo.column("window_index").to_pylist() == [5]


URL = "https://paint.example/greens"
PICTURE = Enrichment(
    "IMG-1.jpg", "image", "IMG-1.jpg", alt="Picture", mime="image/jpeg", width=640, height=480, bytes=9,
    sha256="ab", files=("x-640.jpg",),
)  # fmt: skip
VOICE = Enrichment("PTT-1.opus", "audio", "PTT-1.opus", alt="Voice note, 0:12", bytes=9, sha256="cd")
PAGE = Enrichment(URL, "url", URL, title="Seven greens", text="Seven boards.", fetched=True)
FIRST_VERSION = "key, kind, value, title, text, alt, transcript, mime, width, height, bytes, sha256, files, fetched"


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Any]:
    """An archive of two windows: one speaks of a page, a picture and a voice note, the other of nothing."""
    files = [
        {"kind": "media", "text": f"{name} (file attached)", "media": [name]} for name in ("IMG-1.jpg", "PTT-1.opus")
    ]
    lines = ["Shall we repaint the garden shed?", f"This green: {URL}", *files]
    with made(
        tmp_path / "told", [*lines, "The roof leaks", "Who has a ladder?", "I have one", "Then on Saturday"]
    ) as it:
        it.learn(PAGE, PICTURE, VOICE)
        it.publish(settings_of(4))
        assert it.plan(settings_of(4)) == 0
        yield it


@pytest.mark.parametrize(
    "learnt",
    [
        replace(PICTURE, preview="data:image/webp;base64,AAAA", look="0" * 16, sizes=((640, 480),)),
        replace(VOICE, seconds=12.4),
        replace(PAGE, site="Paint Weekly", published="2025-11-03", language="en"),
        replace(PAGE, mime="image/jpeg", width=640, height=400, sha256="ef", bytes=1, files=("y-640.jpg",)),
        replace(PAGE, preview="data:image/webp;base64,AAAA", sizes=((640, 400),), look="f" * 16),
    ],
    ids=["look-of-a-picture", "length-that-was-told", "facts-of-a-card", "picture-of-a-card", "preview-of-a-card"],
)
def test_what_no_prompt_and_no_post_uses_writes_no_post_anew(told: Any, learnt: Enrichment) -> None:
    known = {one.key: one for one in (PAGE, PICTURE, VOICE)}
    told.learn(*(known | {learnt.key: learnt}).values())
    assert told.plan(settings_of(4)) == 0


@pytest.mark.parametrize(
    "learnt",
    [
        replace(PAGE, title="Eight greens"),
        replace(PAGE, text="Eight boards."),
        replace(PAGE, text=None, title="paint.example/greens", fetched=False),
        replace(PICTURE, alt="A shed in the rain"),
        replace(PICTURE, files=("z-640.jpg",)),
        replace(VOICE, transcript="Hold the ladder"),
        replace(VOICE, alt="Voice note", seconds=12.4),
    ],
    ids=["title", "description", "not-read", "alt", "file", "transcript", "length"],
)
def test_what_a_prompt_or_a_post_uses_writes_one_window_anew(told: Any, learnt: Enrichment) -> None:
    known = {one.key: one for one in (PAGE, PICTURE, VOICE)}
    told.learn(*(known | {learnt.key: learnt}).values())
    assert told.plan(settings_of(4)) == 1


def test_what_the_first_version_signed_is_signed_so_still(told: Any) -> None:
    """Its signatures held md5 of a whole row as JSON, of the columns that there were."""
    unread = replace(PAGE, text=None, title="paint.example/greens", fetched=False)
    told.learn(unread, PICTURE, VOICE)
    told.plan(settings_of(4))
    now = signatures(told.archive)
    cursor = told.archive.cursor()
    whole = f"(SELECT {FIRST_VERSION} FROM enrichments)"
    old = {row[0].encode() for row in cursor.execute(f"SELECT md5(to_json(e)::VARCHAR) FROM {whole} e").fetchall()}
    digest = hashlib.blake2b(digest_size=16)
    for value in sorted(old):
        digest.update(value)
    ids = [message_id(seq) for seq in range(4)]
    settings = settings_of(4)
    assert now[0][1] == signature(ids, digest.hexdigest(), settings.llm.model, parameters_of(settings))
