"""Where in a file or a ZIP Telegram's export stands, told by its content."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

from stages.errors import BadInput
from stages.ingest.reader import Source
from stages.ingest.zips import Member

_NAME: Final = "result.json"
_SNIFF: Final = 1 << 16
_TRIED: Final = 16
_SPACE: Final = b" \t\r\n"
_MESSAGES: Final = re.compile(rb'"messages"\s*:\s*\[')
_TYPE: Final = re.compile(
    rb'"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|replies|verification_codes|(?:private|public)_'
    rb'(?:group|supergroup|channel))"'
)
_OURS: Final = re.compile(rb'"(?:date_unixtime|from_id|actor_id|text_entities)"\s*:')
_MESSAGE: Final = re.compile(rb'"type"\s*:\s*"(?:message|service)"')
_DATE: Final = re.compile(rb'"date"\s*:\s*"\d{4}-')
_ACCOUNT: Final = re.compile(
    rb'\{\s*"(?:about|personal_information|profile_pictures|stories|contacts|frequent_contacts|sessions|web_sessions'
    rb'|other_data|chats|left_chats)"\s*:'
)
_PARTS: Final = re.compile(
    rb'"(?:personal_information|frequent_contacts|profile_pictures|web_sessions)"\s*:|"(?:left_)?chats"\s*:\s*\{\s*"'
)
_PAGE: Final = re.compile(rb"<!doctype html|<html", re.IGNORECASE)
_PAGE_OURS: Final = re.compile(rb'class="page_wrap|class="page_header|<title>Exported Data', re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """An export: as JSON or as a ``page`` of HTML, in the file itself or a member; how many ``rivals`` it has."""

    page: bool
    member: Member | None = None
    rivals: int = 0


def find_export(source: Source) -> Found | None:
    """Telegram's export in ``source``, or None. Cost: the beginnings of a few members."""
    if source.members is None:
        form = _form(source.head, named=source.path.name.lower() == _NAME)
        return None if form is None else Found(form == "page")
    found: dict[str, list[Member]] = {"chat": [], "page": []}
    for member in _candidates(source.members):
        named = member.name.lower() == _NAME
        head = _head(source, member)
        # what cannot be opened says why when it is read as the chat
        form = _form(head, named=named) if head else "chat" if named else None
        if form:
            found[form].append(member)
    for form, members in found.items():
        if members:
            # documents that people sent lie in folders beside the export
            depth = min(member.path.count("/") for member in members)
            nearest = [member for member in members if member.path.count("/") == depth]
            return Found(form == "page", nearest[0], 0 if form == "page" else len(nearest) - 1)
    return None


def _candidates(members: tuple[Member, ...]) -> list[Member]:
    """JSON first, ``result.json`` before others; then pages."""
    files = [member for member in members if member.size]
    ours = [member for member in files if member.name.lower() == _NAME]
    other = [member for member in files if member.name.lower().endswith(".json") and member not in ours]
    pages = [member for member in files if re.fullmatch(r"(messages\d*|export_results)\.html?", member.name.lower())]
    other.sort(key=lambda member: (member.path.count("/"), -member.size))
    return ours[:_TRIED] + (other[:_TRIED] if not ours else []) + pages[:1]


def _head(source: Source, member: Member) -> bytes:
    try:
        with source.open(member) as file:
            return bytes(file.read(_SNIFF))
    except BadInput:
        return b""


def _form(head: bytes, *, named: bool) -> str | None:
    """``chat`` or ``page`` for what begins like an export; any page where the file is ``named`` like one."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip(_SPACE)
    if _PAGE.match(start):
        return "page" if named or _PAGE_OURS.search(start) else None
    if not start.startswith(b"{"):
        return None
    if _ACCOUNT.match(start) and _PARTS.search(start):
        return "chat"
    if not _MESSAGES.search(start):
        return None
    known = _TYPE.search(start) or _OURS.search(start) or (_MESSAGE.search(start) and _DATE.search(start))
    return "chat" if known else None
