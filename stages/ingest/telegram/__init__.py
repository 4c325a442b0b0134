"""Telegram Desktop's exports (``result.json``): one chat or a whole account, as they are or in a ZIP."""

from stages.errors import BadInput
from stages.ingest.reader import ReadOptions, Source
from stages.ingest.telegram.find import find_export
from stages.ingest.telegram.reader import TelegramReader

PLATFORM = "telegram"


def matches(source: Source) -> bool:
    """Whether the file is an export of Telegram Desktop, as JSON or (which is refused in a sentence) as HTML."""
    return find_export(source) is not None


def open_reader(source: Source, options: ReadOptions) -> TelegramReader:
    """A reader of the export. Raises :class:`BadInput` for HTML and for a ZIP with several exports."""
    found = find_export(source)
    if found is None:
        raise BadInput(
            f"{source.path} is no export of Telegram Desktop; export the chat in the format Machine-readable JSON."
        )
    if found.page:
        raise BadInput(
            f"{source.path} is a Telegram export in HTML; export the chat again and choose the format "
            "Machine-readable JSON."
        )
    if found.rivals:
        raise BadInput(
            f"The ZIP {source.path} holds {found.rivals + 1} Telegram exports; give the result.json of each on its own."
        )
    return TelegramReader(source, found, options)
