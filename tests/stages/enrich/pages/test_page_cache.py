"""Pages remembered across archives: ages, failures, sizes, several processes at once, folders that cannot be used."""

import hashlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.pages.cache import FAILURE_AGE, FILE, CachedPage, PageCache
from stages.enrich.pages.facts import PageFacts
from stages.enrich.pages.folder import cache_folder
from stages.enrich.pages.keys import page_key
from stages.enrich.pages.sealed import seal, unseal
from stages.enrich.urls import canonical

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 3, 7, 12, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://site.example/a?b=1"
PAGE = CachedPage(
    PageFacts(title="Bridge", description="The bridge is closed.", text="The bridge is closed for now."), "ab" * 32
)
GONE = CachedPage(error_class="permanent", reason="The page is not there any more.")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., PageCache]]:
    """``opened(**settings)``: the cache of one folder, opened anew; ``said`` has what it said."""
    caches = []

    def make(**given) -> PageCache:
        make.said = said = []
        cache = PageCache(tmp_path / "pages", **({"days": 30, "say": said.append} | given))
        caches.append(cache)
        return cache

    yield make
    for cache in caches:
        cache.close()


def test_what_was_kept_is_found_by_another_run(opened) -> None:
    with opened() as cache:
        assert cache.keep({URL: PAGE, "https://site.example/gone": GONE}, NOW) == 2
    with opened() as cache:
        found = cache.look_up([URL, "https://site.example/gone", "https://site.example/other"], NOW)
        assert found == {URL: PAGE, "https://site.example/gone": GONE}
    assert opened.said == []


def test_spellings_of_one_page_are_one_page(opened) -> None:
    cache = opened()
    cache.keep({"https://Site.Example:443/a?b=1&utm_source=mail&fbclid=x#part": PAGE}, NOW)
    spellings = [URL, "HTTPS://site.example/a?gclid=9&b=1", "https://site.example/a?b=1#other"]
    assert list(cache.look_up(spellings, NOW)) == spellings
    others = [
        "https://site.example/A?b=1", "https://site.example/a?b=2", "https://site.example/a",
        "http://site.example/a?b=1", "https://me@site.example/a?b=1", "https://site.example/a?b=1&cid=7",
        "https://site.example/a?b=1&page",
    ]  # fmt: skip
    assert cache.look_up(others, NOW) == {}


def test_pages_grow_old(opened) -> None:
    cache = opened(days=30)
    cache.keep({URL: PAGE}, NOW)
    assert cache.look_up([URL], NOW + 30 * DAY - timedelta(seconds=1))
    assert not cache.look_up([URL], NOW + 30 * DAY)
    assert not cache.look_up([URL], NOW - 2 * timedelta(hours=1))
    assert not opened(days=2).look_up([URL], NOW + 3 * DAY)
    assert not opened(days=0).look_up([URL], NOW)
    cache.keep({URL: PAGE}, NOW + 40 * DAY)
    assert cache.look_up([URL], NOW + 50 * DAY)


def test_failures_grow_old_sooner_and_can_be_passed_over(opened) -> None:
    cache = opened()
    cache.keep({URL: GONE}, NOW)
    assert cache.look_up([URL], NOW + FAILURE_AGE - timedelta(seconds=1)) == {URL: GONE}
    assert cache.look_up([URL], NOW + FAILURE_AGE) == {}
    assert cache.look_up([URL], NOW, failures=False) == {}


@pytest.mark.parametrize("error_class", ["transient", "throttled", "refused"])
def test_what_failed_in_passing_is_not_remembered(opened, error_class: str) -> None:
    cache = opened()
    assert cache.keep({URL: CachedPage(error_class=error_class, reason="No answer came in time.")}, NOW) == 0
    assert cache.look_up([URL], NOW) == {}


def test_a_failure_of_other_settings_is_not_handed_out(opened) -> None:
    opened(policy="8 MB").keep({URL: GONE}, NOW)
    assert opened(policy="20 MB").look_up([URL], NOW) == {}
    assert opened(policy="8 MB").look_up([URL], NOW) == {URL: GONE}


def test_pictures_are_kept_by_their_content(opened) -> None:
    cache = opened()
    data = b"\x89PNG" + os.urandom(300_000)
    digest = hashlib.sha256(data).hexdigest()
    assert cache.keep_pictures({digest: data, "0" * 64: b""}, NOW) == 2
    assert cache.pictures([digest, "0" * 64, "f" * 64], NOW) == {digest: data, "0" * 64: b""}
    assert cache.pictures([digest], NOW + 31 * DAY) == {}


