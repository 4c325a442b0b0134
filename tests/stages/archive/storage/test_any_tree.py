"""Any tree of files comes back as it was."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.archive.storage.address import parse_address
from stages.archive.storage.checkout import check_out, read_out
from stages.archive.storage.manifest import PART_BYTES, pack, parse_manifest
from tests.servers.stores import Server
from tests.stages.archive.storage.conftest import tree

# bytes that are no UTF-8, marks, backslashes, control characters: whatever a file system takes
NAMES = st.one_of(
    st.sampled_from(
        ["a", "A", "site", "b.md", " ", "...", "-", "*", "a\\b", "%2e%2e", "#?&", "\n", "e\u0301", "\u00e9"]
    ),
    st.binary(min_size=1, max_size=12).map(lambda raw: os.fsdecode(raw.replace(b"/", b"_").replace(b"\0", b"_"))),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12),
).filter(lambda name: name not in (".", "..", ".work", "archive.lock"))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)
CONTENT = st.one_of(
    st.binary(max_size=50),
    st.sampled_from([b"", b"x" * PART_BYTES, b"y" * (PART_BYTES + 1)]),
)
TREES = st.dictionaries(PATHS, st.one_of(CONTENT, CONTENT, st.none(), PATHS), max_size=8)


def grow(folder: Path, wanted: dict[tuple[str, ...], bytes | tuple[str, ...] | None]) -> None:
    """Files, links to other places of the tree, empty folders; what the one before stands in the way of is left out."""
    for path, what in wanted.items():
        place = folder.joinpath(*path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if any(above.is_symlink() for above in place.parents if above.is_relative_to(folder)) or os.path.lexists(
                place
            ):
                continue
            if what is None:
                place.mkdir()
            elif isinstance(what, bytes):
                place.write_bytes(what)
            else:
                place.symlink_to(Path(*[".."] * (len(path) - 1), *what))
        except (FileExistsError, NotADirectoryError):
            continue
        except OSError as error:
            if error.errno not in (36, 40):  # a name that is too long, a circle of links
                raise


@given(wanted=TREES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_manifest_is_read_as_it_was_written(wanted: dict[tuple[str, ...], bytes | None], tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    grow(folder, wanted)
    manifest = pack(folder)
    assert parse_manifest(manifest.as_bytes(), "s3://chats/family") == manifest
    found = tree(folder)
    files = {path: len(what) for path, what in found.items() if isinstance(what, bytes)}
    assert {path: file.size for path, file in manifest.files.items()} == files
    assert manifest.links == {path: what for path, what in found.items() if isinstance(what, str)}
    assert list(manifest.folders) == sorted(path for path, what in found.items() if what is None)


@pytest.mark.parametrize("kind", ["heeding", "heedless"])
def test_any_tree_comes_back(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server: Server = request.getfixturevalue(kind)
    options = server.settings(scratch=tmp_path / "scratch")
    address = parse_address(server.fresh())  # one archive, which becomes one tree after the other

    @given(wanted=TREES)
    @settings(max_examples=8, deadline=None)
    def check(wanted: dict[tuple[str, ...], bytes | None]) -> None:
        with check_out(address, options, run_id="one", locked=True) as checkout:
            for path in checkout.folder.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            grow(checkout.folder, {("files", *path): what for path, what in wanted.items()})
            put = tree(checkout.folder)
            checkout.put_back()
        with read_out(address, options, lambda manifest: manifest) as folder:
            assert tree(folder) == put

    check()
