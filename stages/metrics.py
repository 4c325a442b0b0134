"""What a run costs: durations, items, rates, percentiles and memory per operation, and the report of the run.

A measurement costs a few microseconds and is safe from any thread. It is never allowed to fail the work that it
watches: writing the report is the caller's, and its failure is said, not raised.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


@dataclass
class Operation:
    """The figures of one operation: ``seconds`` holds the duration of each call."""

    name: str
    items: int = 0
    seconds: list[float] = field(default_factory=list)
    peak_mb: float = 0.0

    def as_json(self) -> dict[str, Any]:
        import numpy as np

        total = sum(self.seconds)
        p50, p95, p99 = np.percentile(self.seconds, (50, 95, 99)) * 1000 if self.seconds else (0.0, 0.0, 0.0)
        return {
            "operation": self.name,
            "duration_seconds": round(total, 6),
            "items": self.items,
            "items_per_second": round(self.items / total, 1) if total > 0 else 0.0,
            "memory_mb": round(self.peak_mb, 1),
            "p50_ms": round(float(p50), 3),
            "p95_ms": round(float(p95), 3),
            "p99_ms": round(float(p99), 3),
        }


@dataclass(frozen=True)
class Timed(Generic[Value]):
    """What a call returned and how long it took, so that a batch is measured wherever it ran."""

    value: Value
    seconds: float


def timed(call: Callable[..., Value], /, *args: Any, **kwargs: Any) -> Timed[Value]:
    """Call and measure."""
    started = time.perf_counter()
    value = call(*args, **kwargs)
    return Timed(value, time.perf_counter() - started)


class PerformanceMonitor:
    """Collects operations in the order in which they first ran."""

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self._lock = threading.Lock()
        self._operations: dict[str, Operation] = {}
        self._started = time.perf_counter()

    @contextmanager
    def measure(self, name: str, items: int = 0) -> Iterator[Operation]:
        """Measure a block; set ``.items`` of what is yielded when the number is known only at its end."""
        measured = Operation(name, items)
        started = time.perf_counter()
        try:
            yield measured
        finally:
            self.add(name, time.perf_counter() - started, measured.items)

    def add(self, name: str, seconds: float, items: int) -> None:
        """Add one call that was measured elsewhere, for example in a batch's own task."""
        if not self.enabled:
            return
        memory = peak_rss_mb()
        with self._lock:
            operation = self._operations.setdefault(name, Operation(name))
            operation.seconds.append(seconds)
            operation.items += items
            operation.peak_mb = max(operation.peak_mb, memory)

    def operations(self) -> list[dict[str, Any]]:
        with self._lock:
            return [operation.as_json() for operation in self._operations.values()]

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._started


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, in MB (2**20 bytes)."""
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB here


def as_table(operations: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Rows of text for a person: operation, seconds, items, items a second, memory, p95."""
    return [
        (
            str(row["operation"]),
            f"{row['duration_seconds']:.3f}",
            f"{row['items']:,}",
            f"{row['items_per_second']:,.0f}",
            f"{row['memory_mb']:.0f}",
            f"{row['p95_ms']:.1f}",
        )
        for row in operations
    ]


TABLE_HEAD = ("operation", "seconds", "items", "items/s", "peak MB", "p95 ms")


def as_markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown for a dashboard: a table, a bar chart of time by operation, the counts. No names."""
    operations = report["operations"]
    lines = [f"## {report['status']}: {report['posts_written']} posts written, {report['posts_total']} in all", ""]
    lines += ["| " + " | ".join(TABLE_HEAD) + " |", "|---|---:|---:|---:|---:|---:|"]
    lines += ["| " + " | ".join(row) + " |" for row in as_table(operations)]
    longest = max((row["duration_seconds"] for row in operations), default=0.0)
    if longest > 0:
        width = max(len(row["operation"]) for row in operations)
        lines += ["", "```"]
        for row in operations:
            bar = "█" * max(1, round(40 * row["duration_seconds"] / longest))
            lines.append(f"{row['operation']:<{width}} {bar} {row['duration_seconds']:.2f} s")
        lines += ["```"]
    named = ("messages", "windows", "model_calls", "fetches", "retries", "enriched", "links_waiting", "dead_letters")
    counts = [name for name in (*named, "tokens_in", "tokens_out", "cost_usd") if name in report]
    lines += ["", "| count | value |", "|---|---:|"]
    lines += [f"| {name} | {'unknown' if report[name] is None else report[name]} |" for name in counts]
    if "breakers" in report:  # how many, for a host is part of what people wrote
        provider = report["breakers"]["provider"] or "offline"
        lines += [f"| sites left alone | {len(report['breakers']['hosts'])} |", f"| provider's breaker | {provider} |"]
    return "\n".join(lines) + "\n"
