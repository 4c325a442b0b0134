"""The first pass over a chat: which shapes its headers have, what its dates prove, who writes in it.

Nothing of a message is kept but names. A second shape (after an update of the app, or a change of the phone's region)
is taken when its runs stand in order between their neighbours; a pasted header is not, and stays text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow.compute as pc

from stages.errors import BadInput
from stages.ingest.columns import Bytes, Ints, Mask
from stages.ingest.unparsed import masked
from stages.ingest.whatsapp.authors import AuthorBook, clean_name, web_events
from stages.ingest.whatsapp.blocks import Block, Reading, ahead, read_blocks
from stages.ingest.whatsapp.changes import Change, Moment, settle_orders
from stages.ingest.whatsapp.dates import DateEvidence, DateOrder
from stages.ingest.whatsapp.grammar import Read, looks_like_header, read_header
from stages.ingest.whatsapp.phrases import load_phrases
from stages.ingest.whatsapp.scan import has_text, positions
from stages.ingest.whatsapp.shape import Shape
from stages.ingest.whatsapp.source import ChatSource
from stages.ingest.whatsapp.tokens import Marks

_SAMPLE_BYTES: Final = 1 << 20
_MOST_SAMPLES: Final = 1_000
_MOST_STRAYS: Final = 50_000
_MOST_CHANGES: Final = 5_000
_MOST_NOTICES: Final = 20_000
_LONGEST_NOTICE: Final = 400
_RUN: Final = 3
_MANY: Final = 50
_NAMED_DATE: Final = (
    r"(?:-(?P<a>\d{8})-WA\d{3,}\.|-(?P<b>\d{4}-\d\d-\d\d)-\d\d-\d\d-\d\d\."
    r"|\b(?P<c>\d{4}-\d\d-\d\d)-(?:PHOTO|VIDEO|AUDIO)-)"
)
_CLOSED: Final = "\u2069".encode()
_LONGEST_MENTION: Final = 80
_CARD: Final = re.compile(rb": (?:\xe2\x80\x8e)?(?:\d{5,10}-)?([^\n:/]{1,120}?)\.vcf\b")
_TITLE: Final = re.compile('["“„«](.{1,120}?)["”“»]')


@dataclass
class Survey:
    """What the first pass learnt."""

    shapes: list[Shape]
    evidence: list[DateEvidence]
    orders: list[DateOrder] = field(default_factory=list)
    authors: AuthorBook = field(default_factory=AuthorBook)
    people: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    reading: Reading = field(default_factory=Reading)
    marked: bool = False
    headers: int = 0
    changes: list[Change] = field(default_factory=list)
    hours: tuple[int, int] = (24, 0)
    """The earliest and the latest hour of the day."""
    strays: int = 0
    first_stray: int | None = None
    first_stray_text: str = ""
    """The form of the first line that begins like a message and is none, see :func:`masked`."""

    def names(self) -> list[str]:
        """Everybody whose name must be hidden: authors and people who are named.

        Not the group's own title, under which iOS writes its notices: it is nobody's name, and often a common word.
        """
        return sorted({*self.authors.speakers(self.titles), *self.people})

    def doubts(self) -> list[str]:
        """What must be said of the chat as a whole."""
        early, late = self.hours
        if self.headers < _MANY or early < 1 or late > 12 or any(shape.halved for shape in self.shapes):
            return []
        return [
            "No hour is 0 or above 12 in the whole chat: where the phone showed twelve hours without AM and PM, half "
            "of the times are twelve hours early."
        ]

    def valid(self, shape: int, fields: Ints) -> Mask:
        """Which dates of a shape exist, now that the order is known."""
        return self.orders[shape].days(fields)[1]


@dataclass
class _Stray:
    """A line that begins like a header and has no accepted shape, with the accepted headers around it."""

    line: int
    read: Read | None
    after: int
    before: Moment | None
    next: Moment | None = None


def survey(source: ChatSource, *, block_bytes: int, date_order: str, notices: bool) -> Survey:
    """Read the chat once (again when a second shape turns up) and settle everything that needs the whole of it.

    ``notices`` also collects people whom notices, mentions and contact cards name. Raises :class:`BadInput` for a
    text without headers, one that is understood by less than half, another app's, or dates that fit no order.
    """
    shapes = [_dominant(source)]
    while True:
        found, strays = _pass(source, shapes, block_bytes, notices)
        more = _more_shapes(found, strays)
        if not more or len(shapes) > 12:
            break
        shapes = [*shapes, *more]
    if found.strays > found.headers:
        raise BadInput(
            f"Line {found.first_stray} did not parse ({found.first_stray_text}): it begins like a message but not as "
            f"the {found.headers} lines that were understood do, and {found.strays} lines are like it. "
            "Export the chat again, or repair the file."
        )
    found.orders = settle_orders(found.evidence, found.changes, date_order)
    found.authors.settle()
    return found


def _read(line: str) -> Read | None:
    return read_header(line.rstrip("\r")[:200])


def _dominant(source: ChatSource) -> Shape:
    with source.open() as stream:
        head = stream.read(_SAMPLE_BYTES)
    if not head.strip():
        raise BadInput("The export is empty; export the chat again.")
    reads = _sampled(head.decode("utf-8", "replace").split("\n"))
    counts = Counter(read.shape.key for read in reads)
    for key, count in counts.most_common():
        same = [read for read in reads if read.shape.key == key]
        # a word between date and time that no list has must prove itself by recurring
        if same[0].known or count >= _RUN:
            return _fullest(read.shape for read in same)
    for number, line in enumerate(head.decode("utf-8", "replace").split("\n"), 1):
        if looks_like_header(line):
            raise BadInput(
                f"Line {number} did not parse ({masked(line)}): it begins like a message, but in a format that is not "
                "known. Set the phone to another region and export the chat again."
            )
    raise BadInput(
        "No line begins like a message of WhatsApp (a date, a time, then a name); "
        "give the export's ZIP or the text file in it."
    )


def _sampled(lines: Iterable[str]) -> list[Read]:
    reads = []
    for line in lines:
        read = _read(line)
        if read:
            reads.append(read)
            if len(reads) >= _MOST_SAMPLES:
                break
    return reads


def _fullest(shapes: Iterable[Shape]) -> Shape:
    """Of shapes that differ in optional marks alone, the one that allows most."""
    return max(shapes, key=lambda shape: sum(isinstance(token, Marks) for token in shape.tokens))


def _pass(source: ChatSource, shapes: Sequence[Shape], block_bytes: int, notices: bool) -> tuple[Survey, list[_Stray]]:
    found = Survey(list(shapes), [DateEvidence(shape.year_at) for shape in shapes])
    strays: list[_Stray] = []
    last: Moment | None = None
    seen: set[str] = set()
    blocks = read_blocks(source.open(), shapes, block_bytes=block_bytes, with_others=True, reading=found.reading)
    for block in ahead(blocks):
        if len(block):
            for stray in reversed(strays):
                if stray.next is not None:
                    break
                stray.next = _at(block, 0)
        _take_strays(block, found, strays, last)
        if not len(block):
            continue
        if not found.headers:
            _take_preamble(block, found)
        found.headers += len(block)
        _take_changes(block, found, last)
        last = _at(block, len(block) - 1)
        web = web_events(block)
        first, latest = int(block.clock.min()) // 3600, int(block.clock.max()) // 3600
        found.hours = (min(found.hours[0], first), max(found.hours[1], latest))
        for index, evidence in enumerate(found.evidence):
            rows = np.flatnonzero(block.shapes == index)
            evidence.web = evidence.web or bool(web[rows].any())
            all_of_it = len(rows) == len(block)
            evidence.add(block.fields if all_of_it else block.fields[:, rows], block.lines[rows])
            if len(rows) and evidence.open:
                _look_inside(block, rows, evidence)
        colons = found.authors.observe(block)
        marks = positions(block.data[:-2], 0xE2)
        found.marked = found.marked or bool(_is_mark(block.data, marks).any())
        if notices:
            _people(block, marks, colons, found, seen)
    return found, strays


def _is_mark(data: Bytes, at: Ints) -> Mask:
    """Whether U+200E or U+200F stands where a byte 0xE2 does."""
    last = data[at + 2]
    return np.asarray((data[at + 1] == 0x80) & ((last == 0x8E) | (last == 0x8F)), np.bool_)


def _take_preamble(block: Block, found: Survey) -> None:
    """WhatsApp Web writes the notice about encryption without a time before everything else."""
    first = block.line_text(0) if block.heads[0] else ""
    if first and load_phrases().notice.fullmatch(clean_name(first)):
        for shape, evidence in zip(found.shapes, found.evidence, strict=True):
            evidence.web = shape.bracket and shape.seconds


def _at(block: Block, row: int) -> Moment:
    a, b, c = (int(value) for value in block.fields[:, row])
    return Moment(int(block.shapes[row]), (a, b, c), int(block.clock[row]))


def _take_changes(block: Block, found: Survey, last: Moment | None) -> None:
    """Neighbours of different shapes."""
    if len(found.shapes) == 1 or len(found.changes) >= _MOST_CHANGES:
        return
    if last is not None and last.shape != block.shapes[0]:
        found.changes.append((last, _at(block, 0)))
    for row in np.flatnonzero(np.diff(block.shapes))[:_MOST_CHANGES].tolist():
        found.changes.append((_at(block, row), _at(block, row + 1)))


def _take_strays(block: Block, found: Survey, strays: list[_Stray], last: Moment | None) -> None:
    for start, line, after in zip(
        block.others.tolist(), block.other_lines.tolist(), block.other_after.tolist(), strict=True
    ):
        text = block.line_text(start)
        read = _read(text)
        if read is None and not looks_like_header(text):
            continue
        found.strays += 1
        if found.first_stray is None:
            found.first_stray, found.first_stray_text = line, masked(text)
        if len(strays) < _MOST_STRAYS:
            before = _at(block, after - 1) if after else last
            following = _at(block, after) if after < len(block) else None
            strays.append(_Stray(line, read, found.headers + after, before, following))


def _more_shapes(found: Survey, strays: Sequence[_Stray]) -> list[Shape]:
    """Shapes among the strays whose runs fit in between the accepted headers; what they hold is no longer stray."""
    by_key: dict[tuple[str, ...], list[_Stray]] = {}
    for stray in strays:
        if stray.read:
            by_key.setdefault(stray.read.shape.key, []).append(stray)
    more = []
    for group in by_key.values():
        first = group[0].read
        assert first is not None
        near = any(_near(first.shape, shape) for shape in found.shapes)
        fitting = 0
        for run in _runs(group):
            if len(run) >= (1 if near and first.known else _RUN) and _fits(run, found.evidence):
                fitting += len(run)
        if fitting * 2 >= len(group) and fitting:
            more.append(_fullest(stray.read.shape for stray in group if stray.read))
    return more


def _near(one: Shape, other: Shape) -> bool:
    """Whether two shapes are the same phone's at different times: same brackets, same end."""
    return one.bracket == other.bracket and one.key[-2:] == other.key[-2:]


