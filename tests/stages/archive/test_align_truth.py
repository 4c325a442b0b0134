"""What happened is known here: no merge of slices, phones and languages may make two messages one."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.store import Archive
from tests.stages.archive.rows import Row, empty, look, merge_rows

WORDS = (
    {"media": "<Media omitted>", "deleted": "This message was deleted", "system": "{} joined"},
    {"media": "imagem ocultada", "deleted": "Mensagem apagada", "system": "{} entrou"},
)
NAMINGS = ("", "IMG-20260301-WA{:04}.jpg", "{:05}-PHOTO-2026.jpg")


@dataclass(frozen=True)
class Event:
    """What happened: the n-th thing in a chat. Texts and notices are all different, the rest is worded by the app."""

    number: int
    ts: int
    author: str | None
    what: str


@dataclass(frozen=True)
class Phone:
    """How a phone writes."""

    seconds: bool
    language: int
    naming: str

    def write(self, events: list[Event]) -> dict[str, tuple[Event, Row]]:
        """Rows by their ids, which repeats of equal rows have a number in."""
        rows: dict[str, tuple[Event, Row]] = {}
        repeats: Counter[tuple[int, str | None, str]] = Counter()
        for event in events:
            ts = event.ts if self.seconds else event.ts // 60 * 60
            media: tuple[str, ...] = ()
            text = f"text {event.number}"
            if event.what == "media" and self.naming:
                media = (self.naming.format(event.number),)
                text = f"{media[0]} (file)"
            elif event.what != "text":
                text = WORDS[self.language][event.what].format(event.number)
            signed = (ts, event.author, text)
            name = hashlib.blake2b(repr((*signed, repeats[signed])).encode(), digest_size=16).hexdigest()
            repeats[signed] += 1
            rows[name] = (event, Row(len(rows), name, ts, event.author, event.what, text, media))
        return rows


@st.composite
def chats(draw: st.DrawFn) -> list[Event]:
    times = sorted(draw(st.lists(st.integers(0, draw(st.sampled_from((59, 200)))), min_size=3, max_size=14)))
    events = []
    for number, ts in enumerate(times):
        what = draw(st.sampled_from(("text", "text", "media", "deleted", "system")))
        events.append(Event(number, ts, None if what == "system" else draw(st.sampled_from("AB")), what))
    return events


PHONES = st.builds(Phone, st.booleans(), st.integers(0, 1), st.sampled_from(NAMINGS))


@settings(max_examples=20, deadline=None)
@given(chats(), st.lists(st.tuples(PHONES, st.integers(0, 13), st.integers(1, 14)), min_size=2, max_size=4))
def test_nothing_that_happened_is_taken_for_something_else(
    shared_archive: Archive, chat: list[Event], exports: list[tuple[Phone, int, int]]
) -> None:
    archive = shared_archive
    empty(archive)
    events: dict[str, set[Event]] = defaultdict(set)
    seen: set[Event] = set()
    for phone, start, size in exports:
        part = chat[start % len(chat) :][:size]
        written = phone.write(part)
        report = merge_rows(archive, [row for _, row in written.values()])
        assert report.matched + report.added == len(part)
        assert report.in_doubt <= report.added
        stored = look(archive)
        for name, (event, _) in written.items():
            events[stored.known_as.get(name, (name,))[0]].add(event)
        seen |= set(part)
    assert set(events) == {row.id for row in stored.rows}
    assert set().union(*events.values()) == seen
    for same in events.values():
        # slices that do not meet give equal rows of one minute one id: no phone tells them apart
        alike = {(event.author, event.what, event.ts // 60) for event in same}
        assert len(alike) == 1
        assert len(same) == 1 or next(iter(same)).what in ("media", "deleted")


@settings(max_examples=12, deadline=None)
@given(chats(), st.lists(PHONES, min_size=2, max_size=4))
def test_whole_exports_of_a_chat_with_enough_said_are_one(
    shared_archive: Archive, chat: list[Event], phones: list[Phone]
) -> None:
    archive = shared_archive
    empty(archive)
    last = chat[-1].ts // 60 * 60
    frame = [Event(100 + n, -120 + n, "A", "text") for n in range(2)] + [Event(200, last + 120, "B", "text")]
    whole = [*frame[:2], *chat, frame[2]]
    for phone in phones:
        merge_rows(archive, [row for _, row in phone.write(whole).values()])
    assert len(look(archive).rows) == len(whole)
