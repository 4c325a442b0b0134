"""Alignment is compared with a naive one: lists and dictionaries, a row at a time, on chats in which all times tie."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.store import Archive
from tests.stages.archive.rows import Row, Stored, empty, look, merge_rows

MARKS = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u061c\ufeff]")


def said(row: Row) -> str:
    """A text without what makes no difference."""
    text = MARKS.sub("", row.text)
    if row.edited:
        text = re.sub(r"\s*<[^<>\n]{3,80}>\s*\Z", "", text)
    return "\n".join(line.rstrip(" \t\r\xa0\u202f") for line in text.split("\n")).rstrip("\n")


def family(row: Row) -> int:
    """Who named the file: 0 nobody, 1 Android, 2 iOS, 3 a person."""
    name = row.media[0] if row.media else ""
    if not name:
        return 0
    return 1 if name.startswith("IMG-") else 2 if re.match(r"\d{5}", name) else 3


def caption(row: Row) -> str | None:
    media = row.kind in ("media", "contact") or re.match(r"<[^<>\n]{3,40}>\s*\n", row.text)
    return said(row).partition("\n")[2] if media and "\n" in row.text else None


def naive(stored: Stored, export: list[Row]) -> tuple[dict[str, str], int]:
    """(incoming id -> stored id of all that is matched, how many of the others are in doubt), by the rules alone."""
    by_id = {row.id: row for row in stored.rows}
    match: dict[str, Row] = {}
    for row in export:
        name = row.id if row.id in by_id else stored.known_as.get(row.id, ("",))[0]
        if name in by_id:
            match[row.id] = by_id[name]
    by_name = dict(match)
    if not stored.rows:
        return {}, 0
    to_minute = all(row.ts % 60 == 0 for row in export)
    minutes = {row.minute for row in export}, {row.minute for row in stored.rows}
    low, high = max(map(min, minutes)), min(map(max, minutes))
    theirs = [row for row in export if row.id not in match and low <= row.minute <= high]
    held = {row.id for row in match.values()}
    fresh = [row.minute for row in theirs]
    ours = [row for row in stored.rows if row.id not in held and fresh and min(fresh) <= row.minute <= max(fresh)]
    if not theirs or not ours:
        return {key: row.id for key, row in match.items()}, 0
    fine = {same: ts for same, ts in stored.known_as.values() if ts is not None}
    rough_spans = [(first, last) for first, last, rough in stored.stretches if rough]
    hull = (min(first for first, _ in rough_spans), max(last for _, last in rough_spans)) if rough_spans else (1, 0)

    def is_rough(row: Row) -> bool:
        return to_minute or (row.id not in fine and row.ts % 60 == 0 and hull[0] <= row.ts <= hull[1])

    def time_of(row: Row) -> int:
        return row.minute * 60 if is_rough(row) else fine.get(row.id, row.ts)

    clocks: list[tuple[bool, Callable[[Row], int]]] = [(True, lambda row: row.minute * 60)]
    if not to_minute:
        clocks.insert(0, (False, lambda row: row.ts))

    def left() -> tuple[list[Row], list[Row]]:
        taken = {row.id for row in match.values()}
        return [row for row in theirs if row.id not in match], [row for row in ours if row.id not in taken]

    def groups(rough: bool, at: Callable[[Row], int], key: Callable[[Row], Any]) -> Iterator[tuple[list, list]]:
        found: dict[Any, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
        mine, other = left()
        for row in mine:
            if (what := key(row)) is not None:
                found[at(row), what][0].append(row)
        for row in other:
            if is_rough(row) == rough and (what := key(row)) is not None:
                found[time_of(row), what][1].append(row)
        return iter(list(found.values()))

    certain: dict[str, Row] = {}
    for rough, at in clocks:
        for key in (
            lambda row: (row.author, said(row)),
            lambda row: (row.author, row.media[0]) if row.media else None,
        ):
            for mine, other in groups(rough, at, key):
                for one, two in zip(mine, other, strict=False):
                    match[one.id] = certain[one.id] = two
    shared = [row for row in export if low <= row.minute <= high], [r for r in stored.rows if low <= r.minute <= high]
    smaller = min(sum(row.kind == "text" for row in side) for side in shared)
    alike = sum(row.kind == "text" for row in shared[0] if row.id in match)
    if smaller and 2 * alike < smaller:
        return {key: row.id for key, row in by_name.items()}, len(certain)

    begin, end = min(row.minute for row in export), max(row.minute for row in export)
    cut = {begin for _, last, _ in stored.stretches if last // 60 == begin}
    cut |= {end for first, _, _ in stored.stretches if first // 60 == end}
    sure = dict(match)
    seq = {row.id: row.place for row in stored.rows}
    pos = {row.id: row.place for row in export}

    def slot(row: Row, incoming: bool) -> Any:
        if row.minute not in cut:
            return 0
        here = [other for other in stored.rows if other.minute == row.minute]
        guessed = any(other.id in stored.guesses for other in here)
        if guessed or len({other.ts % 60 == 0 for other in here}) > 1:
            return None
        marks = [(pos[key], seq[two.id]) for key, two in sure.items() if minute_of(key) == row.minute]
        if not marks:
            return None
        before = [mark for mark in marks if mark[0 if incoming else 1] < row.place]
        return max(before, key=lambda mark: mark[0 if incoming else 1])[1] if before else -1

    minutes_of = {row.id: row.minute for row in export}

    def minute_of(key: str) -> int:
        return minutes_of[key]

    slots = {("in", row.id): slot(row, True) for row in theirs} | {("out", row.id): slot(row, False) for row in ours}
    rounds: list[Callable[[Row], Any]] = [
        lambda row: (row.author, caption(row)) if caption(row) is not None else None,
        lambda row: (row.author, row.kind) if row.kind != "text" else None,
        lambda row: (row.author,) if row.kind in ("media", "contact") else None,
        lambda row: () if row.kind == "call" else None,
    ]
    for rough, at in clocks:
        for step in rounds:
            for mine, other in groups(rough, at, step):
                by_slot: dict[Any, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
                for row in mine:
                    by_slot[slots["in", row.id]][0].append(row)
                for row in other:
                    by_slot[slots["out", row.id]][1].append(row)
                for where, (some, others) in by_slot.items():
                    if where is None or len(some) != len(others):
                        continue
                    if any(family(one) and family(one) == family(two) for one, two in zip(some, others, strict=True)):
                        continue
                    match.update({one.id: two for one, two in zip(some, others, strict=True)})
    doubts = 0
    mine, other = left()
    for row in mine:
        for two in other:
            at = row.minute * 60 if is_rough(two) else row.ts
            places = slots["in", row.id], slots["out", two.id]
            apart = None not in places and places[0] != places[1]
            if at != time_of(two) or apart:
                continue
            if row.author != two.author and row.kind == two.kind == "text" and said(row) == said(two):
                doubts += 1
                break
            if row.author != two.author or (family(row) and family(row) == family(two)):
                continue
            kinds = {"media" if kind == "contact" else kind for kind in (row.kind, two.kind)}
            whole = row.minute not in cut
            alike_kind = len(kinds) == 1 and (row.kind != "text" or row.edited or two.edited or whole)
            if alike_kind or "deleted" in kinds:
                doubts += 1
                break
    if not smaller:
        same = sum(row.id in match for row in shared[0])
        if same < 3 or 2 * same < min(map(len, shared)):
            return {key: row.id for key, row in by_name.items()}, doubts + len(match) - len(by_name)
    return {key: row.id for key, row in match.items()}, doubts


WORDS = (
    {"media": "<Media omitted>", "deleted": "This message was deleted", "system": "{} joined", "call": "Missed call"},
    {"media": "imagem ocultada", "deleted": "Mensagem apagada", "system": "{} entrou", "call": "Chamada perdida"},
)


@dataclass(frozen=True)
class Event:
    ts: int
    author: str | None
    what: str
    text: str
    number: int


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """What happened: few people, few words, few moments."""
    size = draw(st.integers(2, 9))
    times = sorted(draw(st.lists(st.sampled_from((0, 5, 20, 60, 61, 95, 130)), min_size=size, max_size=size)))
    made = []
    for number, ts in enumerate(times):
        what = draw(st.sampled_from(("text", "text", "text", "media", "media", "contact", "deleted", "system", "call")))
        author = None if what == "system" else draw(st.sampled_from(("Quiet Heron", "Amber Fox")))
        text = draw(st.sampled_from(("ok", "see you", "two\nlines", "caf\u00e9")))
        made.append(Event(ts, author, what, text, number))
    return made


@st.composite
def export_of(draw: st.DrawFn, chat: list[Event]) -> list[Row]:
    """A slice of what happened as some phone writes it."""
    low = draw(st.integers(0, len(chat) - 1))
    low = 0 if draw(st.booleans()) else low
    high = len(chat) if draw(st.booleans()) else draw(st.integers(low + 1, len(chat)))
    seconds = draw(st.booleans())
    words = WORDS[draw(st.integers(0, 1))]
    naming = draw(st.sampled_from(("", "IMG-20260301-WA000{}.jpg", "0000{}-PHOTO-2026.jpg", "report {}.pdf")))
    rows: list[Row] = []
    repeats: dict[Any, int] = defaultdict(int)
    for event in chat[low:high]:
        odd = draw(st.integers(0, 14))
        if odd == 14 and high - low > 1:
            continue  # what one phone has and the other has not
        ts = event.ts if seconds else event.ts // 60 * 60
        kind, text, author = event.what, event.text, event.author
        media: tuple[str, ...] = ()
        if kind in ("media", "contact"):
            kind = kind if naming else "media"
            media = (naming.format(event.number),) if naming and odd != 13 else ()
            text = f"{media[0]} (file)" if media else words["media"]
            text += "\nlook" if event.number % 3 == 0 else ""
        elif kind != "text":
            text = words[kind].format(event.number)
            author = None if kind == "call" and not seconds else author
        is_edited = odd == 12
        text = {12: f"{text} <edited>", 11: f"\u200e{text}  ", 10: text.replace("\n", "\r\n"), 9: f"{text}!"}.get(
            odd if event.what == "text" else 0, text
        )
        signed = (ts, author, text)
        digest = hashlib.blake2b(repr((*signed, repeats[signed])).encode(), digest_size=16).hexdigest()
        repeats[signed] += 1
        edited_text = is_edited and event.what == "text"
        rows.append(Row(len(rows), digest, ts, author, kind, text, media, edited_text))
    return rows or [Row(0, "f" * 32, 0, "Quiet Heron", "text", "ok")]


@st.composite
def cases(draw: st.DrawFn) -> list[list[Row]]:
    """Two or three exports, mostly of one chat."""
    chat = draw(events())
    others = draw(st.lists(export_of(chat), min_size=2, max_size=3))
    if draw(st.integers(0, 4)) == 4:
        others[1] = draw(export_of(draw(events())))
    return others


@settings(max_examples=30, deadline=None)
@given(cases())
def test_rows_are_matched_as_the_naive_alignment_matches_them(
    shared_archive: Archive, exports: list[list[Row]]
) -> None:
    archive = shared_archive
    empty(archive)
    for rows in exports:
        before = look(archive)
        expected, doubts = naive(before, rows)
        report = merge_rows(archive, rows)
        after = look(archive)
        assert (report.matched, report.added, report.in_doubt) == (len(expected), len(rows) - len(expected), doubts)
        stored = {row.id for row in after.rows}
        found = {row.id: row.id if row.id in stored else after.known_as[row.id][0] for row in rows}
        assert found == {row.id: expected.get(row.id, row.id) for row in rows}
        # nothing is lost, nothing is one with two, nothing moves
        assert len(set(found.values())) == len(rows)
        assert stored == {row.id for row in before.rows} | {row.id for row in rows if row.id not in expected}
        held = {row.id: row for row in after.rows}
        assert all(replace(held[row.id], place=0).ts == row.ts for row in before.rows)
        assert [row.ts for row in after.rows] == sorted(row.ts for row in after.rows)
        again = merge_rows(archive, rows)
        assert (again.matched, again.added, again.in_doubt, again.improved) == (len(rows), 0, 0, 0)
