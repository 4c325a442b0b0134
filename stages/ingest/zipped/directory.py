"""What a ZIP's central directory lists: read once, kept as it is, an entry becomes an object when it is asked for."""

import io
import stat
import struct
import zlib
from array import array
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits
from stages.ingest.zipped.end import ENTRY_SIGN, UnreadableZipError, locate

_HEAD: Final = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL_HEAD: Final = 30
_UTF8: Final = 0x800
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_UNIX: Final = (3, 19)
_SATURATED: Final = 0xFFFF_FFFF
_BYTES_AN_ENTRY: Final = 512
"""What an entry may take of the directory on average: a name is 255 bytes at most on any phone or computer."""

_MACHINES_OWN: Final = frozenset(("", ".DS_Store", "Thumbs.db", "desktop.ini"))


class Entry(NamedTuple):
    """An entry as the directory states it. ``offset`` is that of its local header in the file, ``end`` where the next
    thing begins; ``label`` the name as far as it can be told, with ``/`` between folders.
    """

    position: int
    raw_name: bytes
    label: str
    is_file: bool
    encrypted: bool
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    offset: int
    end: int


class Directory:
    """The entries of a ZIP by their position. Some 120 bytes of memory an entry.

    Cost: linear in the directory's length (1 s for 500,000 entries). Raises :class:`BadInput` for what is no ZIP,
    cut off, in several parts, lies about its number of entries, has more than ``limits`` allow, or lets entries
    overlap (so that all of them together never expand to more than the file's bytes allow).
    """

    def __init__(self, path: Path, limits: ZipLimits) -> None:
        self.path = path
        try:
            with path.open("rb") as source:
                self.file_size = source.seek(0, io.SEEK_END)
                self._location = locate(source)
                _refuse_too_many(self._location.entries, limits)
                self._data = self._read(source, limits)
            self._starts = self._walk(limits)
            self._ends = self._bounds()
        except UnreadableZipError as error:
            raise BadInput(f"The ZIP {path} cannot be read: {error}.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "its name cannot be used"
            raise BadInput(f"The ZIP {path} cannot be read: {reason}.") from None

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, position: int) -> Entry:
        if not 0 <= position < len(self):
            raise BadInput(f"The ZIP has no entry {position}; it has {len(self)}.")
        (
            _, _, system, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, _, _, _, attributes, offset
        ) = _HEAD.unpack_from(self._data, self._starts[position])  # fmt: skip
        at = self._starts[position] + _HEAD.size
        raw_name = self._data[at : at + n_name]
        extra = self._data[at + n_name : at + n_name + n_extra]
        size, packed, offset = _widened(extra, size, packed, offset)
        label = _label(raw_name, extra, bool(flags & _UTF8))
        kind = stat.S_IFMT(attributes >> 16) if system in _UNIX else 0
        return Entry(
            position=position,
            raw_name=raw_name,
            label=label,
            is_file=kind in (0, stat.S_IFREG) and _is_content(label),
            encrypted=bool(flags & _ENCRYPTED),
            method=method,
            flags=flags,
            crc=crc,
            packed=packed,
            size=size,
            offset=offset + self._location.prefix,
            end=int(self._ends[position]),
        )

    def _read(self, source: io.BufferedReader, limits: ZipLimits) -> bytes:
        most = max(1 << 20, limits.max_entries * _BYTES_AN_ENTRY)
        if self._location.length > most:
            raise BadInput(
                f"The ZIP's directory is {self._location.length} bytes long, more than {limits.max_entries} entries "
                "need (ingest.zip_max_entries)."
            )
        source.seek(self._location.start)
        data = source.read(self._location.length)
        if len(data) < self._location.length:
            raise UnreadableZipError("it is cut off; export or copy it again")
        return data

    def _walk(self, limits: ZipLimits) -> "array[int]":
        """Where each entry's head begins in the directory."""
        data, starts = self._data, array("Q")
        at = 0
        while at < len(data):
            if len(data) - at < _HEAD.size or data[at : at + 4] != ENTRY_SIGN:
                raise UnreadableZipError(f"its directory is damaged after entry {len(starts)}; export or copy it again")
            starts.append(at)
            _refuse_too_many(len(starts), limits)
            at += _HEAD.size + sum(struct.unpack_from("<3H", data, at + 28))
        if at > len(data):
            raise UnreadableZipError(f"its directory is cut off in entry {len(starts) - 1}; export or copy it again")
        stated, found = self._location.entries, len(starts)
        # sixteen bits are all that older writers have for the number, and it wraps
        if found != stated and (self._location.exact or found & 0xFFFF != stated):
            raise UnreadableZipError(
                f"its directory states {stated} entries and holds {found}; export or copy it again"
            )
        return starts

    def _bounds(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Where the bytes of each entry have to end: at the next entry, or at the directory."""
        n, prefix, data = len(self._starts), self._location.prefix, self._data
        begins, ends = np.empty(n, np.int64), np.empty(n, np.int64)
        for position, start in enumerate(self._starts):
            packed, size, n_name, n_extra = struct.unpack_from("<2L2H", data, start + 20)
            (offset,) = struct.unpack_from("<L", data, start + 42)
            if _SATURATED in (packed, size, offset):
                name_end = start + _HEAD.size + n_name
                size, packed, offset = _widened(data[name_end : name_end + n_extra], size, packed, offset)
            begin = min(offset + prefix, self.file_size + 1)
            begins[position] = begin
            ends[position] = begin + _LOCAL_HEAD + n_name + min(packed, self.file_size)
        order = np.argsort(begins, kind="stable")
        following = np.append(begins[order][1:], self._location.start)
        if n and bool((begins[order] >= self._location.start).any()):
            raise UnreadableZipError("entries of its directory lie outside of it; export or copy it again")
        if n and int(ends[order][-1]) > self._location.start:
            raise UnreadableZipError("part of its data is missing; export or copy it again")
        if bool((ends[order] > following).any()):
            raise UnreadableZipError("entries share the same data, as a ZIP bomb's do")
        bounds = np.empty(n, np.int64)
        bounds[order] = following
        return bounds


def _refuse_too_many(count: int, limits: ZipLimits) -> None:
    if count > limits.max_entries:
        raise BadInput(
            f"The ZIP has {count} entries or more and the limit is {limits.max_entries} (ingest.zip_max_entries)."
        )


def _widened(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset with their 64-bit forms, of which only those stand in the extra field that do not fit."""
    if _SATURATED not in (size, packed, offset):
        return size, packed, offset
    field = _extra_field(extra, 0x0001)
    values = iter(struct.unpack_from(f"<{len(field) // 8}Q", field))
    return tuple(next(values, value) if value == _SATURATED else value for value in (size, packed, offset))  # type: ignore[return-value]


def _extra_field(extra: bytes, wanted: int) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _label(raw: bytes, extra: bytes, says_utf8: bool) -> str:
    """The name as it was meant. Many archivers write UTF-8 without saying so; what is no UTF-8 is read as cp437."""
    unicode_path = _extra_field(extra, 0x7075) if extra else b""
    if len(unicode_path) > 5 and struct.unpack_from("<L", unicode_path, 1)[0] == zlib.crc32(raw):
        raw, says_utf8 = unicode_path[5:], True
    raw = raw.partition(b"\0")[0]
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "replace") if says_utf8 else raw.decode("cp437")
    return name.replace("\\", "/")


def _is_content(label: str) -> bool:
    """Whether a name is that of a file which a person put there. Folders end in a slash."""
    base = label.rpartition("/")[2]
    if base in _MACHINES_OWN or base.startswith("._"):
        return False
    return "__MACOSX" not in label or "__MACOSX" not in label.split("/")[:-1]
