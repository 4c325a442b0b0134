"""An archive that an older version made opens as it is: what it knows stays known, and what is new has its place."""

from pathlib import Path

import duckdb
import pytest

from stages.archive.records import Enrichment
from stages.archive.store import DATABASE, hold_archive, open_archive, read_archive
from stages.enrich.store import TaskStore
from stages.errors import BadInput

# as the first version wrote them
OLD_TASKS = """CREATE TABLE tasks (
    key VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, value VARCHAR NOT NULL,
    first_seq BIGINT NOT NULL, n_messages BIGINT NOT NULL,
    state VARCHAR NOT NULL, attempts INTEGER NOT NULL, lease_until TIMESTAMPTZ,
    error_class VARCHAR, last_error VARCHAR,
    title VARCHAR, text VARCHAR, alt VARCHAR, transcript VARCHAR, mime VARCHAR, width BIGINT, height BIGINT,
    bytes BIGINT, sha256 VARCHAR, files VARCHAR, fetched BOOLEAN)"""
OLD_VIEW = """CREATE VIEW enrichments AS SELECT key, kind, value, title, text, alt, transcript, mime, width, height,
    bytes, sha256, files, fetched FROM tasks WHERE state = 'done'"""
OLD_ROW = """INSERT INTO tasks VALUES ('a.jpg', 'image', 'a.jpg', 0, 1, 'done', 1, NULL, NULL, NULL, NULL, NULL,
    'Picture', NULL, 'image/jpeg', 640, 480, 9, 'ab', '["x-640.jpg"]', false)"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An archive with the tables of the first version and one picture that is done."""
    with hold_archive(tmp_path / "a") as folder:
        open_archive(folder).close()
        with duckdb.connect(str(folder / DATABASE)) as connection:
            for statement in ("DROP VIEW enrichments", "DROP TABLE tasks", OLD_TASKS, OLD_VIEW, OLD_ROW):
                connection.execute(statement)
            connection.execute("DELETE FROM meta WHERE name <> 'schema_version'")
    return tmp_path / "a"


def test_an_archive_of_the_first_version_opens_and_learns_more(old: Path) -> None:
    for _ in range(2):
        with hold_archive(old) as folder, open_archive(folder) as archive:
            store = TaskStore(archive.cursor())
            (picture,) = store.enrichments()
            assert (picture.files, picture.sizes, picture.site) == (("x-640.jpg",), (), None)
            assert archive.count("enrichments") == 1
    with hold_archive(old) as folder, open_archive(folder) as archive:
        store = TaskStore(archive.cursor())
        store.renew()
        fresh = Enrichment("a.jpg", "image", "a.jpg", files=("x-640.jpg",), sizes=((640, 480),), look="ab" * 8)
        assert store.complete([fresh]) == 1
        assert archive.cursor().execute("SELECT look, sizes FROM enrichments").fetchall() == [
            ("ab" * 8, "[[640, 480]]")
        ]
    with read_archive(old) as archive:
        assert TaskStore(archive.cursor()).enrichments() == [fresh]


def test_an_archive_of_another_version_is_refused_in_one_sentence(old: Path) -> None:
    with duckdb.connect(str(old / DATABASE)) as connection:
        connection.execute("UPDATE meta SET value = '9' WHERE name = 'schema_version'")
    with hold_archive(old) as folder, pytest.raises(BadInput, match="is of version 9, this program writes 1"):
        open_archive(folder)
    with duckdb.connect(str(old / DATABASE), read_only=True) as connection:
        columns = connection.execute("SELECT count(*) FROM duckdb_columns() WHERE table_name = 'tasks'").fetchone()
    assert columns == (21,)
