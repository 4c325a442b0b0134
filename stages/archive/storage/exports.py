"""Exports that lie in a store, fetched to this machine to be read: one request each, a piece in memory.

A file name of a chat is somebody's name, so what is fetched is called by its number; only the ending stays.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from stages.archive.inbox import require_room
from stages.archive.storage.address import Address, parse_address
from stages.archive.storage.client import Listed, Objects
from stages.archive.storage.faults import NotThere
from stages.errors import BadInput
from stages.settings import Settings

_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")


def fetch_exports(url: str, settings: Settings, folder: Path) -> list[Path]:
    """Fetch one export, or with a slash at the end of ``url`` all that lie directly below it, in order of their names.

    Raises :class:`BadInput` where there is none, or one is larger than ``archive.inbox_limit_mb``.
    """
    address = parse_address(url)
    above, _, name = address.key.rpartition("/")
    folder_there = Address(address.bucket, address.key if url.endswith("/") else above)
    objects = Objects(folder_there, settings, unhurried=True)
    try:
        found = objects.directly_below()[1] if url.endswith("/") else [objects.look(name)] if name else []
    except NotThere:
        found = []
    if not found:
        raise BadInput(f"There is no export at {folder_there.url}/…; see what lies there, and correct the address.")
    limit = settings.archive.inbox_limit_mb
    for number, export in enumerate(found, 1):
        if export.size > limit << 20:
            raise BadInput(
                f"Export {number} at {folder_there.url}/… is larger than archive.inbox_limit_mb ({limit} MB)."
            )
    require_room(folder, sum(export.size for export in found))
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _fetch(objects, export, folder, f"Export {number} at {folder_there.url}/…")
        for number, export in enumerate(found, 1)
    ]


def _fetch(objects: Objects, export: Listed, folder: Path, what: str) -> Path:
    suffix = PurePosixPath(export.name).suffix
    number = sum(1 for _ in folder.iterdir()) + 1
    out = folder / f"export-{number}{suffix.lower() if _ENDING.fullmatch(suffix) else ''}"
    had = 0
    try:
        with out.open("xb") as target:
            for piece in objects.stream(export.name):
                had += target.write(piece)
    except NotThere:
        had = -1
    if had != export.size:
        raise BadInput(f"{what} was changed while it was fetched; run the same command again.")
    return out
