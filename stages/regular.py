"""Whether a path may be opened at all: a person's mistake is told before a byte is read."""

import stat
from pathlib import Path

from stages.errors import BadInput


def regular_file(path: Path) -> int:
    """The size of a file in bytes, which is not opened.

    Raises :class:`BadInput` for what is missing, empty, a folder, or not a regular file.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be looked at: {getattr(error, 'strerror', None) or error}.") from None
    if stat.S_ISDIR(status.st_mode):
        raise BadInput(f"{path} is a folder; give the export's ZIP or text file itself.")
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(f"{path} is not a regular file; give the export's ZIP or text file itself.")
    if status.st_size == 0:
        raise BadInput(f"{path} is empty; export the chat again.")
    return status.st_size
