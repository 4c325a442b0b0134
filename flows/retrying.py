"""Dead letters of one archive go back to the queue: links and files that were given up, windows without a post."""

from pathlib import Path

from stages.archive.store import hold_archive, open_archive, read_archive
from stages.enrich.store import TaskStore
from stages.write.outcomes import forget_failures


def put_back(folder: Path) -> dict[str, int]:
    """Let what failed for good wait again, with all its attempts; the next publication tries it. Returns how many
    ``tasks`` and ``windows``. Two statements.

    Raises :class:`BadInput` where there is no archive or another run holds it.
    """
    with read_archive(folder):
        pass  # refuses what is no archive before anything is locked
    with hold_archive(folder), open_archive(folder) as archive:
        return {"tasks": TaskStore(archive.cursor()).retry_dead(), "windows": forget_failures(archive)}
