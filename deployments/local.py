"""``make run`` and ``make stop``: a dashboard on this machine and the sample published as a flow run in it.

    python -m deployments.local start | run | stop | status

Everything lies in the checkout: the server in ``.prefect/``, the chronicle in ``build/sample-archive``, and
``prefect.toml`` by which ``prefect`` commands typed here find the server.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from deployments.server import PrefectServer
from stages.errors import StreamlinerError

CHECKOUT = Path(__file__).resolve().parents[1]
SAMPLE = Path("build/sample/sample-android.zip")
ARCHIVE = Path("build/sample-archive")


class Dashboard:
    """The server of this checkout, and the file that tells ``prefect`` where it is."""

    def __init__(self, checkout: Path = CHECKOUT, say: Callable[[str], None] = print) -> None:
        self.checkout = checkout
        self.server = PrefectServer(checkout / ".prefect")
        self.pointer = checkout / "prefect.toml"
        self.say = say

    def start(self) -> None:
        """Start the server, or find our own running, and say where the dashboard is."""
        self.server.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.server.folder / "lock", timeout=180):
                new = self.server.start()
        except Timeout:
            raise StreamlinerError(
                f"Another command holds {self.server.folder}; try again when it has ended."
            ) from None
        self.pointer.write_text(
            "# Written by `make run`, removed by `make stop`: where this checkout's Prefect server is.\n"
            f'[api]\nurl = "{self.server.api}"\n\n[server.ephemeral]\nenabled = false\n',
            encoding="utf-8",
        )
        self.say(f"Dashboard  {self.server.address}  ({'started' if new else 'was running'}; `make stop` ends it)")

    def run(self) -> None:
        """Publish the sample as a flow run and say where its site and its run are."""
        sample = self.checkout / SAMPLE
        if not sample.is_file():
            _call(self.checkout, [sys.executable, "-m", "samples", str(sample.parent)], what="Making the sample")
        command = [
            *(sys.executable, "-m", "flows", "publish", str(sample)),
            *("--archive", str(self.checkout / ARCHIVE), "--prefect", "--json"),
        ]
        answer = _call(self.checkout, command, what="Publishing the sample", environment=self.server.environment())
        report = json.loads(answer)
        site = self.checkout / ARCHIVE / "site" / "index.html"
        self.say(f"Chronicle  {site}  ({report['posts_total']} posts from {report['messages']:,} messages)")
        self.say(f"Flow run   {self.server.address}/runs/flow-run/{report['run_id']}")
        self.say("           `.venv/bin/prefect flow-run ls` lists the runs from this folder")

    def stop(self) -> None:
        """End the server that was started here."""
        ended = self.server.stop()
        self.pointer.unlink(missing_ok=True)
        self.say("The Prefect server was stopped." if ended else "No Prefect server of this checkout was running.")

    def status(self) -> None:
        self.say(f"Running at {self.server.address}" if self.server.running() else "Not running.")


def _call(folder: Path, command: list[str], *, what: str, environment: dict[str, str] | None = None) -> str:
    """Run a command; its standard output is returned, the rest goes to the terminal."""
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise StreamlinerError(f"{what} failed with exit status {done.returncode}; the reason is above.")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deployments.local", description="A dashboard on this machine.")
    parser.add_argument("action", choices=["start", "run", "stop", "status"])
    action = parser.parse_args(arguments).action
    dashboard = Dashboard()
    try:
        if action == "run":
            dashboard.start()
        getattr(dashboard, action)()
    except StreamlinerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
