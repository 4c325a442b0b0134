"""A PDF's title and first text, bounded: a few pages, a few megabytes unpacked, no picture opened, nothing trusted."""

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from stages.enrich.pages.facts import TEXT_LENGTH, TITLE_LENGTH
from stages.enrich.pdf import opened_pdf, stated_title

_PAGES: Final = 5
_NODES: Final = 500
_DEPTH: Final = 50
_INHERITED: Final = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


def read_pdf(body: bytes) -> tuple[str | None, str | None]:
    """(title, first text) of a PDF, the text uncleaned; (None, None) where it is locked or broken. Never raises.

    Looks at five pages, or until 20,000 characters. Time and memory are bounded by the body and by 8 MB a stream; a
    file made to be slow is the business of the process's time limit.
    """
    try:
        with opened_pdf(io.BytesIO(body), len(body)) as reader:
            return stated_title(reader, TITLE_LENGTH), _text(reader)
    # a parser of files that nobody checked raises anything, RecursionError included
    except (Exception, MemoryError):  # noqa: BLE001
        return None, None


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
