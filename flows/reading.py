"""How exports are read in a publication: one after the other or side by side, and what a person must settle first."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows.publication import Publication
from flows.steps import PARSE, PARSE_APART
from stages.archive.inbox import Export
from stages.archive.records import NameRecord
from stages.errors import BadInput
from stages.ingest.export import ParseOptions, ParseReport
from stages.ingest.limits import processes, zip_limits
from stages.privacy.key import keyed_mac

APART_BYTES = 8 * 2**20
"""Bytes of exports beside the largest one from which a process for each pays for its start."""

ALL_CHATS = "all"


@dataclass(frozen=True)
class Job:
    """One export to be read: where it is, what it is called to a person, and where its messages go."""

    export: Export
    position: int
    out: Path

    @property
    def label(self) -> str:
        """Exports bear people's names, so they are told by their place in the command."""
        return f"Export {self.position + 1}"


def reading_key(run: Publication, export: Export, key: bytes) -> str:
    """Under what the archive remembers that it has an export: its content, and which part of it was asked for.

    A chat is often called by a person's name or number, so what was asked for is kept as a MAC.
    """
    parts = [export.sha256]
    if run.request.chat:
        parts.append(f"chat {keyed_mac(key, 'chat', run.request.chat)}")
    if run.settings.ingest.direct_messages:
        parts.append("direct messages")
    return ":".join(parts)


def parse_options(run: Publication, timezone: str, same: Mapping[str, str]) -> ParseOptions:
    """How the run's exports are to be read. Raises :class:`BadInput` for a mapping that is none."""
    request, settings = run.request, run.settings.ingest
    mapping: Mapping[str, str] = {}
    if request.mapping:
        from stages.ingest.table.mapping import parse_mapping

        mapping = parse_mapping(request.mapping)
    return ParseOptions(
        processes=processes(run.settings.performance),
        timezone=timezone,
        date_order=settings.date_order,
        block_bytes=settings.block_mb << 20,
        limits=zip_limits(settings),
        platform=request.format,
        chat=None if request.chat == ALL_CHATS else request.chat,
        mapping=mapping,
        same=same,
        direct_messages=settings.direct_messages,
    )


def read_exports(
    run: Publication,
    jobs: Sequence[Job],
    *,
    key: bytes,
    options: ParseOptions,
    known: Sequence[NameRecord],
    orders: Mapping[str, Collection[str]],
) -> list[ParseReport]:
    """Read all exports, each into its file; nothing else is changed and the result depends on no other export.

    ``orders`` are the date orders in which the archive's exports were read, by format. Raises :class:`BadInput`.
    """
    shared = {"key": key, "known": tuple(known), "region": run.settings.privacy.region}
    reports = _read(run, jobs, [options] * len(jobs), shared)
    for job, report in zip(jobs, reports, strict=True):
        if len(report.chats) > 1 and run.request.chat is None:
            raise BadInput(_several(job, report))
    proven = {shape: set(had) for shape, had in orders.items()}
    for job, report in zip(jobs, reports, strict=True):
        if report.ambiguous or not report.date_order:
            continue
        had = orders.get(_shape(report), ())
        if had and report.date_order not in had:
            run.progress.note(_contradicted(job, report, had))
        proven.setdefault(_shape(report), set()).add(report.date_order)
    doubtful = [at for at, report in enumerate(reports) if report.ambiguous]
    if not doubtful:
        return reports
    settled = [replace(options, date_order=_order(run, jobs[at], reports[at], proven)) for at in doubtful]
    again = _read(run, [jobs[at] for at in doubtful], settled, shared)
    for at, report in zip(doubtful, again, strict=True):
        reports[at] = report
    return reports


