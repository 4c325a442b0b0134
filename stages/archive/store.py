"""One chat's archive on disk: who may open it, its DuckDB file, and a cursor per thread.

A DuckDB file belongs to one process, so a run holds a lock for as long as it lives; the lock dies with the process.
Within the process every thread works on a cursor of its own. Only the run's own thread writes.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
from filelock import FileLock, Timeout

from stages.archive.records import Attachment
from stages.archive.tables import SCHEMA_VERSION, TABLES
from stages.enrich.schema import ENRICHMENTS_SQL, MIGRATE_SQL, TASKS_SQL, TASKS_VERSION
from stages.errors import BadInput, StreamlinerError

DATABASE = "archive.duckdb"
WORK = ".work"
_OURS = ("posts", "site", "media", "metrics", "inbox", ".versions")


class Archive:
    """An open archive. Use :func:`open_archive`; every path below it is an attribute here."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.database = folder / DATABASE
        self.media = folder / "media"
        self.posts = folder / "posts"
        self.site = folder / "site"
        self.versions = folder / ".versions"
        self.inbox = folder / "inbox"
        self.metrics = folder / "metrics"
        self.ledger = folder / "ledger.jsonl"
        self.work = folder / WORK
        self._connection = connection
        self._threads = threading.local()
        self._facts: dict[str, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's own cursor; a connection shared by threads gives wrong answers."""
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._threads, "cursor", None)
        if cursor is None:
            cursor = self._threads.cursor = self._connection.cursor()
        return cursor

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction on this thread's cursor: all of it or, after any error, nothing of it."""
        cursor = self.cursor()
        cursor.execute("BEGIN TRANSACTION")
        try:
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
        except BaseException:
            self._facts = None  # what was remembered may never have come about
            raise

    def meta(self, name: str) -> str | None:
        """A small fact about the archive, or None. All are read by the first question: nobody else writes them."""
        facts = self._facts
        if facts is None:
            facts = self._facts = dict(self.cursor().execute("SELECT name, value FROM meta").fetchall())
        return facts.get(name)

    def set_meta(self, **facts: str) -> None:
        """Keep small facts in one statement; those that already stand so are not written again."""
        changed = [(name, value) for name, value in facts.items() if self.meta(name) != value]
        if changed:
            values = ", ".join(["(?, ?)"] * len(changed))
            self.cursor().execute(
                f"INSERT OR REPLACE INTO meta VALUES {values}", [part for fact in changed for part in fact]
            )
            self._facts = {**(self._facts or {}), **dict(changed)}

    def count(self, table: str) -> int:
        """Rows of one of the archive's own tables."""
        row = self.cursor().execute(f'SELECT count(*) FROM "{table}"').fetchone()
        return int(row[0]) if row else 0

    def attachments(self) -> dict[str, Attachment]:
        """Every attachment that an export brought, by its name."""
        rows = self.cursor().execute("SELECT name, export, member, size FROM attachments").fetchall()
        return {row[0]: Attachment(*row) for row in rows}

    def touch(self, *kinds: str) -> None:
        """Say that content changed: what was derived from it (plan, pages) is made again."""
        self.set_meta(**{f"revision_{kind}": str(self.revision(kind) + 1) for kind in kinds})

    def revision(self, kind: str) -> int:
        """How often this kind of content (messages, enrichments, posts) has changed."""
        return int(self.meta(f"revision_{kind}") or 0)

    def close(self) -> None:
        """Give the file back. Closing twice is harmless."""
        _OPEN.pop(self.folder, None)
        self._connection.close()


_OPEN: dict[Path, Archive] = {}


@contextmanager
def hold_archive(folder: Path) -> Iterator[Path]:
    """Hold an archive's folder alone for as long as the block runs, made anew where there is none.

    When nothing was kept in a folder that was made here, it is gone again afterwards. Raises :class:`BadInput` when
    another run holds it, or when the folder is something else.
    """
    folder = folder.resolve()
    check_folder(folder)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(folder / "archive.lock"), thread_local=False)
        lock.acquire(timeout=0)
    except Timeout:
        raise _busy(folder) from None
    except OSError as error:
        raise BadInput(f"The archive folder {folder} cannot be written: {error.strerror}.") from error
    try:
        clear_work(folder)
        yield folder
    finally:
        shutil.rmtree(folder / WORK, ignore_errors=True)
        if not (folder / DATABASE).exists():
            (folder / "archive.lock").unlink(missing_ok=True)
        lock.release()
        for path in made:
            if any(path.iterdir()):
                break
            path.rmdir()


