"""An export becomes a Parquet file of messages, and says what it saw.

What the file is, is found from its content (:mod:`stages.ingest.detect`); a platform's reader gives its messages
(:mod:`stages.ingest.reader`); ids, hidden names and order are the same for all. Memory does not grow with the export
but for names and eight bytes a message; time grows linearly.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from stages.archive.records import Attachment, NameRecord
from stages.errors import BadInput
from stages.ingest.abreast import emit_abreast, emit_alone
from stages.ingest.aside import Aside, Learnt, Setup, is_worth_it
from stages.ingest.conceal import Concealer, Privacy
from stages.ingest.detect import choose, look_at
from stages.ingest.emit import Emission
from stages.ingest.files import attachments
from stages.ingest.limits import ZipLimits
from stages.ingest.memory import frugal
from stages.ingest.order import ordered_writer
from stages.ingest.reader import Chat, ReadOptions, Source, Summary, Unparsed
from stages.ingest.zips import Member
from stages.ingest.zone import LocalTimes
from stages.metrics import peak_rss_mb
from stages.privacy.key import keyed_mac

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS: Final = (".txt", ".json", ".jsonl", ".csv", ".md")
_STRUCTURE: Final = (".json", ".jsonl", ".html", ".htm", ".css", ".js")
"""Endings of files that make up an export; such a file is an attachment only where a message names it."""


@dataclass(frozen=True)
class ParseOptions:
    """How an export is read.

    ``raw_authors`` keeps names and texts as they are, and is never part of publishing. ``platform`` overrules
    detection; ``mapping`` (canonical column -> column of the source) makes a table a chat; ``chat`` picks one chat by
    its number, id or name; ``same`` maps a raw author to the one under whom the same person wrote before.
    ``processes`` is 1 or 2, or None for what the export's size is worth; the result does not depend on it.
    """

    timezone: str = "UTC"
    date_order: str = "auto"
    raw_authors: bool = False
    block_bytes: int = 2 << 20
    chat_id: str = ""
    limits: ZipLimits = field(default_factory=ZipLimits)
    platform: str | None = None
    chat: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    direct_messages: bool = False
    processes: int | None = None


@dataclass
class ParseReport:
    """What was seen. ``names``, ``attachments`` and ``sources`` (MACs of the source's own ids of the chats that were
    read, where it has any) go to the archive and are no part of the JSON."""

    platform: str
    format: str
    evidence: str
    ambiguous: bool
    date_order: str | None
    counts: dict[str, int]
    authors: list[str]
    first_ts: str | None
    last_ts: str | None
    warnings: list[str]
    chats: list[dict[str, Any]] = field(default_factory=list)
    unparsed: Unparsed | None = None
    renamed: tuple[int, ...] = ()
    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    names: list[NameRecord] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report under its stable names."""
        names = (
            "platform", "format", "evidence", "ambiguous", "date_order", "counts", "authors", "first_ts", "last_ts",
            "warnings", "chats", "unparsed", "seconds", "peak_rss_mb",
        )  # fmt: skip
        report = {name: getattr(self, name) for name in names}
        unparsed = self.unparsed
        report["unparsed"] = unparsed and {
            "count": unparsed.count,
            "first": unparsed.where,
            "looks_like": unparsed.looks_like,
        }
        return report


def parse_export(
    path: Path,
    out: Path,
    *,
    key: bytes,
    options: ParseOptions | None = None,
    known: Sequence[NameRecord] = (),
    region: str | None = None,
) -> ParseReport:
    """Read an export into ``out``: the columns of MESSAGES in ``seq`` order, whole or not at all.

    Where the source has reactions, topics or hidden links, their columns follow. ``known`` are the names that the
    archive has seen before, ``region`` the country of phone numbers without a prefix. Raises :class:`BadInput` for
    what cannot be read, in one sentence.
    """
    with frugal():
        return _parsed(path, out, key, options or ParseOptions(), known, region)


