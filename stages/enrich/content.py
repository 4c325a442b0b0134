"""Sound and film: kept as they are, byte for byte, under names made of their content.

They are copied in blocks while they are hashed, so that memory does not grow with them. A file stands in ``media/``
whole or not at all, and one that was forwarded ten times is stored once.
"""

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from stages.errors import StreamlinerError

_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Stored:
    """The file's name under ``media/``, its sha256 (hex) and its length in bytes."""

    name: str
    sha256: str
    size: int


def content_name(sha256: str, name: str) -> str:
    """What the content of a file called ``name`` is called under ``media/``."""
    return f"{sha256[:32]}.{name.rpartition('.')[2].lower()}"


def store_content(stream: BinaryIO, media_dir: Path, scratch: Path, ending: str) -> Stored:
    """Copy a stream to ``<sha256[:32]>.<ending>``: written in ``scratch``, then renamed.

    Memory: a block of 1 MiB. What reading raises passes through, and nothing is left behind; raises
    :class:`StreamlinerError` when the folder cannot be written.
    """
    part = scratch / uuid.uuid4().hex
    digest, size = hashlib.sha256(), 0
    file = _created(scratch, part)
    try:
        with file:
            while block := stream.read(_BLOCK):
                digest.update(block)
                size += len(block)
                _write(file, block)
            sha256 = digest.hexdigest()
            name = f"{sha256[:32]}.{ending}"
            if not (media_dir / name).is_file():
                _finish(file, part, media_dir / name)
    finally:
        part.unlink(missing_ok=True)
    return Stored(name, sha256, size)


def _created(scratch: Path, part: Path) -> BinaryIO:
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        return part.open("xb", buffering=0)
    except OSError as error:
        raise _not_writable(error) from error


def _write(file: BinaryIO, block: bytes) -> None:
    try:
        left = memoryview(block)
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise _not_writable(error) from error


def _finish(file: BinaryIO, part: Path, target: Path) -> None:
    try:
        os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
    except OSError as error:
        raise _not_writable(error) from error


def _not_writable(error: OSError) -> StreamlinerError:
    return StreamlinerError(f"The media folder cannot be written: {error.strerror}; the next run goes on.")
