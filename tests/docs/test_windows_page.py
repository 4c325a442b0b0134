"""docs/windows.md says what happens: its examples run, its output is the command's, its links lead somewhere."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stages.windows.blocks import BLOCK_ROWS
from stages.windows.plan import PLAN

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "windows.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    script = runpy.run_path(str(ROOT / "docs" / "draw_windows.py"))
    pq.write_table(script["conversation"](), tmp_path / "chat.parquet")
    return tmp_path


def command(folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLINER_")}
    return subprocess.run(
        [sys.executable, "-m", "flows", *line.split()[1:]],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
    )


def test_the_examples_run_one_after_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    examples = re.findall(r"^```python\n(.*?)^```", TEXT, re.S | re.M)
    assert len(examples) >= 4
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)
    assert names["plan"].num_rows > 2
    assert "".join(names["prompts"]).endswith("\n")


def test_the_output_shown_is_what_the_command_prints(folder: Path) -> None:
    shown = re.findall(r"^```\n(streamliner windows [^\n]*)\n```\n\n```text\n(.*?)^```", TEXT, re.S | re.M)
    assert shown
    for line, output in shown:
        assert command(folder, line).stdout == output


def test_what_is_advised_can_be_asked(folder: Path) -> None:
    advised = [
        words
        for row in re.findall(r"^\| [^|]+ \| ([^|]+) \|", TEXT, re.M)
        for words in re.findall(r"`(--unit [^`]+)`", row)
    ]
    assert len(advised) >= 5
    for words in advised:
        done = command(folder, f"streamliner windows chat.parquet {words.replace('…', 'Europe/Lisbon')}")
        assert done.returncode == 0, done.stderr


def test_links_and_pictures_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert all((PAGE.parent / link).is_file() for link in links)


def test_columns_and_numbers_are_those_of_the_code() -> None:
    assert ", ".join(f"`{name}`" for name in PLAN.names) in " ".join(TEXT.split())
    assert TEXT.count(f"{BLOCK_ROWS:,}") == 2
