"""Discord, as DiscordChatExporter writes it: JSON in one file or many, and CSV."""

import re
from typing import Final

from stages.errors import BadInput
from stages.ingest.discord.parts import as_utf8, json_parts, looks_like_json
from stages.ingest.discord.reader import JsonReader
from stages.ingest.discord.table import CsvReader, csv_parts, looks_like_csv
from stages.ingest.reader import Reader, ReadOptions, Source
from stages.ingest.zips import Member

PLATFORM: Final = "discord"

_MOST_LOOKED_AT: Final = 24
_TXT: Final = re.compile(rb"={40,}\r?\nGuild: [^\r\n]*\r?\nChannel: ")
_TXT_LINE: Final = re.compile(
    rb"^\[\d{1,2}-[A-Z][a-z]{2}-\d{2,4} \d{1,2}:\d{2} [AP]M\] [^\r\n:]{1,60}\r?$", re.MULTILINE
)
_SUFFIXES: Final = (".json", ".csv", ".html", ".htm", ".txt")


def matches(source: Source) -> bool:
    """Whether a file is an export of DiscordChatExporter, of any of its formats; a ZIP by the first of its files."""
    if source.members is None:
        return _format(source.head) is not None
    return any(_format_of(source, member) for member in _likely(source))


def open_reader(source: Source, options: ReadOptions) -> Reader:
    """A reader for JSON, else for CSV. Raises :class:`BadInput` for the formats that are made to be looked at."""
    formats: dict[int | None, str]
    if source.members is None:
        formats = {None: found} if (found := _format(source.head)) else {}
    else:
        formats = {member.position: found for member in _likely(source) if (found := _format_of(source, member))}
    if "json" in formats.values():
        beside = [position for position, found in formats.items() if found != "json" and position is not None]
        return JsonReader(source, json_parts(source), options, beside=beside)
    if "csv" in formats.values():
        return CsvReader(csv_parts(source), source, options)
    if formats:
        name = next(iter(formats.values()))
        raise BadInput(
            f"This is a Discord export as {name}, which is made to be looked at and leaves out ids and exact times; "
            "export the channel again as JSON."
        )
    raise BadInput("This is no export of DiscordChatExporter; export the channel as JSON.")


def _format(head: bytes) -> str | None:
    if looks_like_json(head):
        return "json"
    if looks_like_csv(head):
        return "csv"
    text = as_utf8(head)
    start = text.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<!--")):
        return "HTML" if b"DiscordChatExporter" in text or b"chatlog__" in text else None
    if _TXT.match(text) or len(_TXT_LINE.findall(text[:8_192])) >= 2:
        return "text"
    return None


def _likely(source: Source) -> list[Member]:
    """Members that may be exports, those of the upper folders first: media stand in folders of their own."""
    likely = [member for member in source.members or () if member.name.lower().endswith(_SUFFIXES) and member.size]
    return sorted(likely, key=lambda member: (member.path.count("/"), member.position))[:_MOST_LOOKED_AT]


def _format_of(source: Source, member: Member) -> str | None:
    if member.encrypted:
        return None
    with source.open(member) as stream:
        return _format(stream.read(1 << 16))
