"""What a document calls itself, read from its properties and never guessed from its text."""

import zipfile
from pathlib import Path
from typing import BinaryIO, Final, cast

from stages.enrich.bounded import Bounded, TooMuchError, bounded
from stages.enrich.pdf import opened_pdf, stated_title
from stages.enrich.properties import TITLE, attribute_of, text_of
from stages.enrich.titles import LIMIT, own_title

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_OPEN: Final = "application/vnd.oasis.opendocument."
TITLED: Final = frozenset((
    "application/pdf", "application/epub+zip",
    _OFFICE + "wordprocessingml.document", _OFFICE + "spreadsheetml.sheet", _OFFICE + "presentationml.presentation",
    _OPEN + "text", _OPEN + "spreadsheet", _OPEN + "presentation",
))  # fmt: skip
"""Media types of the documents whose title can be read."""

_BUDGET: Final = 32 << 20
_MEMBER: Final = 4 << 20
_RATIO: Final = 200
_ROOTFILE: Final = "urn:oasis:names:tc:opendocument:xmlns:container rootfile"


class _Refused(Exception):
    """The document asks for what is not done for it."""


def document_title(source: BinaryIO | Path | str, mime: str) -> str | None:
    """The title in the properties of a PDF, of a document of Office or OpenDocument, or of an EPUB; else None.

    One line of at most 200 characters. None for other media types, where there is no title, for titles that
    programs put there ("Microsoft Word - Document1", "untitled", "PowerPoint Presentation"), and for paths.

    A title may hold a person's name: the caller must conceal it like any text of the chat before it is stored,
    shown or sent. Nothing of the document is logged.

    Never raises for what a file holds, asks nothing of the network, and follows no entity of XML. Cost: at most
    32 MiB read and 8 MiB unpacked at a time; a stream that is no file is read into memory up to 32 MiB.
    """
    if mime not in TITLED:
        return None
    try:
        with bounded(source, _BUDGET) as file:
            head = file.read(1024)
            file.seek(0)
            if b"%PDF-" in head:
                return _pdf_title(file)
            if head.startswith(b"PK\x03\x04"):
                title = _zip_title(file)
                return own_title(title) if title else None
    except MemoryError:
        raise
    except (TooMuchError, OSError, _Refused):
        return None
    except Exception:  # noqa: BLE001 - broken files make their readers raise whatever they stumble on
        return None
    return None


def _pdf_title(file: Bounded) -> str | None:
    with opened_pdf(cast(BinaryIO, file), file.size) as reader:
        return stated_title(reader, LIMIT)


def _zip_title(file: Bounded) -> str | None:
    # a ZIP's directory is one read, whichever of its records tells the size; each entry of 46 bytes becomes one of 500
    file.at_once = _MEMBER + 1
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        if "docProps/core.xml" in names:
            return text_of(_member(archive, "docProps/core.xml"), TITLE)
        if "META-INF/container.xml" in names and "mimetype" in names:
            package = attribute_of(_member(archive, "META-INF/container.xml"), _ROOTFILE, "full-path")
            if package in names:
                return text_of(_member(archive, package), TITLE)
        if "meta.xml" in names:
            return text_of(_member(archive, "meta.xml"), TITLE)
    return None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    entry = archive.getinfo(name)
    sizes = entry.file_size <= _MEMBER and entry.file_size <= _RATIO * max(1, entry.compress_size)
    if not sizes or entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Refused
    with archive.open(entry) as stream:
        data = stream.read(_MEMBER + 1)
    if len(data) > _MEMBER:
        raise _Refused
    return data
