"""Reading large exports: ratios against inflating them, a line-by-line parser and a JSON event loop, in one run.

``python -m benchmarks ingest [--mb 208] [--big] [--sha]``. Every reading is a process of its own with default options:
ids are made and names are hidden. Seconds depend on the machine; ratios should not.
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.big_chats import Written, write_zip
from benchmarks.json_chats import WRITERS
from benchmarks.measure import Cost, command, python

_SIZES: Final = (1, 10, 100)
_SLICE: Final = 20_000_000
_GENERAL: Final = (
    "import sys; from pathlib import Path;"
    "from stages.ingest.whatsapp import known, layouts; layouts._MOST_LAYOUTS = known._MOST = 0;"
    "from stages.ingest.export import ParseOptions, parse_export;"
    "options = ParseOptions(processes=1, block_bytes=1 << 20);"
    "parse_export(Path(sys.argv[1]), Path(sys.argv[2]), key=bytes.fromhex(sys.argv[3]), options=options)"
)
KEY: Final = "11" * 32


def inflate(path: Path) -> float:
    """Seconds that ``zipfile`` takes for the first member."""
    with zipfile.ZipFile(path) as archive, archive.open(archive.infolist()[0]) as file:
        started = time.perf_counter()
        while file.read(1 << 20):
            pass
        return time.perf_counter() - started


def read(chat: Written, out: Path) -> Cost:
    """One reading with default options."""
    return command("parse", str(chat.path), "--out", str(out), "--json")


def sha(path: Path) -> str:
    """SHA-256 of the ids and texts of a result, in their order."""
    digest = hashlib.sha256()
    for batch in pq.ParquetFile(path).iter_batches(columns=["message_id", "ts", "author", "kind", "text"]):
        for row in zip(*(column.cast("string").to_pylist() for column in batch.columns), strict=True):
            digest.update("\0".join(value or "" for value in row).encode() + b"\1")
    return digest.hexdigest()


def whatsapp(folder: Path, options: argparse.Namespace) -> None:
    """One large chat: against inflating it, and line by line; memory; the same content on the general path."""
    chat = write_zip(folder / "chat.zip", options.mb * 1_000_000, options.seed)
    out = folder / "chat.parquet"
    before = inflate(chat.path)
    ours = read(chat, out)
    inflated = (before + inflate(chat.path)) / 2
    said = json.loads(ours.output)
    assert said["counts"]["entries"] == chat.messages, "every message is read"
    megabytes = chat.bytes / 1e6
    print(f"WhatsApp, {megabytes:.0f} MB of text, {chat.messages:,} messages")
    print(f"  inflate with zipfile   {inflated:7.2f} s   {megabytes / inflated:6.0f} MB/s")
    print(
        f"  parse                  {ours.seconds:7.2f} s   {megabytes / ours.seconds:6.0f} MB/s   "
        f"{ours.seconds / inflated:.1f}x inflate   {chat.messages / ours.seconds:,.0f} messages/s"
    )
    print(
        f"    processor {ours.cpu:.2f} s ({ours.cpu / inflated:.1f}x inflate), "
        f"memory {ours.memory:.0f} MB in all processes, reported {said['peak_rss_mb']:.0f} MB"
    )
    messages, seconds = python("-m", "benchmarks.line_by_line", str(chat.path), str(_SLICE)).output.split()
    naive = int(messages) / float(seconds)
    print(
        f"  line by line           {naive:,.0f} messages/s on a slice; "
        f"parse does {chat.messages / ours.seconds / naive:.1f}x as many"
    )
    if options.sha:
        general = folder / "general.parquet"
        python("-c", _GENERAL, str(chat.path), str(general), KEY)
        same = sha(out) == sha(general)
        print(f"  SHA-256 of the content {sha(out)}, {'equal' if same else 'DIFFERENT'} on the general path")


def sizes(folder: Path, options: argparse.Namespace) -> None:
    """Chats of growing size: seconds and memory."""
    print("size       parse   per MB    memory")
    for megabytes in (*_SIZES, options.mb, *((1_000,) if options.big else ())):
        chat = write_zip(folder / "chat.zip", megabytes * 1_000_000, options.seed)
        cost = read(chat, folder / "chat.parquet")
        print(
            f"{megabytes:5} MB {cost.seconds:7.2f} s {1_000 * cost.seconds / megabytes:5.1f} ms {cost.memory:6.0f} MB",
            flush=True,
        )


_EVENTS: Final = (
    "import sys, time, zipfile, ijson;"
    "started = time.process_time();"
    "path = sys.argv[1];"
    "archive = zipfile.ZipFile(path) if path.endswith('.zip') else None;"
    "names = archive.namelist() if archive else [path];"
    "files = (archive.open(name) if archive else open(name, 'rb') for name in names);"
    "backend = ijson.get_backend('yajl2_c');"
    "[None for file in files for _ in backend.basic_parse(file) if False];"
    "print(time.process_time() - started)"
)


def json_exports(folder: Path, options: argparse.Namespace) -> None:
    """Large exports of other apps, against ijson's own event loop (C backend) over the same bytes."""
    for platform, write in WRITERS.items():
        path = write(folder, options.mb * 1_000_000, options.seed)
        events = python("-c", _EVENTS, str(path))
        ours = command("parse", str(path), "--out", str(folder / "json.parquet"), "--json")
        said = json.loads(ours.output)
        assert said["platform"] == platform
        print(f"{platform}, {options.mb} MB, {said['counts']['entries']:,} messages")
        print(f"  ijson's event loop     {events.seconds:7.2f} s, processor {events.cpu:.2f} s")
        print(
            f"  parse                  {ours.seconds:7.2f} s, {ours.seconds / events.seconds:.2f}x the event loop "
            f"(processor {ours.cpu / events.cpu:.2f}x), memory {ours.memory:.0f} MB",
            flush=True,
        )


def start(folder: Path, options: argparse.Namespace) -> None:
    """A chat of a few messages: the whole command, which bounds the time to its first row."""
    chat = write_zip(folder / "small.zip", 2_000, options.seed)
    seconds = min(read(chat, folder / "small.parquet").seconds for _ in range(5))
    print(f"start to first row: under {seconds:.2f} s (a whole command on {chat.messages} messages)")


WORKLOADS: Final[tuple[tuple[str, Callable[[Path, argparse.Namespace], None]], ...]] = (
    ("start", start),
    ("whatsapp", whatsapp),
    ("json", json_exports),
    ("sizes", sizes),
)
"""Name and function; a workload prints what it has measured."""


def main(arguments: Sequence[str] = ()) -> None:
    """Run the workloads, or those that are named."""
    parser = argparse.ArgumentParser(prog="benchmarks ingest", description=__doc__)
    parser.add_argument("--mb", type=int, default=208, help="megabytes of text of the large chat")
    parser.add_argument("--big", action="store_true", help="also a chat of 1 GB")
    parser.add_argument("--sha", action="store_true", help="read the chat on the general path too, and compare")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[name for name, _ in WORKLOADS], help="one workload")
    options = parser.parse_args(arguments)
    os.environ["STREAMLINER_PRIVACY__KEY"] = KEY
    os.environ.pop("PREFECT_API_URL", None)
    with tempfile.TemporaryDirectory(prefix="streamliner-ingest-") as name:
        for workload, run in WORKLOADS:
            if options.only in (None, workload):
                run(Path(name), options)
