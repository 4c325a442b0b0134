"""Text as people may read it: no markup, nothing invisible, one blank between words, no longer than allowed.

Pages escape once, twice or not at all, so entities are resolved until none is left; what looks like a tag then goes, or
keeps its words between ``‹ ›`` where it is spoken of ("the <section> element") rather than used.
"""

import html
import re
import unicodedata
from typing import Final

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

# controls but tab and line ends, soft hyphen, combining joiner, fillers that look like nothing, marks of direction,
# zero width (but the two joiners, which Persian, Indic scripts and emoji need), tags and selectors in which whole
# sentences can be hidden, what is no character
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\uffff\ufdd0-\ufdef\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff\ue000-\uf8ff]"
)
_JOINERS: Final = re.compile("([\u200c\u200d\ufe0e\ufe0f])[\u200c\u200d\ufe0e\ufe0f]*")
_JOINED: Final = re.compile("(?<![^\\s\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\\s\x00-\x7f])")
_MARKS: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED: Final = re.compile(f"({_MARKS}{{4}}){_MARKS}+")


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
    return _visible(without_markup(_visible(text)))


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    text = _JOINERS.sub(r"\1", _INVISIBLE.sub("", text).replace("\u2800", " "))
    return _STACKED.sub(r"\1", _JOINED.sub("", text))


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
