"""The middle of a publication: links and attachments are queued once per archive and enriched in batches.

The run's own thread claims, hands out and keeps what comes back; every batch is kept as it ends.
"""

import math
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from flows.publication import Publication
from flows.steps import CANDIDATES, ENRICH
from stages.archive.inbox import Export
from stages.archive.merge import stored_names
from stages.archive.records import Failure
from stages.archive.store import Archive
from stages.enrich.concealed import Concealer
from stages.enrich.heartbeat import Heartbeat
from stages.enrich.limits import as_rows
from stages.enrich.links import LinkReader
from stages.enrich.pages.folder import cache_folder
from stages.enrich.store import Task, TaskStore
from stages.enrich.telling import told_by_models
from stages.errors import StreamlinerError
from stages.ledger import Ledger
from stages.privacy.key import subkey
from stages.write.batch import CostLimit

MAX_BATCHES: Final = 200
"""A server records about 40 task runs a second; past a few hundred, orchestration would cost more than the work."""

FETCHED: Final = (
    "Links are fetched from their sites, which see this machine's address and which page is asked for, and nothing of "
    "the chat. STREAMLINER_FETCH__ENABLED=false, or enabled = false under [fetch] in streamliner.toml, turns it off."
)
_TOLD: Final = "told_fetching"
_FETCHING: Final = "fetching"
_TELLING: Final = "telling"


def candidates(run: Publication, archive: Archive) -> dict[str, Any]:
    """The arguments of the step that queues what is worth enriching."""
    return {"archive_folder": str(archive.folder), "settings": run.settings}


def enrich(
    run: Publication, archive: Archive, ledger: Ledger, exports: list[Export], key: bytes, limit: CostLimit
) -> None:
    """Queue what is worth enriching once per archive, and work through what is pending in batches."""
    queued = run.call(CANDIDATES, "Looking for links and media", **candidates(run, archive))
    ledger.record("candidates", found=queued.items, new=queued.added, left_out=queued.left_out)
    if queued.limited:
        run.details["links_left_out"] = sum(row.candidates for row in queued.limited if row.kind == "url")
        run.details["left_out"] = as_rows(queued.limited)
    store = TaskStore(archive.cursor())
    _queue_again(run, archive, store)
    tasks, here = _claim(run, archive, store, exports)
    if tasks:
        _work(run, archive, ledger, store, tasks, here, key, limit)


def _queue_again(run: Publication, archive: Archive, store: TaskStore) -> None:
    """What is to be made anew, and what became possible since it was done: it is taken up once, when it does."""
    settings = run.settings
    if run.request.refresh in ("all", "enrich"):
        store.renew()
    fetching = "on" if settings.fetch.enabled else "off"
    if archive.meta(_FETCHING) != fetching:
        if fetching == "on":
            store.renew_unfetched()
        archive.set_meta(**{_FETCHING: fetching})
    telling = told_by_models(settings)
    told = set((archive.meta(_TELLING) or "").split())
    if told != telling:
        if telling - told:
            store.renew_untold(telling - told)
        archive.set_meta(**{_TELLING: " ".join(sorted(telling))})


def _claim(
    run: Publication, archive: Archive, store: TaskStore, exports: list[Export]
) -> tuple[list[Task], dict[str, Path]]:
    """The tasks of this run, and the exports that are at hand; attachments of others wait."""
    counts = store.counts()
    pending = counts["pending"]
    if counts["claimed"]:
        # this run holds the archive: what is claimed was a dead run's
        store.release_all(run.settings.retry.attempts)
        pending = store.counts()["pending"]
    tasks = store.claim(pending, run.settings.enrich.lease_seconds, datetime.now(UTC)) if pending else []
    here = {export.sha256: export.path for export in exports}
    attachments = archive.attachments() if tasks else {}
    away = {
        task.key
        for task in tasks
        if task.kind != "url" and task.value in attachments and attachments[task.value].export not in here
    }
    if away:
        store.release(away)
        run.details["media_waiting_for_their_export"] = len(away)
    return [task for task in tasks if task.key not in away], here


