"""What is not published of a page's words or a model's: markup of any kind, addresses, and orders to whoever reads.

A sentence with one of these is left out: a page's own text may well hold a link, but the chronicle then would.
"""

import re
from typing import Final

_MARKUP: Final = re.compile(
    r"[<>‹›`]|&#?\w{1,20};|\]\(|!\[|\[\[|\*\*|__|~~|\{\{|\}\}|\{%|\$\{|^\s*(?:#{1,6}|[-*+•]|\d+[.)])\s", re.M
)
# a name with one of these endings is taken for an address even where nothing else says so
_TOP: Final = (
    "com|org|net|info|biz|io|ai|app|dev|xyz|top|site|online|shop|club|live|link|click|ru|cn|tk|ml|ga|cf|gq|me|cc|co|uk"
    "|de|fr|br|pt|es|it|eu|us|example|test|onion|zip|mov"
)
_ADDRESS: Final = re.compile(
    r"[a-z][a-z0-9+.\-]*://|//\S|\b(?:javascript|data|vbscript|mailto|file|tel|blob|about)\s*:\s*\S|\bwww\."
    r"|\S@\S+\.\S"
    rf"|[\w\-](?:\.|\s?[\[(](?:\.|dot)[\])]\s?)(?:{_TOP})\b|\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b",
    re.I,
)
_ORDERS: Final = re.compile(
    r"(?:ignor\w*|disregard|forget|override|esque[çc]a|olvida|oublie\w*) "
    r"(?:\w+ ){0,4}(?:instruc\w+|rules|prompts?\b|messages|regras|reglas|anweisung\w*|consignes)"
    r"|<<<|>>>|(?:previous|prior|above) instructions|instruções anteriores",
    re.I,
)


def has_markup(text: str) -> bool:
    """Whether there is anything that HTML, Markdown or a template could take for more than words."""
    return _MARKUP.search(text) is not None


def has_address(text: str) -> bool:
    """Whether there is an address, or what a reader's program could make a link of."""
    return _ADDRESS.search(text) is not None


def instructs(text: str) -> bool:
    """Whether a model is told what to do."""
    return _ORDERS.search(text) is not None


def is_plain(text: str) -> bool:
    """Whether a sentence is words alone."""
    return not (has_markup(text) or has_address(text) or instructs(text))
