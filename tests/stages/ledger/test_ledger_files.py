"""Several files of one ledger are read as one, whatever happens between them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ledger import ROTATE_BYTES, Ledger, read_ledger


def numbers(path: Path, **how: Any) -> list[int]:
    return [entry["n"] for entry in read_ledger(path, **how)]


def write(path: Path, first: int, last: int, *, rotate_bytes: int = 1_000, buffer: int = 1) -> None:
    """Lines ``first`` to ``last`` - 1, each flushed alone."""
    with Ledger(path, "r", buffer, rotate_bytes=rotate_bytes) as ledger:
        for n in range(first, last):
            ledger.record("odd" if n % 2 else "even", n=n)
            ledger.flush()


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_a_full_file_gets_a_number_and_none_grows_past_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, 0, 60)
    write(path, 60, 100)
    files = names(path)
    assert files == [f"ledger-{number:04d}.jsonl" for number in range(1, len(files))] + ["ledger.jsonl"]
    assert len(files) > 5
    assert all(800 < (tmp_path / name).stat().st_size <= 1_000 for name in files[:-1])
    in_files = [json.loads(line)["n"] for name in files for line in (tmp_path / name).read_bytes().splitlines()]
    assert in_files == numbers(path) == list(range(100))


def test_lines_that_are_written_at_once_stay_in_one_file_however_many_they_are(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, "r", 100, rotate_bytes=300) as ledger:
        for n in range(100):
            ledger.record("a", n=n)
    assert names(path) == ["ledger.jsonl"]
    write(path, 100, 101, rotate_bytes=300)
    assert names(path) == ["ledger-0001.jsonl", "ledger.jsonl"]
    assert numbers(path) == list(range(101))


def test_an_ordinary_ledger_is_one_file(tmp_path: Path) -> None:
    write(tmp_path / "ledger.jsonl", 0, 50, rotate_bytes=ROTATE_BYTES)
    assert names(tmp_path / "ledger.jsonl") == ["ledger.jsonl"]
    with pytest.raises(ValueError, match="rotate_bytes"):
        Ledger(tmp_path / "ledger.jsonl", "r", rotate_bytes=0)


@settings(max_examples=40, deadline=None)
@given(lines=st.integers(0, 60), tail=st.integers(0, 70), kind=st.sampled_from([None, "odd", "even", "none"]))
def test_the_tail_reaches_over_any_number_of_files(
    tmp_path_factory: pytest.TempPathFactory, lines: int, tail: int, kind: str | None
) -> None:
    path = tmp_path_factory.mktemp("tail") / "ledger.jsonl"
    with Ledger(path, "r", 3, rotate_bytes=400) as ledger:
        for n in range(lines):
            ledger.record("odd" if n % 2 else "even", n=n)
    expected = [n for n in range(lines) if kind in (None, "odd" if n % 2 else "even")]
    assert numbers(path, kind=kind) == expected
    assert numbers(path, kind=kind, tail=tail) == expected[max(0, len(expected) - tail) :]


def test_numbers_go_on_past_four_digits_and_are_never_used_twice(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, 0, 20)
    (tmp_path / "ledger-0001.jsonl").rename(tmp_path / "ledger-9999.jsonl")
    write(path, 20, 60)
    assert {"ledger-9999.jsonl", "ledger-10000.jsonl", "ledger-10001.jsonl"} <= set(names(path))
    assert numbers(path) == list(range(60))


def test_older_files_may_be_removed_and_strangers_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, 0, 40)
    strangers = ("ledger-1.jsonl", "ledger-0001.jsonl.gz", "other-0001.jsonl", "ledger-0007.json")
    for name in strangers:
        (tmp_path / name).write_text('{"n": -1}\n')
    (tmp_path / "ledger-0099.jsonl").mkdir()
    first = json.loads((tmp_path / "ledger-0002.jsonl").read_bytes().splitlines()[0])["n"]
    (tmp_path / "ledger-0001.jsonl").unlink()
    assert numbers(path) == list(range(first, 40))
    write(path, 40, 60)
    assert numbers(path) == list(range(first, 60))
    assert (tmp_path / "ledger-0100.jsonl").is_file()
    assert all((tmp_path / name).read_text() == '{"n": -1}\n' for name in strangers)


def test_a_crash_between_the_two_steps_of_a_rotation_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, 0, 5, rotate_bytes=10_000)
    path.rename(tmp_path / "ledger-0001.jsonl")
    assert numbers(path, tail=2) == [3, 4]
    write(path, 5, 8)
    assert numbers(path) == list(range(8))


def test_a_reader_sees_what_stood_there_when_it_began_although_the_file_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, 0, 30)
    reading = read_ledger(path)
    seen = [next(reading)["n"] for _ in range(3)]
    write(path, 30, 60)
    seen += [entry["n"] for entry in reading]
    # the file that was newest may have taken more lines before it was full
    assert seen == list(range(len(seen)))
    assert 30 <= len(seen) < 60
    assert numbers(path) == list(range(60))


def test_a_reader_that_listed_before_a_rotation_misses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, 0, 30)
    listed = os.listdir

    def rotating(folder: Any) -> list[str]:
        monkeypatch.setattr(os, "listdir", listed)
        write(path, 30, 60)
        return listed(folder)

    monkeypatch.setattr(os, "listdir", rotating)
    seen = numbers(path)
    assert seen == list(range(len(seen)))
    assert 30 <= len(seen) < 60


def test_torn_lines_of_any_file_are_passed_over_and_said_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, 0, 30)
    said: list[str] = []
    assert list(read_ledger(path, say=said.append)) != []
    assert said == []
    with (tmp_path / "ledger-0001.jsonl").open("ab") as full:
        full.write(b"\x00\x00\n[1]\n")
    assert numbers(path, tail=30, say=said.append) == list(range(30))
    with path.open("ab") as newest:
        newest.write(b'{"t":')
    assert numbers(path, tail=1, say=said.append) == [29]
    assert [sentence.split(" is")[0].split(" are")[0] for sentence in said] == ["2 lines", "1 line"]
    assert all("torn" in sentence for sentence in said)


def test_where_a_full_file_cannot_be_rotated_it_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"

    def refused(self: Path, target: Path) -> None:
        raise PermissionError(1, "not permitted")

    with Ledger(path, "r", 1, rotate_bytes=300) as ledger:
        ledger.record("a", n=0)
        ledger.flush()
        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", refused)
            for n in range(1, 10):
                ledger.record("a", n=n)
                ledger.flush()
        assert names(path) == ["ledger.jsonl"]
        ledger.record("a", n=10)
    assert ledger.lost == 0
    assert names(path) == ["ledger-0001.jsonl", "ledger.jsonl"]
    assert numbers(path) == list(range(11))
