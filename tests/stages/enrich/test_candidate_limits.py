"""What limits keep: always what most messages speak of; what they leave out is counted, and no step's order matters."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.store import Archive, hold_archive, open_archive
from stages.enrich.candidates import CANDIDATES, find_candidates
from stages.enrich.limits import LeftOut, Limits, as_rows, left_out_sentences, limit_candidates
from stages.enrich.queue import enqueue_candidates
from stages.settings import load_settings

MANY = 10**9
KINDS = ("url", "image", "video", "audio", "document")


def no_windows() -> pa.Table:
    raise AssertionError("windows are planned where they are needed alone")


def windows_from(*starts: int) -> Callable[[], pa.Table]:
    return lambda: pa.table({"window_index": range(len(starts)), "own_start_seq": pa.array(starts, pa.int64())})


def candidates(rows: list[tuple[str, int, int]]) -> pa.Table:
    """(kind, first message, messages) each, in the order of ``find_candidates``."""
    named = sorted((seq, f"{kind}{n}", kind, often) for n, (kind, seq, often) in enumerate(rows))
    return pa.Table.from_pylist(
        [{"key": k, "kind": kind, "value": k, "first_seq": s, "n_messages": n} for s, k, kind, n in named],
        schema=CANDIDATES,
    )


def naive(found: pa.Table, limits: Limits, starts: list[int]) -> tuple[list[str], Counter[tuple[str, str]]]:
    """One limit after the other, each going through what is left from the most spoken of on."""
    left = [row for row in found.to_pylist() if row["kind"] in limits.kinds]
    out = Counter((row["kind"], "enrich.kinds") for row in found.to_pylist() if row["kind"] not in limits.kinds)

    def place(row: dict[str, Any]) -> int:
        return max(n for n, start in enumerate(starts) if start <= row["first_seq"])

    for setting, most, room_of in (
        ("enrich.max_per_window", limits.per_window, place),
        ("enrich.max_per_kind", limits.per_kind, lambda row: row["kind"]),
        ("fetch.max_links", limits.links, lambda row: "links" if row["kind"] == "url" else row["key"]),
    ):
        taken: Counter[Any] = Counter()
        kept = []
        for row in sorted(left, key=lambda row: (-row["n_messages"], row["first_seq"], row["key"])):
            room = room_of(row)
            if taken[room] < (most if setting != "fetch.max_links" or row["kind"] == "url" else MANY):
                taken[room] += 1
                kept.append(row)
            else:
                out[(row["kind"], setting)] += 1
        left = kept
    return sorted(row["key"] for row in left), out


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 30), st.integers(1, 4)), max_size=40),
    limits=st.builds(
        Limits,
        st.integers(0, 8),
        st.integers(0, 8),
        st.integers(0, 8),
        st.just(KINDS) | st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
    ),
    starts=st.sets(st.integers(1, 30), max_size=6),
)
def test_limits_are_those_of_a_naive_reading(
    rows: list[tuple[str, int, int]], limits: Limits, starts: set[int]
) -> None:
    found, edges = candidates(rows), [0, *sorted(starts)]
    kept, left_out = limit_candidates(found, limits, windows_from(*edges))
    keys, counted = naive(found, limits, edges)
    assert sorted(kept["key"].to_pylist()) == keys
    assert kept["first_seq"].to_pylist() == sorted(kept["first_seq"].to_pylist())
    assert kept.schema.equals(found.schema)
    assert {(row.kind, row.setting): row.candidates for row in left_out} == counted
    assert kept.num_rows + sum(row.candidates for row in left_out) == found.num_rows


def test_the_limit_of_links_keeps_those_that_most_messages_speak_of_and_every_attachment(
    chat: Callable[..., pa.Table],
) -> None:
    texts = ["https://once.example/1", "https://often.example https://once.example/2", "https://often.example"]
    found = find_candidates(chat(texts, [["a.pdf"], ["b.jpg"], []]))
    kept, left_out = limit_candidates(found, Limits(2, MANY, MANY), no_windows)
    assert left_out == (LeftOut("url", "fetch.max_links", 1),)
    assert kept["value"].to_pylist() == ["a.pdf", "https://once.example/1", "b.jpg", "https://often.example"]
    kept, left_out = limit_candidates(found, Limits(0, MANY, MANY), no_windows)
    assert kept["value"].to_pylist() == ["a.pdf", "b.jpg"]
    assert limit_candidates(found, Limits(3, 3, 5), no_windows) == (found, ())


def test_a_window_brings_no_more_than_its_share_however_much_another_brings() -> None:
    found = candidates([("image", 0, 1), ("image", 1, 1), ("url", 2, 5), ("image", 10, 1), ("url", 11, 1)])
    kept, left_out = limit_candidates(found, Limits(MANY, MANY, 2), windows_from(0, 10))
    assert kept["first_seq"].to_pylist() == [0, 2, 10, 11]
    assert left_out == (LeftOut("image", "enrich.max_per_window", 1),)


def test_what_is_left_out_is_said_by_kind_and_setting() -> None:
    found = candidates([("url", n, 1) for n in range(1_203)] + [("image", 0, 1), ("image", 1, 1)])
    _, left_out = limit_candidates(found, Limits(1, 1, MANY), no_windows)
    assert list(left_out_sentences(as_rows(left_out))) == [
        "1 picture is past enrich.max_per_kind and left out; more messages speak of others.",
        "1,202 links are past enrich.max_per_kind and left out; more messages speak of others.",
    ]


def test_kinds_that_are_not_wanted_are_left_out_and_said() -> None:
    found = candidates([("url", 0, 1), ("image", 1, 1), ("image", 2, 1), ("audio", 3, 1)])
    kept, left_out = limit_candidates(found, Limits(MANY, MANY, MANY, ("url", "audio")), no_windows)
    assert kept["kind"].to_pylist() == ["url", "audio"]
    assert list(left_out_sentences(as_rows(left_out))) == ["2 pictures are left out, as enrich.kinds says."]


@pytest.fixture
def archive(tmp_path: Path) -> Any:
    """Two days: three links and a picture on the first, two links on the second."""
    day = datetime(2026, 3, 1, 22, tzinfo=UTC)
    texts = [
        "https://a.example",
        "https://b.example",
        "https://c.example https://b.example",
        "",
        "www.d.example/1 https://e.example",
    ]
    with hold_archive(tmp_path / "a") as folder, open_archive(folder) as opened:
        for seq, text in enumerate(texts):
            opened.cursor().execute(
                "INSERT INTO messages VALUES (?, ?, ?, 'P', 'text', ?, ?, ?, NULL, false)",
                [seq, f"{seq:032x}", day + timedelta(days=seq // 4), text, len(text), ["x.jpg"] if seq == 3 else []],
            )
        opened.set_meta(timezone="UTC")
        opened.touch("messages")
        yield opened


def queue(archive: Archive, **options: Any) -> Any:
    given = {name.replace("__", "."): value for name, value in options.items()}
    return enqueue_candidates(str(archive.folder), settings=load_settings(options=given).settings)


def queued(archive: Archive) -> list[str]:
    return [row[0] for row in archive.cursor().execute("SELECT value FROM tasks ORDER BY first_seq, key").fetchall()]


def test_ordinary_limits_leave_nothing_out_and_plan_nothing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.windows.plan.plan_windows", no_windows)
    report = queue(archive)
    assert (report.items, report.added, report.left_out, report.limited) == (6, 6, 0, ())


def test_limits_hold_by_the_windows_of_the_settings_whatever_plan_is_stored(archive: Archive) -> None:
    report = queue(archive, enrich__max_per_window=2)
    assert queued(archive) == ["https://a.example", "https://b.example", "https://e.example", "www.d.example/1"]
    assert (report.items, report.added, report.left_out) == (4, 4, 2)
    assert report.limited == (
        LeftOut("image", "enrich.max_per_window", 1),
        LeftOut("url", "enrich.max_per_window", 1),
    )
    again = queue(archive, enrich__max_per_window=2)
    assert (again.added, again.left_out, again.limited) == (0, 2, report.limited)


def test_the_same_limits_leave_out_the_same_after_a_plan_was_stored(archive: Archive) -> None:
    from stages.write.selection import Selection, plan_archive

    other = load_settings(options={"windows.unit": "messages", "windows.size": 1}).settings
    plan_archive(str(archive.folder), settings=other, selection=Selection())
    first = queue(archive, enrich__max_per_window=2)
    second = queue(archive, enrich__max_per_window=1, windows__unit="messages", windows__size=1)
    assert first.limited == (LeftOut("image", "enrich.max_per_window", 1), LeftOut("url", "enrich.max_per_window", 1))
    assert second.limited == (LeftOut("url", "enrich.max_per_window", 1),)


def test_what_is_queued_keeps_up_with_the_chat_though_it_is_past_a_limit_now(archive: Archive) -> None:
    queue(archive, enrich__kinds=["url"])
    cursor = archive.cursor()
    cursor.execute("UPDATE messages SET seq = seq + 10")
    archive.touch("messages")
    assert queue(archive, fetch__max_links=1).items == 2
    rows = cursor.execute("SELECT value, first_seq FROM tasks WHERE kind = 'url' ORDER BY first_seq, key").fetchall()
    assert [seq for _, seq in rows] == [10, 11, 12, 14, 14]


def test_a_kind_that_is_wanted_later_is_taken_up_then(archive: Archive) -> None:
    assert queue(archive, enrich__kinds=["image"]).added == 1
    assert queued(archive) == ["x.jpg"]
    report = queue(archive, enrich__kinds=["image", "url"])
    assert (report.items, report.added, report.limited) == (6, 5, ())


def test_a_limit_that_is_raised_takes_up_what_was_left_out(archive: Archive) -> None:
    assert queue(archive, fetch__max_links=1).added == 2
    assert queued(archive) == ["https://b.example", "x.jpg"]
    report = queue(archive, fetch__max_links=3)
    assert (report.added, report.left_out) == (2, 2)
    assert queue(archive, fetch__max_links=500).added == 2
    assert queue(archive, fetch__max_links=0).limited == (LeftOut("url", "fetch.max_links", 5),)
    assert len(queued(archive)) == 6, "what is queued stays"