def test_a_batch_is_one_query_and_one_statement(opened, monkeypatch) -> None:
    statements: list[str] = []
    cache = opened()
    cache._connection.set_trace_callback(statements.append)
    urls = [f"https://site.example/{number}" for number in range(3_000)]
    assert cache.keep(dict.fromkeys(urls, PAGE), NOW) == 3_000
    assert [statement.split()[0] for statement in statements if not statement.startswith("PRAGMA")] == [
        "BEGIN",
        "INSERT",
        "COMMIT",
    ]
    statements.clear()
    assert len(cache.look_up(urls, NOW)) == 3_000
    assert len(statements) == 1


def test_the_oldest_go_when_it_grows_too_large(opened) -> None:
    cache = opened(max_mb=1)
    page = CachedPage(PageFacts(text="x" * 9_000))
    for day in range(40):
        cache.keep({f"https://site.example/{day}/{number}": page for number in range(10)}, NOW + day * DAY / 10)
    kept = [day for day in range(40) if cache.look_up([f"https://site.example/{day}/1"], NOW + 4 * DAY)]
    assert kept == list(range(kept[0], 40))
    assert 5 <= len(kept) <= 11
    cache.close()
    assert sum(file.stat().st_size for file in cache._path.parent.iterdir()) < 3_000_000


