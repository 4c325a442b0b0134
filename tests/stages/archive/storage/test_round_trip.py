"""What is put into a store comes out byte for byte, and only what changed is sent."""

from pathlib import Path

import pytest

from stages.archive.storage.address import parse_address
from stages.archive.storage.checkout import archives_under, check_out, lease_by_store, read_out
from stages.errors import BadInput, StreamlinerError
from tests.servers.stores import Server, Watch
from tests.stages.archive.storage.conftest import fill, tree


def test_a_store_is_asked_what_it_can(heeding: Server, heedless: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    assert lease_by_store(address, heeding.settings(scratch=tmp_path)) is True
    assert lease_by_store(address, heedless.settings(scratch=tmp_path)) is False


@pytest.mark.parametrize("kind", ["heeding", "heedless"])
def test_an_archive_comes_out_as_it_went_in(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server: Server = request.getfixturevalue(kind)
    settings = server.settings(scratch=tmp_path / "scratch")
    address = parse_address(server.fresh())
    with check_out(address, settings, run_id="one", locked=True) as checkout:
        assert tree(checkout.folder) == {}
        fill(checkout.folder, database=bytes(range(256)) * (9 << 12))  # nine parts, all of them the same
        (checkout.folder / "inbox").mkdir()
        put = tree(checkout.folder)
        done = checkout.put_back()
    assert (done.changed, done.generation) == (True, 1)
    assert [path.name for path in (tmp_path / "scratch").iterdir() if path.is_dir()] == []
    with check_out(address, settings, run_id="two", locked=True) as checkout:
        assert tree(checkout.folder) == put
        assert (checkout.folder / "site" / "index.html").read_text() == "<h1>Home aaaa</h1>"
        assert checkout.put_back().changed is False
    with read_out(address, settings, lambda manifest: manifest) as folder:
        assert tree(folder) == put
    assert not folder.exists()


def test_only_what_changed_is_sent_again(watch: Watch, tmp_path: Path) -> None:
    settings = watch.settings(scratch=tmp_path)
    url = watch.server.fresh()
    address = parse_address(url)
    database = bytearray(b"\0" * (20 << 20))
    database[4 << 20 : 5 << 20] = b"\1" * (1 << 20)
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder, posts=20, database=bytes(database))
        first = checkout.put_back()
    assert (first.objects, first.site_files) == (20 + 20 + 5, 22)
    database[17 << 20] = 7
    watch.forget()
    with check_out(address, settings, run_id="two") as checkout:
        (checkout.folder / "archive.duckdb").write_bytes(database)
        (checkout.folder / "ledger.jsonl").write_text('{"kind":"run"}\n{"kind":"run"}\n')
        second = checkout.put_back()
    assert (second.objects, second.site_files, second.generation) == (2, 0, 2)
    puts = [name.split("/")[1] for name in watch.sent("PUT", url) if "/probes/" not in name]
    assert puts.count("objects") == 2
    assert puts.count("manifests") == 1
    assert puts.count("current") == 1
    assert set(puts) == {"objects", "manifests", "current", "lease"}
    assert sum(seen.size for seen in watch.seen if "/objects/" in seen.key) < 1.1 * 2**20
    assert [name for name in watch.sent("PUT", url) if "/objects/" not in name][-2:] == [
        ".archive/current",
        ".archive/lease",
    ]
    watch.forget()
    with check_out(address, settings, run_id="three") as checkout:
        third = checkout.put_back()
    assert (third.changed, third.generation) == (False, 2)
    assert {name for name in watch.sent("PUT", url) if "/probes/" not in name} == {".archive/lease"}


def test_a_part_of_an_archive_can_be_read_alone(watch: Watch, tmp_path: Path) -> None:
    settings = watch.settings(scratch=tmp_path)
    address = parse_address(watch.server.fresh())
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        checkout.put_back()
    watch.forget()
    with read_out(address, settings, lambda manifest: manifest.only(lambda path: path.startswith("posts/"))) as folder:
        assert sorted(tree(folder)) == [f"posts/2026/03/day-{number}.md" for number in range(3)]
    assert {seen.method for seen in watch.seen} == {"GET"}  # a key that may only read is enough
    assert len(watch.seen) == 2 + 3


def test_where_there_is_no_archive_it_is_said(heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    settings = heeding.settings(scratch=tmp_path)
    with pytest.raises(BadInput) as caught, read_out(address, settings, lambda manifest: manifest):
        pass
    assert str(caught.value) == (
        f"There is no archive at {address.url}; `streamliner publish EXPORT --archive {address.url}` makes one."
    )
    with read_out(address, settings, lambda manifest: manifest, or_empty=True) as folder:
        assert tree(folder) == {}


def test_the_archives_below_a_prefix_are_found(heeding: Server, tmp_path: Path) -> None:
    settings = heeding.settings(scratch=tmp_path)
    above = parse_address(heeding.fresh())
    for name in ("tennis", "band"):
        with check_out(parse_address(f"{above.url}/{name}"), settings, run_id="one") as checkout:
            fill(checkout.folder)
            checkout.put_back()
    with check_out(parse_address(f"{above.url}/band/deeper"), settings, run_id="one") as checkout:
        checkout.put_back()
    assert [address.name for address in archives_under(above, settings)] == ["band", "tennis"]


def test_the_site_stands_as_plain_files(watch: Watch, tmp_path: Path) -> None:
    settings = watch.settings(scratch=tmp_path)
    url = watch.server.fresh()
    address = parse_address(url)

    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        checkout.put_back()
    assert watch.server.look(f"{url}/site/index.html") == (b"<h1>Home aaaa</h1>", "text/html; charset=utf-8")
    assert watch.server.look(f"{url}/site/style.css") == (b"h1 { color: teal }", "text/css; charset=utf-8")
    watch.forget()
    with check_out(address, settings, run_id="two") as checkout:
        fill(checkout.folder, posts=2, site="bbbb")
        pages = checkout.folder / ".versions" / "bbbb"
        (pages / "style.css").write_text("h1 { color: navy }")
        (pages / "days" / "1.html").write_text("<p>one, anew</p>")
        (pages / "new.html").write_text("<p>new</p>")
        assert checkout.put_back().site_files == 4
    order = [
        name
        for name in watch.sent("PUT", url)
        if name.startswith("site/") or name in (".archive/current", ".archive/site")
    ]
    assert order == [
        ".archive/current", ".archive/site",
        "site/new.html", "site/style.css", "site/days/1.html", "site/index.html", ".archive/site",
    ]  # fmt: skip
    assert watch.server.look(f"{url}/site/index.html") == (b"<h1>Home bbbb</h1>", "text/html; charset=utf-8")
    assert watch.server.look(f"{url}/site/days/2.html") is None


def test_a_site_whose_change_was_interrupted_is_made_whole(watch: Watch, tmp_path: Path) -> None:
    settings = watch.settings(scratch=tmp_path)
    url = watch.server.fresh()
    address = parse_address(url)
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        checkout.put_back()

    def refuse(seen: object) -> None:
        if str(getattr(seen, "key", "")).endswith("site/index.html"):
            raise ConnectionAbortedError

    watch.before = refuse
    with check_out(address, settings, run_id="two") as checkout:
        fill(checkout.folder, posts=1, site="bbbb")
        with pytest.raises(
            StreamlinerError, match=r"is put back, but not all of its site is: .* The next run completes"
        ):
            checkout.put_back()
    watch.before = lambda _seen: None
    with check_out(address, settings, run_id="three") as checkout:
        done = checkout.put_back()
    assert (done.changed, done.generation, done.site_files) == (False, 2, 3)
    assert watch.server.look(f"{url}/site/index.html") == (b"<h1>Home bbbb</h1>", "text/html; charset=utf-8")
    assert watch.server.look(f"{url}/site/days/2.html") is None
