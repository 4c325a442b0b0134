"""A publication of many links, as a person runs it: what its sites see at once, and what memory it takes beside few.

The sites answer in 50 ms with short texts. Memory is that of the command and its processes together.
"""

import json
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks import measure
from benchmarks.measure import say
from benchmarks.sites import Seen, Sites

DELAY: Final = 0.05
SITES: Final = 5
_LIMITS: Final = {"connections": 100, "connections_per_host": 30}
_GROWTH_MB: Final = 50.0


def many_links(few: int, many: int) -> None:
    """Print what ``many`` links cost beside ``few``: requests in flight, and how memory grew."""
    memory = []
    for links in (few, many):
        with tempfile.TemporaryDirectory(prefix="streamliner-many-") as name, Sites(SITES, DELAY) as sites:
            cost = _published(Path(name), sites, links)
            seen = sites.seen()
        memory.append(cost.memory)
        report = json.loads(cost.output)
        assert (report["enriched"], report["fetches"]) == (links, links + SITES), report
        assert seen.requests == links + SITES
        _tell(links, cost, seen)
    growth = memory[1] - memory[0]
    say(
        f"{many:,} links, memory", f"{memory[1]:.0f} MB at most; {few:,} links {memory[0]:.0f} MB",
        f"{growth:+.0f} MB", f"{_GROWTH_MB:.0f} MB", growth < _GROWTH_MB,
    )  # fmt: skip


def _tell(links: int, cost: measure.Cost, seen: Seen) -> None:
    most, of_a_site = _LIMITS["connections"], _LIMITS["connections_per_host"]
    say(
        f"{links:,} links, published", f"{cost.seconds:.1f} s; at most {seen.peak_of_a_site} at a site",
        f"{seen.peak} in flight", f"{most}, {of_a_site} at a site",
        seen.peak <= most and seen.peak_of_a_site <= of_a_site,
    )  # fmt: skip


def _published(folder: Path, sites: Sites, links: int) -> measure.Cost:
    chat = folder / "chat.txt"
    start = datetime(2026, 3, 13, 9)
    with chat.open("w", encoding="utf-8") as file:
        for number in range(links):
            who = ("Marisol Vexley", "Tobias Quandt")[number % 2]
            file.write(f"{start + timedelta(minutes=number):%d/%m/%Y %H:%M} - {who}: look at {sites.url(number)}\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLINER_")}
    environment |= {f"STREAMLINER_FETCH__{name.upper()}": str(value) for name, value in _LIMITS.items()} | {
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "STREAMLINER_PRIVACY__KEY": "5a" * 32,
        "STREAMLINER_FETCH__ENABLED": "true",
        "STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
        "STREAMLINER_FETCH__MAX_LINKS": str(links),
        "STREAMLINER_ENRICH__MAX_PER_WINDOW": str(links),
    }
    arguments = ("publish", str(chat), "--archive", str(folder / "a"), "--json")
    return measure.command(*arguments, environment=environment)
