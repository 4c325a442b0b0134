"""Parts on their way to a store and back: some at once, each checked by its SHA-256, never a file in memory."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Damaged, NotThere
from stages.archive.storage.layout import object_name
from stages.archive.storage.manifest import PART_BYTES, Manifest, read_part
from stages.errors import StreamlinerError

Item = TypeVar("Item")


def side_by_side(work: Callable[[Item], None], items: Iterable[Item], connections: int) -> None:
    """Call ``work`` on all items, ``connections`` at once. The first error ends it: what has begun is waited for."""
    with ThreadPoolExecutor(max_workers=connections, thread_name_prefix="store") as pool:
        running: set[Future[None]] = set()
        try:
            for item in items:
                if len(running) >= 2 * connections:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                running.add(pool.submit(work, item))
            for future in running:
                future.result()
        except BaseException:
            for future in running:
                future.cancel()
            raise


def send(
    objects: Objects,
    folder: Path,
    manifest: Manifest,
    there: Collection[str],
    *,
    connections: int,
    check: Callable[[], None],
) -> tuple[int, int]:
    """Send the parts that are not ``there``; returns how many objects and bytes that were.

    ``check`` is called before each. Raises :class:`StreamlinerError` where a file changed since it was packed.
    """
    places: dict[str, tuple[str, int, int]] = {}
    for path, file in manifest.files.items():
        for number, part in enumerate(file.parts):
            if part not in there:
                size = min(PART_BYTES, file.size - number * PART_BYTES)
                places.setdefault(part, (path, number * PART_BYTES, size))

    def work(item: tuple[str, tuple[str, int, int]]) -> None:
        part, (path, offset, _) = item
        check()
        handle = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            data = read_part(handle, offset)
        finally:
            os.close(handle)
        if hashlib.sha256(data).hexdigest() != part:
            raise StreamlinerError("A file of the archive changed while it was put back; run the same command again.")
        objects.put(object_name(part), data)

    side_by_side(work, places.items(), connections)
    return len(places), sum(size for _, _, size in places.values())


def fetch(objects: Objects, folder: Path, manifest: Manifest, *, connections: int, check: Callable[[], None]) -> None:
    """Make a folder that is empty what the manifest says. Raises :class:`Damaged` for bytes that are not those."""
    folders = {folder / path for path in manifest.folders}
    folders |= {(folder / path).parent for path in (*manifest.files, *manifest.links)}
    for place in folders:
        place.mkdir(parents=True, exist_ok=True)
    for path, file in manifest.files.items():
        handle = os.open(folder / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        try:
            os.truncate(handle, file.size)
        finally:
            os.close(handle)

    def work(item: tuple[str, int, int, str]) -> None:
        path, offset, size, part = item
        check()
        handle = os.open(folder / path, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            _write_part(objects, part, size, handle, offset)
        finally:
            os.close(handle)

    side_by_side(
        work,
        (
            (path, number * PART_BYTES, min(PART_BYTES, file.size - number * PART_BYTES), part)
            for path, file in manifest.files.items()
            for number, part in enumerate(file.parts)
        ),
        connections,
    )
    for path, target in manifest.links.items():
        (folder / path).symlink_to(target)


def _write_part(objects: Objects, part: str, size: int, handle: int, offset: int) -> None:
    """Write a part where it belongs, never more than its size. What is wrong with it is known only at its end; the
    folder is then nobody's."""
    digest, left = hashlib.sha256(), size
    with suppress(NotThere):
        for piece in objects.stream(object_name(part)):
            if len(piece) > left:
                left = -1
                break
            digest.update(piece)
            left -= len(piece)
            rest = memoryview(piece)
            while rest:
                written = os.pwrite(handle, rest, offset)
                rest, offset = rest[written:], offset + written
    if left or digest.hexdigest() != part:
        raise Damaged(
            f"A part of the archive {objects.address.url} is missing in the store or is not what was put there; "
            "restore the bucket from its backup, or publish the exports to a new address."
        )
