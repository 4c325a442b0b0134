"""One publication while it runs: what was asked, what it works with, what it has done so far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from flows.progress import Progress
from flows.request import PublishRequest
from flows.runner import Runner
from flows.steps import Step
from stages.enrich.outcomes import LinkUsage
from stages.metrics import PerformanceMonitor, Timed
from stages.settings import Loaded, Settings

Ask = Callable[[str, Sequence[str]], str]
"""Puts a question with its possible answers to a person and returns one of them."""


@dataclass
class Publication:
    """One run: what it was asked, what it works with, and what it has done so far."""

    request: PublishRequest
    loaded: Loaded
    runner: Runner
    progress: Progress
    run_id: str
    monitor: PerformanceMonitor
    status: str = "failed"
    unanswered: bool = False
    counts: dict[str, Any] = field(
        default_factory=lambda: {
            "model_calls": 0,
            "fetches": 0,
            "enriched": 0,
            "links_waiting": 0,
            "posts_written": 0,
            "posts_total": 0,
            "messages": 0,
            "windows": 0,
            "dead_letters": 0,
            "cost_usd": 0.0,
            "tokens_in": 0,
            "tokens_out": 0,
            "retries": 0,
            "breakers": {"hosts": {}, "provider": None},
        }
    )
    details: dict[str, Any] = field(default_factory=dict)
    stopped: Event = field(default_factory=Event)
    ask: Ask | None = None

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def folder(self) -> Path:
        return Path(self.request.archive)

    def report(self) -> dict[str, Any]:
        """The object that ``publish --json``, ``report --json`` and ``metrics/performance.json`` share."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            **self.counts,
            "seconds": round(self.monitor.elapsed, 3),
            "operations": self.monitor.operations(),
            **self.details,
        }

    def check(self) -> None:
        """Raise KeyboardInterrupt when a person asked to stop; libraries may have swallowed the first one."""
        if self.stopped.is_set():
            raise KeyboardInterrupt

    def spend(self, calls: int, cost_usd: float | None) -> None:
        """Count calls of the door to models; a cost that nobody knows makes the sum unknown."""
        self.counts["model_calls"] += calls
        spent = self.counts["cost_usd"]
        self.counts["cost_usd"] = None if spent is None or cost_usd is None else round(spent + cost_usd, 6)

    def tell_links(self, usage: LinkUsage) -> None:
        """Take the totals of the run's links into the report. ``fetches`` counts every request that a site saw."""
        told = usage.as_json()
        self.counts["fetches"] = usage.requests
        self.counts["retries"] = told.pop("retries", 0)
        self.counts["breakers"]["hosts"] = told.pop("breakers", {})
        self.details["fetching"] = told

    def call(self, step: Step, phase: str, count: Callable[[Any], int] | None = None, **arguments: Any) -> Any:
        """Run one step, measured and shown; ``count`` says how many items its result stands for, else ``.items``."""
        self.check()
        with self.progress.phase(phase):
            result: Timed[Any] = self.runner.call(step, **arguments)
        self.monitor.add(step.name, result.seconds, count(result.value) if count else result.value.items)
        return result.value

    def map(self, step: Step, phase: str, batches: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> Iterator[Any]:
        """Run a step over batches; yields (position, result or error) as they end, measured and shown."""
        with self.progress.phase(phase, sum(sizes)):
            for position, result in self.runner.map(step, batches, sizes, self.stopped):
                self.progress.advance(sizes[position])
                if isinstance(result, Exception):
                    self.details.setdefault("failed_batches", []).append(f"{step.name}: {type(result).__name__}")
                    yield position, result
                else:
                    self.monitor.add(step.name, result.seconds, sizes[position])
                    yield position, result.value
