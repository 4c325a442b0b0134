"""Exports that lie in a store, found through fsspec and fetched to this machine to be read, a piece in memory.

They are streamed by one request each: fsspec's files read by ranges, which not every store answers as such, and its
``get`` takes a whole file into memory.

A file name of a chat is somebody's name, so what is fetched is called by its number; only the ending stays.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from stages.archive.inbox import require_room
from stages.archive.storage.address import Address, parse_address
from stages.archive.storage.client import Objects, filesystem, store_host
from stages.archive.storage.faults import NotThere, told
from stages.errors import BadInput
from stages.settings import Settings

_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")


def fetch_exports(url: str, settings: Settings, folder: Path) -> list[Path]:
    """Fetch one export, or with a slash at the end of ``url`` all that lie directly below it, in order of their names.

    Raises :class:`BadInput` where there is none, or one is larger than ``archive.inbox_limit_mb``.
    """
    address = parse_address(url)
    store = filesystem(settings)
    host = store_host(settings)
    path = f"{address.bucket}/{address.key}".rstrip("/")
    try:
        with told(host, address.bucket):
            # its exists() and isfile() take a store that is away for one that has no such file
            found = store.ls(path, detail=True) if url.endswith("/") else [store.info(path) | {"name": path}]
    except NotThere:
        found = []
    files = sorted((str(entry["name"]), int(entry["size"])) for entry in found if entry["type"] == "file")
    if not files:
        raise BadInput(f"There is no export at {_shown(address)}; see what lies there, and correct the address.")
    limit = settings.archive.inbox_limit_mb
    for number, (_, size) in enumerate(files, 1):
        if size > limit << 20:
            raise BadInput(f"Export {number} at {_shown(address)} is larger than archive.inbox_limit_mb ({limit} MB).")
    require_room(folder, sum(size for _, size in files))
    folder.mkdir(parents=True, exist_ok=True)
    objects = Objects(Address(address.bucket, ""), settings, unhurried=True)
    return [
        _fetch(objects, name.partition("/")[2], size, folder, f"Export {number} at {_shown(address)}")
        for number, (name, size) in enumerate(files, 1)
    ]


def _fetch(objects: Objects, key: str, size: int, folder: Path, what: str) -> Path:
    suffix = PurePosixPath(key).suffix
    number = sum(1 for _ in folder.iterdir()) + 1
    out = folder / f"export-{number}{suffix.lower() if _ENDING.fullmatch(suffix) else ''}"
    had = 0
    try:
        with out.open("xb") as target:
            for piece in objects.stream(key):
                had += target.write(piece)
    except NotThere:
        had = -1
    if had != size:
        raise BadInput(f"{what} was changed while it was fetched; run the same command again.")
    return out


def _shown(address: Address) -> str:
    """The address without the export's own name, which is somebody's."""
    return f"s3://{address.bucket}/{'/'.join(address.key.split('/')[:-1])}".rstrip("/") + "/…"
