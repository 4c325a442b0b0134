"""The written chat: its size, its people, its stories, and that it is talk and not filler."""

import re
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from samples.facts import facts, links_in
from samples.people import EMAILS, EXPORTER, PEOPLE, PHONES
from samples.script import lines_of, read_stories, read_story
from samples.weave import weave

_PHONE = re.compile(r"\+\d[\d ]{7,}\d|wa\.me/\d+")
_EMAIL = re.compile(r"[\w.]+@[\w.]+\.\w+")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return facts()


def test_it_is_about_a_thousand_messages_over_two_months_by_eight_people(told: dict[str, Any]) -> None:
    assert 1000 <= told["authored"] <= 1300
    assert len(told["people"]) == 8
    assert all(person["messages"] >= 100 for person in told["people"])
    days = date.fromisoformat(told["last"][:10]) - date.fromisoformat(told["first"][:10])
    assert 58 <= days.days <= 63
    assert days.days + 1 - len(told["days"]) >= 4, "a few days are silent"


def test_counts_add_up(told: dict[str, Any]) -> None:
    assert sum(told["kinds"].values()) == told["entries"] == told["authored"] + told["unauthored"]
    assert sum(told["days"].values()) == told["entries"]
    assert sum(story["messages"] for story in told["stories"]) == told["entries"]
    assert set(told["kinds"]) == {"text", "media", "system", "deleted", "poll", "call", "location", "contact"}
    assert told["edited"] >= 5
    assert told["kinds"]["deleted"] >= 5


def test_time_never_runs_back_and_many_messages_share_a_minute() -> None:
    entries = weave(read_stories())
    assert all(before.when <= after.when for before, after in pairwise(entries))
    minutes = Counter(entry.when.replace(second=0) for entry in entries)
    assert sum(count for count in minutes.values() if count > 1) > len(entries) / 2


def test_no_message_stands_in_the_hour_that_lisbon_skips() -> None:
    missing = (datetime(2026, 3, 29, 1), datetime(2026, 3, 29, 2))
    assert not any(missing[0] <= entry.when < missing[1] for entry in weave(read_stories(later=True)))


def test_hardly_any_text_repeats() -> None:
    texts = [line.text for line in lines_of(read_stories(later=True)) if line.speaker and line.text]
    repeated = {text: count for text, count in Counter(text.casefold() for text in texts).items() if count > 1}
    assert sum(repeated.values()) - len(repeated) <= 5, repeated
    assert len({word for text in texts for word in re.findall(r"\w{3,}", text.casefold())}) > 3000


def test_every_story_has_days_of_its_own_and_is_about_its_words(told: dict[str, Any]) -> None:
    texts = {story.name: " ".join(line.text for line in lines_of([story])).casefold() for story in read_stories()}
    stories = [story for story in told["stories"] if story["words"]]
    assert len(stories) >= 10
    for story in stories:
        assert len(story["dates"]) >= 2, story["name"]
        for word in story["words"]:
            assert texts[story["name"]].count(word.casefold()) >= 1, (story["name"], word)


def test_links_are_many_and_some_come_again_with_tracking(told: dict[str, Any]) -> None:
    assert told["links"]["total"] >= 25
    tracked = [link for link in told["links"]["distinct"] if "utm_" in link]
    assert len(tracked) >= 3
    assert any(link.split("?")[0] in told["links"]["distinct"] for link in tracked)


def test_all_numbers_and_addresses_in_the_text_are_known_as_private() -> None:
    known = {re.sub(r"\D", "", phone) for phone in PHONES}
    for line in lines_of(read_stories(later=True)):
        assert {re.sub(r"\D", "", found) for found in _PHONE.findall(line.text)} <= known
        assert set(_EMAIL.findall(line.text)) <= set(EMAILS)


def test_hostile_strings_are_in_the_chat(told: dict[str, Any]) -> None:
    whole = "\n".join(line.text for line in lines_of(read_stories()))
    for hostile in told["hostile"]:
        assert hostile in whole


def test_every_member_is_mentioned_by_name_or_number_somewhere() -> None:
    whole = "\n".join(line.text for line in lines_of(read_stories()) if line.speaker)
    assert "{n}" in whole
    for key, person in PEOPLE.items():
        if key not in (EXPORTER, "n"):
            assert person.name.split()[0] in whole


def test_the_later_chat_begins_as_the_sample_and_goes_on_for_a_week() -> None:
    sample, later = weave(read_stories()), weave(read_stories(later=True))
    assert later[: len(sample)] == sample
    assert 5 <= (later[-1].when - sample[-1].when).days <= 8


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("m: hello", ":1: a line before the first scene"),
        ("@ 2026-03-02 10:00\nx: who", ":2: neither"),
        ("@ 2026-03-02 10:00\n| more", ":2: a continuation without a message"),
    ],
)
def test_a_slip_in_a_storyline_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "99-slip.chat"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=problem):
        read_story(path)


def test_scenes_that_overlap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "99-two.chat"
    path.write_text("@ 2026-03-02 10:00\nm: a\n+30\nm: b\n@ 2026-03-02 10:15\nk: c\n", encoding="utf-8")
    with pytest.raises(ValueError, match="runs until"):
        weave([read_story(path)])


def test_links_lose_the_full_stop_that_closes_the_sentence() -> None:
    every = [link for entry in weave(read_stories()) for link in links_in(entry)]
    assert every
    assert not any(link.endswith((".", ",", ":")) for link in every)
