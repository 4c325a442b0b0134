"""The manifest: every file of an archive as the SHA-256 of its parts. It is the archive; objects are only bytes.

Files are cut into parts of 1 MiB, so that a database of a gigabyte in which little changed is sent in little, and a
part is all that is in memory. What stands in a manifest is judged before a byte is written: it came from outside.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stages.archive.storage.faults import Damaged
from stages.errors import BadInput

PART_BYTES: Final = 1 << 20
MOST_BYTES: Final = 512 << 20
"""Largest manifest that is read; about three million files."""

LEFT_OUT: Final = frozenset({".work", "archive.lock"})
"""The archive's scratch folder and its lock: they belong to a machine."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_VERSION: Final = 1


@dataclass(frozen=True)
class StoredFile:
    """A file's size in bytes and the SHA-256 (hex) of each of its parts, all of ``PART_BYTES`` but the last."""

    size: int
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """Files and links by their path, with slashes, and the folders that hold nothing."""

    files: dict[str, StoredFile] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def parts(self) -> set[str]:
        return {part for file in self.files.values() for part in file.parts}

    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    def only(self, wanted: Callable[[str], bool]) -> "Manifest":
        """The part of it whose paths are wanted."""
        return Manifest(
            {path: file for path, file in self.files.items() if wanted(path)},
            {path: target for path, target in self.links.items() if wanted(path)},
            tuple(path for path in self.folders if wanted(path)),
        )

    def site(self) -> dict[str, StoredFile]:
        """The files of the published site, by their path in it; empty where nothing was published."""
        target = self.links.get("site")
        if target is None:
            return {}
        prefix = f"{target}/"
        return {path[len(prefix) :]: file for path, file in self.files.items() if path.startswith(prefix)}

    def as_bytes(self) -> bytes:
        """The same manifest is the same bytes. Names that are no UTF-8 are kept as surrogates, escaped."""
        told = {
            "version": _VERSION,
            "part_bytes": PART_BYTES,
            "files": {path: [file.size, *file.parts] for path, file in self.files.items()},
            "links": self.links,
            "folders": sorted(self.folders),
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def parse_manifest(data: bytes, url: str) -> Manifest:
    """Judge and take in a manifest. Raises :class:`Damaged` for one that names anything outside its folder, a path
    below a link or a file, or what is no object of ours."""
    try:
        told = json.loads(data)
        if told["version"] != _VERSION or told["part_bytes"] != PART_BYTES:
            raise Damaged(f"The archive {url} is of another version of Streamliner.")
        files = {path: _file(entry) for path, entry in told["files"].items()}
        links, folders = dict(told["links"].items()), tuple(told["folders"])
        paths = [*files, *links, *folders]
        for path in paths:
            _require_inside(path)
        ends = {*files, *links}
        if len(set(paths)) != len(paths) or any(above in ends for path in paths for above in _above(path)):
            raise ValueError("one path is two things")
        for path, target in links.items():
            _require_target(path, target)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Damaged(
            f"The manifest of {url} names what no archive holds, so nothing was taken; the store was tampered with."
        ) from None
    return Manifest(files, links, folders)


def pack(folder: Path) -> Manifest:
    """Read a folder into a manifest; one read of every file. What is scratch or lock is left out.

    Raises :class:`BadInput` for what cannot be stored: a link that leads out of the folder, a pipe, a socket.
    """
    files: dict[str, StoredFile] = {}
    links: dict[str, str] = {}
    folders: list[str] = []
    for path, entry in _walk(folder, ""):
        if entry is None:
            folders.append(path)
        elif entry.is_symlink():
            links[path] = target = os.readlink(entry.path)
            try:
                _require_target(path, target)
            except ValueError:
                raise BadInput(
                    f"The link {path!r} leads out of the archive, so it cannot be stored; remove it."
                ) from None
        elif entry.is_file(follow_symlinks=False):
            files[path] = _packed(entry.path)
        else:
            raise BadInput(f"{path!r} in the archive is no regular file, so it cannot be stored; remove it.")
    return Manifest(files, links, tuple(sorted(folders)))


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, "os.DirEntry[str] | None"]]:
    """(path, entry) of all that is no folder, and (path, None) of folders that hold nothing."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    entries = [entry for entry in entries if prefix or entry.name not in LEFT_OUT]
    if not entries and prefix:
        yield prefix.rstrip("/"), None
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def _packed(path: str) -> StoredFile:
    parts: list[str] = []
    size = 0
    with open(path, "rb", buffering=0) as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise BadInput("A file of the archive was replaced while it was read; run the same command again.")
        while part := read_part(source.fileno(), size):
            parts.append(hashlib.sha256(part).hexdigest())
            size += len(part)
    return StoredFile(size, tuple(parts))


def read_part(handle: int, offset: int) -> bytes:
    """Up to ``PART_BYTES`` of an open file; less only at its end."""
    pieces: list[bytes] = []
    had = 0
    while had < PART_BYTES and (piece := os.pread(handle, PART_BYTES - had, offset + had)):
        pieces.append(piece)
        had += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _file(entry: Any) -> StoredFile:
    size, *parts = entry
    if type(size) is not int or size < 0 or len(parts) != -(-size // PART_BYTES):
        raise ValueError("size")
    if not all(isinstance(part, str) and _DIGEST.fullmatch(part) for part in parts):
        raise ValueError("digest")
    return StoredFile(size, tuple(parts))


def _require_inside(path: Any) -> None:
    if not isinstance(path, str):
        raise ValueError("path")
    os.fsencode(path)  # a UnicodeError is a ValueError
    pieces = path.split("/")
    if any(piece in ("", ".", "..") for piece in pieces) or "\0" in path or pieces[0] in LEFT_OUT:
        raise ValueError("path")


def _require_target(path: str, target: Any) -> None:
    """A link leads to something in the same folder, named from where the link is.

    ``..`` stands at the front alone: behind a name, which may be a link as well, it could lead anywhere.
    """
    if not isinstance(target, str) or not target or target.startswith("/") or "\0" in target:
        raise ValueError("target")
    os.fsencode(target)
    pieces = [piece for piece in target.split("/") if piece not in ("", ".")]
    up = next((number for number, piece in enumerate(pieces) if piece != ".."), len(pieces))
    if up > path.count("/") or ".." in pieces[up:]:
        raise ValueError("target")


def _above(path: str) -> Iterable[str]:
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)
