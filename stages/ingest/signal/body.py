"""What stands after a header in signal-export's Markdown: a quote, the text, reactions, a sticker, attachments."""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

_FILE: Final = re.compile(
    r"!?\[(?P<name>[^\n]*?)\]\((?:\./|(?P<up>\.\./))?(?P<path>(?:media|exported_stickers)/[^\n]*?)\)"
    r"(?=\s{2}|\s*$|!?\[|\s*\((?:media|attachment) not)"
)
_NOT_EXPORTED: Final = re.compile(r"\((?:media|attachment) not exported\)\s*$")
_STICKER: Final = re.compile(r"(?:^|\n)\(\( (?P<label>[^\n]+) \)\)\s*$")
_REACTIONS: Final = re.compile(r"(?:^|\n)\(- (?P<all>[^\n]+) -\)\s*$")
_REACTION: Final = re.compile(r"(?P<name>[^\n]+?): (?P<emoji>[^,:\n]+)(?:, |$)")
_QUOTE: Final = re.compile(r"\n*((?:>(?: [^\n]*)?(?:\n|$))+)")
_CALL: Final = re.compile(r"(?:Incoming|Outgoing|Missed)(?: voice| video)? call(?: \([^()\n]{1,40}\))?")
_DELETED: Final = "(This message was deleted)"
_MARKS: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


class Body(NamedTuple):
    """``quote`` is the quoted text as it was quoted, empty for none; ``text`` holds it too, as lines with ``>``."""

    text: str
    kind: str
    media: tuple[str, ...]
    reactions: int | None
    quote: str
    people: tuple[str, ...]


def cleaned(text: str) -> str:
    """The text without direction marks."""
    return text if text.isascii() else _MARKS.sub("", text)


def take_apart(raw: str) -> Body:
    """The parts of a body, from its end to its start as they were put together."""
    rest = cleaned(raw).rstrip()
    media: list[str] = []
    label = ""
    kind = "text"
    if ")" in rest[-1:]:
        rest, media, label = _files(rest)
        missing = _NOT_EXPORTED.search(rest)
        if missing:
            kind, rest = "media", rest[: missing.start()].rstrip()
        sticker = _STICKER.search(rest)
        if sticker:
            label, rest = sticker["label"], rest[: sticker.start()].rstrip()
    reactions = _REACTIONS.search(rest) if rest.endswith("-)") else None
    people: tuple[str, ...] = ()
    count = None
    if reactions:
        rest = rest[: reactions.start()].rstrip()
        found = _REACTION.findall(reactions["all"])
        people, count = tuple(name for name, _ in found), len(found) or 1
    quote, text = _quoted(rest)
    if label:
        text = "\n".join(part for part in (text, label) if part)
    if media or label:
        kind = "media"
    elif kind == "media" and not text:
        text = "(media not exported)"
    elif text == _DELETED:
        kind = "deleted"
    elif _CALL.fullmatch(text):
        kind = "call"
    if quote:
        shown = "\n".join(f"> {line}".rstrip() for line in quote.split("\n"))
        text = f"{shown}\n\n{text}" if text else shown
    return Body(text, kind, tuple(media), count, quote, people)


def _files(text: str) -> tuple[str, list[str], str]:
    """(the text without the links to exported files, their names, a sticker's label)."""
    media: list[str] = []
    label = ""
    for match in _FILE.finditer(text):
        name, path = match["name"], unquote(match["path"])
        if match["up"]:
            # packs number their stickers, so that only the path tells them apart
            label = name
            media.append(path)
        else:
            base = path.rpartition("/")[2]
            media.append(name if name and base.replace(" ", "") == name.replace(" ", "") else base)
    return (_FILE.sub("", text).rstrip() if media else text), media, label


def _quoted(text: str) -> tuple[str, str]:
    match = _QUOTE.match(text)
    if match is None:
        return "", text.strip("\n")
    quote = "\n".join(line[2:] if line.startswith("> ") else line[1:] for line in match[1].rstrip("\n").split("\n"))
    return quote.rstrip(), text[match.end() :].strip("\n")
