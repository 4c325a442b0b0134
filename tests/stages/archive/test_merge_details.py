"""Replies, reactions, topics and links survive merging; what it costs does not depend on the messages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.archive.details import Details, details
from stages.archive.merge import MergeReport, ParsedExport, merge_export
from stages.archive.schema import MESSAGES
from stages.archive.store import Archive
from tests.stages.archive.conftest import Chronicle
from tests.stages.archive.phones import android, conversation, ios
from tests.stages.archive.rows import KEY

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
TOLD = {"reactions": pa.int32(), "topic": pa.string(), "links": pa.list_(pa.string())}


def merge(archive: Archive, rows: Sequence[dict[str, Any]], number: int, told: Sequence[str] = ()) -> MergeReport:
    """Merge rows of which id, second and text are given, and any other column may be."""
    plain = {"author": "Quiet Heron", "kind": "text", "media": [], "reply_to": None, "edited": False}
    full = [
        {"seq": seq, **plain, "text_bytes": len(row["text"]), **row, "ts": START + timedelta(seconds=row["ts"])}
        for seq, row in enumerate(rows)
    ]
    schema = pa.schema([*MESSAGES, *(pa.field(name, TOLD[name]) for name in told)])
    path = archive.work / f"{number}.parquet"
    pq.write_table(pa.Table.from_pylist(full, schema=schema), path)
    export = ParsedExport(f"{number:064x}", "", "telegram", "made up", path, (), ())
    return merge_export(str(archive.folder), export, key=KEY, run_id="run")


def row(identity: str, second: int, text: str, **more: Any) -> dict[str, Any]:
    return {"message_id": identity * 32, "ts": second, "text": text, **more}


@pytest.fixture
def archive(chronicle: Chronicle) -> Archive:
    return chronicle.archive


def replies(archive: Archive) -> dict[str, str | None]:
    rows = archive.cursor().execute("SELECT message_id[1], reply_to[1] FROM messages ORDER BY seq").fetchall()
    return dict(rows)


def test_what_is_answered_is_found_under_the_id_that_is_stored(archive: Archive) -> None:
    merge(archive, [row("a", 0, "shall we go?"), row("b", 60, "where to?")], 0)
    fine = [
        row("c", 7, "shall we go?"),
        row("d", 75, "where to?", reply_to="c" * 32),
        row("e", 130, "to the sea", reply_to="d" * 32),
        row("f", 140, "why not", reply_to="e" * 32),
    ]
    assert merge(archive, fine, 1) == MergeReport(2, 2, 0, 1)
    assert replies(archive) == {"a": None, "b": "a", "e": "b", "f": "e"}
    more = [*fine, row("0", 150, "late answer", reply_to="c" * 32)]
    assert merge(archive, more, 2) == MergeReport(4, 1)
    assert replies(archive)["0"] == "a"


def test_a_reply_that_was_cut_off_is_filled_in_and_never_changed(archive: Archive) -> None:
    merge(archive, [row("b", 10, "yes"), row("c", 20, "fine", reply_to="b" * 32)], 0)
    whole = [row("a", 0, "come?"), row("b", 10, "yes", reply_to="a" * 32), row("c", 20, "fine", reply_to="a" * 32)]
    assert merge(archive, whole, 1) == MergeReport(2, 1, 0, 1)
    assert replies(archive) == {"a": None, "b": "a", "c": "b"}


def test_details_are_kept_and_the_latest_count(archive: Archive) -> None:
    first = [
        row("a", 0, "one", reactions=3, topic="Trip", links=["https://a.org"]),
        row("b", 10, "two"),
        row("c", 20, "three", reactions=1),
    ]
    merge(archive, first, 0, list(TOLD))
    assert details(archive.cursor()) == {
        "a" * 32: Details(3, "Trip", ("https://a.org",)),
        "c" * 32: Details(1),
    }
    revision = archive.revision("messages")
    merge(archive, first, 1, list(TOLD))
    assert archive.revision("messages") == revision
    again = [row("a", 0, "one", reactions=5), row("b", 10, "two", reactions=1), row("c", 20, "three", reactions=None)]
    merge(archive, again, 2, ["reactions"])
    assert details(archive.cursor()) == {
        "a" * 32: Details(5, "Trip", ("https://a.org",)),
        "b" * 32: Details(1),
        "c" * 32: Details(1),
    }
    assert archive.revision("messages") == revision + 1
    assert details(archive.cursor(), ["b" * 32, "0" * 32]) == {"b" * 32: Details(1)}
    assert details(archive.cursor(), []) == {}
    assert archive.count("details") == 3


def test_details_belong_to_the_message_as_it_is_stored(archive: Archive) -> None:
    merge(archive, [row("a", 0, "one"), row("b", 60, "two")], 0)
    fine = [
        row("c", 5, "one", reactions=2),
        row("d", 65, "two", links=["https://a.org"]),
        row("e", 70, "three", topic="x"),
    ]
    merge(archive, fine, 1, list(TOLD))
    assert details(archive.cursor()) == {
        "a" * 32: Details(2),
        "b" * 32: Details(links=("https://a.org",)),
        "e" * 32: Details(topic="x"),
    }


def test_a_merge_that_fails_leaves_nothing(archive: Archive) -> None:
    merge(archive, [row("a", 0, "one")], 0)
    before = archive.cursor().execute("FROM messages").fetchall()
    path = archive.work / "broken.parquet"
    path.write_bytes(Path(archive.work / "0.parquet").read_bytes()[:300])
    with pytest.raises(Exception, match=r"(?i)parquet"):
        merge_export(str(archive.folder), ParsedExport("f" * 64, "", "x", "x", path, (), ()), key=KEY, run_id="run")
    assert archive.cursor().execute("FROM messages").fetchall() == before
    assert merge(archive, [row("a", 0, "one"), row("b", 5, "two")], 1) == MergeReport(1, 1)


def statements(chronicle: Chronicle, texts: Sequence[str]) -> list[int]:
    """Statements of each merge, as the database itself counts them."""
    cursor = chronicle.archive.cursor()
    counts = []
    for text in texts:
        export = chronicle.parse(text)
        cursor.execute("CALL enable_logging('QueryLog')")
        chronicle.merge(export)
        cursor.execute("CALL disable_logging()")
        counts.append(len(cursor.execute("SELECT message FROM duckdb_logs").fetchall()))
        cursor.execute("CALL truncate_duckdb_logs()")
    return counts


def test_a_merge_is_the_same_number_of_statements_whatever_the_number_of_messages(chronicles: Any) -> None:
    counts = []
    for size in (40, 400):
        chat = conversation(size)
        texts = [android(chat[10:]), ios(chat, "pt", media=True), android(chat[10:]), android(chat, "pt")]
        counts.append(statements(chronicles(), texts))
    assert counts[0] == counts[1]
    assert min(counts[0]) > 10
    assert max(counts[0]) < 90
    assert counts[0][2] < 40
