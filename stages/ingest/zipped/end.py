"""Where a ZIP's central directory is: its end record (APPNOTE 4.3.14-4.3.16), found from the end of the file.

The record's sign may stand in the comment or in the data as well, so a record counts only where a directory lies
right before it.
"""

import io
import struct
from typing import BinaryIO, Final, NamedTuple

ENTRY_SIGN: Final = b"PK\x01\x02"
_SIGN: Final = b"PK\x05\x06"
_RECORD: Final = struct.Struct("<4s4H2LH")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_RECORD64: Final = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT: Final = 65_535
_PARTS: Final = "it is one part of a ZIP in several; join the parts into one ZIP first"
_DAMAGED: Final = "it is damaged or cut off; export or copy it again"


class UnreadableZipError(Exception):
    """Why a ZIP cannot be read: the end of a sentence, which names no entry."""


class Location(NamedTuple):
    """``start`` and ``length`` of the directory in bytes; ``entries`` as stated, 16 bits of it unless
    ``exact``; ``prefix`` bytes stand before the archive, and every offset in it counts from there.
    """

    start: int
    length: int
    entries: int
    exact: bool
    prefix: int


def locate(source: BinaryIO) -> Location:
    """The directory of a ZIP. Reads 64 KiB from its end. Raises :class:`UnreadableZipError`."""
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    head = source.read(4)
    base = max(0, size - _LONGEST_COMMENT - _RECORD.size)
    source.seek(base)
    tail = source.read()
    whole: list[Location] = []
    cut: list[Location] = []
    reason = _no_end(head)
    at = tail.rfind(_SIGN)
    while at >= 0:
        if len(tail) - at >= _RECORD.size:
            try:
                found = _resolved(source, base + at, _RECORD.unpack_from(tail, at))
                comment: int = struct.unpack_from("<H", tail, at + 20)[0]
                (whole if at + _RECORD.size + comment == len(tail) else cut).append(found)
            except UnreadableZipError as error:
                reason = str(error)
        at = tail.rfind(_SIGN, 0, at)
    # a comment that was cut off, or bytes after the archive, cost nothing; a comment may hold an empty ZIP's record
    candidates = [found for found in whole if found.entries] or whole or cut[:1]
    if len(candidates) > 1 and any(found.length for found in candidates):
        raise UnreadableZipError("it has two directories, and only one can be right; it was made to deceive")
    if not candidates:
        raise UnreadableZipError(reason)
    return candidates[0]


def _no_end(head: bytes) -> str:
    if head == b"PK\x07\x08":
        return _PARTS
    if head[:2] == b"PK":
        return "its end is missing; it was cut off, so export or copy it again"
    return "it is not a ZIP"


def _resolved(source: BinaryIO, at: int, record: tuple[int, ...]) -> Location:
    _, disk, first_disk, here, count, length, offset, _ = record
    end, exact = at, False
    wide = _wide(source, at)
    if wide is not None:
        end, (_, _, _, _, disk, first_disk, here, count, length, offset) = wide
        exact = True
    if disk or first_disk or here != count:
        raise UnreadableZipError(_PARTS if disk or first_disk else _DAMAGED)
    start = end - length
    prefix = start - offset
    if start < 0 or prefix < 0 or (count and not length):
        raise UnreadableZipError(_DAMAGED)
    source.seek(start)
    if length and source.read(4) != ENTRY_SIGN:
        raise UnreadableZipError(_DAMAGED)
    return Location(start, length, count, exact, prefix)


def _wide(source: BinaryIO, at: int) -> tuple[int, tuple[int, ...]] | None:
    """Position and fields of the 64-bit record, where a locator stands right before the end record."""
    if at < _LOCATOR64.size:
        return None
    source.seek(at - _LOCATOR64.size)
    sign, _, stated, disks = _LOCATOR64.unpack(source.read(_LOCATOR64.size))
    if sign != b"PK\x06\x07":
        return None
    if disks > 1:
        raise UnreadableZipError(_PARTS)
    for position in (at - _LOCATOR64.size - _RECORD64.size, stated):
        if 0 <= position <= at - _RECORD64.size:
            source.seek(position)
            record = _RECORD64.unpack(source.read(_RECORD64.size))
            if record[0] == b"PK\x06\x06":
                return position, record
    raise UnreadableZipError(_DAMAGED)
