"""What somebody said in a message, without what the app wrote around it.

The table keeps texts as written: the phrase of an attachment (`IMG-1.jpg (file attached)`), the mark of an edited
message. Neither is anybody's words, so neither is quoted.
"""

import re
from collections.abc import Sequence
from typing import Final

_MARKS: Final = "\u200e\u200f\ufeff"
_OMITTED: Final = re.compile(r"\s*<[^<>\n]{3,60}>\s*")
_EDITED: Final = re.compile(r"\s*<[^<>\n]{3,60}>\s*$")


def spoken(text: str, kind: str, media: Sequence[str], edited: bool) -> str:
    """The words of one message, possibly none.

    >>> spoken("IMG-1.jpg (file attached)\\nthe cat", "media", ["IMG-1.jpg"], False)
    'the cat'
    """
    if any(mark in text for mark in _MARKS):
        text = text.translate(dict.fromkeys(map(ord, _MARKS)))
    if edited:
        text = _EDITED.sub("", text)
    if kind in ("deleted", "call", "system"):
        return ""
    if kind != "media" and not media:
        return text.strip()
    for name in media:
        text = _without(text, name)
    if not media:
        # omitted: the app's phrase is the first line, a caption may follow it
        first, _, rest = text.strip().partition("\n")
        text = _OMITTED.sub("", first) if rest == "" and _OMITTED.search(first) else rest
    return text.strip()


def _without(text: str, name: str) -> str:
    """Without an attachment's phrase: `name (words)`, `<words: name>`, `name <words>`, or the bare name."""
    start = text.find(name)
    if start < 0:
        return text
    end = start + len(name)
    before, after = text[:start], text[end:]
    opening = before.rfind("<")
    if opening >= 0 and "\n" not in before[opening:] and ">" not in before[opening:] and after[:1] == ">":
        head = before[:opening]
        pages = re.search(r"[^\n]*•[^\n]*$", head)  # iOS names a document and its pages before the phrase
        return (head[: pages.start()] if pages else head) + after[1:]
    tail = re.match(r"[ \u00a0]*(\([^()\n]{2,60}\)|<[^<>\n]{2,60}>)", after)
    return before + (after[tail.end() :] if tail else after)
