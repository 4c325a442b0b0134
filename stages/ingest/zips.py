"""Safe reading of ZIPs: nothing is ever extracted by its name, and bytes are counted while they are read.

A member is known by its position in the central directory, so that repeated and hostile names change nothing. Names
are labels only. What is encrypted, truncated, damaged or expands beyond the limits is refused in a sentence.
"""

import io
import os
import unicodedata
import weakref
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits
from stages.ingest.zipped.ahead import BLOCK, ReadAhead
from stages.ingest.zipped.directory import Directory, Entry
from stages.ingest.zipped.stream import EntryStream

_NO_RATIO_BELOW: Final = 1 << 20


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


class ZipReader:
    """A ZIP whose directory is read once and whose members are opened any number of times, also by several threads.

    No file stays open but those of the streams that are in use; :meth:`close` closes them. Raises :class:`BadInput`
    for what is damaged, has too many entries, or states sizes beyond the limit.
    """

    def __init__(self, path: Path, limits: ZipLimits | None = None) -> None:
        self.path = path
        self.limits = limits or ZipLimits()
        self._directory = Directory(path, self.limits)
        self._streams: weakref.WeakSet[BinaryIO] = weakref.WeakSet()

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The files in the order of the directory, without folders, links and ``__MACOSX``."""
        members = tuple(_member(entry) for at in range(len(self._directory)) if (entry := self._directory[at]).is_file)
        total = sum(member.size for member in members)
        if total > self.limits.max_bytes:
            raise BadInput(
                f"The ZIP would expand to {total >> 20} MB and the limit is {self.limits.max_bytes >> 20} MB "
                "(ingest.zip_max_mb)."
            )
        return members

    def open(self, position: int, *, limit: int | None = None, read_ahead: bool = False) -> BinaryIO:
        """A stream of one member by its position in the directory; close it.

        ``read_ahead`` unpacks in a thread of its own, for large members. Raises :class:`BadInput` at once or while
        reading: no such member, encrypted, damaged, an expansion beyond the ratio, or more than ``limit`` bytes.
        """
        entry = self._directory[position]
        self._refuse(entry, self.limits.max_bytes if limit is None else limit)
        source = self._source()
        try:
            raw = EntryStream(source, entry)
        except BaseException:
            source.close()
            raise
        stream = cast(BinaryIO, io.BufferedReader(ReadAhead(raw) if read_ahead else raw, BLOCK))
        self._streams.add(stream)
        return stream

    def close(self) -> None:
        for stream in list(self._streams):
            stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refuse(self, entry: Entry, limit: int) -> None:
        if not entry.is_file:
            raise BadInput(f"Entry {entry.position} of the ZIP is not a file.")
        if entry.encrypted:
            raise BadInput("The ZIP is encrypted; export the chat again without a password, or unpack it first.")
        if entry.size > limit:
            raise BadInput(
                f"Entry {entry.position} of the ZIP is {entry.size} bytes long and the limit is {limit} bytes."
            )
        if entry.size > _NO_RATIO_BELOW and entry.size > self.limits.max_ratio * max(entry.packed, 1):
            raise BadInput(
                f"Entry {entry.position} of the ZIP expands more than {self.limits.max_ratio} times "
                "(ingest.zip_max_ratio): it looks like a ZIP bomb and was not read."
            )

    def _source(self) -> BinaryIO:
        try:
            source = cast(BinaryIO, self.path.open("rb", buffering=0))
        except OSError as error:
            raise BadInput(f"The ZIP {self.path} cannot be read: {error.strerror}.") from None
        if os.fstat(source.fileno()).st_size != self._directory.file_size:
            source.close()
            raise BadInput(f"The ZIP {self.path} was changed while it was being read; try again.")
        return source


def list_members(path: Path, limits: ZipLimits | None = None) -> list[Member]:
    """The files of a ZIP, see :attr:`ZipReader.members`."""
    return list(ZipReader(path, limits).members)


def open_member(path: Path, member: int, *, limit: int, limits: ZipLimits | None = None) -> BinaryIO:
    """A stream of one member of a ZIP, see :meth:`ZipReader.open`. Reads the directory each time."""
    return ZipReader(path, limits).open(member, limit=limit)


def open_known_member(path: Path, member: int, *, limit: int) -> BinaryIO:
    """As :func:`open_member`, for many members of few ZIPs that do not change: their directories are kept.

    Cost: one look at the file, then that of the member alone.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"The ZIP {path} cannot be read: {error.strerror}.") from None
    reader = _known_reader(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return reader.open(member, limit=limit)


@lru_cache(maxsize=4)
def _known_reader(path: Path, *_identity: int) -> ZipReader:
    return ZipReader(path)


def _member(entry: Entry) -> Member:
    name = unicodedata.normalize("NFC", entry.label.rpartition("/")[2])
    return Member(entry.position, name, entry.label, entry.size, entry.packed, entry.encrypted)
