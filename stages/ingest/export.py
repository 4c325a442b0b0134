"""A WhatsApp export becomes a Parquet file of messages, and says what it saw.

Two passes over the text, in blocks: a survey (shapes, dates, names), then the messages themselves. Memory does not
grow with the export but for names and eight bytes a message; time grows linearly. Raw names and texts never touch
the disk: what is written is pseudonymous already.
"""

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.records import Attachment, NameRecord
from stages.archive.schema import KINDS, MESSAGES
from stages.errors import BadInput
from stages.ingest.columns import Ints
from stages.ingest.detect import ChatSource, find_chat
from stages.ingest.files import attachments, folded
from stages.ingest.identity import Identity
from stages.ingest.limits import ZipLimits
from stages.ingest.order import OrderedWriter, ordered_writer
from stages.ingest.whatsapp.authors import Split
from stages.ingest.whatsapp.blocks import Block, Reading, read_blocks
from stages.ingest.whatsapp.clean import Texts, clean_texts
from stages.ingest.whatsapp.dates import ORDERS
from stages.ingest.whatsapp.kinds import Classified, classify
from stages.ingest.whatsapp.shape import Shape
from stages.ingest.whatsapp.survey import Survey, header_share, survey
from stages.ingest.zone import LocalTimes
from stages.metrics import peak_rss_mb

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FULL_EXPORTS: Final = (10_000, 40_000)


@dataclass(frozen=True)
class ParseOptions:
    """How an export is read. ``raw_authors`` keeps names and texts as they are, and is never part of publishing."""

    timezone: str = "UTC"
    date_order: str = "auto"
    raw_authors: bool = False
    block_bytes: int = 4 << 20
    chat_id: str = ""
    limits: ZipLimits = field(default_factory=ZipLimits)


