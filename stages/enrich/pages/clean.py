"""Text as people may read it: no markup, nothing invisible, one blank between words, no longer than allowed.

Pages escape once, twice or not at all, so entities are resolved until none is left; what looks like a tag then goes, or
keeps its words between ``‹ ›`` where it is spoken of ("the <section> element") rather than used.
"""

import html
import re
import unicodedata
from typing import Final

from stages.enrich.wording import visible

_READ: Final = 6
"""Times the length allowed that is looked at: markup and blanks take room that is not counted."""
_ROUNDS: Final = 4

_AMPERSANDS: Final = re.compile(r"&(?:(?:amp|#0{0,9}38|#x0{0,9}26);)+", re.I)
_HIDDEN_OPENING: Final = re.compile(r"<(script|style|noscript|template|iframe|textarea|xmp|svg|math)\b", re.I)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,60})([^<>]{0,4000})>")
_COMMENT: Final = re.compile(r"<!--[^<>]{0,4000}-->|<[!?][^<>]{0,4000}>")
_LEFT: Final = re.compile(r"<(?=[a-zA-Z/!?])")
_ALWAYS_TAGS: Final = re.compile(
    "a|abbr|b|big|br|center|em|font|hr|i|img|li|ol|p|q|s|small|span|strike|strong|su[bp]|t[dhr]|ul?|wbr"
)


def clean_line(text: str | None, limit: int) -> str | None:
    """``text`` as one line of at most ``limit`` characters, cut between words with an ellipsis; None for nothing."""
    if not text:
        return None
    words = " ".join(_plain(text[: _READ * limit]).split())
    return cut(words, limit) or None


def clean_text(text: str | None, limit: int) -> str | None:
    """``text`` with a line a paragraph, at most ``limit`` characters; None for nothing."""
    if not text:
        return None
    lines = (" ".join(line.split()) for line in _plain(text[: _READ * limit]).splitlines())
    return cut("\n".join(line for line in lines if line), limit) or None


def cut(text: str, limit: int) -> str:
    """``text``, or its beginning up to the end of a word (else of a character as readers see it) and an ellipsis."""
    if len(text) <= limit:
        return text
    end = limit - 1
    blank = max(text.rfind(" ", 0, end + 1), text.rfind("\n", 0, end + 1))
    if blank > limit // 2:
        end = blank
    else:
        # marks and what is joined belong to the character before
        while end > limit // 2 and (unicodedata.category(text[end])[0] == "M" or "\u200d" in text[end - 1 : end + 1]):
            end -= 1
    return text[:end].rstrip(" \n,;:-–—(").rstrip() + "…"


def _plain(text: str) -> str:
    return visible(without_markup(visible(text)))


def without_markup(text: str) -> str:
    """``text`` with entities resolved and without tags: nothing that begins one is left. Linear."""
    if "&" in text:
        for _ in range(_ROUNDS):
            resolved = html.unescape(_AMPERSANDS.sub("&", text))
            if resolved == text:
                break
            text = resolved
        else:
            text = text.replace("&", " ")
    if "<" not in text:
        return text
    text = _COMMENT.sub(" ", _without_hidden(text))
    closed = {match[2].lower() for match in _TAG.finditer(text) if match[1]}

    def told(match: re.Match[str]) -> str:
        name, rest = match[2].lower(), match[3].strip()
        if match[1] or rest or name in closed or _ALWAYS_TAGS.fullmatch(name):
            return " " if name in ("br", "p", "li", "td", "div", "hr", "tr") else ""
        return f"‹{match[2]}›"

    # what was apart may be a tag, or the name of a sign, once another has gone from between
    text = _LEFT.sub("‹", _TAG.sub(told, text))
    return text.replace("&", " ") if "&" in text and _LEFT.search(html.unescape(text)) else text


def _without_hidden(text: str) -> str:
    """Without elements whose content nobody reads; one that is never closed is left to be told apart later."""
    kept, at = [], 0
    while opening := _HIDDEN_OPENING.search(text, at):
        closing = re.compile(rf"</{opening[1]}\b[^<>]{{0,100}}>?", re.I).search(text, opening.end())
        if closing is None:
            break
        kept.append(text[at : opening.start()])
        at = closing.end()
    return " ".join([*kept, text[at:]])
