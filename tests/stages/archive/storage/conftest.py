"""Two real stores, folders like archives, and what a folder holds byte for byte."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.stores import Server, Watch, moto, rclone


@pytest.fixture(scope="module")
def heeding() -> Iterator[Server]:
    """A store that heeds conditions."""
    with moto() as store:
        yield store


@pytest.fixture(scope="module")
def heedless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A store that ignores them."""
    with rclone(tmp_path_factory.mktemp("rclone")) as store:
        yield store


@pytest.fixture
def watch(heeding: Server) -> Iterator[Watch]:
    with Watch(heeding) as door:
        yield door


def fill(folder: Path, *, posts: int = 3, site: str = "aaaa", database: bytes = b"tables " * 1000) -> None:
    """Files as an archive has them."""
    (folder / "archive.duckdb").write_bytes(database)
    (folder / "ledger.jsonl").write_text('{"kind":"run"}\n')
    (folder / "archive.lock").touch()
    (folder / ".work").mkdir(exist_ok=True)
    (folder / ".work" / "half").write_text("half")
    for number in range(posts):
        post = folder / "posts" / "2026" / "03" / f"day-{number}.md"
        post.parent.mkdir(parents=True, exist_ok=True)
        post.write_text(f"# Day {number}\n")
    pages = folder / ".versions" / site
    (pages / "days").mkdir(parents=True, exist_ok=True)
    (pages / "index.html").write_text(f"<h1>Home {site}</h1>")
    (pages / "style.css").write_text("h1 { color: teal }")
    for number in range(posts):
        (pages / "days" / f"{number}.html").write_text(f"<p>{number}</p>")
    link = folder / "site"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(".versions") / site, target_is_directory=True)


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below a folder but scratch and lock: bytes of files, targets of links, None for empty folders."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] in (".work", "archive.lock"):
            continue
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[name] = None
    return found
