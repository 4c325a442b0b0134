"""A rename is on the disk only once its folder is: said to the system here, for every part that publishes by rename."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Return when the names in ``folder`` have reached the disk. Raises :class:`OSError`."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
