"""Candidates, task store and ledger: against the peer's way and against the plain way, in one process, in turns.

``python -m benchmarks queueing [--runs 5] [--quick] [--only SECTION]``. Ratios are of minima. A way that takes
seconds is run on fewer items and scaled: it is linear. Databases are files, as an archive is.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import numpy as np
import orjson
import pyarrow as pa

from benchmarks import peer_queueing as peer
from benchmarks.chats import WORDS
from benchmarks.measure import judge, timed
from stages.archive.records import Enrichment
from stages.enrich.candidates import CANDIDATES, find_candidates
from stages.enrich.schema import SCHEMA_SQL
from stages.enrich.store import TaskStore
from stages.ledger import LOSS_LIMIT, Ledger

_ENQUEUE: Final = 500
_COMPLETE: Final = 100
_BIG_WRITE: Final = 8
_LINE_BY_LINE: Final = 100
_LAG_MS: Final = 2.0


def chat(rows: int, seed: int = 5) -> pa.Table:
    """Messages of which 30 % speak of a file or a page: 11,000 different ones for 50,000 rows."""
    rng = random.Random(seed)
    distinct = max(1, rows * 11 // 50)
    texts, media = [], []
    for number in range(rows):
        text = " ".join(rng.choices(WORDS, k=12))
        file: list[str] = []
        if number % 10 < 3:
            which = rng.randrange(distinct)
            if which % 2:
                file = [f"IMG-20260311-WA{which:05d}.jpg"]
                text = f"{file[0]} (file attached)\n{text}"
            else:
                text = f"{text} https://example.org/{which:05d}/{rng.choice(WORDS)}?utm_source=chat {rng.choice(WORDS)}"
        texts.append(text)
        media.append(file)
    return pa.table({"seq": range(rows), "text": texts, "media": pa.array(media, pa.list_(pa.string()))})


def tasks(number: int, prefix: str = "") -> pa.Table:
    """So many candidates."""
    keys = [f"https://example.com/some/path{prefix}/{n}" for n in range(number)]
    columns = (keys, ["url"] * number, keys, list(range(number)), [1] * number)
    return pa.table(dict(zip(CANDIDATES.names, columns, strict=True)), schema=CANDIDATES)


def candidates(folder: Path, options: argparse.Namespace) -> None:
    """W5: the candidates of 50,000 messages, row by row and by one statement."""
    rows = 5_000 if options.quick else 50_000
    table = chat(rows)
    found, theirs = find_candidates(table), peer.candidates(table)
    times = timed({"peer": lambda: peer.candidates(table), "ours": lambda: find_candidates(table)}, options.runs)
    ratio = times["peer"].least / times["ours"].least
    _say(
        f"W5 candidates of {rows:,} messages",
        f"peer {_ms(times['peer'].least)} ({len(theirs):,} found); "
        f"ours {_ms(times['ours'].least)} ({found.num_rows:,} found)",
        f"{ratio:.1f}x", "1x", ratio >= 1,
    )  # fmt: skip


def enqueue(folder: Path, options: argparse.Namespace) -> None:
    """W6: 1,000 tasks by one statement, and one at a time in three ways; 100,000 by one statement."""
    few = 20 if options.quick else 100
    slow: dict[str, list[float]] = {}
    ours, many, again = [], [], []
    for run in range(options.runs):
        with _database(folder) as connection:
            store = TaskStore(connection)
            ours += [_seconds(partial(store.enqueue, tasks(1_000, f"/{part}"))) for part in range(5)]
        one_by_one: dict[str, Callable[[], Any]] = {
            "an INSERT each": partial(_insert_each, _database(folder), tasks(few)),
            "our statement for each": partial(_enqueue_each, _database(folder), tasks(few)),
            "a table each, as the peer did": peer.enqueuing(folder / f"peer-{run}.duckdb", few),
        }
        for name, work in one_by_one.items():
            slow.setdefault(name, []).append(_seconds(work) * 1_000 / few)
        with _database(folder) as connection:
            table = tasks(100_000)
            many.append(_seconds(partial(TaskStore(connection).enqueue, table)))
            again.append(_seconds(partial(TaskStore(connection).enqueue, table)))
    for name, seconds in slow.items():
        ratio = min(seconds) / min(ours)
        _say(
            "W6 enqueue 1,000", f"{name} {_ms(min(seconds))}; ours {_ms(min(ours))}",
            f"{ratio:.0f}x", f"{_ENQUEUE}x", ratio >= _ENQUEUE,
        )  # fmt: skip
    told = f"ours {_ms(min(many))}; the same again {_ms(min(again))}"
    _say("W6 enqueue 100,000", told, _ms(min(many)), "1 s", min(many) < 1)


def complete(folder: Path, options: argparse.Namespace) -> None:
    """W7: 1,000 tasks are done, by one statement and by an UPDATE each."""
    number = 100 if options.quick else 1_000
    done = [
        Enrichment(key, "url", key, title="A title", text="What the page says")
        for key in tasks(number)["key"].to_pylist()
    ]
    each, ours = [], []
    for _ in range(options.runs):
        with _database(folder) as connection:
            store = TaskStore(connection)
            store.enqueue(tasks(number))
            store.claim(number, 60, datetime.now(UTC))
            each.append(_seconds(lambda c=connection: _complete_each(c, done)))
        with _database(folder) as connection:
            store = TaskStore(connection)
            store.enqueue(tasks(number))
            store.claim(number, 60, datetime.now(UTC))
            ours.append(_seconds(lambda s=store: s.complete(done)))
    ratio = min(each) / min(ours)
    _say(
        f"W7 complete {number:,}", f"an UPDATE each {_ms(min(each))}; ours {_ms(min(ours))}",
        f"{ratio:.0f}x", f"{_COMPLETE}x", ratio >= _COMPLETE,
    )  # fmt: skip


def names(folder: Path, options: argparse.Namespace) -> None:
    """W8: 200 files get names of their own and every message has to show them: 1,000,000 messages, 5 % with one."""
    rows, many = (20_000, 20) if options.quick else (1_000_000, 200)
    lookup = "SELECT m.seq, e.files FROM mentions m JOIN enrichments e USING (key)"
    unchanged = "SELECT sum(hash(seq, text)), count(*) FROM messages"
    with _database(folder) as connection:
        peer.messages_with_files(connection, rows, many)
        keys = [peer.old(n) for n in range(many)]
        columns = (keys, ["image"] * many, keys, [20 * n for n in range(many)], [rows // 20 // many] * many)
        TaskStore(connection).enqueue(pa.table(dict(zip(CANDIDATES.names, columns, strict=True)), schema=CANDIDATES))
        before = connection.execute(unchanged).fetchone()
        TaskStore(connection).complete(
            [Enrichment(peer.old(n), "image", "", files=(peer.new(n),)) for n in range(many)]
        )
        shown = connection.execute(lookup).to_arrow_table().num_rows
        works: dict[str, Callable[[], object]] = {
            "ours": lambda: connection.execute(lookup).to_arrow_table(),
            "nested replace": lambda: peer.nested_replace(connection, many),
        }
        times = {name: took.least for name, took in timed(works, min(2, options.runs)).items()}
        assert connection.execute(unchanged).fetchone() == before, "no text was rewritten"
        times[f"{many} updates"] = _seconds(lambda: peer.updates(connection, many))
    assert shown == rows // 20, "every message finds its file"
    ours = times.pop("ours")
    for name, seconds in times.items():
        _say(
            f"W8 {many} names, {rows:,} messages",
            f"{name} {_ms(seconds)}; a join for {shown:,} messages {_ms(ours)}, 0 updates",
            f"{seconds / ours:.0f}x", "1x", seconds > ours,
        )  # fmt: skip


def ledger(folder: Path, options: argparse.Namespace) -> None:
    """100,000 lines, against one big write and against a line opened, written and synced at a time.

    Against bytes that were there before 8x cannot be had: making the lines in one bare loop takes about that long by
    itself (0.9-1.2 us each), and 100 syncs have to be waited for in turn, as ``LOSS_LIMIT`` lines may be unwritten and
    no more (0.3-0.4 ms each on an idle disk, 3-4x the bytes). Both are measured and shown.
    """
    lines = 5_000 if options.quick else 100_000
    slow = 100 if options.quick else 500
    path = folder / "ledger.jsonl"

    def ours() -> None:
        path.unlink(missing_ok=True)
        with Ledger(path, "run") as opened:
            for n in range(lines):
                opened.record("enrich", state="batch", done=n, failed=0)

    made = _lines(lines)
    line = made[: made.index(b"\n") + 1]
    part = len(made) * LOSS_LIMIT // lines

    def one_write(data: bytes | bytearray | None = None) -> None:
        with (folder / "big").open("wb") as file:
            file.write(_lines(lines) if data is None else data)
            file.flush()
            os.fsync(file.fileno())

    def in_turn() -> None:
        with (folder / "parts").open("wb", buffering=0) as file:
            for start in range(0, len(made), part):
                file.write(made[start : start + part])
                os.fsync(file.fileno())

    def one_by_one() -> None:
        for _ in range(slow):
            with (folder / "slow").open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())

    works: dict[str, Callable[[], object]] = {
        "ours": ours,
        "bytes": lambda: one_write(made),
        "making": lambda: _lines(lines),
        "both": one_write,
        "syncs": in_turn,
        "slow": one_by_one,
    }
    least = {name: took.least for name, took in timed(works, options.runs).items()}
    took, alone, each = least["ours"], least["bytes"], least["slow"] * lines / slow
    what = f"Ledger, {lines:,} lines"
    for told, big in (
        (f"bytes made before, written at once {_ms(alone)}", alone),
        (f"made and written at once {_ms(least['both'])}", least["both"]),
    ):
        _say(
            what, f"{told}; ours {_ms(took)}", f"{took / big:.1f}x", f"at most {_BIG_WRITE}x", took <= _BIG_WRITE * big
        )  # fmt: skip
    making, syncs = least["making"], least["syncs"]
    print(
        f"{what:<36} the floor: made in one loop {_ms(making)} ({making / alone:.1f}x the bytes) and "
        f"{lines // LOSS_LIMIT} syncs in turn {_ms(syncs)} ({syncs / alone:.1f}x); ours {took / (making + syncs):.1f}x",
        flush=True,
    )
    _say(
        what, f"opened, written and synced one by one {_ms(each)}; ours {_ms(took)}",
        f"{each / took:.0f}x", f"{_LINE_BY_LINE}x", each >= _LINE_BY_LINE * took,
    )  # fmt: skip


def _lines(number: int) -> bytearray:
    """The same lines, made and joined as they come: a list of all that the encoder returns costs five times more."""
    made = bytearray()
    dumps, option = orjson.dumps, orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    own = {"run": "run", "kind": "enrich", "state": "batch"}
    for n in range(number):
        made += dumps({"t": datetime.now(UTC), **own, "done": n, "failed": 0}, None, option)
    return made


def lag(folder: Path, options: argparse.Namespace) -> None:
    """What recording 10,000 lines a second adds to the lag of an event loop that wakes every millisecond.

    Stretches with and without a ledger take turns in one loop, since a busy machine makes lag of its own; so do
    stretches in which another process writes and syncs as often, which shows what the disk alone does to the loop.
    """
    stretches = 9 if options.quick else 90 * options.runs
    with Ledger(folder / "lag.jsonl", "run") as opened, _syncing(folder / "elsewhere") as elsewhere:
        lags, held = asyncio.run(_ticking(stretches, opened, elsewhere))
    alone, recording, other = (float(np.percentile(lags[which], 99)) for which in range(3))
    added = recording - alone
    _say(
        "Lag of the loop, p99",
        f"alone {alone:.2f} ms; with a ledger {recording:.2f} ms (records {np.percentile(held, 99):.2f}); "
        f"as many syncs by another process {other:.2f} ms",
        f"{added:+.2f} ms",
        f"under {_LAG_MS:.0f} ms",
        added < _LAG_MS,
    )


@contextmanager
def _syncing(path: Path) -> Iterator[int]:
    """A process that writes and syncs a kilobyte for each byte that is sent to what is handed out."""
    work = (
        "import os, sys\n"
        f"file = os.open({str(path)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
        "while os.read(0, 1): os.write(file, bytes(1000)); os.fsync(file)"
    )
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        yield process.stdin.fileno()
        process.stdin.close()


async def _ticking(stretches: int, opened: Ledger, elsewhere: int) -> tuple[list[list[float]], list[float]]:
    """Lags of the loop alone, with a ledger and with syncs elsewhere; how long the records of a tick took. In ms."""
    lags: list[list[float]] = [[], [], []]
    held: list[float] = []
    for stretch in range(stretches):
        for n in range(50):
            started = time.perf_counter()
            if stretch % 3 == 1:
                for _ in range(10):
                    opened.record("enrich", state="batch", done=n, failed=0)
                held.append((time.perf_counter() - started) * 1_000)
            elif stretch % 3 == 2:
                os.write(elsewhere, b"1")
            await asyncio.sleep(0.001)
            lags[stretch % 3].append((time.perf_counter() - started) * 1_000 - 1)
    return lags, held


def _insert_each(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
    columns = ", ".join(table.column_names)
    for row in table.to_pylist():
        connection.execute(
            f"INSERT INTO tasks ({columns}, state, attempts, fetched) SELECT ?, ?, ?, ?, ?, 'pending', 0, false "
            "WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE key = ?)",
            [*row.values(), row["key"]],
        )


def _enqueue_each(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
    for row in range(table.num_rows):
        TaskStore(connection).enqueue(table.slice(row, 1))


def _complete_each(connection: duckdb.DuckDBPyConnection, done: list[Enrichment]) -> None:
    for item in done:
        connection.execute(
            "UPDATE tasks SET state = 'done', lease_until = NULL, title = ?, text = ? WHERE key = ?",
            [item.title, item.text, item.key],
        )


def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    path = Path(tempfile.mkdtemp(dir=folder)) / "archive.duckdb"
    connection = duckdb.connect(str(path), config={"threads": 2, "memory_limit": "500MB"})
    connection.execute("SET enable_progress_bar = false")
    connection.execute(SCHEMA_SQL)
    return connection


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _ms(seconds: float) -> str:
    return f"{seconds * 1_000:,.1f} ms"


def _say(what: str, told: str, figure: str, target: str, met: bool) -> None:
    print(f"{what:<36} {told:<92} {figure:>10}   {target:>10} {judge(met)}", flush=True)


SECTIONS: Final[dict[str, Callable[[Path, argparse.Namespace], None]]] = {
    "candidates": candidates,
    "enqueue": enqueue,
    "complete": complete,
    "names": names,
    "ledger": ledger,
    "lag": lag,
}
"""Name and function; a section prints what it has measured."""


def main(arguments: Sequence[str] = ()) -> None:
    """Run the sections, or the one that is named."""
    parser = argparse.ArgumentParser(prog="benchmarks queueing", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of which the minimum counts")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it runs")
    parser.add_argument("--only", choices=list(SECTIONS), help="one section")
    options = parser.parse_args(arguments)
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, DuckDB {duckdb.__version__}, Ibis {ibis.__version__}"
    )
    with tempfile.TemporaryDirectory(prefix="streamliner-queueing-") as name:
        for section, run in SECTIONS.items():
            if options.only in (None, section):
                run(Path(name), options)
