"""Whole commands over a chat of a million messages: seconds, megabytes a second, and the memory of the process.

``python -m benchmarks.scale [MESSAGES]``; every command is a process of its own, its memory is what the system says.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.chats import write_chat


def measured(*arguments: str) -> tuple[float, float]:
    """(seconds, peak resident MB) of one ``streamliner`` command. Raises SystemExit when it fails."""
    started = time.perf_counter()
    child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-m", "flows", *arguments])
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"streamliner {arguments[0]} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main(messages: int) -> None:
    os.environ["STREAMLINER_PRIVACY__KEY"] = "11" * 32
    os.environ.pop("PREFECT_API_URL", None)
    with tempfile.TemporaryDirectory(prefix="streamliner-scale-") as name:
        folder = Path(name)
        size = write_chat(folder / "chat.txt", messages) / 2**20
        parquet = str(folder / "messages.parquet")
        commands = (
            ("parse", str(folder / "chat.txt"), "--out", parquet),
            ("windows", parquet, "--out", str(folder / "windows.parquet"), "--unit", "bytes", "--size", "20000"),
            ("windows", parquet, "--out", str(folder / "windows.parquet"), "--unit", "days", "--align", "calendar"),
            ("candidates", parquet, "--out", str(folder / "candidates.parquet")),
        )
        print(f"{messages:,} messages, {size:.0f} MB", flush=True)
        for command in commands:
            sys.stdout.flush()
            with_output = sys.stdout.fileno()
            kept = os.dup(with_output)
            os.dup2(os.open(os.devnull, os.O_WRONLY), with_output)
            try:
                seconds, memory = measured(*command)
            finally:
                os.dup2(kept, with_output)
            label = " ".join(part for part in command if not part.startswith(name))
            print(f"{label:<60} {seconds:6.2f} s {size / seconds:6.0f} MB/s {memory:5.0f} MB of memory")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
