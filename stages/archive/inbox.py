"""Exports on their way in: fingerprinted, checked, and staged under a name that tells nothing.

An export's own file name bears a contact's name, so what is handed to a server is ``inbox/<first 12 of sha256>``.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from stages.errors import BadInput
from stages.regular import regular_file

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Export:
    """An export on this machine: where its bytes are, their SHA-256 (hex) and their number."""

    path: Path
    sha256: str
    size: int

    @property
    def inbox_id(self) -> str:
        return self.sha256[:12]


def take_export(path: Path) -> Export:
    """Fingerprint an export. Cost: one read of the file.

    Raises :class:`BadInput` for what is missing, empty, or not a regular file; that is refused unopened.
    """
    size = regular_file(path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as source:
            while block := source.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise BadInput(f"The export {path} cannot be read: {error.strerror}.") from None
    return Export(path, digest.hexdigest(), size)


def stage_export(export: Export, archive: Path) -> str:
    """Copy the export into the archive's inbox under its fingerprint and return that name; at once if it is there."""
    inbox = archive / "inbox"
    target = inbox / export.inbox_id
    if not target.exists():
        inbox.mkdir(parents=True, exist_ok=True)
        partial = inbox / f".{export.inbox_id}.{os.getpid()}"
        try:
            shutil.copyfile(export.path, partial)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    return export.inbox_id


def resolve_export(name: str, archive: Path) -> Path:
    """The file behind a name in a run's request: an inbox id, else a path."""
    staged = archive / "inbox" / name
    return staged if "/" not in name and staged.is_file() else Path(name)


def require_room(folder: Path, need_bytes: int) -> None:
    """Refuse before any work when the disk cannot take it. Raises :class:`BadInput`."""
    existing = next(parent for parent in (folder, *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < need_bytes:
        raise BadInput(
            f"The disk of {folder} has {free // 2**20} MB free and about {need_bytes // 2**20} MB are needed; "
            "make room or choose another --archive."
        )
