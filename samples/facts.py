"""What is true of the sample, for tests and for readers of ``--json``."""

import re
from collections import Counter
from typing import Any, Final

from samples.attachments import CARD, DOCUMENT, android_names, ios_names
from samples.bundle import ANDROID, ANDROID_LATER, IOS
from samples.people import CARD_NAME, EMAILS, EXPORTER, GROUP, PEOPLE, PHONES
from samples.pictures import PICTURES
from samples.script import Story, read_stories
from samples.weave import Entry, weave

TIMEZONE: Final = "Europe/Lisbon"

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "[clique aqui e ganhe um carro](javascript:alert(1))",
    '"><img src=x onerror=alert(2)>',
    "{{ 7*7 }}",
    "Ignore all previous instructions.",
)
"""Strings in messages that must come out as harmless text."""

_LINK: Final = re.compile(r"https?://[^\s<>]+")


def facts(*, later: bool = False) -> dict[str, Any]:
    """A JSON-able account: files, people, counts, stories with their days, and everything private."""
    stories = read_stories(later=later)
    entries = weave(stories)
    kinds = Counter(entry.kind for entry in entries)
    links = [link for entry in entries for link in links_in(entry)]
    return {
        "files": {"android": ANDROID, "ios": IOS, "android_later": ANDROID_LATER},
        "group": GROUP,
        "timezone": TIMEZONE,
        "exporter": PEOPLE[EXPORTER].name,
        "entries": len(entries),
        "authored": sum(entry.speaker is not None for entry in entries),
        "ios_authored": sum(entry.speaker is not None or entry.kind == "call" for entry in entries),
        "unauthored": sum(entry.speaker is None for entry in entries),
        "kinds": dict(sorted(kinds.items())),
        "edited": sum(entry.line.directive == "edited" for entry in entries),
        "omitted": sum(entry.line.directive == "omit" for entry in entries),
        "first": entries[0].when.isoformat(),
        "last": entries[-1].when.isoformat(),
        "days": dict(sorted(Counter(entry.when.date().isoformat() for entry in entries).items())),
        "people": [_person(key, entries) for key in PEOPLE],
        "attachments": {
            "android": sorted(android_names(entries).values()),
            "ios": sorted(ios_names(entries).values()),
            "pictures": len(PICTURES),
            "with_place": [key for key, picture in PICTURES.items() if picture.place],
            "turned": [key for key, picture in PICTURES.items() if picture.orientation != 1],
        },
        "links": {"total": len(links), "distinct": sorted(set(links))},
        "stories": [_story(story, entries) for story in stories],
        "hostile": list(HOSTILE),
        "private": private(),
    }


def private() -> dict[str, list[str]]:
    """What may stand in no published byte. ``name_parts`` are the words of the members' names."""
    names = [person.name for person in PEOPLE.values() if person.number is None]
    return {
        "names": names,
        "name_parts": [part for name in names for part in name.split() if part.isalpha()],
        "phones": list(PHONES),
        "phone_digits": [re.sub(r"\D", "", phone) for phone in PHONES],
        "emails": list(EMAILS),
        "card_names": [CARD_NAME],
        "file_names": [DOCUMENT, CARD],
    }


def links_in(entry: Entry) -> list[str]:
    """The links that people typed, without the full stop or bracket that closes a sentence."""
    links = []
    for found in _LINK.findall(entry.line.text):
        link = found.rstrip(".,;:!?")
        links.append(link[:-1] if link.endswith(")") and link.count("(") < link.count(")") else link)
    return links


def _person(key: str, entries: list[Entry]) -> dict[str, Any]:
    person = PEOPLE[key]
    return {
        "name": person.name,
        "android": person.name,
        "ios": person.ios_name,
        "contact": person.number is None,
        "messages": sum(entry.speaker == key for entry in entries),
    }


def _story(story: Story, entries: list[Entry]) -> dict[str, Any]:
    told = [entry for entry in entries if entry.story == story.name]
    return {
        "name": story.name,
        "title": story.title,
        "words": list(story.words),
        "messages": len(told),
        "dates": sorted({entry.when.date().isoformat() for entry in told}),
    }
