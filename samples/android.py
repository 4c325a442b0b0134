"""The chat as WhatsApp on an English Android phone exports it: minutes only, ``dd/mm/yyyy, HH:MM - ``, LF."""

import re
from collections.abc import Sequence

from samples.attachments import android_names, content
from samples.people import EXPORTER, GROUP, PEOPLE
from samples.weave import Entry

MEMBER = f"WhatsApp Chat with {GROUP}.txt"
MARK = "\u200e"

_MENTION = re.compile(r"\{([mitkapln])\}")
_NAMED = re.compile(r"\{([mitkapln]|group)\}")


def export(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Member name -> bytes of the whole export."""
    names = android_names(entries)
    text = "".join(
        f"{entry.when:%d/%m/%Y, %H:%M} - {_author(entry)}{_body(entry, names.get(entry.index, ''))}\n"
        for entry in entries
    )
    files = {names[entry.index]: content(entry) for entry in entries if entry.index in names}
    return {MEMBER: text.encode(), **files}


def _author(entry: Entry) -> str:
    return "" if entry.speaker is None else f"{PEOPLE[entry.speaker].name}: "


def _body(entry: Entry, name: str) -> str:
    line = entry.line
    text = with_mentions(line.text)
    match line.directive:
        case None:
            return notice(line.text) if entry.speaker is None else text
        case "edited":
            return f"{text} <This message was edited>"
        case "deleted":
            return "You deleted this message" if entry.speaker == EXPORTER else "This message was deleted"
        case "omit":
            return "<Media omitted>"
        case "poll":
            question, *options = text.split(" | ")
            return "\n".join(["POLL:", question, *(f"OPTION: {votes(option)}" for option in options)])
        case "location":
            return f"location: https://maps.google.com/?q={line.argument}"
        case _:
            return f"{MARK}{name} (file attached)" + (f"\n{text}" if text else "")


def votes(option: str) -> str:
    """``Answer=3`` as ``Answer (3 votes)``."""
    answer, _, count = option.rpartition("=")
    return f"{answer} ({count} vote{'' if count == '1' else 's'})"


def with_mentions(text: str) -> str:
    """``{x}`` becomes ``@`` and the contact's name in isolates, or the bare number where there is no contact."""
    return _MENTION.sub(lambda found: PEOPLE[found[1]].android_mention, text)


def notice(text: str) -> str:
    """A notice of the app in English, in the second person for the exporter."""
    if text == "{encrypted}":
        return (
            "Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them. "
            "Learn more."
        )
    if text.endswith("} call"):
        return "Missed group voice call"
    if text.endswith("} security"):
        return f"Your security code with {PEOPLE[text[1]].name} changed. Tap to learn more."

    def named(found: re.Match[str]) -> str:
        if found[1] == "group":
            return GROUP
        if found[1] == EXPORTER:
            return "You" if found.start() == 0 else "you"
        return PEOPLE[found[1]].name

    return _NAMED.sub(named, text)