def _runs(group: Sequence[_Stray]) -> list[list[_Stray]]:
    runs: list[list[_Stray]] = []
    for stray in group:
        if runs and runs[-1][-1].after == stray.after:
            runs[-1].append(stray)
        else:
            runs.append([stray])
    return runs


def _fits(run: Sequence[_Stray], known: Sequence[DateEvidence]) -> bool:
    """Whether a run's times lie between those of the headers around it, in some order of day and month that phones
    use and that, for the headers around it, all of their dates allow."""
    before, after = run[0].before, run[-1].next
    reads = [stray.read for stray in run if stray.read]
    inner = [Moment(0, read.fields, read.clock) for read in reads]
    if len(inner) + (before is not None) + (after is not None) < 2:
        return False
    for mine in DateEvidence(reads[0].shape.year_at).usual:
        middle = [time.seconds(mine) for time in inner]
        starts = [None] if before is None else _moments(before, known)
        stops = [None] if after is None else _moments(after, known)
        for start in starts:
            for stop in stops:
                moments = [start] * (before is not None) + middle + [stop] * (after is not None)
                whole = [moment // 60 for moment in moments if moment is not None]
                if len(whole) == len(moments) and whole == sorted(whole):
                    return True
    return False


def _moments(time: Moment, known: Sequence[DateEvidence]) -> list[int | None]:
    evidence = known[time.shape]
    orders = [name for name in evidence.tried if evidence.fits(name)] or list(evidence.usual)
    usual = [name for name in orders if name in evidence.usual] or orders
    return [time.seconds(name) for name in usual]


def _look_inside(block: Block, rows: Ints, evidence: DateEvidence) -> None:
    """Dates in the names of attachments, and the language of what the app wrote, while the order is open."""
    texts = block.strings(block.bodies[rows], block.stops[rows])
    found = pc.extract_regex(texts, _NAMED_DATE)
    hit = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    if len(hit):
        found = found.take(hit)
        digits = pc.replace_substring(
            pc.binary_join_element_wise(found.field("a"), found.field("b"), found.field("c"), ""), "-", ""
        )
        number = pc.cast(digits, "int64").to_numpy(zero_copy_only=False)
        evidence.vote(block.fields[:, rows[hit]], number // 10_000, number // 100 % 100, number % 100)
    if sum(evidence.languages.values()) > 50:
        return
    words = load_phrases().words
    for text in texts.filter(pc.less(pc.binary_length(texts), 160)).slice(0, 20_000).to_pylist():
        tail = clean_name(text.partition(": ")[2] or text)
        language = (
            words["omitted"].get(tail.strip("<>"))
            or words["deleted"].get(tail)
            or words["attached"].get(tail.rpartition("(")[2].rstrip(")"))
        )
        if language:
            evidence.languages[language] = evidence.languages.get(language, 0) + 1


def _people(block: Block, marks: Ints, colons: Ints, found: Survey, seen: set[str]) -> None:
    """Names in mentions, contact cards and notices: people who may never have written. ``marks`` are bytes 0xE2."""
    data, raw = block.data, block.raw
    isolates = marks[(data[marks + 1] == 0x81) & (data[marks + 2] == 0xA8)]
    for mention in {raw[at + 3 : at + 4 * _LONGEST_MENTION].partition(_CLOSED)[:2] for at in isolates.tolist()}:
        name = mention[0].decode("utf-8", "replace").lstrip("~\u202f ")
        if mention[1] and 0 < len(name) <= _LONGEST_MENTION and not {"\n", "\u2068"} & set(name):
            found.people.add(clean_name(name))
    if has_text(data, b".vcf"):
        found.people.update(clean_name(name.decode("utf-8", "replace")) for name in set(_CARD.findall(raw)))
    if len(seen) >= _MOST_NOTICES:
        return
    # a notice has no name before a colon, or a mark behind it
    at = np.minimum(colons + 2, block.stops)
    marked = (colons >= 0) & (block.data[at] == 0xE2) & (block.data[at + 1] == 0x80)
    short = np.flatnonzero((marked | (colons < 0)) & (block.stops - block.bodies <= _LONGEST_NOTICE))
    texts = block.strings(np.where(marked, at, block.bodies)[short], block.stops[short])
    for text in texts.unique().to_pylist():
        notice = clean_name(text).removeprefix("- ")
        if notice not in seen and len(seen) < _MOST_NOTICES:
            seen.add(notice)
            found.people.update(load_phrases().names_in(notice))
            found.titles.update(_TITLE.findall(notice))
