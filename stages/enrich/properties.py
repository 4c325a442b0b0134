"""XML in which documents keep what they say of themselves, read without a DTD: there are no entities to expand."""

from contextlib import suppress
from typing import Any, Final
from xml.parsers import expat

TITLE: Final = "http://purl.org/dc/elements/1.1/ title"
"""The element that holds a title in every kind of document: its namespace, a blank, its name."""

_LONGEST: Final = 800
"""Characters of an element's text that are kept."""


class UntrustedXmlError(Exception):
    """The XML defines entities or leads elsewhere, which is not done for it."""


class _Found(Exception):  # the way out of a parser
    """What was looked for was found."""


def text_of(data: bytes, element: str) -> str | None:
    """The first words in the first such element that has any, in itself or in an element within it.

    Raises :class:`UntrustedXmlError` at a DTD, ``expat.ExpatError`` for what is no XML. Linear; nothing is built of
    the XML, however deep it goes.
    """
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
        if depth and len(words[0]) < _LONGEST:
            words[0] += piece

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parser.Parse(data, True)
    except _Found:
        return words[0]
    return None


def attribute_of(data: bytes, element: str, attribute: str) -> str:
    """An attribute of the first such element, or nothing. Raises as :func:`text_of`."""
    parser, found = _parser(), [""]

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == element:
            found[0] = attributes.get(attribute, "")
            raise _Found

    parser.StartElementHandler = start
    with suppress(_Found):
        parser.Parse(data, True)
    return found[0]


def _parser() -> expat.XMLParserType:
    def refuse(*_: Any) -> Any:
        raise UntrustedXmlError

    parser = expat.ParserCreate(namespace_separator=" ")
    # without a DTD there are no entities, neither within nor outside
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser
