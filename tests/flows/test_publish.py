"""The main job as a person runs it: an export goes in, a chronicle comes out, and again changes nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

NAMES = (b"Marisol", b"Vexley", b"Tobias", b"Quandt", b"Ines", b"Brackwater")
REPORT = {
    "run_id", "status", "model_calls", "fetches", "posts_written", "posts_total", "messages", "windows",
    "dead_letters", "cost_usd", "operations",
}  # fmt: skip


def published(archive: Path, contents: Callable[[Path], dict[str, bytes]]) -> dict[str, bytes]:
    """Every byte that a person or a reader sees."""
    return {
        f"{name}/{path}": data
        for name in ("site", "posts", "media")
        if (archive / name).exists()
        for path, data in contents((archive / name).resolve()).items()
    }


def test_f1_an_export_becomes_a_chronicle(make_chat, publish, contents, tmp_path: Path) -> None:
    report = publish(make_chat(3), "--archive", tmp_path / "a")
    assert set(report) >= REPORT
    assert report["status"] == "completed"
    assert report["messages"] == 25
    assert report["windows"] == 3
    assert report["posts_written"] == report["posts_total"] >= 2
    assert report["model_calls"] >= 3
    names = [row["operation"] for row in report["operations"]]
    assert names == ["parse", "merge", "candidates", "enrich", "windows", "write", "site"]
    archive = tmp_path / "a"
    assert (archive / "site").is_symlink()
    assert json.loads((archive / "metrics" / "performance.json").read_text())["run_id"] == report["run_id"]
    posts = list((archive / "posts").rglob("*.md"))
    assert len(posts) == report["posts_total"]
    assert all(re.fullmatch(r"2026/03/[a-z0-9-]+\.md", p.relative_to(archive / "posts").as_posix()) for p in posts)
    for path, data in published(archive, contents).items():
        for name in NAMES:
            assert name not in data, f"{path} holds a raw name"
    for line in (archive / "ledger.jsonl").read_text().splitlines():
        assert "cello" not in line


def test_f1_the_same_again_asks_nobody_and_changes_nothing(make_chat, publish, contents, tmp_path: Path) -> None:
    chat = make_chat(3)
    publish(chat, "--archive", tmp_path / "a")
    before = published(tmp_path / "a", contents)
    link = os.readlink(tmp_path / "a" / "site")
    report = publish(chat, "--archive", tmp_path / "a")
    assert (report["model_calls"], report["fetches"], report["posts_written"]) == (0, 0, 0)
    assert published(tmp_path / "a", contents) == before
    assert os.readlink(tmp_path / "a" / "site") == link


def test_the_same_key_gives_the_same_bytes_in_any_folder(make_chat, publish, contents, tmp_path: Path) -> None:
    chat = make_chat(2)
    renamed = tmp_path / "other.zip"
    renamed.write_bytes(chat.read_bytes())
    publish(chat, "--archive", tmp_path / "a")
    publish(renamed, "--archive", tmp_path / "elsewhere" / "b")
    assert published(tmp_path / "a", contents) == published(tmp_path / "elsewhere" / "b", contents)


def test_f1_9_a_chat_that_grew_rewrites_only_what_grew(make_chat, publish, contents, tmp_path: Path) -> None:
    publish(make_chat(3, "one.zip"), "--archive", tmp_path / "a")
    old = contents(tmp_path / "a" / "posts")
    report = publish(make_chat(5, "two.zip"), "--archive", tmp_path / "a")
    assert report["added"] == 16
    assert report["matched"] == 25
    assert report["model_calls"] == 2
    new = contents(tmp_path / "a" / "posts")
    assert {path: new[path] for path in old} == old
    fresh = publish(make_chat(5, "two.zip"), "--archive", tmp_path / "b")
    assert fresh["messages"] == report["messages"]
    assert published(tmp_path / "a", contents) == published(tmp_path / "b", contents)


def test_without_an_export_it_goes_on_with_the_archive(make_chat, publish, tmp_path: Path) -> None:
    publish(make_chat(3), "--archive", tmp_path / "a")
    report = publish("--archive", tmp_path / "a", "--unit", "messages", "--size", "5")
    assert report["windows"] == 5
    assert report["model_calls"] >= 1


def test_f1_3_a_range_writes_only_its_own_windows(make_chat, publish, tmp_path: Path) -> None:
    report = publish(make_chat(5), "--archive", tmp_path / "a", "--from", "2026-03-14", "--to", "2026-03-15")
    assert report["windows"] == 5
    assert report["model_calls"] == 2
    later = publish("--archive", tmp_path / "a")
    assert later["model_calls"] == 3


def test_f1_6_refresh_writes_anew_and_gives_the_same_bytes(make_chat, publish, contents, tmp_path: Path) -> None:
    chat = make_chat(3)
    publish(chat, "--archive", tmp_path / "a")
    before = published(tmp_path / "a", contents)
    assert publish("--archive", tmp_path / "a", "--refresh", "write")["model_calls"] == 3
    assert publish("--archive", tmp_path / "a", "--refresh", "write", "--window", "1")["model_calls"] == 1
    assert publish("--archive", tmp_path / "a", "--refresh", "site")["model_calls"] == 0
    assert published(tmp_path / "a", contents) == before


def test_a_dry_run_says_what_would_be_done_and_does_nothing(make_chat, publish, contents, tmp_path: Path) -> None:
    report = publish(make_chat(3), "--archive", tmp_path / "a", "--dry-run")
    assert report["status"] == "dry-run"
    assert report["windows_to_write"] == 3
    assert report["model_calls"] == 0
    assert not (tmp_path / "a").exists()
    publish(make_chat(3), "--archive", tmp_path / "a")
    before = contents(tmp_path / "a")
    assert publish(make_chat(5), "--archive", tmp_path / "a", "--dry-run")["windows_to_write"] == 2
    assert contents(tmp_path / "a") == before


@pytest.mark.parametrize("after", ["merge", "enrich", "write", "site"])
def test_f14_1_a_killed_run_ends_in_the_same_bytes(make_chat, publish, contents, tmp_path: Path, after: str) -> None:
    """The process is killed as soon as the ledger tells that the stage began to have effects; then the same again."""
    chat = make_chat(4)
    publish(chat, "--archive", tmp_path / "whole")
    program = f"""