def _read(
    run: Publication, jobs: Sequence[Job], options: Sequence[ParseOptions], shared: Mapping[str, Any]
) -> list[ParseReport]:
    performance = run.settings.performance
    sizes = sorted(job.export.size for job in jobs)
    batches = [
        {"path": job.export.path, "out": job.out, "options": how, **shared}
        for job, how in zip(jobs, options, strict=True)
    ]
    if performance.parallel_processing and performance.max_workers > 1 and sum(sizes[:-1]) >= APART_BYTES:
        return _side_by_side(run, jobs, batches)
    reports = []
    for job, batch in zip(jobs, batches, strict=True):
        try:
            reports.append(
                run.call(PARSE, "Reading the export", count=lambda read: int(read.counts["entries"]), **batch)
            )
        except BadInput as error:
            raise _told(run, job, error) from None
    return reports


def _told(run: Publication, job: Job, error: BadInput) -> BadInput:
    """With several exports, which of them is bad."""
    return BadInput(f"{job.label}: {error}") if len(run.request.exports) > 1 else error


class _Stop:
    """Set when the run is to stop, or when one of its exports turned out to be bad."""

    def __init__(self, run: Publication) -> None:
        self._run = run
        self.bad = False

    def is_set(self) -> bool:
        return self.bad or self._run.stopped.is_set()


def _side_by_side(run: Publication, jobs: Sequence[Job], batches: Sequence[Mapping[str, Any]]) -> list[ParseReport]:
    found: dict[int, ParseReport] = {}
    errors: list[tuple[bool, int, Exception]] = []
    stop = _Stop(run)
    with run.progress.phase("Reading the exports", len(batches)):
        stoppable = [{**batch, "stopped": stop} for batch in batches]
        for position, result in run.runner.map(PARSE_APART, stoppable, [1] * len(batches), run.stopped):
            run.check()
            run.progress.advance()
            if isinstance(result, Exception):
                stop.bad = True  # the others need not end
                errors.append((not isinstance(result, BadInput), position, result))
                continue
            found[position] = result.value
            run.monitor.add(PARSE_APART.name, result.seconds, result.value.counts["entries"])
    if errors:
        _, position, first = min(errors, key=lambda error: error[:2])
        raise _told(run, jobs[position], first) if isinstance(first, BadInput) else first
    return [found[position] for position in range(len(batches))]


def _contradicted(job: Job, report: ParseReport, had: Collection[str]) -> str:
    return (
        f"{job.label} was read as {report.date_order}, and the archive has exports in the same format that were read "
        f"as {' and '.join(sorted(had))}: where either was a guess, its messages stand at wrong times; publish all "
        "of them into a new archive to read them alike."
    )


def _order(run: Publication, job: Job, report: ParseReport, proven: Mapping[str, Collection[str]]) -> str:
    """The date order of an export that does not prove it: that of its like, if they agree, or what a person says."""
    orders = proven.get(_shape(report), ())
    if len(orders) == 1:
        (order,) = orders
        run.progress.note(
            f"{job.label} does not prove whether the day or the month stands first; it was read as {order}, "
            "as another export of this chat in the same format."
        )
        return order
    question = f"No date of {job.label.lower()} proves whether the day or the month stands first"
    if run.ask is None:
        raise BadInput(f"{question}; say which with --date-order dmy or --date-order mdy.")
    return run.ask(f"{question} ({report.format}). Which is it?", ("dmy", "mdy", "ymd"))


def _shape(report: ParseReport) -> str:
    return shape_of(report.platform, report.format)


def shape_of(platform: str, form: str) -> str:
    """A format in words without the order of day and month."""
    return f"{platform}: {re.sub('dd|(?<!hh[:.])mm', 'nn', form)}"


def _several(job: Job, report: ParseReport) -> str:
    shown = report.chats[:12]
    listed = ", ".join(f"{chat['number']} ({chat['kind']}, {chat['entries']:,} messages)" for chat in shown)
    more = f" and {len(report.chats) - len(shown)} more" if len(report.chats) > len(shown) else ""
    return (
        f"{job.label} holds {len(report.chats)} chats: {listed}{more}; choose one with --chat NUMBER, "
        f"or --chat {ALL_CHATS} for all of them in one chronicle."
    )
