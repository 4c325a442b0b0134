"""The first half of a publication: exports are taken, judged and parsed before the archive is touched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from flows.chats import Chats
from flows.publication import Publication
from flows.reading import Job, parse_options, read_exports, reading_key, shape_of
from flows.steps import MERGE
from stages.archive.inbox import Export, resolve_export, take_export
from stages.archive.merge import ParsedExport, stored_names
from stages.archive.records import NameRecord
from stages.archive.store import DATABASE, Archive, read_archive
from stages.errors import BadInput
from stages.ingest.export import ParseReport
from stages.ledger import Ledger
from stages.privacy import key as privacy_key
from stages.privacy.same import renamed


@dataclass(frozen=True)
class Before:
    """What the archive already knows, read without changing a byte of it."""

    fingerprint: str | None
    timezone: str | None
    readings: dict[str, str]
    orders: dict[str, set[str]]
    names: list[NameRecord]
    chats: Chats


@dataclass
class Ready:
    """Exports that were parsed well and wait to be merged."""

    run: Publication
    key: bytes
    keep_key: Callable[[], None]
    timezone: str
    parsed: list[ParsedExport]
    chats: Chats

    def merge(self, archive: Archive, ledger: Ledger) -> None:
        """Merge them one by one, each in a transaction of its own."""
        facts = {"key_fingerprint": privacy_key.fingerprint(self.key), "timezone": self.timezone}
        if "archive.title" in self.run.loaded.origins or archive.meta("title") is None:
            facts["title"] = self.run.settings.archive.title
        if chats := self.chats.kept():
            facts["chats"] = chats
        archive.set_meta(**facts)
        matched = added = in_doubt = 0
        for export in self.parsed:
            merged = self.run.call(
                MERGE,
                "Merging",
                count=lambda done: int(done.matched + done.added),
                archive_folder=str(archive.folder),
                export=export,
                key=self.key,
                run_id=self.run.run_id,
            )
            matched, added, in_doubt = matched + merged.matched, added + merged.added, in_doubt + merged.in_doubt
            ledger.record(
                "merge",
                export=export.sha256[:12],
                matched=merged.matched,
                added=merged.added,
                in_doubt=merged.in_doubt,
            )
        if self.parsed:
            self.run.details |= {"matched": matched, "added": added, "in_doubt": in_doubt}


def take_exports(run: Publication) -> list[Export]:
    """The exports of the request, or those that wait in the inbox; each once. Raises :class:`BadInput`."""
    inbox = run.folder / "inbox"
    names = run.request.exports or tuple(
        sorted(path.name for path in inbox.glob("*") if not path.name.startswith(".")) if inbox.is_dir() else ()
    )
    if not names and not (run.folder / DATABASE).is_file():
        raise BadInput(f"There is no archive in {run.folder} yet; give an export to publish.")
    taken: dict[str, Export] = {}
    for name in names:
        export = take_export(resolve_export(name, run.folder))
        taken.setdefault(export.sha256, export)
    return list(taken.values())


def ingest(run: Publication, folder: Path, exports: list[Export]) -> Ready:
    """Parse the exports that the archive does not have yet into its scratch folder; nothing else is changed.

    Raises :class:`BadInput` with everything as it was.
    """
    before = _look(folder)
    timezone = _timezone(run, before)
    key, keep_key = _key(run, before)
    fresh: list[Job] = []
    for position, export in enumerate(exports):
        had = before.readings.get(reading_key(run, export, key))
        if had is not None and not run.request.aliases:
            _same_reading(run, had)
            continue
        fresh.append(Job(export, position, folder / ".work" / f"export-{position}.parquet"))
    same, same_names = renamed(run.request.aliases, key, before.names, run.settings.privacy.region)
    options = parse_options(run, timezone, same)
    reports = read_exports(
        run, fresh, key=key, options=options, known=[*before.names, *same_names], orders=before.orders
    )
    for job, report in zip(fresh, reports, strict=True):
        for warning in report.warnings:
            run.progress.note(f"{job.label}: {warning}" if len(exports) > 1 else warning)
    if idle := len(same) - len({at for report in reports for at in report.renamed}):
        run.progress.note(
            f"{idle} of the --alias options name nobody who writes in these exports; look at the spelling."
        )
    parsed = []
    # the oldest first: the command may name them in any order
    for job, report in sorted(zip(fresh, reports, strict=True), key=_age):
        if said := before.chats.take(job.label, report):
            run.progress.note(said)
        parsed.append(
            ParsedExport(
                sha256=reading_key(run, job.export, key),
                reading=report.date_order or "",
                platform=report.platform,
                format=report.format,
                messages=job.out,
                names=(*report.names, *same_names),
                attachments=tuple(replace(item, export=job.export.sha256) for item in report.attachments),
            )
        )
    return Ready(run, key, keep_key, timezone, parsed, before.chats)


def _age(read: tuple[Job, ParseReport]) -> tuple[str, str, str]:
    job, report = read
    return report.first_ts or "", report.last_ts or "", job.export.sha256


def _look(folder: Path) -> Before:
    if not (folder / DATABASE).is_file():
        return Before(None, None, {}, {}, [], Chats())
    with read_archive(folder) as archive:
        rows = archive.cursor().execute("SELECT sha256, reading, platform, format FROM exports ORDER BY 1").fetchall()
        orders: dict[str, set[str]] = {}
        for _, reading, platform, form in rows:
            if reading:
                orders.setdefault(shape_of(platform, form), set()).add(reading)
        return Before(
            archive.meta("key_fingerprint"),
            archive.meta("timezone"),
            {sha256: reading for sha256, reading, _, _ in rows},
            orders,
            stored_names(archive.cursor()),
            Chats({platform for _, _, platform, _ in rows}, archive.meta("chats")),
        )


def _timezone(run: Publication, before: Before) -> str:
    """The archive's zone; once set, another one is refused: it would move every message."""
    asked = run.settings.archive.timezone
    if before.timezone is None:
        return asked
    if "archive.timezone" in run.loaded.origins and asked != before.timezone:
        raise BadInput(
            f"The archive reads times in {before.timezone}, not {asked}; publish into a new archive to change that."
        )
    return before.timezone


def _same_reading(run: Publication, had: str) -> None:
    asked = run.settings.ingest.date_order
    if asked not in ("auto", had):
        raise BadInput(
            f"The archive has this export already, read as {had}; publish it into a new archive to read it as {asked}."
        )


def _key(run: Publication, before: Before) -> tuple[bytes, Callable[[], None]]:
    """The privacy key, and what keeps a new one once the exports are known to be good."""
    secret = run.settings.privacy.key
    key = privacy_key.find_key(secret.get_secret_value() if secret else None, say=run.progress.note)
    if before.fingerprint is not None and (key is None or privacy_key.fingerprint(key) != before.fingerprint):
        what = "was made with another privacy key" if key else "was made with a privacy key that is missing here"
        raise BadInput(
            f"The archive {run.folder.name} {what}; set STREAMLINER_PRIVACY__KEY to that key or put its file back."
        )
    if key is not None:
        return key, lambda: None
    fresh = privacy_key.new_key()

    def keep() -> None:
        if privacy_key.keep_key(fresh, say=run.progress.note) != fresh:
            raise BadInput("Another run made the privacy key at the same moment; run the same command again.")

    return fresh, keep
