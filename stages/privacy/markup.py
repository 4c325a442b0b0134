"""Where a file speaks to a browser and not to a reader.

`max-width`, `Georgia` and `<mark>` are names of people too. A word of the languages of pages (``code.txt``) is no leak
where it stands as code: in a style sheet, a script, the name of a tag or an attribute, the value of an attribute that
nobody reads. Any other word is a leak there as well, and these are leaks in whatever is read.
"""

import re
from bisect import bisect_right
from functools import cached_property
from typing import Final

from stages.privacy.vocabulary import listed

_ELEMENTS: Final = re.compile(
    r"<style\b[^>]*>(?P<style>.*?)(?:</style\s*>|\Z)"
    r"|<script\b(?![^>]*json)[^>]*>(?P<script>.*?)(?:</script\s*>|\Z)"
    r"|</?(?P<tag>[a-zA-Z][\w:.-]*(?:\s+[^<>\s=\"'/]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+))?|\s|/)*)>"
    r"|<[!?](?P<declaration>[a-zA-Z][^<>]*)>",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE: Final = re.compile(r"([^<>\s=\"'/]+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s<>\"']+)")
_UNREAD: Final = re.compile(
    "class|style|rel|type|role|lang|hreflang|media|sizes|width|height|viewbox|d|fill|stroke|points|transform|xmlns"
    "|charset|http-equiv|loading|decoding|for|method|enctype|autocomplete|property|itemprop|dir|color-scheme"
    "|preserveaspectratio|font-family|referrerpolicy|crossorigin|integrity|fetchpriority|text-anchor"
)
"""Attributes whose values are words of the language, never words of a person."""
_PAGES: Final = frozenset((".html", ".htm", ".xhtml", ".xml", ".svg", ".atom", ".rss"))
_SCRIPTS: Final = frozenset((".js", ".mjs", ".json", ".jsonl", ".map", ".webmanifest"))
_CODE: Final = frozenset((".css", ".js", ".mjs"))


def signs_of(suffix: str) -> str:
    """The first characters of the escapes that a kind of file is written with."""
    return "&" if suffix in _PAGES else "\\" if suffix in _SCRIPTS else ""


class Markup:
    """The code in a passage of a file. Found out when first asked; cost: one pass over the passage."""

    def __init__(self, text: str, suffix: str) -> None:
        self._text = text
        self._suffix = suffix

    def is_code(self, start: int, end: int, word: str) -> bool:
        """Whether the folded ``word`` at ``text[start:end]`` is one of a page's languages and stands as such."""
        if word not in listed("code"):
            return False
        if self._suffix in _CODE:
            return True
        spans = self._spans
        index = bisect_right(spans, (start, len(self._text) + 1)) - 1
        return index >= 0 and spans[index][0] <= start and end <= spans[index][1]

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        if self._suffix not in _PAGES:
            return []
        spans: list[tuple[int, int]] = []
        for match in _ELEMENTS.finditer(self._text):
            group = match.lastgroup
            if group == "tag":
                spans += self._tag(*match.span("tag"))
            elif group is not None:
                spans.append(match.span(group))
        return sorted(spans)

    def _tag(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of a tag that are code: all of it but the values of attributes that people or machines read."""
        spans = []
        past = start
        for match in _ATTRIBUTE.finditer(self._text, start, end):
            if not _UNREAD.fullmatch(match.group(1).lower()):
                spans.append((past, match.start(2)))
                past = match.end(2)
        spans.append((past, end))
        return spans
