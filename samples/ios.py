"""The chat as WhatsApp on an English iPhone exports it: ``[dd/mm/yyyy, HH:MM:SS] Name: ``, direction marks, CRLF.

Entries end in CRLF while lines inside a message end in LF. U+200E stands before what the app itself wrote, and before
the bracket of an entry with an attachment. Notices carry the group's name where an author would stand, missed calls
the caller's (on Android they carry none).
"""

from collections.abc import Sequence

from samples.android import notice, votes
from samples.attachments import DOCUMENT, DOCUMENT_PAGES, content, ios_names
from samples.people import EXPORTER, GROUP, PEOPLE
from samples.weave import Entry

MEMBER = "_chat.txt"
MARK = "\u200e"

_OMITTED = {"image", "video", "audio", "sticker", "GIF"}


def export(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Member name -> bytes of the whole export."""
    names = ios_names(entries)
    text = "".join(_entry(entry, names.get(entry.index, "")) for entry in entries)
    files = {names[entry.index]: content(entry) for entry in entries if entry.index in names}
    return {MEMBER: text.encode(), **files}


def _entry(entry: Entry, name: str) -> str:
    lead = MARK if entry.line.directive == "omit" or name else ""
    speaker = entry.line.text[1] if entry.kind == "call" else entry.speaker
    author = GROUP if speaker is None else PEOPLE[speaker].ios_name
    return f"{lead}[{entry.when:%d/%m/%Y, %H:%M:%S}] {author}: {_body(entry, name)}\r\n"


def _body(entry: Entry, name: str) -> str:
    line = entry.line
    text = line.text
    for key, person in PEOPLE.items():
        text = text.replace(f"{{{key}}}", person.ios_mention)
    match line.directive:
        case None:
            return f"{MARK}{_notice(line.text)}" if entry.speaker is None else text
        case "edited":
            return f"{text} {MARK}<This message was edited>"
        case "deleted":
            return MARK + ("You deleted this message." if entry.speaker == EXPORTER else "This message was deleted.")
        case "omit":
            if line.argument not in _OMITTED:
                raise ValueError(f"iOS has no phrase for an omitted {line.argument!r}")
            return f"{MARK}{line.argument} omitted"
        case "poll":
            question, *options = text.split(" | ")
            return "\n".join(
                [f"{MARK}POLL:", question, *(f"{MARK}OPTION: {MARK}{votes(option)}" for option in options)]
            )
        case "location":
            return f"{MARK}Location: https://maps.google.com/?q={line.argument}"
        case "document":
            return f"{DOCUMENT} • {MARK}{DOCUMENT_PAGES} pages {MARK}<attached: {name}>"
        case _:
            return f"{text} {MARK}<attached: {name}>".lstrip(" ")


def _notice(text: str) -> str:
    """The Android wording but for iOS's curly quotes, its marked numbers and the missing links to help pages."""
    worded = notice(text).removesuffix(" Learn more.").removesuffix(" Tap to learn more.")
    for person in PEOPLE.values():
        worded = worded.replace(person.name, person.ios_name)
    parts = worded.split('"')
    return "".join(part + ("“" if place % 2 == 0 else "”") for place, part in enumerate(parts[:-1])) + parts[-1]
