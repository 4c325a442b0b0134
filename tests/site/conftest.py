"""The sample's site, made once by the command line, and a headless Chromium to look at it with."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Published:
    """A sample chat that was published: its archive, the facts of the sample, and the report."""

    archive: Path
    facts: dict[str, Any]
    report: dict[str, Any]

    @property
    def site(self) -> Path:
        return (self.archive / "site").resolve()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sample's exports."""
    folder = tmp_path_factory.mktemp("sample")
    subprocess.run([sys.executable, "-m", "samples", str(folder)], check=True, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def facts(sample: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "samples", str(sample), "--json"], check=True, cwd=ROOT, stdout=-1)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def publish(export: Path, archive: Path) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-m", "flows", "publish", str(export), "--archive", str(archive), "--json"],
        check=True,
        cwd=ROOT,
        env=environment | {"STREAMLINER_PRIVACY__KEY": "c3" * 32},
        stdout=subprocess.PIPE,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="session", params=["android", "ios"])
def published(
    request: pytest.FixtureRequest, sample: Path, facts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Published:
    archive = tmp_path_factory.mktemp(request.param) / "archive"
    return Published(archive, facts, publish(sample / f"sample-{request.param}.zip", archive))


@pytest.fixture(scope="module")  # its event loop runs for as long as it is open, and would stand in others' way
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.fail("Chromium is missing: `apt-get install chromium`, or your system's own way.")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def served(published: Published) -> Iterator[str]:
    """The address of the site on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(published.site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