def test_the_folder_does_not_tell_what_was_read(opened) -> None:
    cache = opened()
    cache.keep({URL: PAGE, "https://gone.example/": GONE}, NOW)
    cache.keep_pictures({PAGE.picture: b"picture " * 100}, NOW)
    files = list(cache._path.parent.iterdir())
    held = b"".join(file.read_bytes() for file in files)
    for told in (b"site.example", b"gone.example", b"ridge", b"closed", b"not there", b"picture", b"ab" * 16):
        assert told not in held
    assert stat.S_IMODE(cache._path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert opened(secret=b"k" * 32).look_up([URL], NOW) == {}


def test_a_folder_that_others_could_read_is_closed_to_them(tmp_path, opened) -> None:
    (tmp_path / "pages").mkdir(mode=0o755)
    opened().keep({URL: PAGE}, NOW)
    assert stat.S_IMODE((tmp_path / "pages").stat().st_mode) == 0o700


@given(st.binary(max_size=200), st.binary(max_size=8), st.text(max_size=9))
def test_what_is_sealed_is_opened_by_its_name_alone(data: bytes, secret: bytes, name: str) -> None:
    sealed = seal(secret, "page", name, data)
    assert unseal(secret, "page", name, sealed) == data
    for other in (
        (secret, "page", name + "x", sealed),
        (secret + b"x", "page", name, sealed),
        (secret, "pag", "e" + name, sealed),
    ):
        with pytest.raises(ValueError, match="not whole"):
            unseal(*other)
    with pytest.raises(ValueError, match="not whole"):
        unseal(secret, "page", name, sealed[:-1] + bytes([sealed[-1] ^ 1]))


WRITER = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from stages.enrich.pages.cache import CachedPage, PageCache
from stages.enrich.pages.facts import PageFacts
name = sys.argv[2]
said = []
with PageCache(Path(sys.argv[1]), days=30, say=said.append) as cache:
    for batch in range(20):
        page = CachedPage(PageFacts(title=name))
        pages = {{f"https://site.example/{{name}}/{{batch}}/{{n}}": page for n in range(25)}}
        pages["https://site.example/shared"] = CachedPage(PageFacts(title="shared"))
        assert cache.keep(pages, datetime.fromisoformat("{NOW.isoformat()}")) == 26
        assert len(cache.look_up(pages, datetime.fromisoformat("{NOW.isoformat()}"))) == 26
assert not said, said
"""


def test_several_processes_write_at_once(opened, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "pages"), str(number)], cwd=ROOT)
        for number in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    urls = [f"https://site.example/{name}/{batch}/{n}" for name in range(4) for batch in range(20) for n in range(25)]
    assert len(opened().look_up([*urls, "https://site.example/shared"], NOW)) == 2_001


@pytest.mark.parametrize(
    "content",
    [b"not a database " * 100, b"SQLite format 3\x00" + b"\x00" * 4_000, b"\xff" * 9_000],
    ids=["text", "head", "ff"],
)
def test_a_damaged_file_is_said_once_and_the_next_run_begins_anew(opened, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / FILE).write_bytes(content)
    cache = opened()
    for _ in range(3):
        assert cache.keep({URL: PAGE}, NOW) == 0
        assert cache.look_up([URL], NOW) == {}
    assert len(opened.said) == 1
    cache = opened()
    assert cache.keep({URL: PAGE}, NOW) == 1
    assert opened.said == []


def test_damage_in_the_midst_of_the_file(opened, tmp_path: Path) -> None:
    with opened() as cache:
        cache.keep({f"https://site.example/{n}": PAGE for n in range(500)}, NOW)
    with (tmp_path / "pages" / FILE).open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xaa" * 400_000)
    cache = opened()
    cache.look_up([f"https://site.example/{n}" for n in range(500)], NOW)
    cache.keep({f"https://site.example/{n}": PAGE for n in range(500)}, NOW)
    assert len(opened.said) == 1
    assert opened().keep({URL: PAGE}, NOW) == 1


def test_a_folder_that_cannot_be_made_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for folder in (tmp_path / "file" / "pages", tmp_path / "link"):
        said: list[str] = []
        with PageCache(folder, days=30, say=said.append) as cache:
            assert cache.keep({URL: PAGE}, NOW) == 0
            assert cache.look_up([URL], NOW) == {}
        assert said == ["Remembered pages cannot be read; pages are fetched anew."]
    assert list((tmp_path / "elsewhere").iterdir()) == []


IN_NEED = """
import os, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from stages.enrich.pages.cache import CachedPage, PageCache
from stages.enrich.pages.facts import PageFacts
from stages.enrich.pages.keys import page_key
folder, case = Path(sys.argv[1]), sys.argv[2]
now = datetime(2026, 3, 7, 12, tzinfo=UTC)
said = []
page_key("https://site.example/")  # whoever it runs as next may not read our libraries
if case == "read-only" and os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
cache = PageCache(folder, days=30, say=said.append)
if case == "full":
    cache.keep({"https://site.example/first": CachedPage(PageFacts(title="first"))}, now)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
large = CachedPage(PageFacts(text="x" * 19_000))
kept = [cache.keep({f"https://site.example/{batch}/{n}": large for n in range(50)}, now) for batch in range(3)]
assert kept == [0, 0, 0], kept
found = cache.look_up(["https://site.example/first"], now)
assert len(said) == 1, said
assert bool(found) == (case == "full"), (found, said)
"""


@pytest.mark.parametrize("case", ["full", "read-only"])
def test_a_disk_that_takes_nothing_ends_the_keeping_and_not_the_run(case: str) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o555 if case == "read-only" else 0o700)
        subprocess.run([sys.executable, "-c", IN_NEED, str(folder / "pages"), case], cwd=ROOT, check=True)
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_lock_that_another_never_gives_back_is_not_waited_for_for_ever(opened, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("stages.enrich.pages.cache._BUSY", 0.05)
    cache = opened()
    cache.keep({URL: PAGE}, NOW)
    other = sqlite3.connect(tmp_path / "pages" / FILE)
    other.execute("BEGIN EXCLUSIVE")
    assert cache.keep({URL: PAGE}, NOW) == 0
    assert cache.keep({URL: PAGE}, NOW) == 0
    assert cache.look_up([URL], NOW) == {URL: PAGE}
    other.close()
    assert len(opened.said) == 1


PIECES = st.sampled_from(
    [
        "/",
        "?",
        "&",
        "#",
        "=",
        "utm_source=x",
        "utm_",
        "fbclid",
        "gclid=",
        "UTM_a=b",
        "a",
        "B",
        "é",
        "%41",
        "..",
        "//",
        "@",
        ":8080",
        "(",
        "[",
        "b=1",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["http://", "HTTPS://", "https://", "www."]), st.lists(PIECES, max_size=8).map("".join))
def test_links_of_one_candidate_are_one_page(scheme: str, rest: str) -> None:
    link = f"{scheme}Site.Example{rest}"
    row = duckdb.sql(f"SELECT {canonical('link')} FROM (SELECT $link AS link)", params={"link": link}).fetchone()
    assert row is not None
    assert page_key(row[0]) == page_key(link)


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, "/home/ana/.cache/streamliner"),
        ("linux", {"XDG_CACHE_HOME": "/var/cache/ana"}, "/var/cache/ana/streamliner"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/ana/.cache/streamliner"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "/home/ana/Library/Caches/streamliner"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/streamliner/Cache"),
        ("win32", {}, "/home/ana/AppData/Local/streamliner/Cache"),
    ],
)
def test_the_folder_is_where_the_system_keeps_caches(platform, environment, folder) -> None:
    assert cache_folder(environment, Path("/home/ana"), platform) == Path(folder)
