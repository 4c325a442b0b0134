"""Overlapping exports become their union: nothing lost, nothing twice, both orders kept where times tie."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.merge import ParsedExport, merge_export
from stages.archive.schema import MESSAGES
from stages.archive.store import hold_archive, open_archive
from stages.privacy.guard import Guard

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
KEY = bytes(range(32))
Row = tuple[int, str]  # minute, message id


def parquet(path: Path, rows: list[Row], texts: dict[str, str] | None = None) -> Path:
    ids = [identity for _, identity in rows]
    said = [(texts or {}).get(identity, f"text of {identity}") for identity in ids]
    table = pa.table(
        {
            "seq": range(len(rows)),
            "message_id": ids,
            "ts": [START + timedelta(minutes=minute) for minute, _ in rows],
            "author": ["Quiet Heron"] * len(rows),
            "kind": ["text"] * len(rows),
            "text": said,
            "text_bytes": [len(text.encode()) for text in said],
            "media": pa.array([[]] * len(rows), pa.list_(pa.string())),
            "reply_to": pa.array([None] * len(rows), pa.string()),
            "edited": [False] * len(rows),
        }
    )
    pq.write_table(table.cast(MESSAGES), path)
    return path


def parsed(path: Path, number: int, names: tuple = ()) -> ParsedExport:
    return ParsedExport(f"{number:064x}", "dmy", "whatsapp", "made up", path, names, ())


def merge_all(folder: Path, exports: list[list[Row]]) -> tuple[list[tuple[int, str, datetime]], list[tuple[int, int]]]:
    counts = []
    with hold_archive(folder / "chat") as held, open_archive(held) as archive:
        for number, rows in enumerate(exports):
            path = parquet(archive.work / f"{number}.parquet", rows)
            report = merge_export(str(held), parsed(path, number), key=KEY, run_id="run")
            counts.append((report.matched, report.added))
        stored = archive.cursor().execute("SELECT seq, message_id, ts FROM messages ORDER BY seq").fetchall()
    return stored, counts


@st.composite
def overlapping(draw: st.DrawFn) -> tuple[list[Row], list[list[Row]]]:
    """A chat with many ties, and exports that are contiguous stretches of it in any order of arrival."""
    minutes = sorted(draw(st.lists(st.integers(0, 6), min_size=1, max_size=25)))
    chat = [(minute, f"{number:032x}") for number, minute in enumerate(minutes)]
    cuts = st.tuples(st.integers(0, len(chat)), st.integers(0, len(chat))).map(sorted)
    exports = [chat[low:high] for low, high in draw(st.lists(cuts, min_size=1, max_size=4))]
    return chat, [rows for rows in exports if rows] or [chat]


@settings(max_examples=15, deadline=None)
@given(overlapping())
def test_the_union_is_dense_ordered_and_complete(case: tuple[list[Row], list[list[Row]]]) -> None:
    _chat, exports = case
    with tempfile.TemporaryDirectory() as folder:
        stored, counts = merge_all(Path(folder), exports)
    union = {identity for rows in exports for _, identity in rows}
    assert [seq for seq, _, _ in stored] == list(range(len(union)))
    assert {identity for _, identity, _ in stored} == union
    times = [ts for _, _, ts in stored]
    assert times == sorted(times)
    place = {identity: seq for seq, identity, _ in stored}
    for rows in exports:  # every export's own order survives
        assert [place[identity] for _, identity in rows] == sorted(place[identity] for _, identity in rows)
    assert sum(added for _, added in counts) == len(union)
    assert sum(matched for matched, _ in counts) == sum(len(rows) for rows in exports) - len(union)


def test_a_week_more_is_appended_where_the_minute_was_cut(tmp_path: Path) -> None:
    first = [(0, "a" * 32), (5, "b" * 32), (5, "c" * 32)]
    second = [(5, "b" * 32), (5, "c" * 32), (5, "d" * 32), (9, "e" * 32)]
    stored, counts = merge_all(tmp_path, [first, second])
    assert [identity[0] for _, identity, _ in stored] == list("abcde")
    assert counts == [(0, 3), (2, 2)]


def test_an_older_export_goes_before(tmp_path: Path) -> None:
    first = [(5, "c" * 32), (9, "d" * 32)]
    second = [(0, "a" * 32), (5, "b" * 32), (5, "c" * 32)]
    stored, _ = merge_all(tmp_path, [first, second])
    assert [identity[0] for _, identity, _ in stored] == list("abcd")


def test_a_name_that_is_learnt_later_is_replaced_in_what_is_stored(tmp_path: Path) -> None:
    guard = Guard.build(KEY, ["Wilhelmina Prott"])
    alias = guard.authors(pa.array(["Wilhelmina Prott"]))[0].as_py()
    with hold_archive(tmp_path / "chat") as held, open_archive(held) as archive:
        texts = {"a" * 32: "did Wilhelmina Prott call?", "b" * 32: "no, nothing"}
        early = parquet(archive.work / "0.parquet", [(0, "a" * 32), (1, "b" * 32)], texts)
        merge_export(str(held), parsed(early, 0), key=KEY, run_id="run")
        late = parquet(archive.work / "1.parquet", [(2, "c" * 32)])
        merge_export(str(held), parsed(late, 1, tuple(guard.records())), key=KEY, run_id="run")
        rows = archive.cursor().execute("SELECT text, text_bytes FROM messages ORDER BY seq").fetchall()
    assert rows[0][0] == f"did {alias} call?"
    assert rows[1][0] == "no, nothing"
    assert all(size == len(text.encode()) for text, size in rows)
