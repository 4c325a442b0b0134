"""JSON as Telegram Desktop really writes it: mostly valid, and mended where its versions are known to go wrong.

Control characters come as ``\\x1f``, which is no escape of JSON; some versions (2022) wrote the path of a custom emoji
without quotes. Halves of surrogate pairs and bytes that are no UTF-8 become U+FFFD.
"""

import json
import re
from typing import Any, Final

import orjson

_ESCAPE: Final = re.compile(
    rb"\\(?:[uU][dD][89abAB][0-9a-fA-F]{2}\\[uU][dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|x([0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_BARE_PATH: Final = re.compile(rb'("document_id"\s*:\s*)([^\s"\[{\d][^"\r\n]*?)(?=\s*,?\s*[\r\n])')


def parse(raw: bytes) -> Any:
    """The value that ``raw`` stands for. Raises ``ValueError`` where it is none. Cost: that of orjson when valid."""
    try:
        return orjson.loads(raw)
    except ValueError:
        pass
    mended = mend(raw)
    try:
        return orjson.loads(mended)
    except ValueError:
        pass
    try:
        return json.loads(mended.decode("utf-8", "replace"), strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def mend(raw: bytes) -> bytes:
    """``raw`` with the known faults put right; the same bytes where there are none."""
    if b"\\" in raw:
        raw = _ESCAPE.sub(_escape, raw)
    if b'"document_id"' in raw:
        raw = _BARE_PATH.sub(_quoted, raw)
    return raw


def may_be_mended(raw: bytes) -> bool:
    """Whether a fault that spoils whole exports may be the reason why ``raw`` is not valid."""
    return b"\\x" in raw or _BARE_PATH.search(raw) is not None


def _escape(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return b"\\ufffd"
    if match[2]:
        return b"\\u00" + match[2]
    return match[0]


def _quoted(match: re.Match[bytes]) -> bytes:
    return match[1] + b'"' + match[2].replace(b"\\", b"\\\\") + b'"'
