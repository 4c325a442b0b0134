"""Sound and film: kept as they are, byte for byte, under names made of their content.

They are copied in blocks while they are hashed, so that memory does not grow with them. A file stands in ``media/``
whole or not at all, and one that was forwarded ten times is stored once.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from stages.durable import Draft

MEDIA: Final = "media folder"
"""What the place of stored files is called to a person."""
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
    digest, size = hashlib.sha256(), 0
    with Draft(scratch, MEDIA) as draft:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
            draft.write(block)
        sha256 = digest.hexdigest()
        name = f"{sha256[:32]}.{ending}"
        draft.keep_as(media_dir / name)
    return Stored(name, sha256, size)
