"""Enrichment: candidates, store and ledger; transfer; a publication of many links; the second time; what Prefect adds;
reading pages.

``python -m benchmarks enrich [--runs 3] [--quick] [--only queue|fetch|many|twice|prefect|ledger|reading]``. Each row
has a figure of this run, what it was measured beside, its target, and whether it is met; the command itself succeeds
either way. Figures are minima of rounds in turns. The whole takes about ten minutes, half of it waiting beside Prefect.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks import queueing
from benchmarks.many_links import many_links
from benchmarks.orchestration import overhead
from benchmarks.reading import reading
from benchmarks.twice import twice

_LEDGER: Final = ("ledger", "lag")


def _queueing(sections: Sequence[str], options: argparse.Namespace) -> None:
    for section in sections:
        queueing.main(["--only", section, *(["--quick"] if options.quick else []), "--runs", str(options.runs)])


def queue(options: argparse.Namespace) -> None:
    """Candidates and task store."""
    _queueing([section for section in queueing.SECTIONS if section not in _LEDGER], options)


def ledger(options: argparse.Namespace) -> None:
    """Lines of the ledger, and what they add to a loop's lag."""
    _queueing(_LEDGER, options)


def fetch(options: argparse.Namespace) -> None:
    """Links by their transfer alone, at one site (30 at once) and at five (100 at once)."""
    links = 200 if options.quick else 5_000
    for sites in (1, 5):
        # a process each: memory that one has left free would hide what the next one needs
        words = map(str, (links, sites, options.runs))
        subprocess.run([sys.executable, "-m", "benchmarks.fetching", *words], check=True)


def many(options: argparse.Namespace) -> None:
    """What a publication of many links takes at once, and how its memory grows."""
    many_links(*((20, 60) if options.quick else (1_000, 10_000)))


def again(options: argparse.Namespace) -> None:
    """The same candidates twice."""
    twice(*((200, 5) if options.quick else (10_000, 100)))


def prefect(options: argparse.Namespace) -> None:
    """Publications with and without a Prefect server."""
    overhead(*((40, 0.02, 1) if options.quick else (1_000, 0.2, options.runs)))


def pages(options: argparse.Namespace) -> None:
    """What reading a page costs."""
    reading(20 if options.quick else 200)


PARTS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "queue": queue,
    "fetch": fetch,
    "many": many,
    "twice": again,
    "prefect": prefect,
    "ledger": ledger,
    "reading": pages,
}
"""Name and function; a part prints what it has measured."""


def main(arguments: Sequence[str] = ()) -> None:
    """Run the parts, or those that are named."""
    parser = argparse.ArgumentParser(prog="benchmarks enrich", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds of which the minimum counts")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it runs")
    parser.add_argument("--only", choices=list(PARTS), action="append", help="one part; may be given again")
    options = parser.parse_args(arguments)
    for name in [name for name in os.environ if name.startswith(("STREAMLINER_", "PREFECT_"))]:
        del os.environ[name]
    for part, run in PARTS.items():
        if not options.only or part in options.only:
            run(options)
