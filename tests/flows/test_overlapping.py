"""Exports that overlap become their union (F4.2): weekly ones, two phones, renamed people, several at once."""

import json
import random
from pathlib import Path

import duckdb
import pytest

from flows.pipeline import prepare
from flows.progress import Progress
from flows.reading import APART_BYTES, Job, parse_options, read_exports
from flows.request import PublishRequest
from flows.runner import DirectRunner
from stages.archive.inbox import take_export
from stages.errors import StreamlinerError
from stages.ingest.apart import parse_apart
from stages.ingest.export import ParseOptions, parse_export

TALK = [
    (day, minute, ("Marisol Vexley", "Tobias Quandt", "Ines Brackwater")[(day + minute) % 3], f"{text} (day {day})")
    for day in range(13, 20)
    for minute, text in enumerate(
        (
            "Did anyone find the missing cello?",
            "ok",
            "It was in the boathouse all along, behind the green canoe",
            "Great, then the concert can happen",
            "ok",
        )
    )
]


def android(talk, rename=None) -> str:
    rename = rename or {}
    lines = [f"{day:02}/03/2026, 09:{10 + m // 2:02} - {rename.get(who, who)}: {text}" for day, m, who, text in talk]
    return "\n".join(lines) + "\n"


def ios(talk) -> str:
    lines = [
        f"[{day:02}/03/2026, 09:{10 + m // 2:02}:{20 * (m % 2) + 7:02}] {who}: {text}" for day, m, who, text in talk
    ]
    return "\r\n".join(lines) + "\r\n"


def stored(archive: Path) -> list[tuple]:
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT message_id, author, text FROM messages ORDER BY seq").fetchall()


def test_f4_2_weekly_exports_become_their_union(publish, tmp_path: Path) -> None:
    monday, friday = tmp_path / "MONDAY.txt", tmp_path / "FRIDAY.txt"
    monday.write_text(android(TALK[:20]))
    friday.write_text(android(TALK[10:]))
    report = publish(monday, friday, "--archive", tmp_path / "a")
    assert (report["matched"], report["added"], report["in_doubt"]) == (10, len(TALK), 0)
    whole = tmp_path / "WHOLE.txt"
    whole.write_text(android(TALK))
    publish(whole, "--archive", tmp_path / "b")
    assert stored(tmp_path / "a") == stored(tmp_path / "b")
    # an older export added later re-numbers and changes no id
    publish(friday, "--archive", tmp_path / "c")
    before = {row[0] for row in stored(tmp_path / "c")}
    report = publish(monday, "--archive", tmp_path / "c")
    assert (report["matched"], report["added"]) == (10, 10)
    assert before < {row[0] for row in stored(tmp_path / "c")}
    assert stored(tmp_path / "c") == stored(tmp_path / "b")


def test_f4_2_two_phones_write_one_chat(publish, tmp_path: Path) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text(android(TALK[:25]))
    other.write_text(ios(TALK[5:]), newline="")
    report = publish(one, other, "--archive", tmp_path / "a")
    assert (report["matched"], report["added"], report["in_doubt"]) == (20, len(TALK), 0)
    assert [text for _, _, text in stored(tmp_path / "a")] == [text for _, _, _, text in TALK]
    again = publish(other, one, "--archive", tmp_path / "a")
    assert again["messages"] == len(TALK)


def test_f4_2_a_renamed_person_is_one(publish, streamliner, tmp_path: Path) -> None:
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text(android(TALK[:25]))
    new.write_text(android(TALK[10:], {"Tobias Quandt": "Tobi Harrowgate"}))
    report = publish(old, new, "--archive", tmp_path / "a", "--alias", "Tobias Quandt=Tobi Harrowgate")
    assert (report["matched"], report["added"], report["in_doubt"]) == (15, len(TALK), 0)
    plain = tmp_path / "plain.txt"
    plain.write_text(android(TALK))
    publish(plain, "--archive", tmp_path / "b")
    assert stored(tmp_path / "a") == stored(tmp_path / "b")
    # without being told, nothing is taken for a repeat, and nothing is silent
    report = publish(old, new, "--archive", tmp_path / "c")
    doubled = [who for _, _, who, _ in TALK[10:25] if who == "Tobias Quandt"]
    assert (report["added"], report["in_doubt"]) == (len(TALK) + len(doubled), len(doubled))
    done = streamliner("publish", new, "--archive", tmp_path / "d", "--alias", "Nobody=Neither")
    assert "--alias" in done.stderr
    assert "Nobody" not in done.stderr
    refused = streamliner("publish", new, "--archive", tmp_path / "e", "--alias", "Tobias", check=2)
    assert len(refused.stderr.splitlines()) == 1
    assert "Tobias" not in refused.stderr


