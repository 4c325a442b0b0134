"""A process that outlives the command that started it, and can be found and ended later by another one.

Its folder keeps ``<name>.json`` (process number and start time) and ``<name>.log``. A process is only ever taken for
ours when both the number and the start time are the ones that were written down.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil


class Background:
    """One process of a folder, by name."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / f"{name}.log"
        self._record = self.folder / f"{name}.json"

    def launch(self, command: Sequence[str], environment: Mapping[str, str], **facts: Any) -> None:
        """Start it in a session of its own, with ``facts`` kept beside its number. Its log begins anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            started = subprocess.Popen(
                command,
                cwd=self.folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = {"pid": started.pid, "created": psutil.Process(started.pid).create_time(), **facts}
        self._record.write_text(json.dumps(record), encoding="utf-8")

    def facts(self) -> dict[str, Any] | None:
        """What was written down at the start, or None."""
        try:
            record: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record

    def running(self) -> bool:
        return self._process() is not None

    def stop(self, grace: float = 10) -> bool:
        """End it, then whatever it leaves behind; False when it did not run."""
        process = self._process()
        self._record.unlink(missing_ok=True)
        if process is None:
            return False
        family = process.children(recursive=True)
        _end([process], grace)
        _end([child for child in family if child.is_running()], grace)
        return True

    def tail(self, lines: int = 5) -> str:
        """The last lines of the log, in one."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return " ".join(" ".join(text.splitlines()[-lines:]).split())

    def _process(self) -> psutil.Process | None:
        record = self.facts()
        if record is None:
            return None
        try:
            process = psutil.Process(int(record["pid"]))
            ours = abs(process.create_time() - float(record["created"])) < 1
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.Error, KeyError):
            return None


def _end(processes: list[psutil.Process], grace: float) -> None:
    """Ask these processes to end, and make those that do not within ``grace`` seconds."""
    for process in processes:
        _send(process, psutil.Process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        _send(process, psutil.Process.kill)
    psutil.wait_procs(alive, timeout=grace)


def _send(process: psutil.Process, action: Any) -> None:
    try:
        action(process)
    except psutil.NoSuchProcess:
        return
