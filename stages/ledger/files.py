"""The files of a ledger: which there are and in what order, what stands in them, and what a crash tore."""

import os
import re
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

_TAIL_BYTES: Final = 1 << 20


def read_ledger(
    path: Path, *, kind: str | None = None, tail: int | None = None, say: Callable[[str], None] | None = None
) -> Iterator[dict[str, Any]]:
    """The entries in order, full files first, of one ``kind`` only, the last ``tail`` only. No file, no entries.

    What is read is what stood there at the start, also where the file is rotated meanwhile. A line that is no JSON
    object (a crash tore it, or it is being written) is passed over; ``say`` is called at the end with a sentence where
    there were any. Linear, with a line in memory; with ``tail`` the newest files alone are read, and that many entries
    are held. Raises :class:`ValueError` for a negative ``tail``, :class:`OSError` where a file cannot be read.
    """
    if tail is not None and tail < 0:
        raise ValueError("tail must be 0 or more")
    return _read(path, kind, tail, say)


def full_files(path: Path) -> list[tuple[int, Path]]:
    """(number, path) of the files that were rotated away, from the oldest on. Older ones may have been removed."""
    pattern = re.compile(re.escape(path.stem) + r"-([0-9]{4,})" + re.escape(path.suffix))
    try:
        found = [(pattern.fullmatch(name), name) for name in os.listdir(path.parent)]
    except FileNotFoundError:
        return []
    return sorted((int(match[1]), path.with_name(name)) for match, name in found if match)


def full_file(path: Path, number: int) -> Path:
    """Where the file goes that is the ``number``-th to be full."""
    return path.with_name(f"{path.stem}-{number:04d}{path.suffix}")


def append(file: int, data: bytes) -> None:
    """Write all of it and wait for the disk. Raises :class:`OSError` with a part perhaps written."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def set_torn_aside(path: Path) -> None:
    """Move what follows the last whole entry to ``<stem>.torn``, first written there, then cut off here."""
    if not path.exists():
        return
    file = os.open(path, os.O_RDWR)
    try:
        start = max(0, os.fstat(file).st_size - _TAIL_BYTES)
        tail = os.pread(file, _TAIL_BYTES, start)
        whole = len(tail)
        while whole:
            line = tail.rfind(b"\n", 0, whole - 1) + 1
            if _parsed(tail[line:whole]) is not None or (line == 0 and start > 0):
                break
            whole = line
        if whole == len(tail):
            return
        torn = os.open(path.with_suffix(".torn"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            append(torn, tail[whole:] + (b"" if tail.endswith(b"\n") else b"\n"))
        finally:
            os.close(torn)
        os.ftruncate(file, start + whole)
        os.fsync(file)
    finally:
        os.close(file)


class _Torn:
    """Counts lines that are no entries."""

    def __init__(self) -> None:
        self.lines = 0

    def entries(self, file: BinaryIO, kind: str | None) -> Iterator[dict[str, Any]]:
        for line in file:
            entry = _parsed(line)
            if entry is None:
                self.lines += 1
            elif kind is None or entry.get("kind") == kind:
                yield entry


def _read(
    path: Path, kind: str | None, tail: int | None, say: Callable[[str], None] | None
) -> Iterator[dict[str, Any]]:
    torn = _Torn()
    with ExitStack() as stack:
        # the newest file is opened before the others are listed: one that is rotated in between is met twice, never
        # missed, and what was begun after it is left to the next reading
        newest = _opened(path)
        if newest is not None:
            stack.enter_context(newest)
        full = [file for _, file in full_files(path)]
        if newest is not None:
            held = os.fstat(newest.fileno())
            full = full[: next((n for n, file in enumerate(full) if _is(file, held)), len(full))]
        if tail is None:
            for older in full:
                yield from _entries(_opened(older), kind, torn)
            if newest is not None:
                yield from torn.entries(newest, kind)
        else:
            yield from _last(newest, full, kind, tail, torn)
    if torn.lines and say is not None:
        lines = "1 line is" if torn.lines == 1 else f"{torn.lines:,} lines are"
        say(f"{lines} no whole entry of the ledger and left out: torn by a crash, or still being written.")


def _last(
    newest: BinaryIO | None, full: list[Path], kind: str | None, wanted: int, torn: _Torn
) -> Iterator[dict[str, Any]]:
    """The last ``wanted`` entries: from the newest file back, as far as it takes."""
    wanted = min(wanted, sys.maxsize)
    found: list[deque[dict[str, Any]]] = []
    if newest is not None and wanted:
        found.append(deque(torn.entries(newest, kind), maxlen=wanted))
        wanted -= len(found[-1])
    while full and wanted:
        found.append(deque(_entries(_opened(full.pop()), kind, torn), maxlen=wanted))
        wanted -= len(found[-1])
    for entries in reversed(found):
        yield from entries


def _entries(file: BinaryIO | None, kind: str | None, torn: _Torn) -> Iterator[dict[str, Any]]:
    if file is not None:
        with file:
            yield from torn.entries(file, kind)


def _opened(path: Path) -> BinaryIO | None:
    try:
        # what is no regular file would block, or be no ledger
        return path.open("rb") if stat.S_ISREG(path.stat().st_mode) else None
    except FileNotFoundError:
        return None


def _is(path: Path, held: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), held)
    except FileNotFoundError:
        return False


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
