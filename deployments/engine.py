"""A Docker engine for a machine where none runs, as the container test needs it: no bridge, no firewall rules.

    python -m deployments.engine start | stop

Builds and containers use the host's network. Its data lie in one folder and are removed when it stops; its sockets lie
in a short-named temporary folder, because a socket's path may have 107 bytes only. An engine that answers already is
used as it is and never stopped.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployments.background import Background
from deployments.base_image import ensure_base
from stages.errors import StreamlinerError

CHECKOUT = Path(__file__).resolve().parents[1]


class Engine:
    """The engine of one folder, or the one that answers already."""

    def __init__(self, folder: Path, say: Callable[[str], None] = print) -> None:
        self.folder = folder.resolve()
        self.say = say
        self._process = Background(self.folder, "dockerd")

    @property
    def host(self) -> str | None:
        """``DOCKER_HOST`` of our own engine; None where another one is used."""
        facts = self._process.facts()
        return f"unix://{facts['sockets']}/docker.sock" if facts else None

    def environment(self) -> dict[str, str]:
        """The variables by which Docker's clients find this engine."""
        return {"DOCKER_HOST": self.host} if self.host else {}

    def client(self) -> Any:
        """A docker-py client that waits long enough for builds."""
        import docker

        return docker.DockerClient(base_url=self.host, timeout=600) if self.host else docker.from_env(timeout=600)

    def start(self, timeout: float = 60) -> bool:
        """Start, unless one answers; False then. Raises :class:`StreamlinerError` with what is missing."""
        if self._answers():
            self.say(f"Docker engine: {'ours, running' if self.host else 'the one that runs on this machine'}")
            return False
        dockerd = shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/sbin")
        if dockerd is None:
            raise StreamlinerError(
                "No Docker engine answers and none is installed; on Debian: apt-get install docker.io"
            )
        if os.geteuid() != 0:
            raise StreamlinerError("No Docker engine answers, and starting one needs root; start Docker and try again.")
        self._process.stop()
        _mount_cgroups()
        sockets = tempfile.mkdtemp(prefix="streamliner-engine-")
        command = [
            dockerd,
            *("--host", f"unix://{sockets}/docker.sock", "--pidfile", f"{sockets}/docker.pid"),
            *("--exec-root", f"{sockets}/exec", "--data-root", str(self.folder / "data")),
            *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--userland-proxy=false"),
        ]
        self._process.launch(command, os.environ, sockets=sockets)
        deadline = time.monotonic() + timeout
        while not self._answers():
            if not self._process.running() or time.monotonic() > deadline:
                reason = self._process.tail()
                self.stop()
                raise StreamlinerError(f"The Docker engine did not start: {reason[-600:]}")
            time.sleep(0.2)
        self.say(f"Docker engine: started, its log is {self._process.log}")
        return True

    def stop(self) -> bool:
        """End our own engine and remove what it kept; False where there is none of ours."""
        facts = self._process.facts()
        ended = self._process.stop(grace=30)
        if facts:
            for folder in (Path(facts["sockets"]), self.folder / "data"):
                _unmount_below(folder)
                # its layers are some hundred thousand files: rm is many times faster than Python at it
                subprocess.run(["rm", "-rf", str(folder)], check=False, stdin=subprocess.DEVNULL)
        return ended

    def _answers(self) -> bool:
        import docker
        from docker.errors import DockerException

        try:
            client = self.client()
            try:
                return bool(client.ping())
            finally:
                client.close()
        except (DockerException, OSError, docker.errors.APIError):
            return False


def _unmount_below(folder: Path) -> None:
    """Let go of what the engine leaves mounted: a network namespace, layers of a container that was killed."""
    mounts = [Path(line.split(" ")[1]) for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for mount in sorted((mount for mount in mounts if folder in mount.parents), reverse=True):
        subprocess.run(["umount", str(mount)], check=False, stdin=subprocess.DEVNULL)


def _mount_cgroups() -> None:
    """Without an init system nobody has mounted them; Debian's docker.io brings the program that does."""
    mount = shutil.which("cgroupfs-mount", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if mount and not os.path.ismount("/sys/fs/cgroup"):
        subprocess.run([mount], check=False, stdin=subprocess.DEVNULL)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deployments.engine", description="A Docker engine for tests.")
    parser.add_argument("action", choices=["start", "stop"])
    action = parser.parse_args(arguments).action
    engine = Engine(CHECKOUT / "build" / "engine")
    try:
        if action == "stop":
            engine.stop()
            return 0
        engine.start()
        client = engine.client()
        ensure_base(client, CHECKOUT, print)
        client.close()
        if engine.host:
            print(f"export DOCKER_HOST={engine.host}")
    except StreamlinerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
