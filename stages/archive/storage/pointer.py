"""The one small object that says which manifest is the archive. Replacing it is the moment of every put back."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Final

from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Damaged, LeaseLost, NotThere, Taken
from stages.archive.storage.layout import POINTER

MANIFEST: Final = re.compile(r"[0-9]{8}-[0-9a-f]{64}")
VERSION: Final = 1


@dataclass(frozen=True)
class Pointer:
    """``manifest`` is None before the first put back. ``epoch`` is never the same twice, so neither is the ETag."""

    generation: int
    manifest: str | None
    epoch: str
    etag: str | None


def read_pointer(objects: Objects) -> Pointer | None:
    """What the archive is now; None where there is none. Raises :class:`Damaged` for what we did not write."""
    try:
        found = objects.get(POINTER)
    except NotThere:
        return None
    try:
        told = json.loads(found.data)
        generation, manifest, epoch, version = (told[name] for name in ("generation", "manifest", "epoch", "version"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Damaged(f"{objects.address.url} does not hold an archive that can be read.") from None
    if version != VERSION:
        raise Damaged(f"The archive {objects.address.url} is of another version of Streamliner.")
    fits = type(generation) is int and generation >= 0 and isinstance(epoch, str)
    if not fits or (manifest is not None and not (isinstance(manifest, str) and MANIFEST.fullmatch(manifest))):
        raise Damaged(f"{objects.address.url} does not hold an archive that can be read.")
    return Pointer(generation, manifest, epoch, found.etag)


def move_pointer(
    objects: Objects, before: Pointer | None, *, generation: int, manifest: str | None, conditional: bool
) -> Pointer:
    """Replace the pointer that was read as ``before``; atomic, and refused when anybody replaced it meanwhile.

    Without conditions (``conditional`` False) it is compared and then written: the caller's own lock must hold.
    Raises :class:`LeaseLost` when the pointer is not ``before`` any more.
    """
    epoch = secrets.token_hex(8)
    told = {"version": VERSION, "generation": generation, "manifest": manifest, "epoch": epoch}
    data = json.dumps(told, sort_keys=True).encode()
    try:
        if not conditional:
            now = read_pointer(objects)
            if (now and now.epoch) != (before and before.epoch):
                raise Taken("")
            objects.put(POINTER, data)
            return Pointer(generation, manifest, epoch, None)
        etag = objects.create(POINTER, data) if before is None else objects.replace(POINTER, data, before.etag)
    except Taken:
        # an answer that was lost on its way makes the library try again, and then it meets its own first try
        now = read_pointer(objects) if conditional else None
        if now is None or now.epoch != epoch:
            raise LeaseLost(
                f"Another run has taken over the archive {objects.address.url}; nothing of this run was put back there."
            ) from None
        return now
    return Pointer(generation, manifest, epoch, etag)
