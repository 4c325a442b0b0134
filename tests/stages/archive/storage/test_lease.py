"""One run at a time works on an archive, whoever dies, sleeps or loses the network."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stages.archive.storage.address import Address, parse_address
from stages.archive.storage.checkout import Checkout, check_out, read_out
from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Held, LeaseLost, NoLease
from stages.archive.storage.layout import LEASE, POINTER
from stages.archive.storage.lease import Lease
from stages.archive.storage.manifest import Manifest
from stages.archive.storage.powers import StoreClock, probe, steady_seconds
from stages.settings import Settings
from tests.servers.stores import Seen, Server, Watch
from tests.stages.archive.storage.conftest import fill, tree


def whole(manifest: Manifest) -> Manifest:
    return manifest


@contextmanager
def as_soon_as_free(address: Address, settings: Settings) -> Iterator[Checkout]:
    """Another run, which tries until the lease is free or has expired."""
    with ExitStack() as stack:
        for _ in range(200):
            try:
                checkout = stack.enter_context(check_out(address, settings, run_id="another"))
                break
            except Held:
                time.sleep(0.1)
        yield checkout


def test_the_second_run_is_told_who_works_there(heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    with check_out(address, heeding.settings(scratch=tmp_path / "a"), run_id="0123456789abcdef"):
        with pytest.raises(Held) as caught, check_out(address, heeding.settings(scratch=tmp_path / "b"), run_id="two"):
            pass
        assert re.fullmatch(
            rf"Another run \(run 01234567 on \S+\) is working on the archive {address.url}; wait until it ends, then "
            r"try again; should that run be dead, the archive is free at \d\d:\d\d:\d\d UTC\.",
            str(caught.value),
        )
        assert caught.value.exit_code == 2
    with check_out(address, heeding.settings(scratch=tmp_path / "b"), run_id="two") as checkout:
        assert checkout.lease_by_store


def test_a_store_without_conditions_needs_a_lock_of_the_caller(heedless: Server, tmp_path: Path) -> None:
    address = parse_address(heedless.fresh())
    settings = heedless.settings(scratch=tmp_path)
    with pytest.raises(NoLease) as caught, check_out(address, settings, run_id="one"):
        pass
    assert str(caught.value).startswith("The store at 127.0.0.1:")
    assert caught.value.exit_code == 2
    with check_out(address, settings, run_id="one", locked=True) as checkout:
        assert not checkout.lease_by_store
        fill(checkout.folder)
        checkout.put_back()


def test_who_is_cut_off_stops_before_another_begins_and_puts_nothing_back(heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    stopped = threading.Event()
    with Watch(heeding) as door:
        mine = door.settings(scratch=tmp_path / "a", lease_seconds=5)
        with check_out(address, mine, run_id="one", on_lost=stopped.set) as checkout:
            fill(checkout.folder)

            def away(_seen: Seen) -> None:
                raise ConnectionAbortedError

            door.before = away
            with as_soon_as_free(address, heeding.settings(scratch=tmp_path / "b")) as other:
                with pytest.raises(
                    LeaseLost, match="ended while the store was out of reach; what this run did was not"
                ):
                    checkout.check()
                assert stopped.is_set()
                fill(other.folder, posts=1)
                door.before = lambda _seen: None
                with pytest.raises(LeaseLost) as caught:
                    checkout.put_back()
                assert caught.value.exit_code == 1
                other.put_back()
                kept = tree(other.folder)
    with read_out(address, heeding.settings(scratch=tmp_path / "c"), whole) as folder:
        assert tree(folder) == kept


@pytest.mark.parametrize("works", [True, False], ids=["who-took-over-put-back", "who-took-over-changed-nothing"])
def test_a_put_back_that_slept_is_refused_by_the_pointer(works: bool, heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    with check_out(address, heeding.settings(scratch=tmp_path / "a"), run_id="zero") as checkout:
        fill(checkout.folder)
        checkout.put_back()
        old = tree(checkout.folder)
    slept = False
    with Watch(heeding) as door:

        def sleep(seen: Seen) -> None:
            """The last request of a put back stands at the door until another run has come and gone."""
            nonlocal slept
            if slept and seen.key.endswith(LEASE):
                raise ConnectionAbortedError
            if seen.method == "PUT" and seen.key.endswith(POINTER):
                slept = True
                with as_soon_as_free(address, heeding.settings(scratch=tmp_path / "b")) as other:
                    if works:
                        fill(other.folder, posts=7)
                        other.put_back()

        door.before = sleep
        with check_out(address, door.settings(scratch=tmp_path / "a", lease_seconds=5), run_id="one") as checkout:
            fill(checkout.folder, posts=1, site="cccc")
            with pytest.raises(LeaseLost, match="Another run has taken over the archive"):
                checkout.put_back()
    with read_out(address, heeding.settings(scratch=tmp_path / "c"), whole) as folder:
        assert len(list((folder / "posts").rglob("*.md"))) == (7 if works else 3)
        assert works or tree(folder) == old


@pytest.mark.parametrize("name", [LEASE, POINTER], ids=["lease", "pointer"])
def test_an_answer_that_is_lost_is_no_conflict(name: str, watch: Watch, tmp_path: Path) -> None:
    address = parse_address(watch.server.fresh())
    lost: list[str] = []

    def lose(seen: Seen) -> None:
        if seen.method == "PUT" and seen.key.endswith(name) and not lost:
            lost.append(seen.key)
            raise ConnectionAbortedError

    watch.after = lose
    settings = watch.settings(scratch=tmp_path)
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        assert checkout.put_back().generation == 1
    assert lost
    with check_out(address, settings, run_id="two") as checkout:
        assert checkout.put_back().changed is False


def test_the_heartbeat_keeps_an_archive_for_longer_than_its_lease(watch: Watch, tmp_path: Path) -> None:
    address = parse_address(watch.server.fresh())
    with check_out(address, watch.settings(scratch=tmp_path, lease_seconds=5), run_id="one") as checkout:
        watch.forget()
        ends = time.monotonic() + 8
        while time.monotonic() < ends:
            time.sleep(0.2)
            checkout.check()
        assert 4 <= len(watch.sent("PUT", address.url)) <= 5  # every 5/3 seconds
        assert {seen.conditional for seen in watch.seen} == {True}
        fill(checkout.folder)
        assert checkout.put_back().changed


def test_expiry_is_judged_by_the_time_of_the_store(heeding: Server) -> None:
    address = parse_address(heeding.fresh())
    objects = Objects(address, heeding.settings())
    held = Lease(objects, probe(objects).clock, run_id="one", seconds=60, on_lost=None)
    assert held.acquire() is False
    wrong = StoreClock(datetime(1999, 1, 1, tzinfo=UTC), steady_seconds())
    with pytest.raises(Held):  # whatever this machine's own date is, it was never asked
        Lease(objects, wrong, run_id="two", seconds=60, on_lost=None).acquire()
    held.release()
    assert Lease(objects, wrong, run_id="two", seconds=60, on_lost=None).acquire() is False


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"seconds": 1e9, "run": {"a": 1}}', b'{"seconds": -5}'])
def test_a_lease_that_says_nothing_is_a_lease_all_the_same(content: bytes, heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    settings = heeding.settings(scratch=tmp_path)
    Objects(address, settings).put(LEASE, content)
    with pytest.raises(Held), check_out(address, settings, run_id="one"):
        pass
