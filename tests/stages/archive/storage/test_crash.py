"""A process that is killed at any moment of a put back leaves the old archive or the new one, and the next goes on."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from stages.archive.storage.address import Address, parse_address
from stages.archive.storage.checkout import check_out, read_out
from stages.archive.storage.faults import Held
from stages.archive.storage.layout import POINTER
from tests.servers.stores import Seen, Watch
from tests.stages.archive.storage.conftest import fill, tree

ROOT = Path(__file__).parents[4]

NEST = """
import os, signal, sys
from stages.archive.storage.address import parse_address
from stages.archive.storage.checkout import check_out
from stages.settings import load_settings
from tests.stages.archive.storage.conftest import fill

settings = load_settings()
for line in sys.stdin:  # a worker that is forked starts at once; nothing here has called a store before
    url, scratch = line.split()
    worker = os.fork()
    if not worker:
        os.environ["STREAMLINER_STORAGE__SCRATCH"] = scratch
        with check_out(parse_address(url), load_settings().settings, run_id="worker") as checkout:
            fill(checkout.folder, posts=2, site="bbbb", database=b"more tables " * 1000)
            print("working", os.getpid(), flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)  # until somebody watches
            checkout.put_back()
        os._exit(0)
    print("ended", os.waitpid(worker, 0)[1], flush=True)
"""


class Killer:
    """Kills workers at their ``at``-th request of a put back, before the server gets it or after it has done it."""

    def __init__(self, watch: Watch, when: str) -> None:
        self._watch, self._when = watch, when
        environment = {"PYTHONPATH": str(ROOT), **watch.environment(lease_seconds=5, connections=1)}
        pipe = subprocess.PIPE
        self._nest = subprocess.Popen(
            [sys.executable, "-c", NEST], cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
        )

    def __enter__(self) -> "Killer":
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.before = self._watch.after = lambda _seen: None
        self._nest.communicate()

    def strike(self, address: Address, scratch: Path, at: int) -> tuple[bool, bool, str]:
        """Run a worker and kill it; whether it was killed, whether the pointer had moved, and at which request."""
        count, worker, moved, reached = -1, 0, False, ""

        def pass_by(seen: Seen, moment: str) -> None:
            nonlocal count, moved, reached
            if count < 0 or ".archive/lease" in seen.key:
                return
            count += moment == "before"
            moved = moved or (moment == "after" and seen.key.endswith(POINTER))
            if count == at and moment == self._when:
                reached = f"{seen.method} {seen.key}"
                os.kill(worker, signal.SIGKILL)
                raise ConnectionAbortedError

        self._watch.before = lambda seen: pass_by(seen, "before")
        self._watch.after = lambda seen: pass_by(seen, "after")
        assert self._nest.stdin is not None
        assert self._nest.stdout is not None
        self._nest.stdin.write(f"{address.url} {scratch}\n")
        self._nest.stdin.flush()
        worker = int(self._nest.stdout.readline().removeprefix("working "))
        count = 0
        _wake(worker)
        ended = int(self._nest.stdout.readline().removeprefix("ended "))
        assert ended in (0, signal.SIGKILL)
        return ended != 0, moved, reached


def _wake(worker: int) -> None:
    """Let a process go on that stops itself, as soon as it has."""
    status = Path(f"/proc/{worker}/stat")
    while status.read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.005)
    os.kill(worker, signal.SIGCONT)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_request_of_a_put_back(when: str, watch: Watch, tmp_path: Path) -> None:
    settings = watch.settings()
    model = tmp_path / "model"
    model.mkdir()
    fill(model, posts=1)
    old = tree(model)
    fill(model, posts=2, site="bbbb", database=b"more tables " * 1000)
    new = tree(model)

    cases: list[tuple[Address, Path, bool, str]] = []
    with Killer(watch, when) as killer:
        for at in range(1, 40):
            address = parse_address(watch.server.fresh())
            with check_out(address, watch.server.settings(scratch=tmp_path / "calm"), run_id="zero") as checkout:
                fill(checkout.folder, posts=1)
                checkout.put_back()
            scratch = tmp_path / f"scratch-{at}"
            killed, moved, reached = killer.strike(address, scratch, at)
            if not killed:
                break
            with read_out(address, settings, lambda manifest: manifest) as folder:
                assert tree(folder) == (new if moved else old), reached
            cases.append((address, scratch, moved, reached))
    order = [moved for _, _, moved, _ in cases]
    assert order == sorted(order)
    assert (order.count(False), order.count(True)) == ((6, 6) if when == "before" else (5, 7))

    for address, scratch, moved, reached in cases:
        settings = watch.settings(scratch=scratch)
        with ExitStack() as stack:
            for _ in range(120):  # until the lease of the dead has expired
                try:
                    checkout = stack.enter_context(check_out(address, settings, run_id="next"))
                    break
                except Held:
                    time.sleep(0.1)
            assert checkout.resumed or moved, reached
            fill(checkout.folder, posts=2, site="bbbb", database=b"more tables " * 1000)
            assert checkout.put_back().changed is not moved, reached
        with read_out(address, settings, lambda manifest: manifest) as folder:
            assert tree(folder) == new, reached
        home = watch.server.look(f"{address.url}/site/index.html")
        assert home == (b"<h1>Home bbbb</h1>", "text/html; charset=utf-8"), reached
        assert not [path for path in scratch.iterdir() if path.is_dir()], reached