def open_archive(folder: Path, *, memory_limit_mb: int = 250, threads: int = 2) -> Archive:
    """Open for writing; the caller holds the folder by :func:`hold_archive`.

    Raises :class:`BadInput` when the file is of another version or cannot be read.
    """
    folder = folder.resolve()
    connection = _connect(folder, memory_limit_mb, threads)
    try:
        _prepare(connection, folder)
    except BaseException:
        connection.close()
        raise
    archive = Archive(folder, connection)
    _OPEN[folder] = archive
    return archive


@contextmanager
def borrow(folder: str | Path) -> Iterator[Archive]:
    """The archive that this process has open; a stage that runs as a task of the same run finds it by its folder.

    Raises :class:`StreamlinerError` where it is not open here: batches of another process get Parquet instead.
    """
    archive = _OPEN.get(Path(folder).resolve())
    if archive is None:
        raise StreamlinerError(f"The archive {Path(folder).name} is not open in this process.")
    yield archive


@contextmanager
def read_archive(folder: Path) -> Iterator[Archive]:
    """Open for reading only; nothing on disk changes.

    Raises :class:`BadInput` where there is no archive or a run holds it.
    """
    folder = folder.resolve()
    if not (folder / DATABASE).is_file():
        raise BadInput(
            f"There is no archive in {folder}; `streamliner publish EXPORT --archive {folder.name}` makes one."
        )
    try:
        connection = duckdb.connect(str(folder / DATABASE), read_only=True)
    except duckdb.Error as error:
        raise _unreadable(folder, error) from error
    try:
        version = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
    except duckdb.Error as error:
        connection.close()
        raise _unreadable(folder, error) from error
    if version is None or version[0] != SCHEMA_VERSION:
        connection.close()
        raise BadInput(f"The archive {folder.name} is of another version of Streamliner.")
    connection.execute("SET TimeZone = 'UTC'")
    with Archive(folder, connection) as archive:
        yield archive


def check_folder(folder: Path) -> None:
    """Refuse a path that is a file, and a folder whose ``posts``, ``site`` or ``media`` are somebody else's."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; --archive takes the folder of an archive.")
    if folder.is_dir() and not (folder / DATABASE).exists():
        foreign = [name for name in _OURS if (folder / name).exists() and name not in ("inbox", "metrics")]
        if foreign:
            raise BadInput(
                f"{folder} holds a {foreign[0]!r} that is not an archive's; choose an empty folder for --archive."
            )


def clear_work(folder: Path) -> None:
    """Remove what a killed run left in the scratch folder; only the holder of the archive may call it."""
    shutil.rmtree(folder / WORK, ignore_errors=True)
    (folder / WORK).mkdir()


def _connect(folder: Path, memory_limit_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(
            str(folder / DATABASE),
            config={
                "memory_limit": f"{memory_limit_mb}MB",
                "threads": threads,
                "temp_directory": str(folder / WORK / "spill"),
            },
        )
    except duckdb.Error as error:
        raise _unreadable(folder, error) from error


def _prepare(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    for statement in TABLES:
        connection.execute(statement)
    rows = connection.execute("SELECT name, value FROM meta WHERE name IN ('schema_version', 'tasks_version')")
    versions = dict(rows.fetchall())
    if versions.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise BadInput(
            f"The archive {folder.name} is of version {versions['schema_version']}, "
            f"this program writes {SCHEMA_VERSION}."
        )
    if versions.get("tasks_version") != TASKS_VERSION:
        # all or nothing: what is interrupted here is begun anew by the next run
        connection.execute("BEGIN TRANSACTION")
        for statement in (TASKS_SQL, *MIGRATE_SQL, ENRICHMENTS_SQL):
            connection.execute(statement)
        fresh = {"schema_version": SCHEMA_VERSION, "tasks_version": TASKS_VERSION}
        for name, value in fresh.items():
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [name, value])
        connection.execute("COMMIT")


def _busy(folder: Path) -> BadInput:
    return BadInput(f"Another run is working on the archive {folder.name}; wait until it ends, then try again.")


def _unreadable(folder: Path, error: duckdb.Error) -> BadInput:
    if "lock" in str(error).lower():
        return _busy(folder)
    return BadInput(
        f"{folder / DATABASE} cannot be read as an archive; move it away and publish the exports again to rebuild it."
    )


def to_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, characters as they are."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
