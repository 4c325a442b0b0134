"""Where remembered pages are kept: a folder of this person's own, of which nothing else is expected to last."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NAME: Final = "streamliner"


def cache_folder(environment: Mapping[str, str], home: Path, platform: str) -> Path:
    """The folder for caches of this person, on ``platform`` (``sys.platform``); nothing is made or looked at.

    Linux and others: ``$XDG_CACHE_HOME/streamliner``, else ``~/.cache/streamliner``; macOS:
    ``~/Library/Caches/streamliner``; Windows: ``%LOCALAPPDATA%\\streamliner\\Cache``. A relative XDG_CACHE_HOME counts
    as none, as its specification asks.
    """
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / NAME / "Cache"
    if platform == "darwin":
        return home / "Library" / "Caches" / NAME
    given = environment.get("XDG_CACHE_HOME", "")
    return (Path(given) if given.startswith("/") else home / ".cache") / NAME


def private_folder(folder: Path) -> Path:
    """``folder`` made, readable by its owner alone. ``OSError`` where it cannot be, or is a link or another's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(f"{folder} is not a folder")
    if os.name == "posix":
        if status.st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to somebody else")
        if status.st_mode & 0o077:
            folder.chmod(0o700)
    return folder