def write_long(path: Path, seed: int, first: int) -> None:
    """Few messages and many bytes, so that reading it apart pays."""
    rng = random.Random(seed)
    words = ["boat", "train", "dinner", "garden", "letter", "window", "amanhã", "café"]
    paragraph = " ".join(rng.choices(words, k=2_000))
    with path.open("w", encoding="utf-8") as out:
        for number in range(700):
            day, minute = 13 + number // 300, number % 300
            who = ("Marisol Vexley", "Ines Brackwater")[number % 2] if first else "Tobias Quandt"
            out.write(f"{day:02}/0{3 + first}/2026, {minute // 60:02}:{minute % 60:02} - {who}: {number} {paragraph}\n")
        out.write(f"20/0{3 + first}/2026, 09:00 - {who}: so said Tobias Quandt\n")


def test_several_exports_at_once_give_what_they_give_one_by_one(monkeypatch, tmp_path: Path) -> None:
    exports = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for number, export in enumerate(exports):
        write_long(export, number, number)
    assert min(export.stat().st_size for export in exports) > APART_BYTES
    monkeypatch.setenv("STREAMLINER_PRIVACY__KEY", "5a" * 32)
    found = []
    for workers in ("1", "2"):
        monkeypatch.setenv("STREAMLINER_PERFORMANCE__MAX_WORKERS", workers)
        request = PublishRequest(archive=str(tmp_path / "a"), exports=tuple(map(str, exports)))
        run = prepare(request, DirectRunner(int(workers)), Progress(enabled=False))
        jobs = [Job(take_export(path), at, tmp_path / f"{workers}-{at}.parquet") for at, path in enumerate(exports)]
        options = parse_options(run, "UTC", {})
        reports = read_exports(run, jobs, key=bytes(32), options=options, known=(), orders={})
        for report in reports:
            report.seconds = report.peak_rss_mb = 0
        found.append((reports, [job.out.read_bytes() for job in jobs]))
    assert found[0] == found[1]


