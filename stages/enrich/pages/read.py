"""Read a page: its card, its text, and nothing else.

HTML is made small enough first (``slim``), parsed once by libxml2, and its text is found by trafilatura in its quick
mode: the others compare with extractors whose time grows with the square of a page's nesting (20,000 elements: 92 s
against 1 s). What the tags for cards lack is filled in from trafilatura's metadata.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeAlias

from stages.enrich.pages.card import read_card
from stages.enrich.pages.charset import decode
from stages.enrich.pages.facts import NOTHING, TEXT_LENGTH, PageFacts, cleaned
from stages.enrich.pages.language import detect_language
from stages.enrich.pages.slim import slimmed
from stages.enrich.pages.walls import is_noise, says_nothing

HtmlElement: TypeAlias = Any

_HTML: Final = ("text/html", "application/xhtml+xml", "application/xml", "text/xml")
_FIRST_LINE: Final = 200
"""Most characters of a text file's first line that is its title."""
_ENOUGH: Final = 20
"""Characters of text below which a page has none."""
_BLOCKS: Final = ("p", "h1", "h2", "h3", "li", "blockquote", "pre", "td", "dd", "figcaption")


def read_page(body: bytes, mime: str, charset: str | None, url: str) -> PageFacts:
    """What the page says that ``url`` (where it was in the end found) answered with.

    ``body``: decompressed, ``mime``: its media type, ``charset``: that of the HTTP header. Never raises: what cannot be
    read has no facts, and neither has a page that says nothing of what was linked (log-in, check for robots, "not
    found"). Cost: 2-5 ms for a small page, 12 ms for an article of 11,000 characters, 100 ms for 100 KB dense
    with tags, a few seconds for the worst 8 MB.
    """
    facts = NOTHING
    for found in read_steps(body, mime, charset, url):
        facts = found
    return facts


def read_steps(body: bytes, mime: str, charset: str | None, url: str) -> Iterator[PageFacts]:
    """The facts as they become known: first the card alone, which is quick, then with the text. Never raises."""
    mime = mime.partition(";")[0].strip().lower()
    try:
        if body.lstrip()[:5] == b"%PDF-" or mime == "application/pdf":
            yield _of_pdf(body)
        elif mime in _HTML or (mime != "text/plain" and b"<" in body[:1_000]):
            yield from _of_html(decode(body, charset), url)
        else:
            yield _of_text(decode(body, charset))
    # whatever a parser meets in a hostile page, the page has no (more) facts
    except (Exception, MemoryError):  # noqa: BLE001
        return


def _of_html(markup: str, url: str) -> Iterator[PageFacts]:
    tree = _parsed(slimmed(markup))
    if tree is None:
        return
    card = read_card(tree, url)
    facts = _without_noise(cleaned(card.facts))
    if says_nothing(facts.title, "", article=True):
        yield NOTHING
    else:
        yield facts
    text, more = _extracted(tree, url, metadata=not (facts.title and facts.published))
    facts = cleaned(
        replace(
            card.facts,
            text=text or _paragraphs(tree),
            title=card.facts.title or getattr(more, "title", None),
            site=card.facts.site,
        )
    )
    if says_nothing(facts.title, facts.text, markup, article=card.article):
        yield NOTHING
        return
    facts = _without_noise(facts)
    if facts.language is None and facts.text:
        facts = replace(facts, language=detect_language(facts.text))
    yield facts


def _parsed(markup: str) -> HtmlElement | None:
    from lxml import etree  # type: ignore[import-untyped]
    from lxml.html import HTMLParser, document_fromstring  # type: ignore[import-untyped]

    if not markup.strip():
        return None
    # no huge_tree: deeper than 255 elements nothing is read
    parser = HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, default_doctype=False
    )
    try:
        return document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None


def _extracted(tree: HtmlElement, url: str, *, metadata: bool) -> tuple[str | None, Any]:
    from trafilatura import bare_extraction

    for name in ("trafilatura", "htmldate"):  # what they log names addresses and quotes pages
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        found = bare_extraction(
            tree,
            url=url,
            fast=True,
            include_comments=False,
            with_metadata=metadata,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except (Exception, RecursionError):  # noqa: BLE001 - it is one way of several to the text
        return None, None
    text = getattr(found, "text", None)
    return (text if text and len(text.strip()) >= _ENOUGH else None), found


def _paragraphs(tree: HtmlElement) -> str | None:
    """The text of the blocks that hold text themselves, for a page that is no article."""
    kept, size = [], 0
    for block in islice(tree.iter(*_BLOCKS), 5_000):
        if any(
            parent.tag in ("nav", "footer", "header", "aside", "form") for parent in islice(block.iterancestors(), 50)
        ):
            continue
        words = " ".join(" ".join(islice(block.itertext(), 500)).split())
        if len(words) >= _ENOUGH:
            kept.append(words)
            size += len(words)
            if size > TEXT_LENGTH:
                break
    return "\n".join(kept) or None


def _without_noise(facts: PageFacts) -> PageFacts:
    """Without what a site says of every page: as description, or as lines of the text."""
    description = facts.description
    if description and is_noise(description):
        description = None
    lines = [line for line in (facts.text or "").splitlines() if len(line) > 400 or not is_noise(line)]
    return replace(facts, description=description, text="\n".join(lines) or None)


def _of_text(text: str) -> PageFacts:
    """A text file: its first line is its title, where it is as short as one."""
    begin = text[: 4 * TEXT_LENGTH]
    if begin.count("\x00") * 20 > len(begin) or begin.count("\ufffd") * 20 > len(begin):
        return NOTHING
    lines = [line.strip() for line in begin.splitlines() if line.strip()]
    first = lines[0].strip("#=*- \t") if lines else ""
    title = first if len(first) <= _FIRST_LINE and any(char.isalpha() for char in first) else None
    facts = cleaned(PageFacts(title=title, text="\n".join(lines)))
    return replace(facts, language=detect_language(facts.text)) if facts.text else facts


def _of_pdf(body: bytes) -> PageFacts:
    from stages.enrich.pages.pdf import read_pdf

    title, text = read_pdf(body)
    facts = cleaned(PageFacts(title=title, text=text))
    return replace(facts, language=detect_language(facts.text)) if facts.text else facts
