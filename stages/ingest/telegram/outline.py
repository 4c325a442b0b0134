"""The chats of an export without their messages' content: what each is called, and how many entries it has."""

from dataclasses import dataclass
from typing import Any, Final

from stages.errors import BadInput
from stages.ingest.telegram.people import bare_id
from stages.ingest.telegram.stream import Broken, JsonStream
from stages.ingest.telegram.walk import Step, walk

_NAMELESS: Final = {"saved_messages": "Saved Messages", "replies": "Replies"}


@dataclass(frozen=True)
class Head:
    """What an export says of a chat: its ``id`` as written, and ``stable`` as every export of the chat writes it."""

    id: str = ""
    stable: str = ""
    kind: str = ""
    name: str = ""
    entries: int = 0

    @classmethod
    def of(cls, fields: dict[str, Any], entries: int = 0) -> "Head":
        """From the fields of a chat; those that are missing or odd stay empty."""
        kind, name, number = fields.get("type"), fields.get("name"), fields.get("id")
        kind = kind if isinstance(kind, str) else ""
        name = name if isinstance(name, str) else ""
        shown = str(number) if type(number) in (int, str) else ""
        return cls(shown, bare_id(number, kind) or name, kind, name or _NAMELESS.get(kind, ""), entries)


def outline(stream: JsonStream) -> list[Head]:
    """Every chat in the order in which their messages begin. Cost: the document is parsed once.

    Ends early, without a word, where the document is broken: reading says so.
    """
    heads: list[Head] = []
    hand = outer = _Hand()
    try:
        for step, what in walk(stream):
            if step is Step.MESSAGES:
                if hand.at is None:
                    hand.at = len(heads)
                    heads.append(Head())
                hand.entries += len(what)
            elif step is Step.FIELD:
                hand.fields[what[0]] = what[1]
            elif step is Step.BEGIN:
                hand = outer if what else _Hand()
            else:
                hand.close(heads)
                hand = outer
    except Broken:
        hand.close(heads)
        outer.close(heads)
    return heads


class _Hand:
    """A chat, or the document itself, while it is walked through."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.entries = 0
        self.at: int | None = None

    def close(self, heads: list[Head]) -> None:
        if self.at is not None:
            heads[self.at] = Head.of(self.fields, self.entries)


def chosen(heads: list[Head], wanted: str) -> int:
    """The place of the chat that is wanted by its number, id or name. Raises :class:`BadInput` for none or several."""
    if wanted.isdecimal() and 1 <= int(wanted) <= len(heads):
        return int(wanted) - 1
    for fits in (
        [at for at, head in enumerate(heads) if head.id and wanted in (head.id, head.stable)],
        [at for at, head in enumerate(heads) if wanted == head.name],
        [at for at, head in enumerate(heads) if wanted.casefold().strip() == head.name.casefold().strip()],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            numbers = ", ".join(str(at + 1) for at in fits[:10])
            raise BadInput(f"{len(fits)} chats of the export bear that name; give one by its number: {numbers}.")
    raise BadInput(
        f"The export has no such chat; it holds {len(heads)}: give one by its number (1 to {len(heads)}), id or name."
    )
