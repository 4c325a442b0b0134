"""The ledger against a list, with crashes at any byte of any write and between any two steps, and losses of power.

A run is a real process (a fork), which ends by ``_exit`` once it has spent so many steps: a step is a byte that is
written, a file that is made, renamed, cut or synced. After a loss of power only what was synced is sure to be there.
"""

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stages.ledger import LOSS_LIMIT, Ledger, read_ledger

TEXTS = st.lists(st.text(max_size=30), max_size=12)


class Steps:
    """Counts what the process does to files, and ends it in the middle of the step that is one too many."""

    def __init__(self, left: int, report: int) -> None:
        self.left = left
        self.report = report
        self.synced: dict[int, int] = {}
        for name in ("open", "rename", "ftruncate", "fsync"):
            setattr(os, name, self._counted(getattr(os, name)))
        self._write = os.write
        os.write = self.write  # type: ignore[assignment]

    def write(self, file: int, data: bytes) -> int:
        written = self._write(file, bytes(data[: self.left]))
        self.left -= written
        if self.left <= 0:
            self.end()
        return written

    def end(self) -> None:
        self._write(self.report, json.dumps({"synced": self.synced}).encode() + b"\n")
        os._exit(0)

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if self.left <= 0:
                self.end()
            self.left -= 1
            result = call(*arguments, **named)
            file = result if call.__name__ == "open" else arguments[0]
            if call.__name__ in ("open", "fsync"):
                status = os.fstat(file)
                if call.__name__ == "fsync" or status.st_ino not in self.synced:
                    self.synced[status.st_ino] = status.st_size  # what was there before has outlived a crash
            return result

        return step


def run(path: Path, texts: list[str], buffer: int, rotate: int, flushes: set[int], steps: int) -> tuple[int, Any]:
    """Record the texts in a process of its own; (how many were surely kept, sizes synced where it was ended)."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(receiving)
            note = os.write
            Steps(steps, sending)
            ledger = Ledger(path, "r", buffer, rotate_bytes=rotate)
            for n, text in enumerate(texts):
                ledger.record("odd" if len(text) % 2 else "even", x=text)
                if n in flushes:
                    ledger.flush()
                    note(sending, json.dumps({"kept": n + 1}).encode() + b"\n")
            ledger.close()
            note(sending, json.dumps({"kept": len(texts), "lost": ledger.lost}).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(sending)
    with open(receiving, "rb") as report:
        said = [json.loads(line) for line in report]
    os.waitpid(child, 0)
    assert not any(line.get("lost") for line in said)
    kept = max((line["kept"] for line in said if "kept" in line), default=0)
    return kept, next((line["synced"] for line in said if "synced" in line), None)


def lose_power(folder: Path, synced: dict[str, int], luck: random.Random) -> None:
    """Cut off the end of what this process wrote and did not sync."""
    for file in folder.iterdir():
        status = file.stat()
        if str(status.st_ino) in synced:
            os.truncate(file, luck.randint(min(synced[str(status.st_ino)], status.st_size), status.st_size))


class CrashingLedger(RuleBasedStateMachine):
    @initialize(rotate=st.sampled_from([1, 200, 400, 1_000, 1 << 20]))
    def begin(self, rotate: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-"))
        self.path = self.folder / "ledger.jsonl"
        self.rotate = rotate
        self.lines: list[str] = []

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "folder", ""), ignore_errors=True)

    @rule(texts=TEXTS, buffer=st.integers(1, 6), flushes=st.sets(st.integers(0, 11)))
    def an_ordinary_run(self, texts: list[str], buffer: int, flushes: set[int]) -> None:
        kept, _ = run(self.path, texts, buffer, self.rotate, flushes, 1 << 40)
        assert kept == len(texts)
        self.lines += texts

    @rule(
        texts=TEXTS,
        buffer=st.integers(1, 6),
        flushes=st.sets(st.integers(0, 11)),
        steps=st.integers(0, 1_500),
        seed=st.one_of(st.none(), st.integers(0, 1 << 30)),
    )
    def a_run_that_crashes(
        self, texts: list[str], buffer: int, flushes: set[int], steps: int, seed: int | None
    ) -> None:
        kept, synced = run(self.path, texts, buffer, self.rotate, flushes, steps)
        if synced is not None and seed is not None:
            lose_power(self.folder, synced, random.Random(seed))
        survived = self.read()
        before = len(self.lines)
        self.lines += texts
        assert survived == self.lines[: len(survived)], "whole lines in their order, without a gap"
        assert len(survived) >= before + kept, "what was flushed is there"
        assert len(self.lines) - len(survived) <= LOSS_LIMIT
        self.lines = survived

    @rule(tail=st.integers(0, 40), kind=st.sampled_from([None, "odd", "even"]))
    def a_reading(self, tail: int, kind: str | None) -> None:
        expected = [text for text in self.lines if kind in (None, "odd" if len(text) % 2 else "even")]
        assert self.read(kind=kind) == expected
        assert self.read(kind=kind, tail=tail) == expected[max(0, len(expected) - tail) :]

    @rule()
    def the_oldest_file_is_removed(self) -> None:
        full = sorted(self.folder.glob("ledger-*.jsonl"))
        if full:
            self.lines = self.lines[full[0].read_bytes().count(b"\n") :]
            full[0].unlink()

    @invariant()
    def the_file_is_the_list(self) -> None:
        if hasattr(self, "path"):
            assert self.read() == self.lines

    def read(self, **how: Any) -> list[str]:
        return [entry["x"] for entry in read_ledger(self.path, **how)]


CrashingLedger.TestCase.settings = settings(max_examples=25, stateful_step_count=10, deadline=None)
TestCrashingLedger = CrashingLedger.TestCase
