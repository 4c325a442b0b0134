"""Windows planned, read and rendered: against the peer's way, against one plain pass, and as the table grows.

``python -m benchmarks windows [--rows 1000000] [--runs 7] [--quick] [--only peer|pass|ways|scale]``. What is compared
runs in one process, in turns; ratios are of minima, in brackets of processor seconds, which a busy machine changes
less. Seconds depend on the machine; ratios should not.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from benchmarks import peer_windows as peer
from benchmarks.chats import write_messages
from benchmarks.measure import Times, judge, timed
from benchmarks.windows_growth import as_it_grows
from benchmarks.windows_otherwise import in_the_engine, kernels, otherwise
from stages.windows.lines import read_lines
from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.render import join_lines, render_lines
from stages.windows.spec import WindowSpec
from stages.windows.split import split_window

SPECS: Final = {
    "messages": WindowSpec("messages", 200),
    "days": WindowSpec("days", 1, align="calendar", timezone="Europe/Lisbon"),
    "bytes": WindowSpec("bytes", 20_000),
    "tokens": WindowSpec("tokens", 5_000),
    "session": WindowSpec("session", 60, weigh="bytes:20000"),
}
_SECOND: Final = 1_000_000
_START_US: Final = 1_672_531_200 * _SECOND
_MOST_PLAN: Final = 0.10
_MOST_WHOLE: Final = 1.5


@dataclass(frozen=True)
class Workload:
    """A claim of the peer's: ``rows`` messages ``apart`` seconds, our specification of it and the peer's cutting.

    Without ``spec`` the whole table is one window, in hand already, that is split.
    """

    name: str
    what: str
    rows: int
    apart: int
    text: Callable[[int], str]
    target: int
    spec: WindowSpec | None
    cut: Callable[[ir.Table], list[peer.Window]] | None


def _phrase(number: int) -> str:
    return f"message {number} about the boat, the dinner and a café"


def _whole_window(table: ir.Table) -> peer.Window:
    edges = table.aggregate(first=table.ts.min(), last=table.ts.max(), rows=table.count()).to_pyarrow().to_pylist()[0]
    return peer.Window(edges["first"], edges["last"], table, edges["rows"])


PARTS: Final = 50
TIES: Final = 30
WORKLOADS: Final = (
    Workload(
        "W1", "bytes, 10,000 each", 5_000, 1, lambda _: "a" * 100, 100,
        WindowSpec("bytes", 10_000, 0), lambda table: list(peer.by_bytes(table, 10_000, 0)),
    ),
    Workload(
        "W2", "100 messages, overlap 0.2", 10_000, 60, _phrase, 100,
        WindowSpec("messages", 100), lambda table: list(peer.by_messages(table, 100, 0.2)),
    ),
    Workload(
        "W3", "3 hours, overlap 0.2", 10_000, 360, _phrase, 100,
        WindowSpec("hours", 3), lambda table: list(peer.by_hours(table, 3, 0.2)),
    ),
    Workload(
        "W4", f"one window in {PARTS} parts", 10_000, 60, _phrase, 50,
        None, None,
    ),
)  # fmt: skip


def messages(workload: Workload, rows: int, *, ties: int = 1) -> pa.Table:
    """The workload's messages, of which ``ties`` share each time; as many a day with ties as without."""
    number = np.arange(rows)
    texts = [workload.text(i) for i in range(rows)]
    return pa.table(
        {
            "seq": number,
            "ts": pa.array(_START_US + number // ties * ties * workload.apart * _SECOND).cast(
                pa.timestamp("us", tz="UTC")
            ),
            "author": pa.array([f"Person {'ABCDEFGH'[i * 7 % 8]}" for i in range(rows)]),
            "text": texts,
            "text_bytes": pa.array([len(text.encode()) for text in texts], pa.int32()),
        }
    )


def the_peers(table: ir.Table, workload: Workload) -> Callable[[], list[peer.Window]]:
    """What the peer does to cut the workload's windows, which are not fetched yet."""
    if workload.cut is not None:
        return partial(workload.cut, table)
    edges = table.aggregate(first=table.ts.min(), last=table.ts.max(), rows=table.count()).to_pyarrow().to_pylist()[0]
    return partial(peer.split, peer.Window(edges["first"], edges["last"], table, edges["rows"]), PARTS)


def ours(source: Any, workload: Workload) -> Callable[[], int]:
    """What we do to plan, read and render the workload's windows; it returns their number."""
    if workload.spec is not None:
        return partial(_planned, source, workload.spec)
    return partial(_split, source, plan_windows(source, WindowSpec("messages", workload.rows, 0)))


def _planned(source: Any, spec: WindowSpec) -> int:
    return sum(1 for _ in read_lines(source, plan_windows(source, spec)))


def _split(source: Any, whole: pa.Table) -> int:
    [(_, window)] = read_windows(source, whole, columns=["ts", "author", "text"])
    parts = split_window(window.append_column("line", render_lines(window)), PARTS)
    return len([join_lines(part["line"]) for part in parts])


def against_peer(folder: Path, options: argparse.Namespace) -> None:
    """W1 to W4, each also where thirty messages share a time: the peer's planning and reading, ours and rendering."""
    print(f"Against the peer's way: ms, minimum (median) of {options.runs} runs in turns; the peer does not render")
    print(
        "                                rows ties   windows: peer   ours   lost by peer              peer"
        "   ours, DuckDB    ratio (cpu)    ours, Arrow    ratio (cpu)  target"
    )
    for workload in WORKLOADS:
        for ties in (1, TIES):
            print(_against_peer(workload, min(workload.rows, options.rows), ties, options.runs), flush=True)