def _work(
    run: Publication,
    archive: Archive,
    ledger: Ledger,
    store: TaskStore,
    tasks: list[Task],
    here: dict[str, Path],
    key: bytes,
    limit: CostLimit,
) -> None:
    settings = run.settings
    attachments = archive.attachments()
    groups = _groups(run, tasks)
    conceal = Concealer(key, stored_names(archive.cursor()), settings.privacy.region)
    with (
        _links(run, archive, tasks, key, limit, conceal) as links,
        Heartbeat(partial(_renew, archive, settings.enrich.lease_seconds), (task.key for task in tasks),
                  settings.enrich.lease_seconds / 3) as heartbeat,
    ):  # fmt: skip
        shared = {
            "media_dir": archive.media,
            "exports": here,
            "settings": settings.enrich,
            "links": links if settings.fetch.enabled else None,
            "conceal": conceal,
        }
        batches = [
            {"tasks": group, "attachments": {t.value: attachments[t.value] for t in group if t.value in attachments}}
            | shared
            for group in groups
        ]
        try:
            for position, result in run.map(ENRICH, "Enriching", batches, [len(group) for group in groups]):
                keys = [task.key for task in groups[position]]
                with heartbeat.settling(keys):
                    _keep(run, archive, ledger, store, keys, result)
                ledger.flush()
                run.tell_links(links.usage)
        finally:
            links.close()
            run.tell_links(links.usage)
            left = heartbeat.left
            with heartbeat.settling(left):
                store.release(left)  # an end in order is no attempt


def _links(
    run: Publication, archive: Archive, tasks: Sequence[Task], key: bytes, limit: CostLimit, conceal: Concealer
) -> LinkReader:
    settings = run.settings
    if settings.fetch.enabled and archive.meta(_TOLD) is None and any(task.kind == "url" for task in tasks):
        run.progress.note(FETCHED)
        archive.set_meta(**{_TOLD: "yes"})
    cache = settings.fetch.cache_folder or cache_folder(os.environ, Path.home(), sys.platform)
    return LinkReader(
        settings,
        media_dir=archive.media,
        conceal=conceal,
        cache=cache if settings.fetch.cache and settings.fetch.cache_days else None,
        secret=subkey(key, "pages"),
        fresh=run.request.refresh in ("all", "enrich"),
        doors=limit,
        stopped=run.stopped,
        say=run.progress.note,
    )


def _groups(run: Publication, tasks: list[Task]) -> list[list[Task]]:
    settings = run.settings
    workers = settings.performance.max_workers if settings.performance.parallel_processing else 1
    even = math.ceil(len(tasks) / workers)  # a short queue is shared between the workers
    size = max(min(settings.enrich.batch_size, even), math.ceil(len(tasks) / MAX_BATCHES))
    return [tasks[start : start + size] for start in range(0, len(tasks), size)]


def _renew(archive: Archive, seconds: int, keys: Sequence[str]) -> None:
    TaskStore(archive.cursor()).extend(keys, seconds, datetime.now(UTC))


def _keep(
    run: Publication, archive: Archive, ledger: Ledger, store: TaskStore, keys: Sequence[str], result: Any
) -> None:
    """Keep what became of a batch. One that failed as a whole has failed once for each of its items, unless it says
    that it is not their fault."""
    attempts = run.settings.retry.attempts
    if isinstance(result, Exception):
        if isinstance(result, StreamlinerError):
            store.release(keys)
        else:
            reason = f"The batch that this was in failed as a whole ({type(result).__name__})."
            store.fail([Failure(key, "transient", reason) for key in keys], attempts)
        ledger.record("enrich", state="batch_failed", items=len(keys), error=type(result).__name__)
        return
    kept = store.complete(result.done)
    store.fail(result.failed, attempts)
    if kept:
        archive.touch("enrichments")
    run.counts["enriched"] += kept
    run.spend(result.calls, result.cost_usd)
    waiting = sum(failure.error_class == "refused" for failure in result.failed)
    ledger.record(
        "enrich", state="batch", done=len(result.done), failed=len(result.failed) - waiting, waiting=waiting
    )  # fmt: skip
