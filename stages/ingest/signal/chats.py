"""Which files of a source are Signal's, and what each of them is."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Final

from stages.ingest.reader import Source
from stages.ingest.signal.header import has_headers, is_foreign_text, is_signal_text
from stages.ingest.zips import Member

HEAD: Final = 1 << 16
_MOST_LOOKED_AT: Final = 5_000
_MARKDOWN: Final = ("chat.md", "index.md")
_LINES: Final = "data.json"
_OFFICIAL: Final = ("account", "recipient", "chat", "chatItem", "stickerPack", "adHocCall", "notificationProfile")


@dataclass(frozen=True)
class ChatFile:
    """One file: ``kind`` is markdown, lines, official or a form that is refused by its name."""

    open: Callable[[], BinaryIO]
    kind: str
    where: str
    name: str
    position: int | None = None
    beside: tuple[int, ...] = ()


def chat_files(source: Source, *, first_only: bool = False, asked: bool = False) -> list[ChatFile]:
    """The files of an export in its order; of a folder with both, the JSON lines and not the Markdown.

    ``asked``: somebody says that it is Signal's, so that a single file need not prove it.
    """
    if source.members is None:
        kind = kind_of(source.head)
        if not kind and asked and has_headers(_text(source.head)):
            kind = "markdown"
        return [ChatFile(source.open, kind, "The export", "")] if kind else []
    folders: dict[str, dict[str, Member]] = {}
    for member in source.members:
        folder, name = _place(member)
        if member.size and name.endswith((".md", ".json", ".jsonl")) and "exported_stickers/" not in f"{folder}/":
            folders.setdefault(folder, {})[name] = member
    found = []
    for folder, members in list(folders.items())[:_MOST_LOOKED_AT]:
        chat = _of_folder(source, folder, members)
        found += chat
        if found and first_only:
            break
    return found


def kind_of(head: bytes) -> str:
    """What a file's first bytes say that it is; empty for what is not Signal's."""
    text = _text(head)
    if text.startswith(("{", "[")):
        first, second = _objects(text)
        if first is not None:
            return _json_kind(first, second)
    if is_signal_text(text):
        return "markdown"
    return "signalbackup-tools' text" if is_foreign_text(text) else ""


def _of_folder(source: Source, folder: str, members: dict[str, Member]) -> list[ChatFile]:
    kinds = {}
    names = [_LINES, "main.jsonl", *_MARKDOWN, *sorted(name for name in members if name.endswith(".md"))]
    for name in dict.fromkeys(names):
        if name in members and (kind := _kind_of_member(source, members[name])):
            kinds[name] = kind
    title = folder.rpartition("/")[2]
    if not kinds:
        return []
    best = next(iter(kinds))
    if best in (_LINES, "main.jsonl", *_MARKDOWN):
        beside = tuple(members[name].position for name in (_LINES, *_MARKDOWN) if name in members and name != best)
        return [_file(source, members[best], kinds[best], title, beside)]
    return [_file(source, members[name], kind, name.removesuffix(".md")) for name, kind in kinds.items()]


def _file(source: Source, member: Member, kind: str, name: str, beside: tuple[int, ...] = ()) -> ChatFile:
    where = f"Entry {member.position} of the ZIP"
    return ChatFile(partial(source.open, member), kind, where, name, member.position, beside)


def _kind_of_member(source: Source, member: Member) -> str:
    with source.open(member) as stream:
        return kind_of(stream.read(HEAD))


def _place(member: Member) -> tuple[str, str]:
    folder, _, name = member.path.rpartition("/")
    return folder, name


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    return head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _objects(text: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The first two objects, each on a line of its own, or the first of a list."""
    found = []
    for line in text.split("\n")[:2]:
        try:
            value = json.loads(line)
            found.append(value[0] if isinstance(value, list) and value else value)
        except (ValueError, RecursionError):
            break
    if not found and text.startswith("["):
        try:
            found = [json.JSONDecoder().raw_decode(text[1:].lstrip())[0]]
        except (ValueError, RecursionError):
            return None, None
    first, second = [*(each if isinstance(each, dict) else None for each in found), None, None][:2]
    return first, second


def _json_kind(first: dict[str, Any], second: dict[str, Any] | None) -> str:
    if {"date", "sender", "body"} <= first.keys() and {"quote", "reactions", "attachments"} & first.keys():
        return "lines"
    if "backupTimeMs" in first or (second and any(name in second for name in _OFFICIAL) and "version" in first):
        return "official"
    if (
        len(first) == 1
        and next(iter(first)) in ("account", "chatItem")
        and isinstance(next(iter(first.values())), dict)
    ):
        return "official"
    if {"conversationId", "sent_at"} <= first.keys() or {"conversationId", "sentAt"} <= first.keys():
        return "Signal Desktop's own messages"
    return ""