def _parsed(
    path: Path, out: Path, key: bytes, options: ParseOptions, known: Sequence[NameRecord], region: str | None
) -> ParseReport:
    started = time.perf_counter()
    zone = LocalTimes(options.timezone)
    source = look_at(path, options.limits)
    platform, said = choose(source, options.platform, options.mapping)
    reader = platform.open_reader(
        source,
        ReadOptions(
            zone=zone,
            date_order=options.date_order,
            chat=options.chat,
            mapping=options.mapping,
            direct_messages=options.direct_messages,
            block_bytes=options.block_bytes,
            raw=options.raw_authors,
        ),
    )
    # it starts while the names are looked for
    aside = Aside() if _abreast(options, source) else None
    try:
        names = sorted(set(reader.names()) | set(options.same.values()))
        setup = Setup(key, options.chat_id, not options.raw_authors, names, known, region)
        if aside is not None:
            aside.begin(setup)
        privacy = setup.privacy()
        learnt = Learnt()
        with ordered_writer(out, linked=platform.PLATFORM != "whatsapp") as writer:
            emission = Emission(privacy, key, options.chat_id, writer, options.same)
            concealer = Concealer(privacy, key, options.chat_id)
            if aside is None:
                emit_alone(reader.drafts(), concealer, emission)
            else:
                learnt = emit_abreast(reader.drafts(), concealer, aside, emission)
            if not emission.entries:
                what = path if options.chat is None else "The chat that was chosen"
                raise BadInput(f"{what} holds no message with a date that exists.")
            if not privacy.absorb(learnt.records, learnt.late):
                # two processes gave one alias to two persons: who is told apart by a number depends on who came first
                return _parsed(path, out, key, replace(options, processes=1), known, region)
            writer.finish()
    finally:
        if aside is not None:
            aside.close()
    consumed = frozenset(getattr(reader, "consumed", ()))
    files, missing = attachments(_files(source, consumed, emission.media), emission.media, privacy.file_name)
    report = _report(platform.PLATFORM, reader.summary(), emission, privacy, options)
    report.warnings = [*said, *report.warnings, *_missing(source, missing)]
    report.attachments = files
    report.sources = sorted(keyed_mac(key, "chat", chat) for chat in emission.chats() if chat)
    users = [] if options.raw_authors else emission.users.records(privacy, key, platform.PLATFORM)
    report.names = sorted([*privacy.records(), *users], key=attrgetter("kind", "mac"))
    report.seconds = round(time.perf_counter() - started, 3)
    report.peak_rss_mb = round(peak_rss_mb() + learnt.peak_rss_mb, 1)
    return report


def _abreast(options: ParseOptions, source: Source) -> bool:
    if options.processes is not None:
        return options.processes > 1
    texts = source.members or ()
    size = sum(member.size for member in texts if member.name.lower().endswith(_TEXTS))
    return is_worth_it(source.size if source.members is None else size)


def _report(
    platform: str, summary: Summary, emission: Emission, privacy: Privacy, options: ParseOptions
) -> ParseReport:
    return ParseReport(
        platform=platform,
        format=summary.format,
        evidence=summary.evidence,
        ambiguous=summary.ambiguous,
        date_order=summary.date_order,
        counts=emission.counts(),
        authors=emission.authors(),
        first_ts=_iso(emission.first),
        last_ts=_iso(emission.last),
        warnings=list(summary.warnings),
        chats=[_chat(chat, named=options.raw_authors) for chat in summary.chats if chat.id or len(summary.chats) > 1],
        unparsed=summary.unparsed,
        renamed=tuple(at for at, name in enumerate(options.same) if name in emission.renamed),
    )


def _chat(chat: Chat, *, named: bool) -> dict[str, Any]:
    """A chat for the report; its name is often a person's and is said only where names are."""
    shown = {"number": chat.number, "id": chat.id, "kind": chat.kind, "entries": chat.entries}
    return shown | {"name": chat.name} if named else shown


def _files(source: Source, consumed: frozenset[int], named: set[str]) -> list[Member]:
    return [
        member
        for member in source.members or ()
        if member.position not in consumed and (member.name in named or not member.name.lower().endswith(_STRUCTURE))
    ]


def _missing(source: Source, missing: list[str]) -> list[str]:
    if not missing or source.members is None:
        return []
    return [f"The ZIP does not hold {len(missing)} of the files that the chat names."]


def _iso(microseconds: int | None) -> str | None:
    return None if microseconds is None else (_EPOCH + timedelta(microseconds=microseconds)).isoformat()
