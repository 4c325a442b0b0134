"""A Prefect server of one's own: SQLite, loopback, a free port, in a session of its own.

Its folder holds everything: the database, ``server.log`` and ``server.json`` (process, start time, address). A server
found by chance is never used: it is this folder's, or none.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from stages.errors import StreamlinerError

QUIET = {
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
"""What every Prefect process that we start is told: no server of its own, nothing sent home."""

_ATTEMPTS = 3


class PrefectServer:
    """The server of one folder. Starting one that runs, and stopping one that does not, does nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._record = self.folder / "server.json"
        self.log = self.folder / "server.log"

    @property
    def address(self) -> str:
        """``http://127.0.0.1:<port>`` of the running server, where the dashboard is."""
        return f"http://127.0.0.1:{self._read()['port']}"

    @property
    def api(self) -> str:
        return f"{self.address}/api"

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process that talks to this server and to no other."""
        return {**without_prefect(base), **QUIET, "PREFECT_HOME": str(self.folder), "PREFECT_API_URL": self.api}

    def running(self) -> bool:
        return self._process() is not None

    def start(self, timeout: float = 120) -> bool:
        """Start and wait until it answers; False when it ran already. Raises :class:`StreamlinerError`."""
        if self.running():
            self._wait(timeout)
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, _ATTEMPTS + 1):
            self._launch(_free_port())
            try:
                self._wait(timeout)
            except StreamlinerError:
                self.stop()
                # another program may have taken the port between the look and the start
                if attempt == _ATTEMPTS or "address already in use" not in self.log.read_text(errors="replace"):
                    raise
            else:
                return True
        return True

    def stop(self, grace: float = 10) -> bool:
        """End the server that this folder started; False when none ran."""
        process = self._process()
        self._record.unlink(missing_ok=True)
        if process is None:
            return False
        end_processes([process, *process.children(recursive=True)], grace)
        return True

    def _launch(self, port: int) -> None:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        environment = {**without_prefect(), **QUIET, "PREFECT_HOME": str(self.folder)}
        with self.log.open("wb") as log:
            started = subprocess.Popen(
                command,
                cwd=self.folder,  # a prefect.toml of the checkout is not for the server
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        created = psutil.Process(started.pid).create_time()
        record = {"pid": started.pid, "created": created, "port": port}
        self._record.write_text(json.dumps(record), encoding="utf-8")

    def _wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self.running():
                raise StreamlinerError(f"The Prefect server ended while it started; its log is {self.log}.")
            try:
                with urlopen(f"{self.api}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                time.sleep(0.1)
        raise StreamlinerError(f"The Prefect server did not answer within {timeout:.0f} s; its log is {self.log}.")

    def _read(self) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise StreamlinerError(f"No Prefect server was started in {self.folder}.") from None
        return record

    def _process(self) -> psutil.Process | None:
        """Our server's process: the same number *and* the same start, so never another one's."""
        try:
            record = self._read()
            process = psutil.Process(int(record["pid"]))
            same = abs(process.create_time() - float(record["created"])) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (StreamlinerError, psutil.Error, KeyError):
            return None


def without_prefect(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without a trace of another Prefect server or profile."""
    return {
        name: value for name, value in (os.environ if base is None else base).items() if not name.startswith("PREFECT_")
    }


def end_processes(processes: list[psutil.Process], grace: float) -> None:
    """Ask these processes to end, and make those that do not within ``grace`` seconds."""
    for process in processes:
        _signal(process, psutil.Process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        _signal(process, psutil.Process.kill)
    psutil.wait_procs(alive, timeout=grace)


def _signal(process: psutil.Process, action: Any) -> None:
    try:
        action(process)
    except psutil.NoSuchProcess:
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
