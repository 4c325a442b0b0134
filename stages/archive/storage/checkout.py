"""An archive in a store, worked on in a folder of this machine and put back as a whole.

Put back means: the parts that the store does not have, then the manifest, then the pointer, replaced under the
condition that nobody replaced it since. Before that moment the store holds the old archive, after it the new one.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from stages.archive.inbox import require_room
from stages.archive.storage.address import Address
from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Damaged, NoLease, StoreError
from stages.archive.storage.layout import OBJECTS, manifest_name
from stages.archive.storage.lease import Lease
from stages.archive.storage.manifest import Manifest, pack
from stages.archive.storage.pointer import Pointer, move_pointer, read_pointer
from stages.archive.storage.powers import Powers, probe
from stages.archive.storage.scratch import Scratch, hold_scratch, temporary
from stages.archive.storage.site import place_site
from stages.archive.storage.sweep import COUNTED_ON, GRACE, Swept, read_manifest, sweep
from stages.archive.storage.transfer import fetch, send
from stages.errors import BadInput, StreamlinerError
from stages.settings import Settings

WORTH_LISTING: Final = 64
"""Parts to be sent from which it pays to ask which of them an earlier run, that was killed, has sent already."""


@dataclass(frozen=True)
class PutBack:
    """What a put back did: whether the archive changed, objects and bytes sent for it, files of the site sent."""

    changed: bool
    generation: int
    objects: int = 0
    bytes: int = 0
    site_files: int = 0
    swept: Swept = field(default_factory=Swept)


class Checkout:
    """An archive checked out for work. ``folder`` is the archive; nothing in the store changes before
    :meth:`put_back`. ``resumed``: a run that was killed left its work here, and it is gone on with."""

    def __init__(
        self,
        objects: Objects,
        powers: Powers,
        lease: Lease | None,
        scratch: Scratch,
        pointer: Pointer | None,
        settings: Settings,
    ) -> None:
        self.folder = scratch.folder
        self.url = objects.address.url
        self.lease_by_store = powers.lease_by_store
        self.resumed = False
        self.settled = False
        self._objects, self._powers, self._lease, self._scratch = objects, powers, lease, scratch
        self._pointer = pointer
        self._manifest = Manifest()
        self._connections = settings.storage.connections

    def check(self) -> None:
        """Raise :class:`LeaseLost` when the archive is not surely held any more."""
        if self._lease is not None:
            self._lease.check()

    def put_back(self) -> PutBack:
        """Make the archive in the store what the folder is; may be called again and again.

        What has not changed is not sent; an archive that has not changed stays the very one. Cost: one read of the
        folder, and what changed on its way, 1 MiB for each connection in memory. Raises :class:`LeaseLost` with the
        archive as the other run has it, and :class:`StreamlinerError` with the old archive in the store.
        """
        self.check()
        manifest = pack(self.folder)
        before = self._manifest
        generation = self._pointer.generation if self._pointer else 0
        sent = (0, 0)
        changed = manifest != before or self._pointer is None or self._pointer.manifest is None
        if changed:
            try:
                sent = self._send(manifest, generation + 1)
            except StoreError as error:
                raise StreamlinerError(
                    f"{error} The archive {self.url} is as it was before; what was done waits in {self.folder}."
                ) from None
            self._manifest = manifest
        self.settled = True
        assert self._pointer is not None
        try:
            placed = place_site(
                self._objects, self.folder, before, manifest, connections=self._connections, check=self.check
            )
        except StoreError as error:
            raise StreamlinerError(
                f"The archive {self.url} is put back, but not all of its site is: {error} The next run completes it."
            ) from None
        swept = self._sweep(GRACE) if changed else Swept()
        return PutBack(changed, self._pointer.generation, *sent, site_files=placed, swept=swept)

    def sweep(self, grace: timedelta = GRACE) -> Swept:
        """Remove what no manifest of the last day names. Raises :class:`LeaseLost`, :class:`StoreError`."""
        self.check()
        if self._pointer is None:
            return Swept()
        return sweep(self._objects, self._pointer, self._powers.clock.now(), check=self.check, grace=grace)

    def _sweep(self, grace: timedelta) -> Swept:
        try:
            return self.sweep(grace)
        except (StoreError, Damaged):
            return Swept()  # what is left over is in nobody's way until the next put back

    def _send(self, manifest: Manifest, generation: int) -> tuple[int, int]:
        there = self._manifest.parts()
        missing = len(manifest.parts() - there)
        if missing >= WORTH_LISTING:
            there |= self._fresh_objects()
        sent = send(
            self._objects, self.folder, manifest, there, connections=self._connections, check=self.check
        )  # fmt: skip
        data = manifest.as_bytes()
        identity = f"{generation:08d}-{hashlib.sha256(data).hexdigest()}"
        self._objects.put(manifest_name(identity), data)
        if self._lease is not None:
            self._lease.renew()
        self._pointer = move_pointer(
            self._objects, self._pointer, generation=generation, manifest=identity, conditional=self._lease is not None
        )
        self._scratch.begin(identity)
        return sent[0], sent[1] + len(data)

    def _fresh_objects(self) -> set[str]:
        """Parts in the store that no sweep removes for hours to come, whoever named them."""
        limit = self._powers.clock.now() - COUNTED_ON
        return {found.name.rpartition("/")[2] for found in self._objects.listing(OBJECTS) if found.modified > limit}

    def _fetch(self) -> None:
        """Fill the folder, or go on with what a killed run left there."""
        pointer, scratch = self._pointer, self._scratch
        identity = pointer.manifest if pointer else None
        if identity is not None:
            self._manifest = read_manifest(self._objects, identity)
        there, began_from = scratch.begun_from()
        if there and began_from == identity and self.folder.is_dir():
            self.resumed = True
            return
        scratch.clear()
        require_room(self.folder, self._manifest.size())
        fetch(self._objects, self.folder, self._manifest, connections=self._connections, check=self.check)
        scratch.begin(identity)


@contextmanager
def check_out(
    address: Address,
    settings: Settings,
    *,
    run_id: str,
    locked: bool = False,
    on_lost: Callable[[], None] | None = None,
) -> Iterator[Checkout]:
    """Hold an archive alone for the length of the block, checked out into a folder; made anew where there is none.

    ``locked`` says that the caller holds a lock of its own on this address, for stores that cannot hold a lease:
    without it they are refused (:class:`NoLease`). ``on_lost`` is called from another thread when the lease is lost;
    the block is to end then, and :meth:`Checkout.put_back` raises :class:`LeaseLost`. Raises :class:`Held` when
    another run works on the archive, :class:`StoreError` and :class:`Damaged` with nothing changed.

    The folder goes at the end, but where work would be lost that was not put back: then the next checkout on this
    machine goes on with it, if the archive in the store is still the same.
    """
    objects = Objects(address, settings)
    powers = probe(objects)
    with ExitStack() as stack:
        lease = None
        if powers.lease_by_store:
            seconds = settings.storage.lease_seconds
            lease = Lease(
                Objects(address, settings, patience_seconds=seconds / 3),
                powers.clock,
                run_id=run_id,
                seconds=seconds,
                on_lost=on_lost,
            )
            taken_over = lease.acquire()
            stack.callback(lease.release)
        elif not locked:
            raise NoLease(
                f"The store at {objects.host} ignores the conditions of a put, so it cannot keep two runs from "
                f"working on {address.url} at once; use a store that heeds them, or a deployment, which has a lock."
            )
        pointer = read_pointer(objects)
        if lease is not None and taken_over:
            # whoever went silent may wake up: from here on its put back is refused
            pointer = move_pointer(
                objects,
                pointer,
                generation=pointer.generation if pointer else 0,
                manifest=pointer.manifest if pointer else None,
                conditional=True,
            )
        scratch = stack.enter_context(hold_scratch(settings, address, objects.host))
        checkout = Checkout(objects, powers, lease, scratch, pointer, settings)
        try:
            checkout._fetch()
        except BaseException:
            if not checkout.resumed:
                scratch.discard()
            raise
        try:
            yield checkout
        except BadInput:
            if not checkout.resumed or checkout.settled:
                scratch.discard()
            raise
        except BaseException:
            if checkout.settled:
                scratch.discard()
            raise
        else:
            scratch.discard()


@contextmanager
def read_out(
    address: Address, settings: Settings, wanted: Callable[[Manifest], Manifest], *, or_empty: bool = False
) -> Iterator[Path]:
    """What is ``wanted`` of an archive, in a folder that goes with the block; no lease, and nothing is written there.

    It is the archive of one moment, whoever works on it. Raises :class:`BadInput` where there is none, unless
    ``or_empty``; :class:`StoreError`, :class:`Damaged`.
    """
    objects = Objects(address, settings)
    pointer = read_pointer(objects)
    identity = pointer.manifest if pointer else None
    if identity is None and not or_empty:
        raise BadInput(
            f"There is no archive at {address.url}; `streamliner publish EXPORT --archive {address.url}` makes one."
        )
    with temporary(settings, address) as scratch:
        scratch.folder.mkdir(parents=True)
        if identity is not None:
            part = wanted(read_manifest(objects, identity))
            require_room(scratch.folder, part.size())
            fetch(objects, scratch.folder, part, connections=settings.storage.connections, check=lambda: None)
        yield scratch.folder


def lease_by_store(address: Address, settings: Settings) -> bool:
    """Whether the store can hold a lease; where it cannot, a caller brings a lock of its own (``locked``)."""
    return probe(Objects(address, settings)).lease_by_store


def archives_under(address: Address, settings: Settings) -> list[Address]:
    """The archives directly below a prefix, in order: one request for each folder there, and one for the listing."""
    found = []
    for name in Objects(address, settings).directly_below()[0]:
        below = Address(address.bucket, address.below(name))
        if not name.startswith(".") and read_pointer(Objects(below, settings)) is not None:
            found.append(below)
    return found
