"""Objects that nothing names any more go, and never one that somebody may need."""

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from stages.archive.storage.address import parse_address
from stages.archive.storage.checkout import check_out, read_out
from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Damaged
from stages.archive.storage.layout import MANIFESTS, OBJECTS, manifest_name
from stages.archive.storage.pointer import Pointer, read_pointer
from stages.archive.storage.powers import probe
from stages.archive.storage.sweep import Swept, sweep
from tests.servers.stores import Server, Watch
from tests.stages.archive.storage.conftest import fill, tree


@contextmanager
def three_versions(server: Server | Watch, url: str, scratch: Path):  # type: ignore[no-untyped-def]
    """An archive that was put back three times, held by a fourth run; yields the checkout and its three trees."""
    trees = []
    for number in (1, 2, 3):
        with check_out(parse_address(url), server.settings(scratch=scratch), run_id=str(number)) as checkout:
            fill(checkout.folder, posts=2, database=f"version {number}".encode())
            checkout.put_back()
            trees.append(tree(checkout.folder))
    with check_out(parse_address(url), server.settings(scratch=scratch), run_id="4") as checkout:
        yield checkout, trees


def names(objects: Objects, below: str) -> list[str]:
    return sorted(found.name.rpartition("/")[2] for found in objects.listing(below))


def test_nothing_of_the_last_day_goes(watch: Watch, tmp_path: Path) -> None:
    url = watch.server.fresh()
    objects = Objects(parse_address(url), watch.server.settings())
    with three_versions(watch.server, url, tmp_path / "a") as (_, _):
        before = names(objects, OBJECTS)
    with check_out(parse_address(url), watch.settings(scratch=tmp_path / "b"), run_id="5") as checkout:
        watch.forget()
        assert checkout.sweep() == Swept()
        assert [seen.method for seen in watch.seen] == ["GET"]  # one listing of manifests, and that was all
    assert names(objects, OBJECTS) == before
    assert len(names(objects, MANIFESTS)) == 3


def test_what_is_older_goes_and_the_archive_stays(heeding: Server, tmp_path: Path) -> None:
    url = heeding.fresh()
    settings = heeding.settings(scratch=tmp_path / "b")
    objects = Objects(parse_address(url), settings)
    with three_versions(heeding, url, tmp_path / "a") as (checkout, trees):
        before = names(objects, OBJECTS)
        swept = checkout.sweep(grace=timedelta(seconds=-5))
    assert (swept.manifests, swept.objects, swept.bytes) == (2, 2, len("version 1") + len("version 2"))
    assert len(names(objects, OBJECTS)) == len(before) - 2
    assert names(objects, MANIFESTS) == [read_pointer(objects).manifest]  # type: ignore[union-attr]
    with read_out(parse_address(url), settings, lambda manifest: manifest) as folder:
        assert tree(folder) == trees[-1]


@pytest.mark.parametrize(
    ("hours_since_three", "kept"),
    [(1, {1, 2, 3}), (23, {1, 2, 3}), (25, {3})],
    ids=["an-hour", "not-quite-a-day", "more-than-a-day"],
)
def test_an_archive_is_readable_for_a_day_after_it_was_replaced(
    hours_since_three: int, kept: set[int], heeding: Server, tmp_path: Path
) -> None:
    """A checkout that only reads may have begun a moment before another version took its place."""
    url = heeding.fresh()
    objects = Objects(parse_address(url), heeding.settings())
    with three_versions(heeding, url, tmp_path) as (_, trees):
        pointer = read_pointer(objects)
        assert pointer is not None
        now = probe(objects).clock.now() + timedelta(hours=hours_since_three)
        sweep(objects, pointer, now, check=lambda: None)
    assert {int(name[:8]) for name in names(objects, MANIFESTS)} == kept
    for identity in names(objects, MANIFESTS):
        move = Pointer(9, identity, "x", None)
        objects.put(".archive/current", _as_json(move))
        with read_out(parse_address(url), heeding.settings(scratch=tmp_path), lambda manifest: manifest) as folder:
            assert tree(folder) == trees[int(identity[:8]) - 1]


def _as_json(pointer: Pointer) -> bytes:
    import json

    told = {"version": 1, "generation": pointer.generation, "manifest": pointer.manifest, "epoch": pointer.epoch}
    return json.dumps(told).encode()


def test_what_a_killed_run_sent_goes_too(heeding: Server, tmp_path: Path) -> None:
    url = heeding.fresh()
    objects = Objects(parse_address(url), heeding.settings())
    with three_versions(heeding, url, tmp_path) as (checkout, _):
        objects.put(f"{OBJECTS}/ab/{'ab' * 32}", b"half")
        objects.put(manifest_name(f"00000004-{'cd' * 32}"), b"half")
        swept = checkout.sweep(grace=timedelta(seconds=-5))
    assert (swept.manifests, swept.objects) == (3, 3)


def test_where_a_manifest_cannot_be_read_nothing_goes(heeding: Server, tmp_path: Path) -> None:
    url = heeding.fresh()
    objects = Objects(parse_address(url), heeding.settings())
    with three_versions(heeding, url, tmp_path) as (checkout, _):
        pointer = read_pointer(objects)
        assert pointer is not None
        assert pointer.manifest is not None
        content = objects.get(manifest_name(pointer.manifest)).data
        objects.put(manifest_name(pointer.manifest), b"{}")
        before = names(objects, OBJECTS)
        with pytest.raises(Damaged):
            checkout.sweep(grace=timedelta(seconds=-5))
        assert names(objects, OBJECTS) == before
        objects.put(manifest_name(pointer.manifest), content)


def test_what_a_killed_run_sent_is_not_sent_again(watch: Watch, tmp_path: Path) -> None:
    url = watch.server.fresh()
    settings = watch.settings(scratch=tmp_path)
    with check_out(parse_address(url), settings, run_id="one") as checkout:
        checkout.put_back()

    def refuse(seen: object) -> None:
        if getattr(seen, "method", "") == "PUT" and "/manifests/" in getattr(seen, "key", ""):
            raise ConnectionAbortedError

    watch.before = refuse
    with check_out(parse_address(url), settings, run_id="two") as checkout:
        fill(checkout.folder, posts=90)
        with pytest.raises(Exception, match="is as it was before"):
            checkout.put_back()
        watch.before = lambda _seen: None
        watch.forget()
        assert checkout.put_back().objects == 0  # ninety posts and their pages, all of them there already
        assert not [name for name in watch.sent("PUT", url) if "/objects/" in name]
