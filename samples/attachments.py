"""The files that the chat carries: what stands behind each directive, and what each platform calls it.

Android counts a day's media (``IMG-20260311-WA0004.jpg``), iOS uses the entry's place in the export and its second
(``00000042-PHOTO-2026-03-11-21-14-05.jpg``); a document and a contact card keep their own names.
"""

import random
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Final

from samples import documents, sound
from samples.people import CARD_NAME
from samples.pictures import PICTURES
from samples.weave import Entry

DOCUMENT: Final = "Contrato_Monte_da_Nora_Marta_Quintela.pdf"
DOCUMENT_PAGES: Final = 2
CARD: Final = f"{CARD_NAME}.vcf"

CARRIERS: Final = ("photo", "voice", "document", "contact")
"""The directives that put a file into the ZIP; ``omit`` leaves a phrase only."""

_OMITTED_COUNTS: Final = ("image", "video", "audio", "GIF")


def android_names(entries: Sequence[Entry]) -> dict[int, str]:
    """Entry index -> file name for every entry with a file. Media that the export lacks use up numbers too,
    and a day begins where the phone's other chats have left off."""
    names: dict[int, str] = {}
    counters: dict[str, int] = {}
    for entry in entries:
        directive, day = entry.line.directive, f"{entry.when:%Y%m%d}"
        if directive in CARRIERS or (directive == "omit" and entry.line.argument in _OMITTED_COUNTS):
            count = counters.get(day, random.Random(day).randrange(6))
            counters[day] = count + 1
            if directive == "photo":
                names[entry.index] = f"IMG-{day}-WA{count:04}.jpg"
            elif directive == "voice":
                names[entry.index] = f"PTT-{day}-WA{count:04}.opus"
            elif directive in CARRIERS:
                names[entry.index] = own_name(entry)
    return names


def ios_names(entries: Sequence[Entry]) -> dict[int, str]:
    """Entry index -> file name for every entry with a file."""
    names: dict[int, str] = {}
    for entry in entries:
        stamp = f"{entry.when:%Y-%m-%d-%H-%M-%S}"
        if entry.line.directive == "photo":
            names[entry.index] = f"{entry.index:08}-PHOTO-{stamp}.jpg"
        elif entry.line.directive == "voice":
            names[entry.index] = f"{entry.index:08}-AUDIO-{stamp}.opus"
        elif entry.line.directive in CARRIERS:
            names[entry.index] = f"{entry.index:08}-{own_name(entry)}"
    return names


def own_name(entry: Entry) -> str:
    """The name that a document or a contact card brings along."""
    return DOCUMENT if entry.line.directive == "document" else CARD


def content(entry: Entry) -> bytes:
    """The bytes of the entry's file. Drawn once per process."""
    return _content(entry.line.directive or "", entry.line.argument)


@cache
def _content(directive: str, argument: str) -> bytes:
    makers: dict[str, Callable[[], bytes]] = {
        "voice": partial(sound.silence, seconds=int(argument) if directive == "voice" else 0),
        "document": documents.contract,
        "contact": documents.contact_card,
    }
    return PICTURES[argument].jpeg() if directive == "photo" else makers[directive]()
