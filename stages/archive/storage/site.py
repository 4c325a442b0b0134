"""The published site as plain files under ``site/``, for a web server that knows nothing of archives.

A store replaces one object at a time, so the switch of a site under names that stay is made in an order in which no
page ever leads to something that is not there: what is new and what pages use comes first, then the pages, those deep
down before the ones that lead to them and the home page last; what no page names any more goes at the end. Each object
is the old one or the new one. It follows the move of the archive's pointer, and ``.archive/site`` says what it shows:
emptied before the first change and written after the last, so that whatever was interrupted is made whole by the next.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from stages.archive.storage.client import Objects
from stages.archive.storage.faults import NotThere
from stages.archive.storage.layout import PLACED, SITE
from stages.archive.storage.manifest import Manifest, StoredFile
from stages.archive.storage.transfer import side_by_side

Tree = Mapping[str, StoredFile]

_LARGE: Final = 2 << 20
"""Bytes from which a file is sent in parts of 5 MiB, two files at a time: memory stays what it is."""
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".xml": "application/xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".pdf": "application/pdf",
}
"""What a web server says of a file; a table of our own, for a system's differs from host to host."""


def place_site(
    objects: Objects, folder: Path, before: Manifest, after: Manifest, *, connections: int, check: Callable[[], None]
) -> int:
    """Make ``site/`` show the site of ``after``, of which ``folder`` holds the files; returns objects sent.

    What stands there already, by ``before`` and the store's own word, is not sent again. ``check`` is called before
    each change.
    """
    wanted = after.site()
    shown = _shown(objects)
    if shown == _identity(wanted) or (shown is None and not wanted):
        return 0
    known = before.site()
    if shown == _identity(known):
        standing: Mapping[str, StoredFile | None] = known
    else:
        standing = {found.name[len(SITE) + 1 :]: None for found in objects.listing(SITE)}
    changed = [path for path, file in wanted.items() if standing.get(path) != file]
    check()
    objects.put(PLACED, b"{}")
    root = folder / after.links.get("site", "")

    def work(path: str) -> None:
        check()
        kind = _TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")
        if wanted[path].size > _LARGE:
            objects.put_file(f"{SITE}/{path}", root / path, content_type=kind)
        else:
            objects.put(f"{SITE}/{path}", (root / path).read_bytes(), content_type=kind)

    for stage in _stages(changed, standing):
        side_by_side(work, [path for path in stage if wanted[path].size > _LARGE], min(2, connections))
        side_by_side(work, [path for path in stage if wanted[path].size <= _LARGE], connections)
    gone = sorted(path for path in standing if path not in wanted)
    check()
    objects.delete([f"{SITE}/{path}" for path in gone])
    objects.put(PLACED, json.dumps({"shows": _identity(wanted)}).encode())
    return len(changed)


def _stages(changed: list[str], standing: Mapping[str, StoredFile | None]) -> list[list[str]]:
    """What may be sent side by side, in the order in which it must be there."""
    fresh: list[str] = []
    used: list[str] = []
    pages: dict[tuple[bool, int], list[str]] = {}
    for path in sorted(changed):
        if path == "index.html" or (path.endswith(".html") and path in standing):
            pages.setdefault((path == "index.html", -path.count("/")), []).append(path)
        else:
            (used if path in standing else fresh).append(path)
    return [fresh, used, *(pages[key] for key in sorted(pages))]


def _identity(tree: Tree) -> str:
    told = json.dumps({path: [file.size, *file.parts] for path, file in tree.items()}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _shown(objects: Objects) -> str | None:
    """Which site stands under ``site/``; None where nothing was ever placed, "" where that is unsure."""
    try:
        told = json.loads(objects.get(PLACED).data)
    except NotThere:
        return None
    except (ValueError, RecursionError):
        return ""
    shows = told.get("shows") if isinstance(told, dict) else None
    return shows if isinstance(shows, str) else ""
