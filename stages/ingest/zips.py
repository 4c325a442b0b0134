"""Safe reading of ZIPs: nothing is ever extracted by its name, and bytes are counted while they are read.

A member is known by its position in the central directory, so that repeated and hostile names change nothing. Names
are labels only. What is encrypted, truncated, damaged or expands beyond the limits is refused in a sentence.
"""

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits

_END: Final = b"PK\x05\x06"
_END64_LOCATOR: Final = b"PK\x06\x07"
_END64: Final = b"PK\x06\x06"
_NO_RATIO_BELOW: Final = 1 << 20
_UTF8_FLAG: Final = 0x800


@dataclass(frozen=True)
class Member:
    """An entry: its position in the central directory, its label (base name, NFC), its path, and its sizes."""

    position: int
    name: str
    path: str
    size: int
    packed: int
    encrypted: bool

    def ratio(self) -> float:
        return self.size / max(self.packed, 1)


def list_members(path: Path, limits: ZipLimits | None = None) -> list[Member]:
    """The files of a ZIP in the order of its central directory, without folders, links and ``__MACOSX``.

    Cost: the directory alone is read. Raises :class:`BadInput` where it is damaged or has too many entries, or
    where the sizes that it states pass the limit.
    """
    limits = limits or ZipLimits()
    with _opened(path, limits) as archive:
        members = [_member(at, info) for at, info in enumerate(archive.infolist()) if _is_file(info)]
    total = sum(member.size for member in members)
    if total > limits.max_bytes:
        raise BadInput(
            f"The ZIP would expand to {total >> 20} MB and the limit is {limits.max_bytes >> 20} MB "
            "(ingest.zip_max_mb)."
        )
    return members


def open_member(path: Path, member: int, *, limit: int, limits: ZipLimits | None = None) -> BinaryIO:
    """A stream of one member by its position in the central directory; close it.

    Raises :class:`BadInput` at once or while reading: no such member, encrypted, damaged, an expansion beyond the
    ratio, or more than ``limit`` bytes.
    """
    limits = limits or ZipLimits()
    archive = _open(path, limits)
    try:
        infos = archive.infolist()
        if not 0 <= member < len(infos):
            raise BadInput(f"The ZIP has no entry {member}; it has {len(infos)}.")
        info = infos[member]
        if not _is_file(info):
            raise BadInput(f"Entry {member} of the ZIP is not a file.")
        if info.flag_bits & 1:
            raise BadInput("The ZIP is encrypted; export the chat again without a password, or unpack it first.")
        if info.file_size > limit:
            raise BadInput(f"Entry {member} of the ZIP is {info.file_size} bytes long and the limit is {limit}.")
        if info.file_size > _NO_RATIO_BELOW and info.file_size > limits.max_ratio * max(info.compress_size, 1):
            raise BadInput(
                f"Entry {member} of the ZIP expands more than {limits.max_ratio} times (ingest.zip_max_ratio): "
                "it looks like a ZIP bomb and was not read."
            )
        try:
            stream = archive.open(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise _damaged(member, error) from None
        return cast(BinaryIO, io.BufferedReader(_Counted(archive, stream, member, limit), 1 << 20))
    except BaseException:
        archive.close()
        raise


class _Counted(io.RawIOBase):
    """Counts what is really unpacked, and turns every fault of the archive into a sentence."""

    def __init__(self, archive: zipfile.ZipFile, stream: object, member: int, limit: int) -> None:
        self._archive = archive
        self._stream = cast(BinaryIO, stream)
        self._member = member
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, struct.error) as error:
            raise _damaged(self._member, error) from None
        self._left -= len(data)
        if self._left < 0:
            raise BadInput(f"Entry {self._member} of the ZIP holds more than it states; it was not read further.")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._archive.close()
        super().close()


def _damaged(member: int, error: Exception) -> BadInput:
    why = "its checksum is wrong" if "CRC" in str(error) else "it is damaged or cut off"
    return BadInput(f"Entry {member} of the ZIP cannot be read: {why}. Export the chat again.")


@contextmanager
def _opened(path: Path, limits: ZipLimits) -> Iterator[zipfile.ZipFile]:
    archive = _open(path, limits)
    try:
        yield archive
    finally:
        archive.close()


def _open(path: Path, limits: ZipLimits) -> zipfile.ZipFile:
    try:
        with path.open("rb") as source:
            count = _entries(source)
        # a directory of millions of entries is refused before a single object is made of it
        if count > limits.max_entries:
            raise BadInput(
                f"The ZIP has {count} entries and the limit is {limits.max_entries} (ingest.zip_max_entries)."
            )
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, struct.error, OSError, EOFError, ValueError, NotImplementedError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged or cut off"
        raise BadInput(f"The ZIP {path} cannot be read: {reason}. Export the chat again.") from None


def _entries(source: BinaryIO) -> int:
    """How many entries the end record states, without reading the directory."""
    size = source.seek(0, io.SEEK_END)
    tail_size = min(size, 65_535 + 22 + 20)
    source.seek(size - tail_size)
    tail = source.read(tail_size)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise zipfile.BadZipFile("no end record")
    (count,) = struct.unpack_from("<H", tail, at + 10)
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 20 and tail[at - 20 : at - 16] == _END64_LOCATOR:
        (offset,) = struct.unpack_from("<Q", tail, at - 12)
        source.seek(offset)
        record = source.read(56)
        if record[:4] == _END64:
            (count,) = struct.unpack_from("<Q", record, 32)
            (directory,) = struct.unpack_from("<Q", record, 40)
    # the count may lie; an entry of the directory takes 46 bytes at least
    return max(int(count), 0 if directory > size else int(directory) // 4_096)


def _is_file(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    base = info.filename.replace("\\", "/").rsplit("/", 1)[-1]
    return (
        not info.is_dir()
        and kind in (0, stat.S_IFREG)
        and not info.filename.startswith("__MACOSX/")
        and not base.startswith("._")
        and base not in ("", ".DS_Store")
    )


def _member(position: int, info: zipfile.ZipInfo) -> Member:
    path = _decoded(info).replace("\\", "/")
    name = unicodedata.normalize("NFC", path.rsplit("/", 1)[-1])
    return Member(position, name, path, info.file_size, info.compress_size, bool(info.flag_bits & 1))


def _decoded(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: many archivers write UTF-8 without saying so, and it is then read as cp437."""
    if info.flag_bits & _UTF8_FLAG:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