@dataclass
class ParseReport:
    """What was seen. ``names`` and ``attachments`` go to the archive and are no part of the JSON."""

    platform: str
    format: str
    evidence: str
    ambiguous: bool
    date_order: str
    counts: dict[str, int]
    authors: list[str]
    first_ts: str | None
    last_ts: str | None
    warnings: list[str]
    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    names: list[NameRecord] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report under its stable names."""
        names = (
            "platform", "format", "evidence", "ambiguous", "date_order", "counts", "authors", "first_ts", "last_ts",
            "warnings", "seconds", "peak_rss_mb",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


class _Privacy(Protocol):
    """What hides names; :class:`stages.privacy.guard.Guard`, or nothing with ``raw_authors``."""

    def authors(self, raw: pa.Array) -> pa.Array: ...
    def texts(self, texts: pa.Array) -> pa.Array: ...
    def file_name(self, name: str) -> str: ...
    def records(self) -> list[NameRecord]: ...


class _Raw:
    """Names and texts as they are in the export."""

    def authors(self, raw: pa.Array) -> pa.Array:
        return raw

    def texts(self, texts: pa.Array) -> pa.Array:
        return texts

    def file_name(self, name: str) -> str:
        return name

    def records(self) -> list[NameRecord]:
        return []


def parse_export(
    path: Path,
    out: Path,
    *,
    key: bytes,
    options: ParseOptions | None = None,
    known: Sequence[NameRecord] = (),
    region: str | None = None,
) -> ParseReport:
    """Read an export (ZIP or text) into ``out``: the columns of MESSAGES in ``seq`` order, whole or not at all.

    ``known`` are the names that the archive has seen before, ``region`` the country of phone numbers without a
    prefix. Raises :class:`BadInput` for what cannot be read, in one sentence.
    """
    started = time.perf_counter()
    options = options or ParseOptions()
    zone = LocalTimes(options.timezone)
    source = find_chat(path, header_share, options.limits)
    found = survey(
        source, block_bytes=options.block_bytes, date_order=options.date_order, notices=not options.raw_authors
    )
    privacy: _Privacy = _Raw()
    if not options.raw_authors:
        from stages.privacy.guard import Guard

        privacy = Guard.build(key, found.names(), known=known, region=region)
    with ordered_writer(out) as writer:
        emission = _Emission(source, found, zone, privacy, Identity(key, options.chat_id), writer)
        # the next block is read while this one is hashed: most of the first needs no interpreter
        with ThreadPoolExecutor(1) as ahead:
            blocks = emission.prepared(options.block_bytes)
            pending = ahead.submit(next, blocks, None)
            while (prepared := pending.result()) is not None:
                pending = ahead.submit(next, blocks, None)
                emission.take(prepared)
        if not emission.entries:
            raise BadInput("No line of the export holds a message with a date that exists.")
        writer.finish()
    files, missing = attachments(source.members, emission.media, privacy.file_name)
    report = emission.report(files, missing)
    report.seconds = round(time.perf_counter() - started, 3)
    report.peak_rss_mb = round(peak_rss_mb(), 1)
    return report


class _Prepared(NamedTuple):
    """A block with its authors, texts and kinds."""

    block: Block
    split: Split
    texts: Texts
    kinds: Classified


class _Emission:
    """The second pass: blocks in, batches out, and what is counted on the way."""

    def __init__(
        self, source: ChatSource, found: Survey, zone: LocalTimes, privacy: _Privacy, identity: Identity,
        writer: OrderedWriter,
    ) -> None:  # fmt: skip
        self._source = source
        self._found = found
        self._zone = zone
        self._privacy = privacy
        self._identity = identity
        self._writer = writer
        self._members = folded(source.members)
        self._names = pa.array(found.authors.names, pa.string())
        self._written = np.zeros(len(found.authors.names), np.int64)
        self._renamed: dict[str, str] = {}
        self._bracket = np.array([shape.bracket for shape in found.shapes])
        self._kinds = np.zeros(len(KINDS), np.int64)
        self._first: int | None = None
        self._last: int | None = None
        self._renounced: dict[int, tuple[int, int]] = {}
        self.reading = Reading()
        self.media: set[str] = set()
        self.entries = 0
        self.authored = 0

    def prepared(self, block_bytes: int) -> Iterator["_Prepared"]:
        """The blocks of the chat with what can be told without hashing."""
        found = self._found
        for block in read_blocks(
            self._source.open(), found.shapes, block_bytes=block_bytes, valid=found.valid, reading=self.reading
        ):
            split = found.authors.split(block)
            texts = clean_texts(block, split.starts)
            bracket = self._bracket[block.shapes]
            kinds = classify(texts, split.codes >= 0, bracket, marked_file=found.marked, members=self._members)
            yield _Prepared(block, split, texts, kinds)

    def take(self, prepared: "_Prepared") -> None:
        """Turn one block into a batch."""
        block, split, texts, kinds = prepared
        n = len(block)
        authors = self._names.take(pa.array(split.codes, mask=split.codes < 0))
        local = self._local(block)
        ids = self._identity.ids(local, authors, texts.clean)
        codes = np.where(kinds.notice, -1, split.codes)
        self._count(block, split, codes, kinds)
        utc = self._zone.to_utc(local) * 1_000_000
        final = self._hidden(texts)
        shown = self._privacy.authors(_dictionary(codes, self._names))
        batch = pa.RecordBatch.from_arrays(
            [
                pa.array(np.arange(self.entries, self.entries + n, dtype=np.int64)),
                ids,
                pa.array(utc).cast(pa.timestamp("us", tz="UTC")),
                _plain(shown),
                pa.array(list(KINDS), pa.string()).take(pa.array(kinds.codes)),
                final,
                pc.cast(pc.binary_length(final), pa.int32()),
                self._media(kinds.media),
                pa.nulls(n, pa.string()),
                pa.array(kinds.edited),
            ],
            schema=MESSAGES,
        )
        self._writer.write(batch, utc)
        self.entries += n
        low, high = int(utc.min()), int(utc.max())
        self._first = low if self._first is None else min(self._first, low)
        self._last = high if self._last is None else max(self._last, high)

    def _local(self, block: Block) -> Ints:
        days = np.zeros(len(block), np.int64)
        for index, order in enumerate(self._found.orders):
            rows = np.flatnonzero(block.shapes == index)
            days[rows] = order.days(block.fields[:, rows])[0]
        return days * 86_400 + block.clock

    def _count(self, block: Block, split: Split, codes: Any, kinds: Classified) -> None:
        self._kinds += np.bincount(kinds.codes, minlength=len(KINDS))
        authored = codes[codes >= 0]
        self.authored += len(authored)
        self._written += np.bincount(authored, minlength=len(self._written))
        for row in np.flatnonzero(kinds.notice).tolist():
            name = int(split.codes[row])
            line, times = self._renounced.get(name, (int(block.lines[row]), 0))
            self._renounced[name] = (line, times + 1)

    def _hidden(self, texts: Texts) -> pa.Array:
        if texts.isolated is texts.clean or isinstance(self._privacy, _Raw):
            return _plain(self._privacy.texts(texts.clean))
        # mentions are framed by isolates, which go once the names in them are replaced
        hidden = _plain(self._privacy.texts(texts.isolated))
        return pc.replace_substring_regex(hidden, "[\u2066-\u2069]", "")

    def _media(self, names: pa.StringArray) -> pa.ListArray:
        valid = names.is_valid().to_numpy(zero_copy_only=False)
        offsets = np.zeros(len(names) + 1, np.int32)
        offsets[1:] = np.cumsum(valid)
        written = names.drop_null().to_pylist()
        self.media.update(written)
        for name in written:
            if name not in self._renamed:
                self._renamed[name] = self._privacy.file_name(name)
        values = pa.array([self._renamed[name] for name in written], pa.string())
        return pa.ListArray.from_arrays(pa.array(offsets), values)

    def report(self, files: list[Attachment], missing: list[str]) -> ParseReport:
        """The report; call after the last block."""
        orders = self._found.orders
        main = max(range(len(orders)), key=lambda index: self._found.evidence[index].rows)
        counts = {"entries": self.entries, "authored": self.authored, "unauthored": self.entries - self.authored}
        counts |= dict(zip(KINDS, self._kinds.tolist(), strict=True))
        writing = self._names.filter(pa.array(self._written > 0))
        shown = _plain(self._privacy.authors(writing.dictionary_encode()))
        return ParseReport(
            platform="whatsapp",
            format="; then ".join(
                _format(shape, order.order) for shape, order in zip(self._found.shapes, orders, strict=True)
            ),
            evidence=orders[main].evidence,
            ambiguous=any(order.ambiguous for order in orders),
            date_order=orders[main].order,
            counts=counts,
            authors=sorted(set(shown.to_pylist())),
            first_ts=_iso(self._first),
            last_ts=_iso(self._last),
            warnings=self._warnings(missing),
            names=self._privacy.records(),
            attachments=files,
        )

    def _warnings(self, missing: list[str]) -> list[str]:
        found, reading = self._found, self.reading
        said = [warning for order in found.orders for warning in order.warnings]
        if reading.preamble:
            lines = "Line 1 stands" if reading.preamble == 1 else f"Lines 1 to {reading.preamble} stand"
            said.append(f"{lines} before the first message and were left out.")
        if found.strays:
            said.append(
                f"{_lines(found.strays)} like a message in another format, the first is line {found.first_stray}; "
                "they were kept as text of the message before."
            )
        if reading.replaced:
            said.append(
                f"{reading.replaced} characters were not valid text and were replaced, "
                f"the first in line {reading.replaced_line}."
            )
        under_a_writer = [self._renounced[name] for name in self._renounced if self._written[name]]
        if under_a_writer:
            count, line = sum(times for _, times in under_a_writer), min(line for line, _ in under_a_writer)
            said.append(
                f"{count} notices of the app stand under the name of somebody who writes in the chat, "
                f"the first in line {line}; they were read as notices without an author."
            )
        if self._source.chat_member is not None and missing:
            said.append(f"The ZIP does not hold {len(missing)} of the files that the chat names.")
        if self.entries in _FULL_EXPORTS:
            said.append(
                f"The export has exactly {self.entries} messages, WhatsApp's limit: older ones are probably missing."
            )
        return said


def _lines(number: int) -> str:
    return "1 line begins" if number == 1 else f"{number:,} lines begin"


def _dictionary(codes: Any, names: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=codes < 0), names)


def _plain(column: Any) -> pa.Array:
    """A string array, whatever encoding or chunks a stage answered with."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column if column.type == pa.string() else column.cast(pa.string())


def _format(shape: Shape, order: str) -> str:
    """The header for a person, for example ``iOS, [dd/mm/yyyy, hh:mm:ss]``."""
    year_at, month_at, _ = ORDERS[order]
    pieces = re.split("(nn|yyyy)", shape.words)
    fields = [at for at, piece in enumerate(pieces) if piece in ("nn", "yyyy")][:3]
    for place, at in enumerate(fields):
        pieces[at] = (
            ("yy" if pieces[at] == "nn" else "yyyy") if place == year_at else "mm" if place == month_at else "dd"
        )
    words = "".join(pieces)
    family = "iOS" if shape.bracket else "Android" if " -" in words or " –" in words else "older"
    return f"{family}, {words}"


def _iso(microseconds: int | None) -> str | None:
    return None if microseconds is None else (_EPOCH + timedelta(microseconds=microseconds)).isoformat()