import os, signal
from stages.ledger import Ledger
record = Ledger.record
def deadly(self, kind, **payload):
    record(self, kind, **payload)
    if kind == {after!r}:
        os.kill(os.getpid(), signal.SIGKILL)
Ledger.record = deadly
from flows.cli import main
main(["publish", {str(chat)!r}, "--archive", {str(tmp_path / "killed")!r}])
"""
    environment = os.environ | {"STREAMLINER_PRIVACY__KEY": "5a" * 32, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("PREFECT_API_URL", None)
    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    publish(chat, "--archive", tmp_path / "killed")
    assert published(tmp_path / "killed", contents) == published(tmp_path / "whole", contents)


def test_ctrl_c_says_what_is_done_and_the_next_run_goes_on(make_chat, publish, contents, tmp_path: Path) -> None:
    """Many windows are written slowly enough to be interrupted in the middle."""
    chat = make_chat(28, first_day=1)
    environment = os.environ | {
        "STREAMLINER_PRIVACY__KEY": "5a" * 32,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "STREAMLINER_LLM__BATCH_WINDOWS": "1",
    }
    environment.pop("PREFECT_API_URL", None)
    options = ("--unit", "messages", "--size", "1")
    command = [sys.executable, "-m", "flows", "publish", str(chat), "--archive", str(tmp_path / "a"), *options]
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    ledger = tmp_path / "a" / "ledger.jsonl"
    for _ in range(600):
        if ledger.exists() and '"write"' in ledger.read_text():
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Interrupted" in said
    assert "Traceback" not in said
    publish(chat, "--archive", tmp_path / "a", *options)
    publish(chat, "--archive", tmp_path / "b", *options)
    assert published(tmp_path / "a", contents) == published(tmp_path / "b", contents)


def test_two_runs_of_one_archive_one_wins(make_chat, streamliner, publish, tmp_path: Path) -> None:
    from stages.archive.store import hold_archive

    chat = make_chat(2)
    publish(chat, "--archive", tmp_path / "a")
    with hold_archive(tmp_path / "a"):
        done = streamliner("publish", chat, "--archive", tmp_path / "a", check=2)
    assert "Another run" in done.stderr
    assert done.stdout == ""


def test_a_missing_or_other_key_is_refused(make_chat, publish, streamliner, contents, tmp_path: Path) -> None:
    chat = make_chat(2)
    publish(chat, "--archive", tmp_path / "a")
    before = contents(tmp_path / "a")
    for key in ("6b" * 32, ""):
        done = streamliner("publish", chat, "--archive", tmp_path / "a", check=2, STREAMLINER_PRIVACY__KEY=key)
        assert "key" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert contents(tmp_path / "a") == before


def test_a_direct_run_needs_neither_prefect_nor_litellm(make_chat, tmp_path: Path) -> None:
    program = f"""
