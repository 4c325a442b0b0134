"""The middle of a publication: links and attachments are queued once per archive and enriched in batches.

The run's own thread claims, hands out and keeps what comes back; every batch is kept as it ends.
"""

import os
import sys
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Semaphore
from typing import Any, Final

from flows.publication import Publication
from flows.steps import CANDIDATES, ENRICH
from stages.archive.inbox import Export
from stages.archive.merge import stored_names
from stages.archive.records import Attachment, Enrichment, Failure
from stages.archive.store import Archive
from stages.enrich.batch import Room
from stages.enrich.concealed import Concealer
from stages.enrich.groups import group_tasks, workers_of
from stages.enrich.heartbeat import Heartbeat
from stages.enrich.limits import as_rows
from stages.enrich.links import LinkReader
from stages.enrich.once import known_words
from stages.enrich.pages.folder import cache_folder
from stages.enrich.spoken import chat_language
from stages.enrich.store import Task, TaskStore
from stages.enrich.teller import Teller, is_stored, media_to_tell
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
UNKNOWN_LANGUAGE: Final = (
    "The language of the chat cannot be told, so its pictures are described in English; STREAMLINER_SITE__LANGUAGE, or "
    "language under [site] in streamliner.toml, names another."
)
STORED: Final = ("image", "video", "audio")
"""Kinds of files that are kept under ``media/``."""
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
    queue_again(run, archive)
    claimed = _claim(run, archive, store, exports)
    if claimed.tasks:
        _work(run, archive, ledger, store, claimed, key, limit)


def queue_again(run: Publication, archive: Archive) -> None:
    """Queue what is to be made anew, and what became possible since it was done: once, when it does."""
    settings, store = run.settings, TaskStore(archive.cursor())
    if _anew(run):
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


def _anew(run: Publication) -> bool:
    return run.request.refresh in ("all", "enrich")


@dataclass(frozen=True)
class _Claimed:
    """The tasks of a run, the exports at hand by their SHA-256, all attachments by name, and what is known already of
    files that wait for a model's words alone, and of links while nothing is fetched."""

    tasks: list[Task]
    exports: dict[str, Path]
    attachments: dict[str, Attachment]
    known: dict[str, Enrichment]


def _claim(run: Publication, archive: Archive, store: TaskStore, exports: list[Export]) -> _Claimed:
    """The tasks of this run; attachments of exports that are not at hand wait."""
    counts = store.counts()
    pending = counts["pending"]
    if counts["claimed"]:
        # this run holds the archive: what is claimed was a dead run's
        store.release_all(run.settings.retry.attempts)
        pending = store.counts()["pending"]
    tasks = store.claim(pending, run.settings.enrich.lease_seconds, datetime.now(UTC)) if pending else []
    here = {export.sha256: export.path for export in exports}
    attachments = archive.attachments() if tasks else {}
    stored = [] if _anew(run) else [task.key for task in tasks if task.known and task.kind in STORED]
    known = {one.key: one for one in store.enrichments(stored) if is_stored(one, archive.media)} if stored else {}
    if not run.settings.fetch.enabled:
        links = [task.key for task in tasks if task.known and task.kind == "url"]
        known |= {one.key: one for one in store.enrichments(links)} if links else {}
    away = {
        task.key
        for task in tasks
        if task.kind != "url"
        and task.value in attachments
        and attachments[task.value].export not in here
        and task.key not in known
    }
    if away:
        store.release(away)
        run.details["media_waiting_for_their_export"] = len(away)
    return _Claimed([task for task in tasks if task.key not in away], here, attachments, known)


