"""Names of files, made comparable: what chats write, and what phones and archivers made of it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_MARKS: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACES: Final = re.compile(r"[\s\x00-\x1f]+")
# what some file system forbids, and what is put there instead
_FORBIDDEN: Final = re.compile(r'[\\/:*?"<>|]')
_PLACEHOLDERS: Final = "_?#\ufffd"
# how ZIPs' names are taken where they do not say that they are UTF-8, and how they were meant
_TAKEN_FOR: Final = ("cp437", "cp1252", "latin-1", "cp850", "mac_roman")
_MEANT: Final = (
    "cp1252", "cp850", "mac_roman", "cp1251", "cp866", "cp1250", "cp852", "cp1253", "cp1254", "cp1255", "cp1256",
    "cp932", "gb18030", "big5", "euc_kr",
)  # fmt: skip


def fold(name: str) -> str:
    """A file name for comparison: composed, without marks."""
    return unicodedata.normalize("NFC", _MARKS.sub("", name))


def loose(name: str) -> str:
    """The same for names that went through other file systems: without case, one kind of space, nothing forbidden."""
    plain = _SPACES.sub(" ", unicodedata.normalize("NFKC", fold(name)))
    return unicodedata.normalize("NFC", _FORBIDDEN.sub("_", plain).casefold()).strip(" .")


def readings(name: str) -> Iterator[str]:
    """What a name may have been before its bytes were taken for those of another encoding. Nothing for ASCII."""
    if name.isascii():
        return
    for taken_for in _TAKEN_FOR:
        try:
            raw = name.encode(taken_for)
        except UnicodeEncodeError:
            continue
        for meant in ("utf-8", *_MEANT) if taken_for == "cp437" else ("utf-8",):
            try:
                yield raw.decode(meant)
            except UnicodeDecodeError:
                continue


def skeleton(name: str) -> str:
    """What is left of a name where letters were replaced by placeholders."""
    return "".join(sign for sign in name if sign.isascii() and sign not in _PLACEHOLDERS)


def is_skeleton_of(garbled: str, name: str) -> bool:
    """Whether ``garbled`` may be ``name`` with a placeholder for each letter, unit or byte that is not ASCII."""
    held = [sign for sign in garbled if not sign.isascii() or sign in _PLACEHOLDERS]
    if not held or not set(held) <= set(_PLACEHOLDERS) or skeleton(garbled) != skeleton(name):
        return False
    forms = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    lost = ["".join(sign for sign in form if not sign.isascii() or sign in _PLACEHOLDERS) for form in forms]
    counts = {len(part.encode(code)) // width for part in lost for code, width in (("utf-32-le", 4), ("utf-16-le", 2))}
    return len(held) in counts | {len(part.encode()) for part in lost}


def split_extension(name: str) -> tuple[str, str]:
    """Stem and extension without its dot; no extension where what follows the last dot does not look like one."""
    stem, dot, extension = name.rpartition(".")
    if dot and stem and len(extension) <= 10 and extension.isalnum():
        return stem, extension
    return name, ""
