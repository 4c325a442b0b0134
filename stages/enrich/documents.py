"""What a document calls itself, read from its properties and never guessed from its text."""

import logging
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from xml.parsers import expat

from stages.enrich.bounded import Bounded, TooMuchError, bounded
from stages.enrich.wording import one_line

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_OPEN: Final = "application/vnd.oasis.opendocument."
TITLED: Final = frozenset((
    "application/pdf", "application/epub+zip",
    _OFFICE + "wordprocessingml.document", _OFFICE + "spreadsheetml.sheet", _OFFICE + "presentationml.presentation",
    _OPEN + "text", _OPEN + "spreadsheet", _OPEN + "presentation",
))  # fmt: skip
"""Media types of the documents whose title can be read."""

LIMIT: Final = 200
"""Most characters of a title."""

_BUDGET: Final = 32 << 20
_MEMBER: Final = 4 << 20
_RATIO: Final = 200
_DIRECTORY: Final = 4 << 20
_PDF_PART: Final = 8 << 20

_TITLE: Final = "http://purl.org/dc/elements/1.1/ title"
_ROOTFILE: Final = "urn:oasis:names:tc:opendocument:xmlns:container rootfile"

_PROGRAM: Final = re.compile(r"^(?:microsoft\s+)?(?:office\s+)?(?:word|excel|powerpoint)\s+-\s+", re.I)
_ENDING: Final = re.compile(r"\.(?:docx?|xlsx?|pptx?|odt|ods|odp|pdf|rtf|txt|indd|pages|numbers|key)$", re.I)
_PATH: Final = re.compile(r"^(?:[a-z]:[\\/]|\\\\|file:|/(?:home|users|tmp|var|mnt|storage)/)", re.I)
_NUMBERED: Final = (
    "doc document documento dokument text texto presentation apresentação presentación présentation präsentation "
    "book workbook livro libro classeur mappe pasta planilha sheet slide slides diapositivo diapositiva diapositive "
    "folie layout title título titre titel untitled unbenannt unnamed scan image noname"
)
_WITHOUT: Final = (
    "sem título|sem nome|sin título|sans titre|senza titolo|ohne titel|no title|design sem nome|"
    "(?:documento|apresentação|planilha|formulário) sem (?:título|nome)|untitled (?:document|spreadsheet|presentation|"
    "design|form)|(?:scanned|new|novo|digitalized) document|novo documento|documento digitalizado"
)
_OF_PROGRAMS: Final = (
    r"powerpoint[ -](?:presentation|präsentation)|apresentação do powerpoint|presentación de powerpoint|"
    r"présentation powerpoint|presentazione (?:standard di )?powerpoint|(?:microsoft )?(?:word|excel) "
    r"(?:document|worksheet)|(?:microsoft )?powerpoint|about:blank|new tab|full page photo|print|printout|"
    r"\(?(?:anonymous|unspecified)\)?"
)
_TEMPLATE: Final = re.compile(
    rf"(?:{_WITHOUT}|{_OF_PROGRAMS}|(?:{'|'.join(_NUMBERED.split())}))(?:[ _-]*\(?\d{{0,4}}\)?)", re.I
)


class _Refused(Exception):
    """The document asks for what is not done for it."""


class _Found(Exception):  # the way out of a parser
    """The text was found."""


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
                title = _pdf_title(file)
            elif head.startswith(b"PK\x03\x04"):
                title = _zip_title(file)
            else:
                return None
    except MemoryError:
        raise
    except (TooMuchError, OSError, _Refused):
        return None
    except Exception:  # noqa: BLE001 - broken files make their readers raise whatever they stumble on
        return None
    return None if title is None else _told(title)


def _told(title: str) -> str | None:
    line = one_line(title, LIMIT)
    if _PATH.match(line):
        return None
    named = _PROGRAM.sub("", line)
    stem = _ENDING.sub("", named)
    if not any(char.isalnum() for char in stem) or _TEMPLATE.fullmatch(stem):
        return None
    return stem if named != line else line


def _pdf_title(file: Bounded) -> str | None:
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # it quotes what it stumbles on
    import pypdf

    with pypdf.apply_configuration(
        maximum_declared_stream_length=_PDF_PART,
        array_based_stream_maximum_output_length=_PDF_PART,
        zlib_maximum_output_length=_PDF_PART,
        lzw_maximum_output_length=_PDF_PART,
        run_length_maximum_output_length=_PDF_PART,
        stream_decoding_work_maximum_length=4 * _PDF_PART,
        zlib_maximum_recovery_input_length=1 << 20,
        stream_filters_maximum_length=4,
    ):
        reader = pypdf.PdfReader(
            cast(BinaryIO, file), root_object_recovery_limit=1_000, xref_stream_maximum_entries=200_000
        )
        information = reader.metadata
        title = information.title if information is not None else None
        if isinstance(title, str) and title.strip():
            return title
        packet = reader.root_object.get("/Metadata")
        return None if packet is None else _text_of(packet.get_object().get_data()[:_MEMBER], _TITLE)


def _zip_title(file: Bounded) -> str | None:
    _check_directory(file)
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        if "docProps/core.xml" in names:
            return _text_of(_member(archive, "docProps/core.xml"), _TITLE)
        if "META-INF/container.xml" in names and "mimetype" in names:
            package = _attribute_of(_member(archive, "META-INF/container.xml"), _ROOTFILE, "full-path")
            if package in names:
                return _text_of(_member(archive, package), _TITLE)
        if "meta.xml" in names:
            return _text_of(_member(archive, "meta.xml"), _TITLE)
    return None


def _check_directory(file: Bounded) -> None:
    """Refuse a directory that would fill the memory: each of its entries becomes an object of 500 bytes."""
    file.seek(max(0, file.size - (22 + (1 << 16))))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22 or int.from_bytes(tail[at + 12 : at + 16], "little") > _DIRECTORY:
        raise _Refused
    file.seek(0)


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


def _parser() -> expat.XMLParserType:
    def refuse(*_: Any) -> Any:
        raise _Refused

    parser = expat.ParserCreate(namespace_separator=" ")
    # without a DTD there are no entities, neither within nor outside
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def _text_of(data: bytes, element: str) -> str | None:
    """The first words in the first such element that has any, in itself or in an element within it."""
    parser, words, depth = _parser(), [""], 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal depth
        depth += depth > 0 or name == element

    def end(_: str) -> None:
        nonlocal depth
        if depth and words[0].strip():
            raise _Found
        depth -= depth > 0

    def text(piece: str) -> None:
        if depth and len(words[0]) < 4 * LIMIT:
            words[0] += piece

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parser.Parse(data, True)
    except _Found:
        return words[0]
    return None


def _attribute_of(data: bytes, element: str, attribute: str) -> str:
    parser, found = _parser(), [""]

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == element:
            found[0] = attributes.get(attribute, "")
            raise _Found

    parser.StartElementHandler = start
    with suppress(_Found):
        parser.Parse(data, True)
    return found[0]