def _against_peer(workload: Workload, rows: int, ties: int, runs: int) -> str:
    chat = messages(workload, rows, ties=ties)
    connection = ibis.duckdb.connect()
    table = connection.create_table("messages", chat)
    cut = the_peers(table, workload)
    windows = cut()
    kept = {seq for window in peer.read(windows) for seq in window["seq"].to_pylist()}
    from_duckdb, from_arrow = ours(table, workload), ours(chat, workload)
    made = from_duckdb()
    times = timed({"peer": lambda: peer.read(cut()), "duckdb": from_duckdb, "arrow": from_arrow}, runs)
    connection.disconnect()
    said = [
        f"{workload.name} {workload.what:<26} {rows:6,} {ties:4} {len(windows):15,} {made:6,} {rows - len(kept):14,}"
    ]
    said.append(f" {_ms(times['peer']):>18}")
    ratios = []
    for name in ("duckdb", "arrow"):
        ratios.append(times["peer"].least / times[name].least)
        cpu = min(times["peer"].cpu) / min(times[name].cpu)
        said.append(f" {_ms(times[name]):>14} {f'{ratios[-1]:.0f}x ({cpu:.0f}x)':>15}")
    said.append(f" {workload.target:6}x {judge(min(ratios) >= workload.target)}")
    return "".join(said)


def _drain(windows: Iterator[Any]) -> int:
    return sum(1 for _ in windows)


def against_one_pass(folder: Path, options: argparse.Namespace) -> None:
    """A million messages: planning against reading, and all of it against the lines built once without windows.

    ``read`` hands out whole messages, ``lines`` the bytes of a prompt; planning is set against both. ``floor``
    streams the columns and builds the lines without windows, by SQL or by Arrow, whichever is faster here.
    """
    parquet, stored = write_messages(folder, options.rows)
    print(f"\n{options.rows:,} messages: seconds, minimum of {options.runs} runs in turns")
    print(
        "        unit      windows     plan     read    lines    floor"
        f"   plan/read (cpu), plan/lines (cpu), under {_MOST_PLAN:.0%}   whole/floor (cpu), at most {_MOST_WHOLE}"
    )
    connection = ibis.duckdb.connect(stored, read_only=True)
    for kind, source in (("Parquet", parquet), ("DuckDB", connection.table("messages"))):
        for unit, spec in SPECS.items():
            print(f"{kind:<7} {unit:<8} {_against_one_pass(source, spec, options.runs)}", flush=True)
    connection.disconnect()


def _against_one_pass(source: Any, spec: WindowSpec, runs: int) -> str:
    plan = plan_windows(source, spec)
    times = timed(
        {
            "sql": lambda: in_the_engine(source),
            "arrow": lambda: kernels(source),
            "plan": lambda: plan_windows(source, spec),
            "read": lambda: _drain(read_windows(source, plan)),
            "lines": lambda: _drain(read_lines(source, plan)),
        },
        runs,
    )
    least = {name: took.least for name, took in times.items()}
    clock = _ratios(least)
    cpu = _ratios({name: min(took.cpu) for name, took in times.items()})
    judged = [judge(clock[0] < _MOST_PLAN), judge(clock[1] < _MOST_PLAN), judge(clock[2] <= _MOST_WHOLE)]
    floor = min(least["sql"], least["arrow"])
    return (
        f"{plan.num_rows:8,} {least['plan']:8.3f} {least['read']:8.3f} {least['lines']:8.3f} {floor:8.3f}"
        f" {clock[0]:11.1%} ({cpu[0]:5.1%}) {judged[0]:<6} {clock[1]:9.1%} ({cpu[1]:5.1%}) {judged[1]:<6}"
        f" {clock[2]:10.2f} ({cpu[2]:.2f}) {judged[2]}"
    )


def _ratios(took: dict[str, float]) -> tuple[float, float, float]:
    """Planning to reading, planning to lines, and planning with lines to the floor."""
    whole = took["plan"] + took["lines"]
    return took["plan"] / took["read"], took["plan"] / took["lines"], whole / min(took["sql"], took["arrow"])


def _ms(times: Times) -> str:
    return f"{1_000 * times.least:.1f} ({1_000 * statistics.median(times.seconds):.1f})"


SECTIONS: Final[dict[str, Callable[[Path, argparse.Namespace], None]]] = {
    "peer": against_peer,
    "pass": against_one_pass,
    "ways": otherwise,
    "scale": as_it_grows,
}
"""Name and function; a section prints what it has measured."""


def main(arguments: Sequence[str] = ()) -> None:
    """Run the sections, or the one that is named."""
    parser = argparse.ArgumentParser(prog="benchmarks windows", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="messages of the large table; growth is up to ten times that"
    )
    parser.add_argument("--runs", type=int, default=7, help="runs of which the minimum counts")
    parser.add_argument("--quick", action="store_true", help="leave out the largest size")
    parser.add_argument("--only", choices=list(SECTIONS), help="one section")
    options = parser.parse_args(arguments)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(prefix="streamliner-windows-") as name:
        for part in ("growth", "ways"):
            (Path(name) / part).mkdir()
        for section, run in SECTIONS.items():
            if options.only in (None, section):
                run(Path(name), options)
