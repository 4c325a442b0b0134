"""Where an archive from a store is worked on: a folder of this person's own, one for each address.

What a killed run left there is gone on with when the archive in the store is still the one that it began from.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from stages.archive.storage.address import Address
from stages.errors import BadInput
from stages.settings import Settings

_STATE: Final = "state.json"


@dataclass(frozen=True)
class Scratch:
    """``folder`` is where the archive goes; beside it stand what it began from and exports that were fetched."""

    home: Path
    folder: Path

    def begun_from(self) -> tuple[bool, str | None]:
        """Whether a whole checkout lies here, and the manifest that it began from (None for a new archive)."""
        try:
            told = json.loads((self.home / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False, None
        return (True, told["manifest"]) if isinstance(told, dict) and "manifest" in told else (False, None)

    def begin(self, manifest: str | None) -> None:
        """Say that the folder is the whole of this manifest, from here on worked on."""
        fresh = self.home / f"{_STATE}.new"
        fresh.write_text(json.dumps({"manifest": manifest}), encoding="utf-8")
        os.replace(fresh, self.home / _STATE)

    def clear(self) -> None:
        """An empty folder again."""
        (self.home / _STATE).unlink(missing_ok=True)
        for name in ("archive", "exports"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def discard(self) -> None:
        """Nothing of it is wanted any more."""
        (self.home / _STATE).unlink(missing_ok=True)
        for name in ("archive", "exports"):
            shutil.rmtree(self.home / name, ignore_errors=True)


def scratch_root(settings: Settings) -> Path:
    """The folder for all scratch folders, readable by its owner alone. Raises :class:`BadInput`."""
    chosen = settings.storage.scratch
    root = chosen or Path(tempfile.gettempdir()) / f"streamliner-{os.getuid()}"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = root.lstat()
    except OSError as error:
        raise BadInput(f"The scratch folder {root} cannot be used: {error.strerror}.") from None
    # in a folder that all may write to, somebody else may have made it first
    if not stat.S_ISDIR(found.st_mode) or (chosen is None and found.st_uid != os.getuid()):
        raise BadInput(
            f"The scratch folder {root} is somebody else's; set STREAMLINER_STORAGE__SCRATCH to one of yours."
        )
    if chosen is None:
        root.chmod(0o700)
    return root.resolve()


@contextmanager
def hold_scratch(settings: Settings, address: Address, host: str) -> Iterator[Scratch]:
    """This address's scratch folder, held by this process alone; another one where a run that lost its lease still
    sits in it."""
    root = scratch_root(settings)
    mark = hashlib.sha256(f"{host} {address.url}".encode()).hexdigest()[:16]
    lock = FileLock(str(root / f"{mark}.lock"), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with temporary(settings, address) as scratch:
            yield scratch
        return
    home = root / mark
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        yield Scratch(home, home / "archive" / address.name)
    finally:
        if not any(home.iterdir()):
            home.rmdir()
        lock.release()


@contextmanager
def temporary(settings: Settings, address: Address) -> Iterator[Scratch]:
    """A scratch folder that goes with the block."""
    home = Path(tempfile.mkdtemp(prefix="reading-", dir=scratch_root(settings)))
    try:
        yield Scratch(home, home / "archive" / address.name)
    finally:
        shutil.rmtree(home, ignore_errors=True)
