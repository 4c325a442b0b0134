"""Small chats of our own making, and the command line as a person runs it."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KEY = "5a" * 32

PEOPLE = ("Marisol Vexley", "Tobias Quandt", "Ines Brackwater")
LINES = (
    "Did anyone find the missing cello? The concert is on Friday",
    "It was in the boathouse all along, behind the green canoe",
    "Great, then the concert can happen. Who brings the music stands?",
    "I bring the stands and two lamps, the church is dark",
    "The poster is here: https://example.org/poster?utm_source=chat",
    "Let us meet at seven at the boathouse and carry the cello together",
    "Agreed, seven at the boathouse",
    "Ines Brackwater should bring the van, the cello will not fit on a bicycle",
)


def chat_text(days: int, first_day: int = 13) -> str:
    """An Android export: eight messages a day, two per minute; no date could be month first."""
    lines = ["13/03/2026 08:00 - Messages and calls are end-to-end encrypted."]
    for day in range(first_day, first_day + days):
        for number, text in enumerate(LINES):
            stamp = f"{day:02}/03/2026 {9 + number // 4:02}:{10 + number // 2:02}"
            lines.append(f"{stamp} - {PEOPLE[(day + number) % 3]}: {text} (day {day})")
    return "\n".join(lines) + "\n"


@pytest.fixture
def make_chat(tmp_path: Path) -> Callable[..., Path]:
    """Write a chat of so many days as a ZIP and return its path; the file bears a person's name."""

    def make(days: int = 3, name: str = "WhatsApp Chat with Marisol Vexley.zip", first_day: int = 13) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name.replace(".zip", ".txt"), chat_text(days, first_day))
        return path

    return make


@pytest.fixture
def streamliner(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``streamliner`` as a person does, with a key and a home of the test's own."""

    def run(*arguments: object, check: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
        folder = str(tmp_path / "home")
        home = {"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder, "PYTHONPATH": str(ROOT)}
        home |= {"STREAMLINER_FETCH__ENABLED": "false", "STREAMLINER_PRIVACY__KEY": KEY}
        done = subprocess.run(
            [sys.executable, "-m", "flows", *map(str, arguments)],
            cwd=tmp_path,
            env=clean | home | environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def publish(streamliner: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Publish and return the JSON report."""

    def run(*arguments: object, **environment: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(streamliner("publish", *arguments, "--json", **environment).stdout)
        return report

    return run


def tree(folder: Path) -> dict[str, bytes]:
    """Relative path -> bytes of everything below a folder, links followed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    return tree
