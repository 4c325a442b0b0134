"""Values out of JSON whose shape nobody promises: of the type that is wanted, or empty."""

import re
from typing import Any, Final, TypeAlias

Entry: TypeAlias = dict[str, Any]

_STAMP: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_END_OF_TIME: Final = 253_402_300_800
_MARKS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
_LONGEST_NAME: Final = 200


def string(value: object) -> str:
    """The value if it is a string, else the empty one."""
    return value if isinstance(value, str) else ""


def entry(value: object) -> Entry:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[Entry]:
    """The objects in the value if it is a list, else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """The strings in the value if it is a list, else none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number(value: object) -> int:
    """The value if it is a number (a string of digits counts), else 0."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if abs(value) < 1e18 else 0
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18 else 0


def microseconds(stamp: object) -> int | None:
    """Microseconds since 1970 of a ``ts``, exact to its six decimals; None for what is none."""
    if type(stamp) is str and len(stamp) == 17 and stamp[10] == ".":
        digits = stamp[:10] + stamp[11:]
        if digits.isdecimal() and digits.isascii():
            return int(digits)
    if isinstance(stamp, bool) or not isinstance(stamp, str | int | float):
        return None
    text = str(stamp).strip()
    if not _STAMP.fullmatch(text):
        return None
    seconds, _, part = text.partition(".")
    whole = int(seconds)
    return whole * 1_000_000 + int(part[:6].ljust(6, "0")) if whole < _END_OF_TIME else None


def plain(text: str) -> str:
    """A text with one kind of line end and without direction marks and isolates."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else _MARKS.sub("", text)


def unescaped(text: str) -> str:
    """The three escapes of Slack undone, exactly once."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escaped(text: str) -> str:
    """A text as Slack escapes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def name_of(value: object) -> str:
    """A name as it is shown: in one line, without marks, at most 200 characters; empty for none."""
    if not value or not isinstance(value, str):
        return ""
    return " ".join(plain(unescaped(value)).split())[:_LONGEST_NAME].strip()
