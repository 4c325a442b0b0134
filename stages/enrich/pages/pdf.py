"""A PDF's title and first text, bounded: a few pages, a few megabytes unpacked, no picture opened, nothing trusted."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from stages.enrich.pages.facts import TEXT_LENGTH

_PAGES: Final = 5
_UNPACKED: Final = 8_000_000
"""Most bytes that one stream may unpack to."""
_NODES: Final = 500
_DEPTH: Final = 50
_INHERITED: Final = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")

# what programs put there, not people
_BY_PROGRAMS: Final = re.compile(
    r"^(?:microsoft (?:word|powerpoint|excel) - )"
    r"|\.(?:docx?|pptx?|xlsx?|odt|pages|indd|tex|dvi|pdf|qxd|rtf|html?|cdr|ai)$",
    re.I,
)
_EMPTY: Final = re.compile(
    r"(?:untitled|untitled document|title|document\d*|slide \d+|powerpoint presentation|presentation\d*|"
    r"layout \d+|(?:pt-?)?sem título|scan\w*|print|job \d+|null|none|[\W\d_]*)",
    re.I,
)


def read_pdf(body: bytes) -> tuple[str | None, str | None]:
    """(title, first text) as the file has them, uncleaned; (None, None) where it is encrypted or broken. Never raises.

    Looks at five pages, or until 20,000 characters. Time and memory are bounded by the body and by 8 MB a stream; a
    file made to be slow is the business of the process's time limit.
    """
    try:
        return _read(body)
    # a parser of files that nobody checked raises anything, RecursionError included
    except (Exception, MemoryError):  # noqa: BLE001
        return None, None


def _read(body: bytes) -> tuple[str | None, str | None]:
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # its warnings quote the file
    with pypdf.apply_configuration(
        array_maximum_element_count=20_000,
        maximum_declared_stream_length=len(body) + 1,
        array_based_stream_maximum_output_length=_UNPACKED,
        zlib_maximum_output_length=_UNPACKED,
        lzw_maximum_output_length=_UNPACKED,
        run_length_maximum_output_length=_UNPACKED,
        brotli_maximum_output_length=_UNPACKED,
        stream_decoding_work_maximum_length=3 * _UNPACKED,
        stream_parsing_work_maximum_count=200_000,
        xform_maximum_invocations_per_extraction=50,
        jbig2dec_binary=None,
    ):
        reader = pypdf.PdfReader(io.BytesIO(body), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            return None, None
        return _title(reader), _text(reader)


def _title(reader: Any) -> str | None:
    try:
        metadata = reader.metadata
        title = metadata.title if metadata is not None else None
    except Exception:  # noqa: BLE001 - the text may still be there
        return None
    if not isinstance(title, str):
        return None
    plain = _BY_PROGRAMS.sub("", _BY_PROGRAMS.sub("", " ".join(title[:2_000].split()))).strip()
    return None if _EMPTY.fullmatch(plain) else plain


def _text(reader: Any) -> str | None:
    kept: list[str] = []
    for page in _pages(reader):
        with suppress(Exception, MemoryError):  # the next page may be sound
            kept.append(page.extract_text())
        if sum(map(len, kept)) >= TEXT_LENGTH:
            break
    return "\n".join(kept).strip() or None


def _pages(reader: Any) -> Iterator[Any]:
    """The first pages. pypdf's own list of pages first walks the whole tree, which may be made to be huge."""
    from pypdf import PageObject
    from pypdf.generic import DictionaryObject, IndirectObject, NameObject

    stack: list[tuple[Any, dict[str, Any], int]] = [(reader.root_object.raw_get("/Pages"), {}, 0)]
    found = 0
    for _ in range(_NODES):
        if not stack or found >= _PAGES:
            return
        reference, inherited, depth = stack.pop()
        node = reference.get_object() if reference is not None else None
        if not isinstance(node, DictionaryObject) or depth > _DEPTH:
            continue
        inherited = inherited | {name: node.raw_get(name) for name in _INHERITED if name in node}
        if "/Kids" in node:
            kids: Any = node["/Kids"]
            stack.extend((kids[at], inherited, depth + 1) for at in reversed(range(min(len(kids), _PAGES))))
            continue
        page = PageObject(reader, reference if isinstance(reference, IndirectObject) else None)
        page.update(node)
        for name, value in inherited.items():
            if name not in page:
                page[NameObject(name)] = value
        found += 1
        yield page
