"""Signal: what signal-export makes of Signal Desktop's messages, and Signal's own plaintext export."""

from typing import Final

from stages.errors import BadInput
from stages.ingest.reader import Reader, ReadOptions, Source
from stages.ingest.signal.chats import chat_files
from stages.ingest.signal.plaintext import PlaintextReader
from stages.ingest.signal.reader import SignalReader

PLATFORM: Final = "signal"

_READ: Final = ("markdown", "lines")


def matches(source: Source) -> bool:
    """Whether a file is Signal's, also in a form that can only be refused; a ZIP by the first chat in it."""
    return bool(chat_files(source, first_only=True))


def open_reader(source: Source, options: ReadOptions) -> Reader:
    """A reader for Signal's own export or signal-export's files. Raises :class:`BadInput` for other forms."""
    files = chat_files(source, asked=True)
    official = [file for file in files if file.kind == "official"]
    if official:
        return PlaintextReader(source, official[0], options)
    readable = [file for file in files if file.kind in _READ]
    if readable:
        return SignalReader(source, readable, options)
    if files:
        raise BadInput(
            f"{files[0].where} is {files[0].kind}, which is not read; export the chat with signal-export "
            "(Markdown and JSON lines)."
        )
    raise BadInput("This is no Signal export; export the chat with signal-export (Markdown and JSON lines).")
