"""Small chats of our own making, and the command line as a person runs it."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
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


def home_of(folder: Path) -> dict[str, str]:
    """The environment of a person who lives in ``folder``, has a key and fetches nothing."""
    home = str(folder / "home")
    at = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
    return at | {"STREAMLINER_FETCH__ENABLED": "false", "STREAMLINER_PRIVACY__KEY": KEY}


@pytest.fixture
def streamliner(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``streamliner`` as a person does, with a key and a home of the test's own."""

    def run(*arguments: object, check: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
        done = subprocess.run(
            [sys.executable, "-m", "flows", *map(str, arguments)],
            cwd=tmp_path,
            env=clean | home_of(tmp_path) | {"PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """What ``streamliner`` does, in this process: quicker where nothing is said of the process itself."""
    from flows.cli import main

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, check: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as here:
            for name in os.environ:
                if name.startswith(("STREAMLINER_", "PREFECT_")):
                    here.delenv(name)
            for name, value in (home_of(tmp_path) | environment).items():
                here.setenv(name, value)
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main([str(argument) for argument in arguments])
        code = int(ended.value.code or 0)
        done = subprocess.CompletedProcess([str(argument) for argument in arguments], code, *capfd.readouterr())
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


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
