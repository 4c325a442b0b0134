"""WhatsApp's exports as a reader: a survey of the whole text, then the messages block by block, column-wise.

Two passes over the text. Memory does not grow with the export but for names; time grows linearly.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa

from stages.ingest.columns import Ints
from stages.ingest.draft import Draft
from stages.ingest.files import folded
from stages.ingest.reader import Chat, ReadOptions, Source, Summary, Unparsed
from stages.ingest.whatsapp.authors import Split
from stages.ingest.whatsapp.blocks import Block, Reading, read_blocks
from stages.ingest.whatsapp.clean import clean_texts
from stages.ingest.whatsapp.dates import ORDERS
from stages.ingest.whatsapp.kinds import classify
from stages.ingest.whatsapp.shape import Shape
from stages.ingest.whatsapp.source import ChatSource
from stages.ingest.whatsapp.survey import survey

_FULL_EXPORTS: Final = (10_000, 40_000)


class WhatsAppReader:
    """One chat's text; see :class:`stages.ingest.reader.Reader`."""

    def __init__(self, file: Source, source: ChatSource, options: ReadOptions) -> None:
        self._source = source
        self._options = options
        self._reading = Reading()
        self._entries = 0
        self._renounced: dict[int, tuple[int, int]] = {}
        self.consumed: Collection[int] = () if source.chat_member is None else (source.chat_member,)

    def names(self) -> Collection[str]:
        """Surveys the text. Raises :class:`BadInput` for a text that is no chat, or dates that fit no order."""
        self._found = survey(
            self._source,
            block_bytes=self._options.block_bytes,
            date_order=self._options.date_order,
            notices=not self._options.raw,
        )
        self._names = pa.array(self._found.authors.names, pa.string())
        self._written = np.zeros(len(self._found.authors.names), np.int64)
        return self._found.names()

    def drafts(self) -> Iterator[Draft]:
        """The messages, a block a batch."""
        found = self._found
        members = folded(self._source.members)
        bracketed = np.array([shape.bracket for shape in found.shapes])
        for block in read_blocks(
            self._source.open(),
            found.shapes,
            block_bytes=self._options.block_bytes,
            valid=found.valid,
            reading=self._reading,
            sound=not found.reading.replaced,
        ):
            split = found.authors.split(block)
            texts = clean_texts(block, split.starts)
            bracket = bracketed[block.shapes]
            kinds = classify(texts, split.codes >= 0, bracket, marked_file=found.marked, members=members)
            codes = np.where(kinds.notice, -1, split.codes)
            self._count(block, split, codes, kinds.notice)
            local = self._local(block)
            framed = texts.isolated is not texts.clean
            yield Draft(
                local=local,
                utc=self._options.zone.to_utc(local) * 1_000_000,
                authors=pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=codes < 0), self._names),
                texts=texts.isolated if framed else texts.clean,
                kinds=kinds.codes,
                media=_listed(kinds.media),
                edited=kinds.edited,
                signers=self._names.take(pa.array(split.codes, mask=split.codes < 0)),
                wordings=texts.clean,
                framed=framed,
            )

    def summary(self) -> Summary:
        """What was seen."""
        found = self._found
        main = max(range(len(found.orders)), key=lambda index: found.evidence[index].rows)
        shapes = zip(found.shapes, found.orders, strict=True)
        return Summary(
            format="; then ".join(_format(shape, order.order) for shape, order in shapes),
            evidence=found.orders[main].evidence,
            ambiguous=any(order.ambiguous for order in found.orders),
            date_order=found.orders[main].order,
            warnings=self._warnings(),
            unparsed=self._unparsed(),
            chats=[Chat(1, "", "", "chat", self._entries)],
        )

    def _unparsed(self) -> Unparsed | None:
        found = self._found
        if not found.strays:
            return None
        return Unparsed(found.strays, f"line {found.first_stray}", found.first_stray_text)

    def _local(self, block: Block) -> Ints:
        days = np.zeros(len(block), np.int64)
        for index, order in enumerate(self._found.orders):
            if len(self._found.orders) == 1:
                return np.asarray(order.days(block.fields)[0] * 86_400 + block.clock, np.int64)
            rows = np.flatnonzero(block.shapes == index)
            days[rows] = order.days(block.fields[:, rows])[0]
        return days * 86_400 + block.clock

    def _count(self, block: Block, split: Split, codes: Any, notice: Any) -> None:
        self._entries += len(block)
        self._written += np.bincount(codes[codes >= 0], minlength=len(self._written))
        for row in np.flatnonzero(notice).tolist():
            name = int(split.codes[row])
            line, times = self._renounced.get(name, (int(block.lines[row]), 0))
            self._renounced[name] = (line, times + 1)

    def _warnings(self) -> list[str]:
        found, reading = self._found, self._reading
        said = [*self._source.said, *(warning for order in found.orders for warning in order.warnings)]
        if reading.preamble:
            one = reading.preamble == 1
            lines = "Line 1 stands" if one else f"Lines 1 to {reading.preamble} stand"
            said.append(f"{lines} before the first message and {'was' if one else 'were'} left out.")
        if found.strays:
            said.append(
                f"{_lines(found.strays)} like a message in another format, the first is line {found.first_stray}; "
                "they were kept as text of the message before."
            )
        if reading.replaced:
            said.append(
                f"1 character was not valid text and was replaced, in line {reading.replaced_line}."
                if reading.replaced == 1
                else f"{reading.replaced:,} characters were not valid text and were replaced, "
                f"the first in line {reading.replaced_line}."
            )
        under_a_writer = [self._renounced[name] for name in self._renounced if self._written[name]]
        if under_a_writer:
            count, line = sum(times for _, times in under_a_writer), min(line for line, _ in under_a_writer)
            said.append(
                f"{count} notices of the app stand under the name of somebody who writes in the chat, "
                f"the first in line {line}; they were read as notices without an author."
            )
        said += found.doubts()
        if found.authors.close:
            said.append(
                f"No space stands behind the name in {found.authors.close} of the messages, as in the others; "
                "they were read as written by it."
            )
        if found.authors.doubtful:
            said.append(
                f"Of the names, {found.authors.doubtful} may be longer than read: a second colon follows them always."
            )
        if self._entries in _FULL_EXPORTS:
            said.append(
                f"The export has exactly {self._entries} messages, WhatsApp's limit: older ones are probably missing."
            )
        return said


def _listed(names: pa.StringArray) -> pa.ListArray:
    """One name or none a message, as lists."""
    valid = names.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(names) + 1, np.int32)
    offsets[1:] = np.cumsum(valid)
    return pa.ListArray.from_arrays(pa.array(offsets), names.drop_null())


def _lines(number: int) -> str:
    return "1 line begins" if number == 1 else f"{number:,} lines begin"


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
