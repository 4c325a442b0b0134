"""Windows planned, read and rendered as the table grows, each time in a process whose engine has 300 MB.

Part of ``python -m benchmarks windows`` (``--only scale``); ``python -m benchmarks.windows_growth KIND PATH`` is one
such process.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Final

import ibis
import numpy as np

from benchmarks.chats import write_messages
from benchmarks.measure import judge, python
from stages.windows.lines import read_lines
from stages.windows.plan import plan_windows
from stages.windows.spec import WindowSpec

_MOST_MEMORY: Final = 700
_MOST_GROWTH: Final = 1.05
_LIMIT: Final = "300MB"


def alone(kind: str, path: str) -> None:
    """Print as JSON what planning, reading and rendering by bytes takes; run as a process of its own."""
    if kind == "Parquet":
        source = ibis.duckdb.connect(memory_limit=_LIMIT).read_parquet(path)
    else:
        source = ibis.duckdb.connect(path, read_only=True, memory_limit=_LIMIT).table("messages")
    ibis.duckdb.connect().sql("SELECT 1 AS one").to_pyarrow()
    started, cpu = time.perf_counter(), time.process_time()
    plan = plan_windows(source, WindowSpec("bytes", 20_000))
    planned = time.perf_counter()
    windows = rendered = 0
    for _, lines in read_lines(source, plan):
        windows += 1
        rendered += len(lines)
    ended = time.perf_counter()
    cpu = time.process_time() - cpu
    took = {"plan": planned - started, "lines": ended - planned, "whole": ended - started, "cpu": cpu}
    print(json.dumps(took | {"windows": windows, "bytes": rendered}))


def as_it_grows(folder: Path, options: argparse.Namespace) -> None:
    """Three sizes, ten times apart, each in a process whose DuckDB has 300 MB: seconds, memory, and growth."""
    print(f"\nGrowth: windows of bytes planned, read and rendered; a process each, DuckDB memory_limit {_LIMIT}")
    print("                rows     windows     plan s    lines s    process memory")
    sizes = [options.rows // 10, options.rows, *([] if options.quick else [options.rows * 10])]
    seconds: dict[str, dict[int, float]] = {"Parquet": {}, "DuckDB": {}}
    cpu: dict[str, dict[int, float]] = {"Parquet": {}, "DuckDB": {}}
    for rows in sizes:
        parquet, stored = write_messages(folder / "growth", rows)
        for kind, path in (("Parquet", parquet), ("DuckDB", stored)):
            costs = [python("-m", "benchmarks.windows_growth", kind, str(path)) for _ in range(min(3, options.runs))]
            said = [json.loads(cost.output) for cost in costs]
            memory = max(cost.memory for cost in costs)
            best = min(said, key=lambda one: one["whole"])
            seconds[kind][rows], cpu[kind][rows] = best["whole"], min(one["cpu"] for one in said)
            print(
                f"{kind:<8} {rows:11,} {best['windows']:11,} {best['plan']:10.3f} {best['lines']:10.3f}"
                f" {memory:10.0f} MB  (at most {_MOST_MEMORY}) {judge(memory <= _MOST_MEMORY)}",
                flush=True,
            )
        for path in (parquet, stored):
            path.unlink()
    for kind, by_rows in seconds.items():
        exponent, last = growth(by_rows), growth(dict([*by_rows.items()][-2:]))
        used = growth(cpu[kind])
        print(
            f"{kind:<8} grows with rows to the power of {exponent:.2f}, in the last step {last:.2f}, in processor"
            f" seconds {used:.2f} (at most {_MOST_GROWTH}) {judge(exponent <= _MOST_GROWTH)}"
        )


def growth(seconds: dict[int, float]) -> float:
    """The exponent e of ``seconds = c * rows ** e``, by least squares of the logarithms."""
    slope, _ = np.polyfit([math.log(rows) for rows in seconds], [math.log(took) for took in seconds.values()], 1)
    return float(slope)


if __name__ == "__main__":
    alone(sys.argv[1], sys.argv[2])
