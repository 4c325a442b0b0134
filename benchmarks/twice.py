"""The same candidates enriched twice through the archive and the stage that publishing runs, and what that costs.

The sites count what they are asked, a model server counts its calls, and DuckDB's own log the queries.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from benchmarks.measure import say
from benchmarks.sites import Sites

_KEY: Final = bytes.fromhex("5a" * 32)


def twice(number: int, told: int) -> None:
    """Print what ``number`` links cost the second time, and ``told`` (0 for none) of which a model tells."""
    for links, model in ((number, False), *([(told, True)] if told else [])):
        with tempfile.TemporaryDirectory(prefix="streamliner-twice-") as name, Sites() as sites:
            _measure(Path(name), sites, links, model)


def _measure(folder: Path, sites: Sites, links: int, model: bool) -> None:
    what = f"{links:,} links{', told by a model' if model else ''}"
    with _archive(folder / "archive", [sites.url(n) for n in range(links)]) as archive:
        first, _ = _enriched(archive, sites, links, model)
        seen = sites.seen()
        assert first.counts["enriched"] == links, first.counts
        second, log = _enriched(archive, sites, links, model)
        again = sites.seen()
    say(
        f"{what}, twice",
        f"first {seen.requests - seen.posts:,} requests, {seen.posts:,} model calls, {first.details['took']:.1f} s; "
        f"again {1_000 * second.details['took']:.0f} ms",
        f"{again.requests} and {again.posts}", "0 and 0", again.requests == again.posts == 0,
    )  # fmt: skip
    shown = "; ".join(" ".join(query.split())[:60] for query in log)
    say(f"{what}, queries again", f"all statements: {shown}", str(len(log)), "1", len(log) == 1)


@contextmanager
def _archive(folder: Path, links: Sequence[str]) -> Iterator[Any]:
    """An archive of a chat with one message for each link."""
    from stages.archive.store import hold_archive, open_archive

    texts = [f"look at this {link} please" for link in links]
    number = len(texts)
    messages = pa.table(
        {
            "seq": pa.array(range(number), pa.int64()),
            "message_id": [f"m{n}" for n in range(number)],
            "ts": pa.array([datetime(2026, 3, 13, tzinfo=UTC)] * number, pa.timestamp("us", tz="UTC")),
            "author": ["somebody"] * number,
            "kind": ["text"] * number,
            "text": texts,
            "text_bytes": pa.array([len(text) for text in texts], pa.int32()),
            "media": pa.array([[]] * number, pa.list_(pa.string())),
            "reply_to": pa.nulls(number, pa.string()),
            "edited": [False] * number,
        }
    )
    with hold_archive(folder) as held, open_archive(held) as archive:
        cursor = archive.cursor()
        cursor.register("found", messages)
        cursor.execute("INSERT INTO messages SELECT * FROM found")
        cursor.unregister("found")
        archive.touch("messages")
        yield archive


def _enriched(archive: Any, sites: Sites, links: int, model: bool) -> tuple[Any, list[str]]:
    """Enrich as publishing does, by the direct runner; returns the publication and the statements that it ran."""
    from flows.enriching import enrich
    from flows.progress import Progress
    from flows.publication import Publication
    from flows.request import PublishRequest
    from flows.runner import DirectRunner
    from stages.ledger import Ledger
    from stages.metrics import PerformanceMonitor
    from stages.settings import load_settings
    from stages.write.batch import CostLimit

    options: dict[str, Any] = {
        "fetch.enabled": True,
        "fetch.allow_networks": ["127.0.0.0/8"],
        "fetch.cache": False,
        "fetch.max_links": links,
        "enrich.max_per_window": links,
    }
    if model:
        options |= {
            "llm.model": "openai/m",
            "llm.api_base": f"http://127.0.0.1:{sites.ports[0]}/v1",
            "llm.api_key": "none",
            "llm.consent": True,
            "site.language": "en",
        }
    loaded = load_settings(None, None, options)
    runner = DirectRunner(loaded.settings.performance.max_workers)
    request = PublishRequest(archive=str(archive.folder))
    run = Publication(request, loaded, runner, Progress(enabled=False), "run", PerformanceMonitor(True))
    cursor = archive.cursor()
    cursor.execute("CALL enable_logging('QueryLog')")
    cursor.execute("CALL truncate_duckdb_logs()")
    with Ledger(archive.ledger, run.run_id) as ledger:
        started = time.perf_counter()
        enrich(run, archive, ledger, [], _KEY, CostLimit(None))
        run.details["took"] = time.perf_counter() - started
    log = cursor.execute("SELECT message FROM duckdb_logs WHERE type = 'QueryLog' ORDER BY timestamp").fetchall()
    cursor.execute("CALL disable_logging()")
    return run, [message for (message,) in log if "duckdb_logs" not in message]
