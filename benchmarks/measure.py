"""What a command costs: seconds, processor seconds, and the memory of it and its children, sampled while it runs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

_SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """``seconds`` of the clock, ``cpu`` seconds of all its processes, ``memory`` MB of all of them at one time."""

    seconds: float
    cpu: float
    memory: float
    output: str


def command(*arguments: str, environment: Mapping[str, str] | None = None) -> Cost:
    """Run one ``streamliner`` command as a process of its own. Raises SystemExit when it fails."""
    return python("-m", "flows", *arguments, environment=environment)


def python(*arguments: str, environment: Mapping[str, str] | None = None) -> Cost:
    """Run Python with these arguments, in this environment or else our own. Raises SystemExit when it fails."""
    before = os.times()
    started = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    peak = [0.0]
    watch = threading.Thread(target=_watch, args=(psutil.Process(child.pid), peak), daemon=True)
    watch.start()
    output, said = child.communicate()
    seconds = time.perf_counter() - started
    watch.join()
    after = os.times()
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments[:4])} failed: {said.strip()[-400:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(seconds, cpu, peak[0], output)


@dataclass(frozen=True)
class Times:
    """``seconds`` of the clock and ``cpu`` seconds of this process, one of each a run."""

    seconds: list[float]
    cpu: list[float]

    @property
    def least(self) -> float:
        return min(self.seconds)


def timed(works: dict[str, Callable[[], object]], runs: int) -> dict[str, Times]:
    """What each work takes, ``runs`` times in turns after one run that is not counted."""
    times = {name: Times([], []) for name in works}
    for run in range(runs + 1):
        for name, work in works.items():
            started, cpu = time.perf_counter(), time.process_time()
            work()
            if run:
                times[name].seconds.append(time.perf_counter() - started)
                times[name].cpu.append(time.process_time() - cpu)
    return times


def judge(met: bool) -> str:
    """The word for a target."""
    return "met" if met else "missed"


def say(what: str, told: str, figure: str, target: str, met: bool) -> None:
    """One row: what was measured, beside what, the figure, the target and whether it is met."""
    print(f"{what:<44} {told:<110} {figure:>9}   {target:>11} {judge(met)}", flush=True)


def _watch(process: psutil.Process, peak: list[float]) -> None:
    while True:
        try:
            tree = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(_rss(one) for one in tree) / 2**20)
            if process.status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(_SAMPLE_SECONDS)


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
