"""What a Prefect server adds to a publication: links that take 200 ms each, four at a time, with it and without.

Whole commands over the same chat, in turns; the server is a real one and runs before, as a deployment's does.
"""

import json
import os
import statistics
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Cost, command, say
from benchmarks.sites import Sites
from deployments.server import QUIET, PrefectServer

_AT_ONCE: Final = 4
_OVERHEAD: Final = 0.10


def overhead(links: int, delay: float, runs: int) -> None:
    """Print how much longer ``links`` links, ``delay`` seconds each, take as a flow run."""
    with tempfile.TemporaryDirectory(prefix="streamliner-prefect-") as name, Sites(delay=delay) as sites:
        folder = Path(name)
        chat = _chat(folder / "chat.zip", [sites.url(n) for n in range(links)])
        plain = _environment(folder, links)
        server = PrefectServer(folder / "prefect")
        costs: dict[str, list[tuple[Cost, dict[str, Any]]]] = {"direct": [], "prefect": []}
        try:
            server.start()
            for run in range(runs):
                for way, environment in (("direct", plain), ("prefect", server.environment(plain))):
                    archive = folder / f"{way}-{run}"
                    cost = command("publish", str(chat), "--archive", str(archive), "--json", environment=environment)
                    report = json.loads(cost.output)
                    seen = sites.seen()
                    assert report["enriched"] == links, report
                    assert seen.requests == links + 1, "each link once, and robots.txt"
                    assert seen.peak <= _AT_ONCE, "the limit holds"
                    costs[way].append((cost, report))
        finally:
            server.stop()
    work = links * delay / _AT_ONCE
    cpu = " and ".join(f"{min(cost.cpu for cost, _ in costs[way]):.1f}" for way in costs)
    publication = [[report["seconds"] for _, report in costs[way]] for way in costs]
    commands = [[cost.seconds for cost, _ in costs[way]] for way in costs]
    _tell(f"Prefect, {links:,} links", publication, f"waits alone {work:.1f} s")
    _tell(f"Prefect, {links:,} links, whole command", commands, f"processor {cpu} s, imports included")


def _tell(what: str, seconds: Sequence[Sequence[float]], more: str) -> None:
    direct, prefect = seconds
    added = min(prefect) / min(direct) - 1
    say(
        what,
        f"direct {min(direct):.1f} s, median {statistics.median(direct):.1f}; with Prefect {min(prefect):.1f} s, "
        f"median {statistics.median(prefect):.1f}; {more}",
        f"{added:+.1%}", f"{_OVERHEAD:.0%}", added < _OVERHEAD,
    )  # fmt: skip


def _chat(path: Path, links: Sequence[str]) -> Path:
    start = datetime(2026, 3, 13, 8)
    lines = [
        f"{start + timedelta(minutes=n):%d/%m/%Y %H:%M} - Person {'AB'[n % 2]}: look at this {link} please"
        for n, link in enumerate(links)
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chat.txt", "\n".join(lines) + "\n")
    return path


def _environment(folder: Path, links: int) -> dict[str, str]:
    """Of a person with nothing configured, whose links are at our sites."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    home = str(folder / "home")
    settings = {
        "PRIVACY__KEY": "5a" * 32,
        "FETCH__ENABLED": "true",
        "FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
        "FETCH__CACHE": "false",
        "FETCH__CONNECTIONS": str(_AT_ONCE),
        "FETCH__MAX_LINKS": str(links),
    }
    homes = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
    return clean | QUIET | homes | {f"STREAMLINER_{name}": value for name, value in settings.items()}
