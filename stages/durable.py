"""Files that are there whole or not at all, and folders whose renames are on the disk."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from stages.errors import StreamlinerError


class Draft:
    """A file that is written under a name of its own in ``scratch`` and takes its place whole; what does not come so
    far leaves nothing behind. ``folder`` is what the place is called to a person.

    Its methods raise :class:`StreamlinerError` where that cannot be written. Memory is what is written at once.
    """

    def __init__(self, scratch: Path, folder: str) -> None:
        self._folder = folder
        self._path = scratch / uuid.uuid4().hex
        with self._told():
            scratch.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, block: bytes) -> None:
        """Add a block."""
        with self._told():
            left = memoryview(block)
            while left:
                left = left[self._file.write(left) :]

    def keep_as(self, target: Path) -> None:
        """Put the file in its place, once its bytes are on the disk; one that is there already stays."""
        if target.is_file():
            return
        with self._told():
            os.fsync(self._file.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            self._path.replace(target)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StreamlinerError(
                f"The {self._folder} cannot be written: {error.strerror}; the next run goes on."
            ) from error


def sync_folder(folder: Path) -> None:
    """Return when the names in ``folder`` have reached the disk. Raises :class:`OSError`."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
