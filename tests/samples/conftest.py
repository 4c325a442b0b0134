"""The sample written once for all its tests, by its own command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder with the ZIPs, and what ``--json`` says of them."""
    folder = tmp_path_factory.mktemp("samples")
    done = subprocess.run(
        [sys.executable, "-m", "samples", str(folder), "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return folder, json.loads(done.stdout)
