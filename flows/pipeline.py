"""The publication of one archive, stated once for both runners: parse, merge, enrich, plan, write, publish.

Nothing is computed here. Exports are parsed into the scratch folder before the archive is touched, so that bad input
leaves it as it was; from then on every step commits what it did, so that a run that stops is gone on with.
"""

import json
import math
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flows.consent import require_consent
from flows.enriching import MAX_BATCHES, candidates, enrich, queue_again
from flows.ingest import ingest, take_exports
from flows.private import drop_private, with_private
from flows.progress import Progress
from flows.publication import Ask, Publication
from flows.request import PublishRequest
from flows.runner import Runner
from flows.steps import CANDIDATES, PLAN, SITE, WRITE
from stages.archive.inbox import Export, require_room
from stages.archive.store import DATABASE, Archive, hold_archive, open_archive, to_json
from stages.enrich.store import TaskStore
from stages.errors import StreamlinerError
from stages.ledger import Ledger
from stages.llm import Door, check_model
from stages.llm.destination import EXTRACTIVE
from stages.llm.usage import Call
from stages.metrics import PerformanceMonitor
from stages.settings import load_settings
from stages.windows.archive import window_spec
from stages.windows.batches import batch_windows
from stages.write.batch import CostLimit
from stages.write.outcomes import keep_outcomes
from stages.write.selection import Selection

ROOM_BYTES = 32 * 2**20
"""Room on the disk below which nothing is begun: the database, a site beside the old one, the scratch folder."""

OFFLINE_WINDOWS = 32
"""Windows per batch of the offline writer, which needs milliseconds each: a remote model's answers are worth keeping
sooner."""


def prepare(
    request: PublishRequest,
    runner: Runner,
    progress: Progress,
    *,
    run_id: str | None = None,
    confirm: Callable[[str], bool] | None = None,
    ask: Ask | None = None,
) -> Publication:
    """Read the settings and refuse what cannot work before anything is touched. Raises :class:`BadInput`.

    ``confirm`` and ``ask`` put questions to a person; None where nobody can be asked.
    """
    request = with_private(request)
    config = Path(request.config) if request.config else None
    loaded = load_settings(Path(request.archive), config, request.options())
    for warning in loaded.warnings:
        progress.note(warning)
    performance = loaded.settings.performance
    progress.enabled = progress.enabled and performance.show_progress
    progress.detailed = progress.detailed or performance.detailed_progress
    window_spec(loaded.settings.windows, loaded.settings.archive.timezone)
    check_model(loaded.settings)
    require_consent(loaded.settings, progress, confirm)
    monitor = PerformanceMonitor(performance.collect_metrics)
    return Publication(request, loaded, runner, progress, run_id or uuid.uuid4().hex, monitor, ask=ask)


def publish(run: Publication) -> dict[str, Any]:
    """Run the whole publication and return its report.

    Raises :class:`BadInput` with everything as it was, or :class:`StreamlinerError` with what was done kept and
    reported. Whatever happens once the exports were accepted, ``metrics/performance.json`` is written.
    """
    exports = take_exports(run)
    if run.request.dry_run:
        return rehearse(run, exports)
    require_room(run.folder, ROOM_BYTES + 3 * sum(export.size for export in exports))
    with hold_archive(run.folder) as folder:
        ready = ingest(run, folder, exports)
        ready.keep_key()
        run.progress.release()
        with (
            _open(run, folder) as archive,
            Ledger(archive.ledger, run.run_id, say=run.progress.note) as ledger,
            recorded(run, archive, ledger, limit := CostLimit(run.request.limit_cost, partial(_called, ledger))),
        ):
            ready.merge(archive, ledger)
            enrich(run, archive, ledger, exports, ready.key, limit)
            write(run, archive, ledger, limit)
            run.unanswered = run.unanswered or limit.unanswered
            chronicle(run, archive, ledger, ready.key)
            _clear_inbox(archive, exports)
    return run.report()


