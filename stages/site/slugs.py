"""Titles as file names: readable in any script, the same on every system, never twice."""

import re
import unicodedata
from typing import Final

MAX_BYTES: Final = 80
"""A slug's length in UTF-8; with its ending it fits the 255 bytes of any file system."""

# names that a web server or Windows takes for something else
_RESERVED: Final = re.compile(r"index|con|prn|aux|nul|com\d|lpt\d")
_APOSTROPHES: Final = re.compile(r"(?<=\w)['’ʼ`´](?=\w)")
_DASHES: Final = re.compile(r"-+")
_LATIN: Final = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i"}


def slugify(title: str, taken: set[str]) -> str:
    """A file name for a title, without its ending; it is added to ``taken``, and a second one gets ``-2``.

    Lower case, accents of Latin letters dropped, letters of other scripts kept, everything else one dash; ``post``
    where nothing is left. A function of its arguments alone.
    """
    folded = fold(_APOSTROPHES.sub("", title))
    for letter, letters in _LATIN.items():
        folded = folded.replace(letter, letters)
    plain = "".join(char if char.isalnum() or _is_vowel_sign(char) else "-" for char in folded)
    base = _cut(_DASHES.sub("-", plain).strip("-"), MAX_BYTES) or "post"
    if _RESERVED.fullmatch(base):
        base += "-1"
    slug, count = base, 1
    while slug in taken:
        count += 1
        slug = f"{base}-{count}"
    taken.add(slug)
    return slug


def fold(text: str) -> str:
    """Lower case, compatibility forms united, accents dropped where the letter under them is Latin or Greek."""
    decomposed = unicodedata.normalize("NFKD", text).lower()
    kept: list[str] = []
    base = ""
    for char in decomposed:
        if not unicodedata.combining(char):
            base = char
            kept.append(char)
        elif base > "\u04ff":  # a mark of a script in which it is part of the word
            kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def _is_vowel_sign(char: str) -> bool:
    """Whether a mark spells a word, as in Indic scripts; those that only choose a picture's colour do not."""
    return unicodedata.category(char) in ("Mn", "Mc") and not 0xFE00 <= ord(char) <= 0xFE0F and ord(char) < 0xE0000


def _cut(slug: str, limit: int) -> str:
    """At most ``limit`` bytes, at a dash where one is near the end."""
    if len(slug.encode()) <= limit:
        return slug
    cut = slug.encode()[:limit].decode(errors="ignore")
    head, dash, _ = cut.rpartition("-")
    return (head if dash and len(head.encode()) > limit // 2 else cut).strip("-")
