"""How a line that was not understood is shown: its form, never what it says."""

import re
import unicodedata
from typing import Final

_MOST: Final = 60
# a telephone number: a plus and digits, or seven digits and more in one piece
_NUMBER: Final = re.compile("\\+[\\d\\s().\u2010-\u2015-]{4,}\\d|\\d{7,}")


def masked(line: str) -> str:
    """A line with its letters as ``x``, digits and punctuation kept, at most 60 characters.

    Telephone numbers have every digit as 0; emoji and other signs are letters here; what cannot be seen (direction
    marks, controls) is left out, and every space is a plain one.
    """
    shown = "".join(_shown(sign) for sign in line[: 4 * _MOST])
    return _NUMBER.sub(lambda match: re.sub(r"\d", "0", match.group()), shown)[:_MOST].rstrip()


def _shown(sign: str) -> str:
    category = unicodedata.category(sign)
    if category in ("Zs", "Zl", "Zp") or sign in "\t\n\r":
        return " "
    if category in ("Cf", "Cc", "Mn"):
        return ""
    if category == "Nd" or category[0] == "P" or sign in "+=<>|~$^`":
        return sign
    return "x"