def rehearse(run: Publication, exports: list[Export]) -> dict[str, Any]:
    """Do everything up to the first model call on a copy of the archive, and say what would come."""
    with TemporaryDirectory(prefix="streamliner-") as scratch, hold_archive(Path(scratch) / "archive") as folder:
        for name in (DATABASE, f"{DATABASE}.wal"):
            if (run.folder / name).is_file():
                shutil.copyfile(run.folder / name, folder / name)
        ready = ingest(run, folder, exports)
        run.progress.release()
        with _open(run, folder) as archive, Ledger(archive.ledger, run.run_id) as ledger:
            ready.merge(archive, ledger)
            run.call(CANDIDATES, "Looking for links and media", **candidates(run, archive))
            queue_again(run, archive)
            plan = run.call(PLAN, "Planning windows", **_plan(run, archive))
            _count(run, archive)
            asked = _files_to_tell(run, archive)
        run.details |= {
            "model": run.settings.llm.model,
            "windows_to_write": plan.todo.num_rows,
            "tokens_expected": -(-plan.todo_bytes // 4),
            "links_to_fetch": run.counts["links_waiting"] if run.settings.fetch.enabled else 0,
            **asked,
        }
        run.status = "dry-run"
        return run.report()


def _files_to_tell(run: Publication, archive: Archive) -> dict[str, int]:
    """How many pictures, and how much sound and film, a configured model would be asked about at most."""
    llm = run.settings.llm
    waiting = TaskStore(archive.cursor()).waiting_by_kind()
    asked: dict[str, int] = {}
    if llm.vision_model is not None:
        asked["pictures_to_tell"] = waiting["image"]
    if llm.transcription_model is not None:
        asked["sounds_to_tell"] = waiting["audio"] + waiting["video"]
    return asked


def _open(run: Publication, folder: Path) -> Archive:
    performance = run.settings.performance
    return open_archive(folder, memory_limit_mb=performance.memory_limit_mb // 2, threads=performance.max_workers)


def _plan(run: Publication, archive: Archive) -> dict[str, Any]:
    request = run.request
    selection = Selection(
        days=request.days,
        from_date=request.from_date,
        to_date=request.to_date,
        refresh=request.refresh in ("all", "write"),
        window=request.window,
    )
    return {"archive_folder": str(archive.folder), "settings": run.settings, "selection": selection}


def _called(ledger: Ledger, call: Call) -> None:
    ledger.record("call", **asdict(call))


@contextmanager
def recorded(run: Publication, archive: Archive, ledger: Ledger, limit: CostLimit) -> Iterator[None]:
    """Keep the run's row, its ledger lines and its metrics, however it ends."""
    cursor = archive.cursor()
    started = datetime.now(UTC)
    cursor.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, NULL, 'running', NULL)", [run.run_id, started])
    ledger.record("run", state="started", runner=type(run.runner).__name__)
    try:
        yield
        run.status = "completed"
    except BaseException as error:
        # an interrupted query ends in an error of the database's own
        if run.stopped.is_set() or isinstance(error, KeyboardInterrupt):
            run.status = "interrupted"
        raise
    finally:
        _count(run, archive)
        run.counts["tokens_in"], run.counts["tokens_out"] = limit.tokens
        report = run.report()
        ledger.record("run", state=run.status, posts=run.counts["posts_written"])
        cursor.execute(
            "UPDATE runs SET ended = ?, status = ?, report = ? WHERE run_id = ?",
            [datetime.now(UTC), run.status, to_json(report), run.run_id],
        )
        _write_metrics(run, archive, report)


def write(run: Publication, archive: Archive, ledger: Ledger, limit: CostLimit) -> None:
    """Plan the windows over the whole archive and write those that want a post; every batch is kept as it ends."""
    settings = run.settings
    plan = run.call(PLAN, "Planning windows", **_plan(run, archive))
    wanted = plan.todo.num_rows
    run.details |= {"windows_waiting": wanted, "windows_failed": 0}
    if not wanted:
        return
    least = OFFLINE_WINDOWS if settings.llm.model == EXTRACTIVE else settings.llm.batch_windows
    most = max(least, math.ceil(wanted / MAX_BATCHES))
    batches = batch_windows(str(archive.folder), plan.todo, most_windows=most)
    arguments = [{"batch": batch, "settings": settings, "limit": limit} for batch in batches]
    sizes = [len(batch.windows) for batch in batches]
    succeeded = 0
    for position, result in run.map(WRITE, "Writing posts", arguments, sizes):
        if isinstance(result, Exception):
            ledger.record("write", state="batch_failed", windows=sizes[position], error=type(result).__name__)
            continue
        keep_outcomes(archive, result.outcomes, run.run_id)
        run.spend(result.calls, result.cost_usd)
        succeeded += result.succeeded
        run.counts["posts_written"] += sum(len(outcome.posts) for outcome in result.outcomes)
        run.details["windows_waiting"] -= len(result.outcomes)
        run.details["windows_failed"] += sum(outcome.status == "failed" for outcome in result.outcomes)
        ledger.record("write", state="batch", windows=len(result.outcomes), calls=result.calls)
        ledger.flush()
    broken = any(failed.startswith(WRITE.name) for failed in run.details.get("failed_batches", ()))
    run.unanswered = broken and succeeded == 0


def chronicle(run: Publication, archive: Archive, ledger: Ledger, key: bytes) -> None:
    """Make posts and site from the archive and swap them in.

    Raises :class:`StreamlinerError` where no model answered at all, when the site is there.
    """
    made = run.call(
        SITE,
        "Making the site",
        archive_folder=str(archive.folder),
        key=key,
        settings=run.settings,
        refresh=run.request.refresh in ("all", "site"),
    )
    run.details["site"] = str(archive.site / "index.html")
    ledger.record("site", version=made.version, posts=made.items, changed=made.changed)
    if run.unanswered:
        raise StreamlinerError(
            "No model call succeeded, so no post was written and no page or file described; the site shows what is "
            "known. See `streamliner report`, then `streamliner retry` and publish again."
        )


def _count(run: Publication, archive: Archive) -> None:
    """Fill in the totals from what the archive holds, whatever this run did."""
    row = (
        archive.cursor()
        .execute(
            """SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM windows),
                  (SELECT count(*) FROM tasks WHERE state = 'dead')
                    + (SELECT count(*) FROM outcomes o JOIN windows w USING (signature) WHERE o.status = 'failed'),
                  (SELECT coalesce(sum(json_array_length(o.posts)), 0)
                    FROM outcomes o JOIN windows w USING (signature))"""
        )
        .fetchone()
    )
    assert row is not None
    names = ("messages", "windows", "dead_letters", "posts_total")
    run.counts |= {name: int(value) for name, value in zip(names, row, strict=True)}
    store = TaskStore(archive.cursor())
    run.counts["links_waiting"] = store.links_waiting()
    run.details["dead_letter_reasons"] = store.reasons()
    run.counts["breakers"]["provider"] = Door(run.settings).breaker_state


def _write_metrics(run: Publication, archive: Archive, report: dict[str, Any]) -> None:
    """``metrics/performance.json``, replaced by rename. Metrics that cannot be written are said and stop nothing."""
    path = archive.folder / run.settings.performance.metrics_file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".new")
        partial.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        run.progress.note(f"The metrics could not be written to {path}: {error.strerror}.")


def _clear_inbox(archive: Archive, exports: list[Export]) -> None:
    """Staged exports hold raw names: they go as soon as nothing of them is waiting any more."""
    if TaskStore(archive.cursor()).files_waiting():
        return
    for export in exports:
        if export.path.parent == archive.inbox:
            export.path.unlink(missing_ok=True)
    drop_private(archive.inbox)
