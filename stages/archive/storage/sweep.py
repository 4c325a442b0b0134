"""What no manifest names any more is removed, a day after it was last needed.

Only the holder of an archive sweeps. A manifest is needed while it is the archive and for a day after another took
its place: a checkout that only reads, and holds no lease, may be reading by it. An object goes when no such manifest
names it and it is older than a day; a put back counts on an object that no manifest names only while it is younger
than half of that, so that even one who swept on a lost lease removes nothing that is wanted.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Damaged, NotThere
from stages.archive.storage.layout import MANIFESTS, OBJECTS, PROBES, manifest_name
from stages.archive.storage.manifest import MOST_BYTES, Manifest, parse_manifest
from stages.archive.storage.pointer import MANIFEST, Pointer

GRACE: Final = timedelta(hours=24)
COUNTED_ON: Final = GRACE / 2


@dataclass(frozen=True)
class Swept:
    """How many manifests and objects were removed, and their bytes together."""

    manifests: int = 0
    objects: int = 0
    bytes: int = 0


def read_manifest(objects: Objects, identity: str) -> Manifest:
    """The manifest with this identity, checked by its hash. Raises :class:`Damaged`."""
    try:
        data = objects.get(manifest_name(identity), most_bytes=MOST_BYTES).data
    except NotThere:
        data = b""
    if hashlib.sha256(data).hexdigest() != identity.partition("-")[2]:
        raise Damaged(
            f"The manifest of {objects.address.url} is missing in the store or is not what was put there; "
            "restore the bucket from its backup, or publish the exports to a new address."
        )
    return parse_manifest(data, objects.address.url)


def sweep(
    objects: Objects, pointer: Pointer, now: datetime, *, check: Callable[[], None], grace: timedelta = GRACE
) -> Swept:
    """Remove what is not needed any more; one request where there is nothing to remove, else a listing of all.

    ``now`` is the store's time; ``check`` raises when the archive is not held any more. Raises :class:`Damaged`, with
    nothing removed, where a manifest that is needed cannot be read.
    """
    limit = now - grace
    written: dict[str, datetime] = {}
    sizes = 0
    for found in objects.listing(MANIFESTS):
        identity = found.name.rpartition("/")[2]
        if MANIFEST.fullmatch(identity):
            written[identity] = found.modified
    needed = _needed(written, pointer, limit)
    old = sorted(identity for identity in written if identity not in needed)
    if not old:
        return Swept()
    named: set[str] = set()
    for identity in sorted(needed):
        named |= read_manifest(objects, identity).parts()
    gone: list[str] = []
    for found in objects.listing(OBJECTS):
        if found.modified < limit and found.name.rpartition("/")[2] not in named:
            gone.append(found.name)
            sizes += found.size
    gone += [found.name for found in objects.listing(PROBES) if found.modified < limit]
    # the manifests last: should this be interrupted, they are what has it begun again
    for names in (gone, [manifest_name(identity) for identity in old]):
        for start in range(0, len(names), 1_000):
            check()
            objects.delete(names[start : start + 1_000])
    return Swept(len(old), len(gone), sizes)


def _needed(written: dict[str, datetime], pointer: Pointer, limit: datetime) -> set[str]:
    """The archive, whatever is younger than the limit, and what was replaced later than that."""
    latest: dict[int, datetime] = {}
    for identity, at in written.items():
        generation = int(identity[:8])
        latest[generation] = max(at, latest.get(generation, at))
    needed = {identity for identity, at in written.items() if at >= limit}
    for identity in written:
        follower = latest.get(int(identity[:8]) + 1)
        if int(identity[:8]) < pointer.generation and (follower is None or follower >= limit):
            needed.add(identity)
    if pointer.manifest is not None:
        needed.add(pointer.manifest)
    return needed