def _work(
    run: Publication,
    archive: Archive,
    ledger: Ledger,
    store: TaskStore,
    claimed: _Claimed,
    key: bytes,
    limit: CostLimit,
) -> None:
    settings = run.settings
    tasks, attachments, known = claimed.tasks, claimed.attachments, claimed.known
    groups = group_tasks(tasks, settings, MAX_BATCHES)
    begun: set[str] = set()

    def begin(keys: Sequence[str]) -> None:
        with heartbeat.settling(()):
            new = [key for key in keys if key not in begun]  # a batch that is tried again is one attempt
            if new:
                TaskStore(archive.cursor()).begin(new)
            begun.update(new)

    conceal = Concealer(key, stored_names(archive.cursor()), settings.privacy.region)
    teller = _teller(run, archive, tasks, limit, conceal)
    with (
        _links(run, archive, tasks, key, limit, conceal) as links,
        Heartbeat(partial(_renew, archive, settings.enrich.lease_seconds), (task.key for task in tasks),
                  settings.enrich.lease_seconds / 3) as heartbeat,
    ):  # fmt: skip
        shared = {
            "media_dir": archive.media,
            "exports": claimed.exports,
            "settings": settings.enrich,
            "links": links if settings.fetch.enabled else None,
            "conceal": conceal,
            "teller": teller,
            "begin": begin,
            "room": Room(Semaphore(workers_of(settings)), run.stopped),
        }
        batches = [
            {
                "tasks": group,
                "attachments": {t.value: attachments[t.value] for t in group if t.value in attachments},
                "known": {t.key: known[t.key] for t in group if t.key in known},
            }
            | shared
            for group in groups
        ]
        ending: StreamlinerError | None = None
        try:
            for position, result in run.map(ENRICH, "Enriching", batches, [len(group) for group in groups]):
                keys = [task.key for task in groups[position]]
                with heartbeat.settling(keys):
                    _keep(run, archive, ledger, store, keys, begun, result)
                ledger.flush()
                run.tell_links(links.usage)
                if isinstance(result, StreamlinerError):
                    ending = result  # what still works is kept first
        finally:
            links.close()
            run.tell_links(links.usage)
            _tell_media(run, teller)
            left = heartbeat.left
            with heartbeat.settling(left):
                _release(store, left, begun)  # an end in order is no attempt
        if ending is not None:
            raise ending


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
        fresh=_anew(run),
        doors=limit,
        stopped=run.stopped,
        say=run.progress.note,
    )


def _teller(run: Publication, archive: Archive, tasks: Sequence[Task], limit: CostLimit, conceal: Concealer) -> Teller:
    """Who asks models about files. What the archive knows is asked for once, and only where a model may be asked."""
    settings = run.settings
    asks = media_to_tell(tasks, settings)
    language: str = settings.site.language
    if language == "auto" and asks and settings.llm.vision_model is not None:
        found = chat_language(archive.cursor())
        if found is None:
            run.progress.note(UNKNOWN_LANGUAGE)
        language = found or "en"
    return Teller(
        settings,
        media_dir=archive.media,
        conceal=conceal,
        doors=limit,
        language=language,
        known=known_words(archive.cursor()) if asks and not _anew(run) else (),
        stopped=run.stopped,
    )


def _tell_media(run: Publication, teller: Teller) -> None:
    """Take what models said of files into the report, where one is configured."""
    breakers = teller.breakers()
    if breakers:
        run.details["telling"] = asdict(teller.usage)
        run.counts["breakers"] |= breakers


def _release(store: TaskStore, keys: Iterable[str], begun: Set[str]) -> None:
    for were in (True, False):
        if released := [key for key in keys if (key in begun) is were]:
            store.release(released, begun=were)


def _renew(archive: Archive, seconds: int, keys: Sequence[str]) -> None:
    TaskStore(archive.cursor()).extend(keys, seconds, datetime.now(UTC))


def _keep(
    run: Publication,
    archive: Archive,
    ledger: Ledger,
    store: TaskStore,
    keys: Sequence[str],
    begun: Set[str],
    result: Any,
) -> None:
    """Keep what became of a batch. One that failed as a whole has failed once for each of its items, unless it says
    that it is not their fault."""
    attempts = run.settings.retry.attempts
    if isinstance(result, Exception):
        if isinstance(result, StreamlinerError):
            _release(store, keys, begun)
        else:
            reason = f"The batch that this was in failed as a whole ({type(result).__name__})."
            store.fail([Failure(key, "transient", reason) for key in keys], attempts)
        ledger.record("enrich", state="batch_failed", items=len(keys), error=type(result).__name__)
        return
    kept = store.complete(result.done)
    store.fail(result.failed, attempts)
    if kept or any(failure.known is not None for failure in result.failed):
        archive.touch("enrichments")
    run.counts["enriched"] += kept
    run.spend(result.calls, result.cost_usd)
    waiting = sum(failure.error_class == "refused" for failure in result.failed)
    ledger.record(
        "enrich", state="batch", done=len(result.done), failed=len(result.failed) - waiting, waiting=waiting
    )  # fmt: skip
