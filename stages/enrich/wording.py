"""Words of strangers (a document's title, a model's answer) as one line of plain text."""

import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""They join letters of Persian and parts of emoji; other invisible characters only hide or turn what is there."""


def one_line(text: str, limit: int) -> str:
    """NFC, blanks united, no control or invisible characters, at most ``limit`` characters, cut between words.

    Linear in at most four times the limit.
    """
    kept = [char for char in text[: 4 * limit] if _stays(char)]
    words = unicodedata.normalize("NFC", " ".join("".join(kept).split()))
    if len(words) <= limit:
        return words
    whole, blank, _ = words[:limit].rpartition(" ")
    return (whole if blank else words[: limit - 1]) + "…"


def _stays(char: str) -> bool:
    # Cf, Cs, Co, Cn and Cc; what is a blank stays, for it parts words
    return char in _JOINERS or char.isspace() or not unicodedata.category(char).startswith("C")
