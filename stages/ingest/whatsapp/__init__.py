"""WhatsApp: exports as text or ZIP, of any phone, language and calendar."""

from typing import Final

from stages.ingest.reader import Reader, ReadOptions, Source

PLATFORM: Final = "whatsapp"


def matches(source: Source) -> bool:
    """Whether a text, or a text in a ZIP, has lines that begin with a date and a time as WhatsApp writes them."""
    from stages.ingest.whatsapp.source import looks_like_chat

    return looks_like_chat(source)


def open_reader(source: Source, options: ReadOptions) -> Reader:
    """A reader of the chat. Raises :class:`BadInput` for a ZIP without a chat, or with several."""
    from stages.ingest.whatsapp.reader import WhatsAppReader
    from stages.ingest.whatsapp.source import find_chat

    return WhatsAppReader(source, find_chat(source), options)
