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
_LOST: Final = re.compile("[^\x00-\x7f]|[_?#]")
_UNITS: Final = (("utf-32-le", 4), ("utf-16-le", 2), ("utf-8", 1))
# how ZIPs' names are taken where they do not say that they are UTF-8, and how they were meant
_TAKEN_FOR: Final = ("cp437", "cp1252", "latin-1", "cp850", "mac_roman")
_MEANT: Final = (
    "cp1252", "cp850", "mac_roman", "cp1251", "cp866", "cp1250", "cp852", "cp1253", "cp1254", "cp1255", "cp1256",
    "cp932", "gb18030", "big5", "euc_kr",
)  # fmt: skip


def fold(name: str) -> str:
    """A file name for comparison: composed, without marks."""
    return name if name.isascii() else unicodedata.normalize("NFC", _MARKS.sub("", name))


def loose(name: str) -> str:
    """The same for names that went through other file systems: without case, one kind of space, nothing forbidden."""
    plain = name if name.isascii() else unicodedata.normalize("NFKC", fold(name))
    plain = _FORBIDDEN.sub("_", _SPACES.sub(" ", plain)).casefold().strip(" .")
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


def readings(name: str) -> Iterator[str]:
    """What a name may have been before its bytes were taken for those of another encoding. Nothing for ASCII."""
    if name.isascii():
        return
    for taken_for in _TAKEN_FOR:
        try:
            raw = name.encode(taken_for)
        except UnicodeEncodeError:
            continue
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return  # no other encoding makes UTF-8 by chance
        if taken_for == "cp437":
            yield from _decoded(raw)


def _decoded(raw: bytes) -> Iterator[str]:
    for meant in _MEANT:
        try:
            yield raw.decode(meant)
        except UnicodeDecodeError:
            continue


def skeleton(name: str) -> str:
    """What is left of a name where letters were replaced by placeholders."""
    return _LOST.sub("", name)


def is_skeleton_of(garbled: str, name: str) -> bool:
    """Whether ``garbled`` may be ``name`` with a placeholder for each letter, unit or byte that is not ASCII."""
    held = _LOST.findall(garbled)
    if not held or not set(held) <= set(_PLACEHOLDERS) or skeleton(garbled) != skeleton(name):
        return False
    lost = ["".join(_LOST.findall(unicodedata.normalize(form, name))) for form in ("NFC", "NFD")]
    return len(held) in {len(part.encode(code)) // width for part in lost for code, width in _UNITS}


def split_extension(name: str) -> tuple[str, str]:
    """Stem and extension without its dot; no extension where what follows the last dot does not look like one."""
    stem, dot, extension = name.rpartition(".")
    if dot and stem and len(extension) <= 10 and extension.isalnum():
        return stem, extension
    return name, ""
