"""Bad input gets one clear sentence and exit 2; the archive, and everything else, stays as it was."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.flows.linked import write_chat
from tests.stages.enrich.pictures import encoded, photograph

ROOT = Path(__file__).parents[2]
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(200)


def bad_exports(folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True)
    (folder / "folder").mkdir()
    (folder / "empty.txt").touch()
    (folder / "picture.png").write_bytes(PNG)
    (folder / "picture.txt").write_bytes(PNG)
    (folder / "prose.txt").write_text("Dear diary,\nnothing happened today.\n" * 50)
    with zipfile.ZipFile(folder / "nochat.zip", "w") as archive:
        archive.writestr("holiday.jpg", PNG)
        archive.writestr("notes.txt", "Dear diary,\nnothing happened.\n")
    (folder / "truncated.zip").write_bytes((folder / "nochat.zip").read_bytes()[:-40])
    (folder / "notzip.zip").write_bytes(b"PK\x03\x04 not really")
    os.mkfifo(folder / "fifo.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    names = ("absent.txt", *(path.name for path in folder.iterdir()))
    return {name: folder / name for name in names}


def one_sentence(done, *, code: int = 2) -> str:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_bad_exports_leave_no_trace(streamliner, publish, make_chat, contents, tmp_path: Path) -> None:
    publish(make_chat(2), "--archive", tmp_path / "a")
    before = contents(tmp_path / "a")
    for name, path in bad_exports(tmp_path / "bad").items():
        one_sentence(streamliner("publish", path, "--archive", tmp_path / "a", check=None))
        assert contents(tmp_path / "a") == before, name
        if name in ("prose.txt", "nochat.zip"):
            one_sentence(streamliner("publish", path, "--archive", tmp_path / "new" / "deep", check=None))
            assert not (tmp_path / "new").exists(), name
            one_sentence(streamliner("parse", path, "--out", tmp_path / "out.parquet", check=None))
            assert not list(tmp_path.glob("*out.parquet*")), name


def test_a_good_and_a_bad_export_together_change_nothing(streamliner, make_chat, tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("nothing happened today\n")
    done = streamliner("publish", make_chat(2), tmp_path / "prose.txt", "--archive", tmp_path / "a", check=None)
    one_sentence(done)
    assert not (tmp_path / "a").exists()


def test_no_key_is_made_for_bad_input(streamliner, tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("nothing happened today\n")
    done = streamliner(
        "publish", tmp_path / "prose.txt", "--archive", tmp_path / "a", check=None, STREAMLINER_PRIVACY__KEY=""
    )
    one_sentence(done)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish",),
        ("publish", "--archive", "nowhere"),
        ("publish", "x.zip", "--archive", "a", "--colour", "red"),
        ("publish", "x.zip", "--archive", "a", "--overlap", "0.7"),
        ("publish", "x.zip", "--archive", "a", "--size", "0"),
        ("publish", "x.zip", "--archive", "a", "--unit", "fortnights"),
        ("publish", "x.zip", "--archive", "a", "--timezone", "Mars/Olympus"),
        ("publish", "x.zip", "--archive", "a", "--max-span", "soon"),
        ("publish", "x.zip", "--archive", "a", "--from", "yesterday"),
        ("publish", "x.zip", "--archive", "a", "--from", "2026-03-02", "--to", "2026-03-01"),
        ("publish", "x.zip", "--archive", "a", "--days", "0"),
        ("publish", "x.zip", "--archive", "a", "--unit", "days", "--max-span", "1h", "--align", "calendar"),
        ("publish", "x.zip", "--archive", "a", "--config", "absent.toml"),
        ("windows", "absent.parquet"),
        ("candidates", "absent.parquet"),
        ("retry", "nowhere"),
        ("report", "nowhere"),
        ("serve", "nowhere"),
        ("dance",),
    ],
)
def test_bad_usage_is_one_sentence(streamliner, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    one_sentence(streamliner(*arguments, check=None))
    assert sorted(path.name for path in tmp_path.iterdir()) == []


def test_a_setting_out_of_range_is_named(streamliner, make_chat, tmp_path: Path) -> None:
    done = streamliner(
        "publish", make_chat(1), "--archive", tmp_path / "a", check=None, STREAMLINER_RETRY__ATTEMPTS="0"
    )
    assert "STREAMLINER_RETRY__ATTEMPTS" in one_sentence(done)


def test_files_that_are_no_messages_are_refused(streamliner, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    for name in ("other.parquet", "text.parquet"):
        for command in ("windows", "candidates"):
            one_sentence(streamliner(command, tmp_path / name, check=None))


def test_an_out_that_is_no_file_to_write_is_refused_and_stays_what_it_was(
    streamliner, make_chat, tmp_path: Path
) -> None:
    chat = make_chat(1)
    streamliner("parse", chat, "--out", tmp_path / "m.parquet")
    os.mkfifo(tmp_path / "fifo")
    wrong = ("", ".", tmp_path / "fifo", tmp_path / "none" / "o.parquet", tmp_path / ("x" * 300))
    for command, source in (("parse", chat), ("candidates", tmp_path / "m.parquet")):
        before = source.read_bytes()
        for out in (*wrong, source):
            assert "--out" in one_sentence(streamliner(command, source, "--out", out, check=None))
        assert source.read_bytes() == before
    assert (tmp_path / "fifo").is_fifo()


def test_a_remote_model_needs_a_yes(streamliner, make_chat, tmp_path: Path) -> None:
    done = streamliner(
        "publish", make_chat(1), "--archive", tmp_path / "a", "--model", "openai/gpt-4o-mini", check=None,
        STREAMLINER_LLM__API_KEY="sk-canary",
    )  # fmt: skip
    said = one_sentence(done)
    assert "STREAMLINER_LLM__CONSENT" in said
    assert "sk-canary" not in said
    assert not (tmp_path / "a").exists()


def test_no_room_on_the_disk_is_said_before_anything_is_touched(streamliner, make_chat, tmp_path: Path) -> None:
    """A file system of a few megabytes; making one needs root on Linux, which the check machines are."""
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], capture_output=True).returncode:
        small = Path("/dev/full")  # without a small disk: a place that never has room is refused as well
    try:
        done = streamliner("publish", make_chat(1), "--archive", small / "a", check=None)
        one_sentence(done)
        assert small.is_char_device() or not list(small.iterdir())
    finally:
        subprocess.run(["umount", small], capture_output=True)


@pytest.mark.parametrize("streams", [(0,), (2,), (0, 1, 2)], ids=str)
def test_closed_streams_hinder_nothing(make_chat, contents, tmp_path: Path, streams: tuple[int, ...]) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    closing = " ".join(f"{number}>&-" for number in streams)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-m", "flows",
         "publish", make_chat(2), "--archive", tmp_path / "a"],
        cwd=tmp_path,
        env=clean | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "STREAMLINER_PRIVACY__KEY": "5a" * 32},
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "a" / "site")["index.html"]


def test_a_media_folder_that_cannot_be_written_ends_the_run_in_one_sentence_and_the_next_goes_on(
    streamliner, tmp_path: Path
) -> None:
    archive = tmp_path / "a"
    chat = write_chat(tmp_path / "chat.zip", [], {"IMG-1.jpg": encoded(photograph(1))})
    streamliner("publish", write_chat(tmp_path / "before.zip", []), "--archive", archive)
    shutil.rmtree(archive / "media", ignore_errors=True)
    (archive / "media").write_text("a file where the folder belongs")
    done = streamliner("publish", chat, "--archive", archive, check=1)
    assert "The media folder cannot be written" in one_sentence(done, code=1)
    (archive / "media").unlink()
    report = json.loads(streamliner("publish", chat, "--archive", archive, "--json").stdout)
    assert (report["enriched"], report["dead_letters"]) == (1, 0)
