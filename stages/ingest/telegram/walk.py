"""The chats of a document, whatever else stands in it: one at the top, or ``chats.list`` and ``left_chats.list``."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

from stages.ingest.telegram.stream import JsonStream

_OBJECT, _ARRAY = b"{["
_FIELDS: Final = frozenset({"name", "type", "id"})
_LISTS: Final = frozenset({"chats", "left_chats"})


class Step(Enum):
    """What comes next: a chat begins (top level: it may be none), one of its fields as (key, value), some of its
    messages as a list (first an empty one, once a chat), it ends.
    """

    BEGIN = 0
    FIELD = 1
    MESSAGES = 2
    END = 3


def walk(stream: JsonStream) -> Iterator[tuple[Step, Any]]:
    """The document in its own order. Raises :class:`stages.ingest.telegram.stream.Broken`."""
    yield Step.BEGIN, True
    yield from _chat(stream, top=True)
    yield Step.END, None


def _chat(stream: JsonStream, *, top: bool) -> Iterator[tuple[Step, Any]]:
    begun = False
    for key in stream.members():
        begins = stream.peek()
        if key == "messages" and begins == _ARRAY:
            if not begun:
                yield Step.MESSAGES, []
            begun = True
            for batch in stream.items():
                yield Step.MESSAGES, batch
        elif key in _FIELDS and begins not in (_OBJECT, _ARRAY):
            yield Step.FIELD, (key, stream.value())
        elif top and key in _LISTS and begins == _OBJECT:
            for inner in stream.members():
                if inner == "list" and stream.peek() == _ARRAY:
                    yield from _list(stream)
                else:
                    stream.skip()
        elif top and key in _LISTS and begins == _ARRAY:
            yield from _list(stream)
        else:
            stream.skip()


def _list(stream: JsonStream) -> Iterator[tuple[Step, Any]]:
    for _ in stream.elements():
        if stream.peek() != _OBJECT:
            stream.skip()
            continue
        yield Step.BEGIN, False
        yield from _chat(stream, top=False)
        yield Step.END, None