import sys
from flows.cli import main
try:
    main(["publish", {str(make_chat(2))!r}, "--archive", {str(tmp_path / "a")!r}])
except SystemExit as end:
    assert end.code == 0
assert not {{"prefect", "litellm", "ibis", "rich"}} & set(sys.modules)
"""
    environment = os.environ | {"STREAMLINER_PRIVACY__KEY": "5a" * 32, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("PREFECT_API_URL", None)
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=tmp_path, capture_output=True)


def test_the_archive_holds_no_raw_name(make_chat, publish, tmp_path: Path) -> None:
    publish(make_chat(3), "--archive", tmp_path / "a")
    with duckdb.connect(str(tmp_path / "a" / "archive.duckdb"), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for table in tables:
            rows: list[Any] = connection.execute(f'SELECT * FROM "{table}"').fetchall()
            for name in NAMES:
                assert name.decode() not in repr(rows), f"{table} holds a raw name"
    data = (tmp_path / "a" / "archive.duckdb").read_bytes()
    assert not [name for name in NAMES if len(name) > 4 and name in data]


def test_the_inbox_is_empty_after_a_flow_or_direct_run(make_chat, publish, tmp_path: Path) -> None:
    publish(make_chat(2), "--archive", tmp_path / "a")
    assert not list((tmp_path / "a").glob("inbox/*"))
    assert not (tmp_path / "a" / ".work").exists()
    assert zipfile.is_zipfile(make_chat(2))


def test_f1_7_a_chat_with_too_little_says_so_and_makes_no_filler(streamliner, publish, tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_text("13/03/2026 08:00 - Messages and calls are end-to-end encrypted.\n13/03/2026 08:01 - Tobias: hi\n")
    said = streamliner("publish", chat, "--archive", tmp_path / "a").stdout.splitlines()
    assert said[0].startswith("Too little was said")
    assert re.search(r"0 new posts, 0 in all, from 2 messages in [\d.]+ s with \d+ MB", said[-1])
    assert publish(chat, "--archive", tmp_path / "a")["posts_total"] == 0
    assert (tmp_path / "a" / "site" / "index.html").is_file()


def test_a_dry_run_is_told_to_a_person(make_chat, streamliner, tmp_path: Path) -> None:
    said = streamliner("publish", make_chat(3), "--archive", tmp_path / "a", "--dry-run").stdout
    assert "3 of them would be written by local/extractive" in said


def test_f13_1_a_settings_file_that_is_named_is_read(make_chat, publish, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[windows]\nunit = "messages"\nsize = 5\n')
    report = publish(make_chat(3), "--archive", tmp_path / "a", "--config", tmp_path / "mine.toml")
    assert report["windows"] == 5
