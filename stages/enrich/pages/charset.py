"""Bytes to text, whatever the labels say: labels are often missing and sometimes wrong, bytes are what was sent.

A byte order mark decides, then UTF-8 wherever the bytes are that (other encodings are not by chance), then the labels
in turn where the bytes bear them out, then a guess from the parts that are not ASCII. Encodings that can hide markup in
plain ASCII (UTF-7, HZ, the ISO 2022 of Korean and Chinese) are never used, as in browsers.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from stages.enrich.pages.alphabets import likeliest, mixes_scripts

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LABELS_WITHIN: Final = 4_096
"""Bytes within which a page's own label is looked for; the standard has 1,024 and pages do not keep to it."""
_META: Final = re.compile(rb"<meta\b[^<>]{0,300}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_.:-]{1,40})", re.I)
_XML: Final = re.compile(rb"^\s*<\?xml\b[^<>]{0,200}?encoding\s*=\s*[\"']([a-zA-Z0-9_.:-]{1,40})", re.I)

_LANGUAGE: Final = re.compile(
    rb"(?:<html\b[^<>]{0,300}?\slang|\bog:locale[\"']?\s+content)\s*=\s*[\"']?([a-z]{2})(?![a-z])", re.I
)

# what browsers mean by a label: the superset that is really used
_BY_LABEL: Final = {
    "ascii": "cp1252", "usascii": "cp1252", "iso88591": "cp1252", "latin1": "cp1252", "iso88599": "cp1254",
    "latin5": "cp1254", "iso885911": "cp874", "tis620": "cp874", "gb2312": "gb18030", "gbk": "gb18030",
    "xgbk": "gb18030", "cp936": "gb18030", "gb18030": "gb18030", "big5": "big5hkscs", "big5hkscs": "big5hkscs",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "windows31j": "cp932", "mskanji": "cp932",
    "cp932": "cp932", "eucjp": "euc_jp", "xeucjp": "euc_jp", "iso2022jp": "iso2022_jp", "euckr": "cp949",
    "ksc56011987": "cp949", "ksc5601": "cp949", "cp949": "cp949", "uhc": "cp949", "koi8r": "koi8_r", "koi8u": "koi8_u",
    "koi8": "koi8_r", "xmaccyrillic": "mac_cyrillic", "macintosh": "mac_roman", "ibm866": "cp866", "cp866": "cp866",
    "utf8": "utf-8", "utf16": "utf-16-le", "utf16le": "utf-16-le", "utf16be": "utf-16-be",
    **{f"windows{page}": f"cp{page}" for page in (874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)},
    **{f"cp{page}": f"cp{page}" for page in (874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)},
    **{f"iso8859{part}": f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
}  # fmt: skip
_WESTERN: Final = frozenset(("cp1252", "cp1254", "iso8859_15", "cp1250", "iso8859_2", "cp1257", "cp1258", "mac_roman"))
_DOUBLE: Final = frozenset(("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949"))
_BY_LANGUAGE: Final = {
    "zh": ("gb18030", "big5"), "ja": ("cp932", "euc_jp"), "ko": ("cp949",), "th": ("cp874",),
}  # fmt: skip
"""What a language is written in whose letters are too many to be counted."""
_GUESSED: Final = (
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp874", "cp1257",
    "gb18030", "big5", "cp932", "euc_jp", "euc_kr", "cp949",
)  # fmt: skip

_HIGH: Final = re.compile(rb"[^<>]{0,200}[\x80-\xff][^<>]{0,200}")
_SAMPLE: Final = 6_000
"""Bytes from which an encoding is guessed."""
_FOREIGN: Final = 0.3
"""Share of letters beyond ASCII above which no western alphabet is being written."""


def decode(body: bytes, label: str | None) -> str:
    """The text of a page or file. ``label`` is the charset of the HTTP header, if it had one.

    Never fails: what stays undecodable is U+FFFD. Linear; a guess adds some tens of milliseconds.
    """
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    stated = list(dict.fromkeys(_stated(body, label)))
    if stated and stated[0].startswith("utf-16") and body[:400].count(0) > len(body[:400]) // 8:
        return body.decode(stated[0], "replace")
    if "iso2022_jp" in stated and b"\x1b" in body:
        return body.decode("iso2022_jp", "replace")
    text, errors, others = _tried(body, "utf-8")
    if errors == 0:
        return text
    for codec in stated:
        if codec.startswith(("utf-", "iso2022")):
            continue
        stated_text, wrong, right = _tried(body, codec)
        if (codec in _DOUBLE and 50 * wrong <= right) or (codec not in _DOUBLE and _bears_out(body, codec)):
            return stated_text
    if 4 * errors <= others:  # a comment or a name of another encoding within a page of UTF-8
        return text
    guess = _guess(body)
    return body.decode(guess, "replace")


def _stated(body: bytes, label: str | None) -> Iterator[str]:
    begin = body[:_LABELS_WITHIN]
    within = _META.search(begin) or _XML.match(begin)
    for name in (label, within[1].decode("ascii") if within else None):
        codec = _BY_LABEL.get(re.sub(r"[^a-z0-9]", "", name.lower())) if name else None
        if codec:
            yield codec


def _tried(body: bytes, codec: str) -> tuple[str, int, int]:
    """The text, how often it could not be decoded, and how many characters beyond ASCII it has otherwise.

    A character cut off by the end of the body is no error, unless it is all that is not ASCII.
    """
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        text = decoder.decode(body)
        return text, int(text.isascii() and not body.isascii()), 1
    except UnicodeDecodeError:
        text = body.decode(codec, "replace")
        errors = text.count("\ufffd")
        beyond = len(text) - len(text.encode("ascii", "ignore"))
        return text, errors, beyond - errors


def _bears_out(body: bytes, codec: str) -> bool:
    """Whether the bytes can be what a single-byte encoding says: some decode anything, so letters are counted."""
    sample = _sample(body)
    text = sample.decode(codec, "replace")
    if text.count("\ufffd") > len(text) // 50:
        return False
    if codec not in _WESTERN:
        return not mixes_scripts(text)
    letters = sum(char.isalpha() for char in text)
    beyond = sum(not char.isascii() for char in text)
    return beyond <= _FOREIGN * max(letters, 1)


def _guess(body: bytes) -> str:
    sample = _sample(body)
    language = _language(body)
    if known := likeliest(sample, language):
        return known
    if sum(byte > 0x7F for byte in sample) < _FOREIGN / 2 * len(sample):
        return "cp1252"
    # Japanese of this encoding is told from others by its syllables, which a guess by statistics mistakes
    japanese = sample.decode("euc_jp", "replace")
    if 4 * sum("\u3040" <= char <= "\u30ff" for char in japanese) > len(japanese) > 50 * japanese.count("\ufffd"):
        return "euc_jp"
    from charset_normalizer import from_bytes

    tried = _BY_LANGUAGE.get(language or "", ())
    for codecs_tried in (tried, _GUESSED) if tried else (_GUESSED,):
        best = from_bytes(sample, cp_isolation=list(codecs_tried), enable_fallback=False).best()
        if best is not None:
            return best.encoding
    return "cp1252"


def _language(body: bytes) -> str | None:
    """The code of the language that the page states."""
    stated = _LANGUAGE.search(body[:_LABELS_WITHIN])
    return stated[1].decode("ascii").lower() if stated else None


def _sample(body: bytes) -> bytes:
    """What stands between tags and is not all ASCII, up to 6,000 bytes."""
    pieces, size = [], 0
    for match in _HIGH.finditer(body):
        pieces.append(match[0])
        size += len(match[0])
        if size >= _SAMPLE:
            break
    return b"\n".join(pieces)
