"""Readers see a whole version or the one before; what is the same again changes nothing."""

import threading
from pathlib import Path

import pytest

from stages.archive.publication import publish_posts, publish_site, tree_hash
from stages.archive.store import Archive, hold_archive, open_archive
from stages.errors import BadInput


@pytest.fixture
def archive(tmp_path: Path):
    with hold_archive(tmp_path / "chat") as folder, open_archive(folder) as opened:
        yield opened


def built(archive: Archive, text: str) -> Path:
    folder = archive.work / "built"
    folder.mkdir(parents=True)
    for number in range(20):
        (folder / f"page-{number}.html").write_text(text)
    return folder


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(folder.rglob("*"))}


def test_site_is_a_relative_link_to_the_hash_of_its_content(archive: Archive) -> None:
    version = publish_site(archive, built(archive, "one"))
    assert archive.site.readlink() == Path(".versions") / version
    assert tree_hash(archive.site.resolve()) == version
    assert not (archive.work / "built").exists()


def test_the_same_again_changes_no_byte_and_no_time(archive: Archive) -> None:
    publish_site(archive, built(archive, "one"))
    before = stamps(archive.versions)
    publish_site(archive, built(archive, "one"))
    assert stamps(archive.versions) == before


def test_a_damaged_version_is_replaced(archive: Archive) -> None:
    version = publish_site(archive, built(archive, "one"))
    (archive.versions / version / "page-3.html").write_text("torn")
    assert publish_site(archive, built(archive, "one")) == version
    assert (archive.site / "page-3.html").read_text() == "one"


def test_readers_never_see_a_mixture(archive: Archive) -> None:
    publish_site(archive, built(archive, "0"))
    stop = threading.Event()
    seen: list[set[str]] = []

    def read() -> None:
        while not stop.is_set():
            version = archive.site.resolve()  # what a server does once per page view
            try:
                seen.append({(version / f"page-{number}.html").read_text() for number in range(20)})
            except FileNotFoundError:
                continue  # two publications later a version may go: the reader looks again, and sees no mixture

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 30):
            folder = archive.work / "built"
            folder.mkdir(parents=True)
            for page in range(20):
                (folder / f"page-{page}.html").write_text(str(number))
            publish_site(archive, folder)
    finally:
        stop.set()
        reader.join()
    assert len(seen) >= 2
    assert all(len(texts) == 1 for texts in seen)


def test_posts_are_exactly_those_given(archive: Archive) -> None:
    assert publish_posts(archive, {"2026/03/a.md": "A", "2026/03/b.md": "B"}) == 2
    assert publish_posts(archive, {"2026/03/a.md": "A", "2026/03/b.md": "B"}) == 0
    assert publish_posts(archive, {"2026/04/a.md": "A"}) == 3
    assert [path.relative_to(archive.posts).as_posix() for path in sorted(archive.posts.rglob("*.md"))] == [
        "2026/04/a.md"
    ]
    assert not (archive.posts / "2026" / "03").exists()


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with hold_archive(tmp_path / "chat"), pytest.raises(BadInput, match="Another run"), hold_archive(tmp_path / "chat"):
        pass


def test_a_folder_that_was_made_for_nothing_is_gone_again(tmp_path: Path) -> None:
    with pytest.raises(BadInput), hold_archive(tmp_path / "deep" / "chat"):
        raise BadInput("no chat")
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    with pytest.raises(BadInput, match="not an archive's"), hold_archive(tmp_path):
        pass
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="is a file"), hold_archive(tmp_path / "file"):
        pass


def test_a_file_that_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "archive.duckdb").write_bytes(b"not a database" * 1000)
    with hold_archive(tmp_path), pytest.raises(BadInput, match="cannot be read as an archive"):
        open_archive(tmp_path)
