"""A Prefect server of one's own: SQLite, loopback, a free port, in a session of its own.

Its folder holds everything: the database, ``server.log`` and ``server.json`` (process, start time, port). A server
found by chance is never used: it is this folder's, or none.
"""

import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from deployments.background import Background
from stages.errors import StreamlinerError

QUIET = {
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
"""What every Prefect process that we start is told: no server of its own, nothing sent home."""

_LASTING = {"PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem"}
"""Leases outlive the server as the slots in its database do; else slots that were lent when it ended would stay taken
for ever."""

_ATTEMPTS = 3


class PrefectServer:
    """The server of one folder. Starting one that runs, and stopping one that does not, does nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._process = Background(self.folder, "server")

    @property
    def address(self) -> str:
        """``http://127.0.0.1:<port>`` of the running server, where the dashboard is."""
        facts = self._process.facts()
        if facts is None:
            raise StreamlinerError(f"No Prefect server was started in {self.folder}.")
        return f"http://127.0.0.1:{facts['port']}"

    @property
    def api(self) -> str:
        return f"{self.address}/api"

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process that talks to this server and to no other."""
        return {**without_prefect(base), **QUIET, "PREFECT_HOME": str(self.folder), "PREFECT_API_URL": self.api}

    def running(self) -> bool:
        return self._process.running()

    def start(self, timeout: float = 120) -> bool:
        """Start and wait until it answers; False when it ran already. Raises :class:`StreamlinerError`."""
        if self.running():
            self._wait(timeout)
            return False
        environment = {**without_prefect(), **QUIET, **_LASTING, "PREFECT_HOME": str(self.folder)}
        for attempt in range(1, _ATTEMPTS + 1):
            port = _free_port()
            where = ("--host", "127.0.0.1", "--port", str(port))
            # the pages ask the API at this address; without it they look for it at port 4200
            environment["PREFECT_SERVER_UI_API_URL"] = f"http://127.0.0.1:{port}/api"
            self._process.launch([sys.executable, "-m", "prefect", "server", "start", *where], environment, port=port)
            try:
                self._wait(timeout)
                break
            except StreamlinerError:
                self.stop()
                # another program may have taken the port between the look and the start
                if attempt == _ATTEMPTS or "address already in use" not in self._process.tail(20):
                    raise
        return True

    def stop(self) -> bool:
        """End the server that this folder started; False when none ran."""
        return self._process.stop()

    def _wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self.running():
                raise StreamlinerError(f"The Prefect server ended while it started; its log is {self._process.log}.")
            try:
                with urlopen(f"{self.api}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                time.sleep(0.1)
        raise StreamlinerError(
            f"The Prefect server did not answer within {timeout:.0f} s; its log is {self._process.log}."
        )


def without_prefect(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without a trace of another Prefect server or profile."""
    return {
        name: value for name, value in (os.environ if base is None else base).items() if not name.startswith("PREFECT_")
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