def test_what_a_child_process_reads_is_what_this_one_reads(tmp_path: Path) -> None:
    export = tmp_path / "chat.txt"
    export.write_text(android(TALK))
    key = bytes(range(32))
    here = parse_export(export, tmp_path / "here.parquet", key=key, options=ParseOptions())
    apart = parse_apart(export, tmp_path / "apart.parquet", key=key, options=ParseOptions())
    assert (tmp_path / "apart.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    for report in (here, apart):
        report.seconds = report.peak_rss_mb = 0
    assert here == apart


def test_bad_input_in_a_child_process_is_one_sentence(tmp_path: Path) -> None:
    export = tmp_path / "prose.txt"
    export.write_text("Dear diary,\nnothing happened today.\n")
    with pytest.raises(StreamlinerError, match="message") as caught:
        parse_apart(export, tmp_path / "out.parquet", key=bytes(32))
    assert caught.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["prose.txt"]


def test_the_order_of_exports_in_a_command_changes_nothing(publish, contents, tmp_path: Path) -> None:
    photo = "IMG-20260313-WA0001.jpg"
    lines = android(TALK).splitlines(keepends=True)
    lines.insert(12, f"{lines[12][:20]}Tobias Quandt: \u200e{photo} (file attached)\n")
    early, late = tmp_path / "early.txt", tmp_path / "late.txt"
    early.write_text("".join(lines[:20]))
    late.write_text("".join(lines[10:]).replace(f"\u200e{photo} (file attached)", "<Media omitted>"))
    found = []
    for number, exports in enumerate(((early, late), (late, early))):
        archive = tmp_path / str(number)
        report = publish(*exports, "--archive", archive)
        assert (report["matched"], report["added"], report["in_doubt"]) == (10, len(lines), 0)
        found.append((stored(archive), contents(archive / "posts"), contents(archive / "site")))
    assert found[0] == found[1]


def test_the_sentence_says_which_of_several_exports_is_bad(streamliner, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text(android(TALK))
    bad.write_text(android(TALK))
    refused = streamliner("publish", good, bad, "--archive", tmp_path / "a", "--date-order", "mdy", check=2)
    assert refused.stderr.startswith("streamliner: Export 1: --date-order mdy does not fit")
    bad.write_text("no chat at all\n")
    refused = streamliner("publish", good, bad, "--archive", tmp_path / "a", check=2)
    assert refused.stderr.startswith("streamliner: Export 2: ")
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "a").exists()


def test_a_warning_says_which_of_several_exports_it_means(streamliner, tmp_path: Path) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text(android(TALK[:20]))
    other.write_text("a line before\n" + android(TALK[10:]))
    quiet = {"STREAMLINER_PERFORMANCE__SHOW_PROGRESS": "false"}  # a slow machine would say what it is doing
    done = streamliner("publish", one, other, "--archive", tmp_path / "a", **quiet)
    assert done.stderr.splitlines() == ["Export 2: Line 1 stands before the first message and was left out."]
    done = streamliner("publish", other, "--archive", tmp_path / "b", **quiet)
    assert done.stderr.splitlines() == ["Line 1 stands before the first message and was left out."]


def test_one_bad_export_of_several_changes_nothing(streamliner, publish, contents, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    write_long(good, 1, 1)
    bad.write_text("no chat at all\n" * 900_000)
    small = tmp_path / "small.txt"
    small.write_text(android(TALK))
    publish(small, "--archive", tmp_path / "a")
    before = {name: contents(tmp_path / "a" / name) for name in ("posts", "media")}
    database = (tmp_path / "a" / "archive.duckdb").read_bytes()
    refused = streamliner("publish", good, bad, "--archive", tmp_path / "a", check=2)
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1
    assert {name: contents(tmp_path / "a" / name) for name in ("posts", "media")} == before
    assert (tmp_path / "a" / "archive.duckdb").read_bytes() == database


def test_f4_3_what_one_export_proves_settles_the_other(publish, tmp_path: Path) -> None:
    doubtful, proven = tmp_path / "doubtful.txt", tmp_path / "proven.txt"
    doubtful.write_text("03/04/2026, 09:00 - Tobias Quandt: hello\n03/04/2026, 09:01 - Ines Brackwater: good morning\n")
    proven.write_text(android(TALK))
    report = publish(doubtful, proven, "--archive", tmp_path / "a")
    assert report["messages"] == len(TALK) + 2
    with duckdb.connect(str(tmp_path / "a" / "archive.duckdb"), read_only=True) as connection:
        last = connection.execute("SELECT strftime(max(ts) AT TIME ZONE 'UTC', '%Y-%m-%d') FROM messages").fetchone()
    assert last == ("2026-04-03",)
    assert json.dumps(report)


DOUBTFUL = "03/04/2026, 09:00 - Tobias Quandt: hello\n03/05/2026, 09:01 - Ines Brackwater: good morning\n"


def test_f4_3_a_proof_against_what_was_said_before_is_told(streamliner, tmp_path: Path) -> None:
    archive = tmp_path / "a"
    exports = [tmp_path / f"{number}.txt" for number in range(4)]
    exports[0].write_text(DOUBTFUL)
    streamliner("publish", exports[0], "--archive", archive, "--date-order", "mdy", check=0)
    # its like follows what was said once
    exports[1].write_text(DOUBTFUL + "03/06/2026, 10:00 - Ines Brackwater: bye\n")
    followed = streamliner("publish", exports[1], "--archive", archive, check=0)
    assert "it was read as mdy" in followed.stderr
    exports[2].write_text(android(TALK))
    told = streamliner("publish", exports[2], "--archive", archive, check=0)
    assert "was read as dmy, and the archive has exports in the same format that were read as mdy" in told.stderr
    # two orders settle nothing
    exports[3].write_text(DOUBTFUL + "03/07/2026, 10:00 - Ines Brackwater: bye again\n")
    refused = streamliner("publish", exports[3], "--archive", archive, check=2)
    assert "--date-order dmy or --date-order mdy" in refused.stderr
