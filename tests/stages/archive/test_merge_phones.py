"""One conversation as two phones export it is one chat: from the texts of exports to what is stored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from stages.archive.merge import MergeReport
from tests.stages.archive.conftest import Chronicle
from tests.stages.archive.phones import START, Said, android, conversation, edited, ios

CHAT = conversation()
PHONES = {
    "android": android(CHAT),
    "android-pt": android(CHAT, "pt"),
    "android-media": android(CHAT, media=True),
    "ios": ios(CHAT),
    "ios-pt-media": ios(CHAT, "pt", media=True),
}
PHOTOS = sum(said.what == "photo" for said in CHAT)


@pytest.mark.parametrize("second", PHONES)
@pytest.mark.parametrize("first", ["android", "ios-pt-media"])
def test_two_phones_tell_one_chat(chronicle: Chronicle, first: str, second: str) -> None:
    assert chronicle.merge(PHONES[first]) == MergeReport(0, len(CHAT))
    before = chronicle.rows("message_id, ts, author")
    report = chronicle.merge(PHONES[second])
    assert (report.matched, report.added, report.in_doubt) == (len(CHAT), 0, 0)
    assert chronicle.rows("message_id, ts, author") == before


def test_every_phone_in_turn_and_again(chronicle: Chronicle) -> None:
    for text in (*PHONES.values(), *reversed(PHONES.values())):
        chronicle.merge(text)
    assert len(chronicle.rows()) == len(CHAT)
    aligned = len(chronicle.rows(table="known_as"))
    for text in PHONES.values():
        assert chronicle.merge(text) == MergeReport(len(CHAT), 0)
    assert len(chronicle.rows(table="known_as")) == aligned


def test_the_export_with_media_names_the_files_of_the_one_without(chronicle: Chronicle) -> None:
    chronicle.merge(PHONES["ios"])
    assert not any(chronicle.column("media"))
    revision = chronicle.archive.revision("messages")
    assert chronicle.merge(PHONES["android-media"]).improved == PHOTOS
    named = [row for row in chronicle.rows() if row["media"]]
    assert [row["media"] for row in named] == [
        [f"IMG-{said.at:%Y%m%d}-WA{said.number:04}.jpg"] for said in CHAT if said.what == "photo"
    ]
    assert all(row["media"][0] in row["text"] and row["kind"] == "media" for row in named)
    assert all(row["text_bytes"] == len(row["text"].encode()) for row in chronicle.rows())
    assert [row["ts"].second for row in named] == [said.at.second for said in CHAT if said.what == "photo"]
    assert chronicle.archive.revision("messages") == revision + 1
    # an export without them takes nothing away
    chronicle.merge(PHONES["ios-pt-media"])
    assert [row for row in chronicle.rows() if row["media"]] == named


def test_an_exact_re_export_changes_nothing(chronicle: Chronicle) -> None:
    chronicle.merge(PHONES["android"])
    before, revision = chronicle.rows(), chronicle.archive.revision("messages")
    assert chronicle.merge(PHONES["android"]) == MergeReport(len(CHAT), 0)
    assert (chronicle.rows(), chronicle.archive.revision("messages")) == (before, revision)


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)], ids=lambda order: "".join(map(str, order))
)
def test_weeks_from_phones_in_turn(chronicle: Chronicle, order: tuple[int, ...]) -> None:
    # parts share some minutes, and times are whole minutes, so that both phones say the same and one order is right
    chat = [replace(said, at=said.at.replace(second=0)) for said in CHAT]
    chat = [
        replace(said, text=f"{said.text} {number}") if said.what == "text" else said for number, said in enumerate(chat)
    ]
    parts = [android(chat[:30]), android(chat[20:50], "pt", media=True), android(chat[38:])]
    for number in order:
        report = chronicle.merge(parts[number])
        assert report.in_doubt == 0
    assert len(chronicle.rows()) == len(chat)
    assert [row["text"] for row in chronicle.rows() if row["kind"] == "text"] == [
        said.text for said in chat if said.what == "text"
    ]


def test_an_edited_message_is_kept_beside_the_first_version(chronicle: Chronicle) -> None:
    where = next(number for number, said in enumerate(CHAT) if said.text == "what about plan 8?")
    fresh = edited(CHAT, where, "what about plan 99?")
    chronicle.merge(android(CHAT))
    assert chronicle.merge(ios(fresh, "pt")) == MergeReport(len(CHAT) - 1, 1, 1)
    texts = chronicle.column("text")
    assert "what about plan 8?" in texts
    assert "what about plan 99? <Mensagem editada>" in texts
    report = chronicle.merge(ios(fresh, "en"))
    assert (report.matched, report.added) == (len(CHAT), 0)


def test_a_mark_of_editing_alone_is_the_same_message_and_is_kept(chronicle: Chronicle) -> None:
    chronicle.merge(android(CHAT))
    report = chronicle.merge(ios(edited(CHAT, 9, CHAT[9].text)))
    assert (report.matched, report.added, report.in_doubt, report.improved) == (len(CHAT), 0, 0, 1)
    assert [position for position, is_edited in enumerate(chronicle.column("edited")) if is_edited] == [9]


def test_a_message_that_was_deleted_since_is_in_doubt(chronicle: Chronicle) -> None:
    gone = [replace(said, what="deleted", text="") if said.text == "what about plan 14?" else said for said in CHAT]
    chronicle.merge(android(CHAT))
    assert chronicle.merge(android(gone)) == MergeReport(len(CHAT) - 1, 1, 1)


def test_more_photos_than_before_are_kept_and_in_doubt(chronicle: Chronicle) -> None:
    photo = next(number for number, said in enumerate(CHAT) if said.what == "photo")
    twice = [*CHAT[: photo + 1], replace(CHAT[photo], number=999), *CHAT[photo + 1 :]]
    chronicle.merge(ios(CHAT))
    report = chronicle.merge(android(twice, media=True))
    assert (report.matched, report.added, report.in_doubt) == (len(CHAT) - 1, 2, 2)
    assert len(chronicle.rows()) == len(CHAT) + 2


def test_a_person_with_two_names_is_one_where_they_are_said_to_be(chronicle: Chronicle) -> None:
    chronicle.merge(android(CHAT))
    theirs = ios(CHAT).replace("Bruno Lemke", "Lemke from work")
    report = chronicle.merge(chronicle.parse(theirs, same={"Lemke from work": "Bruno Lemke"}))
    assert (report.matched, report.added) == (len(CHAT), 0)
    assert len(set(chronicle.column("author")) - {None}) == 3


def test_a_renamed_person_is_no_reason_to_double_the_others(chronicle: Chronicle) -> None:
    chronicle.merge(android(CHAT))
    theirs = ios(CHAT).replace("Bruno Lemke", "Lemke from work")
    renamed = sum(said.author == "Bruno Lemke" for said in CHAT)
    report = chronicle.merge(theirs)
    assert (report.matched, report.added) == (len(CHAT) - renamed, renamed)


def other_chat(shared: int) -> list[Said]:
    """A chat of the same people about other things, with ``shared`` messages at the same moments."""
    fresh = []
    for number, said in enumerate(CHAT):
        if said.what != "text" or number >= len(CHAT) - 2 or number % 3 or len(fresh) > 200:
            continue
        fresh.append(said if len(fresh) < shared else replace(said, text=f"elsewhere {number}"))
    return fresh


def test_two_chats_of_the_same_people_are_not_made_one(chronicle: Chronicle) -> None:
    other = other_chat(shared=4)
    chronicle.merge(android(CHAT))
    assert chronicle.merge(ios(other)) == MergeReport(0, len(other), 4)
    assert len(chronicle.rows()) == len(CHAT) + len(other)


def test_photos_of_another_chat_are_not_taken_for_ours(chronicle: Chronicle) -> None:
    other = [said for said in CHAT if said.what == "photo"][:2]
    chronicle.merge(android(CHAT))
    report = chronicle.merge(ios(other))
    assert (report.matched, report.added) == (0, 2)


def test_one_phone_ends_in_the_minute_in_which_the_other_begins(chronicle: Chronicle) -> None:
    moment = START.replace(second=0)
    talk = [Said(moment + timedelta(minutes=number), "Ana Prado", f"line {number}") for number in range(6)]
    joined = Said(moment + timedelta(minutes=6, seconds=5), "Ana Prado", what="deleted")
    other = Said(moment + timedelta(minutes=6, seconds=30), "Ana Prado", what="deleted")
    after = [Said(moment + timedelta(minutes=7 + number), "Ana Prado", f"more {number}") for number in range(6)]
    chronicle.merge(android([*talk, joined]))
    assert chronicle.merge(ios([other, *after])).added == 7
    # the whole of it, in another language, is known but for what two phones cut
    whole = [*talk, joined, other, *after]
    report = chronicle.merge(android(whole, "pt"))
    assert report.added == 0
    assert len(chronicle.rows()) == len(whole)


def test_repeats_are_matched_one_to_one(chronicle: Chronicle) -> None:
    moment = START.replace(second=0)
    chat = [Said(moment + timedelta(seconds=8 * number), "Ana Prado", "ok") for number in range(14)]
    chronicle.merge(ios(chat))
    assert chronicle.merge(android(chat)) == MergeReport(14, 0)
    more = [*chat, Said(chat[-1].at + timedelta(seconds=1), "Ana Prado", "ok")]
    assert chronicle.merge(android(more)) == MergeReport(14, 1)
    # its second is not known yet, and it is known by its minute
    assert chronicle.merge(ios(more)) == MergeReport(15, 0)


def test_a_second_that_one_phone_told_is_remembered(chronicle: Chronicle) -> None:
    moment = START.replace(second=0)
    before = [Said(moment + timedelta(minutes=number), "Ana Prado", f"line {number}") for number in range(4)]
    early = Said(moment + timedelta(minutes=4, seconds=10), "Ana Prado", "ok")
    late = Said(moment + timedelta(minutes=4, seconds=40), "Ana Prado", "ok")
    after = [Said(moment + timedelta(minutes=5 + number), "Ana Prado", f"more {number}") for number in range(4)]
    chronicle.merge(android([*before, early]))
    assert chronicle.merge(ios([*before, early])).matched == 5
    # the other "ok" of that minute is another message
    assert chronicle.merge(ios([late, *after])).added == 5
    assert len(chronicle.rows()) == 10


def test_archives_do_not_depend_on_who_came_first_for_what_they_hold(chronicles: Callable[[], Chronicle]) -> None:
    one, two = chronicles(), chronicles()
    for text in (PHONES["android"], PHONES["ios-pt-media"]):
        one.merge(text)
    for text in (PHONES["ios-pt-media"], PHONES["android"]):
        two.merge(text)
    assert [row["author"] for row in one.rows()] == [row["author"] for row in two.rows()]
    assert [row["kind"] for row in one.rows()] == [row["kind"] for row in two.rows()]
