"""Names of files, made comparable."""

import re
import unicodedata


def fold(name: str) -> str:
    """A file name for comparison: composed, without marks."""
    return unicodedata.normalize("NFC", re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", name))
