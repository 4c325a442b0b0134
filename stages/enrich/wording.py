"""Words of strangers (a page's, a document's title, a model's answer) as plain text in which nothing hides."""

import re
import unicodedata
from typing import Final

# controls but tab and line ends, soft hyphen, combining joiner, fillers that look like nothing, marks of direction,
# zero width (but the two joiners, which Persian, Indic scripts and emoji need), tags and selectors in which whole
# sentences can be hidden, what is no character; not what has no character yet: emoji are newer than Python's tables
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\uffff\ufdd0-\ufdef\ud800-\udfff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
    "\ue000-\uf8ff"
    + "".join(f"{chr((plane << 16) + 0xFFFE)}{chr((plane << 16) + 0xFFFF)}" for plane in range(1, 15))
    + "]"
)
_JOINERS: Final = re.compile("([\u200c\u200d\ufe0e\ufe0f])[\u200c\u200d\ufe0e\ufe0f]*")
_JOINED: Final = re.compile("(?<![^\\s\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\\s\x00-\x7f])")
_MARKS: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED: Final = re.compile(f"({_MARKS}{{4}}){_MARKS}+")


def visible(text: str) -> str:
    """Without what is not to be seen: controls but blanks and line ends, what turns the direction, what hides words.

    Marks that are stacked on a letter end at four. Linear.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _JOINERS.sub(r"\1", _INVISIBLE.sub("", text).replace("\u2800", " "))
    return _STACKED.sub(r"\1", _JOINED.sub("", text))


def one_line(text: str, limit: int) -> str:
    """NFC, blanks united, no control or invisible characters, at most ``limit`` characters, cut between words.

    Linear in at most four times the limit.
    """
    words = unicodedata.normalize("NFC", " ".join(visible(text[: 4 * limit]).split()))
    if len(words) <= limit:
        return words
    whole, blank, _ = words[:limit].rpartition(" ")
    return (whole if blank else words[: limit - 1]) + "…"
