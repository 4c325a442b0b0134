"""Archives and exports in object stores, as a person works with them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stages.archive.storage import parse_address
from stages.archive.storage.checkout import read_out
from stages.archive.storage.client import Objects
from stages.archive.storage.layout import LEASE
from tests.flows.conftest import KEY, ROOT, tree
from tests.flows.linked import FETCHING, article, write_chat
from tests.servers.pages import PageServer, page, silence
from tests.servers.stores import BUCKET, KEY_ID, SECRET, Server, Watch, free_port, moto, rclone


@pytest.fixture(scope="module")
def store() -> Iterator[Server]:
    with moto() as server:
        yield server


@pytest.fixture(scope="module")
def heedless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


def archived(store: Server, url: str, folder: Path) -> dict[str, bytes | str]:
    """What the archive holds: bytes of files, links by their target."""
    with read_out(parse_address(url), store.settings(scratch=folder), lambda manifest: manifest) as found:
        links = {
            path.relative_to(found).as_posix(): os.readlink(path) for path in found.rglob("*") if path.is_symlink()
        }
        return {name: data for name, data in tree(found).items() if not name.startswith("site/")} | links


def left_here(scratch: Path) -> list[str]:
    return [path.name for path in scratch.rglob("*") if not path.name.endswith(".lock")] if scratch.exists() else []


def test_an_archive_in_a_store_is_the_one_that_a_folder_would_be(
    store: Server, make_chat: Callable[..., Path], streamliner: Callable[..., Any], tmp_path: Path
) -> None:
    url, scratch = store.fresh(), tmp_path / "scratch"
    environment = store.environment(scratch=scratch)
    export = make_chat()
    streamliner("publish", export, "--archive", tmp_path / "family")
    done = streamliner("publish", export, "--archive", url, **environment)
    assert f"Open {url}/site/index.html\n" in done.stdout
    assert str(scratch) not in done.stdout + done.stderr
    here = {
        name: data
        for name, data in tree(tmp_path / "family").items()
        if name.startswith(("posts/", "media/", ".versions/"))
    }
    there = archived(store, url, tmp_path / "read")
    assert {name: there.get(name) for name in here} == here
    assert there["site"] == os.readlink(tmp_path / "family" / "site")
    assert "archive.lock" not in there
    assert not [name for name in there if name.startswith(".work")]
    for name, data in tree(tmp_path / "family" / "site").items():
        plain = store.look(f"{url}/site/{name}")
        assert plain is not None, name
        assert plain[0] == data
    assert left_here(scratch) == []

    report = json.loads(streamliner("report", url, "--json", **environment).stdout)
    assert report["status"] == "completed"
    assert report["site"] == f"{url}/site/index.html"
    assert "run_id" in streamliner("report", url, **environment).stdout
    assert streamliner("report", url, "--dead", **environment).stdout == "Nothing was given up.\n"
    lines = streamliner("ledger", url, "--json", **environment).stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines][:2] == ["run", "merge"]
    assert streamliner("retry", url, **environment).stdout == (
        f"0 enrichments and 0 windows are waiting again; `streamliner publish --archive {url}` tries them.\n"
    )
    assert left_here(scratch) == []


def test_the_same_export_again_sends_the_report_and_nothing_of_the_site(
    store: Server, make_chat: Callable[..., Path], publish: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    url, export = store.fresh(), make_chat(10)
    with Watch(store) as watch:
        environment = watch.environment(scratch=tmp_path / "scratch")
        first = publish(export, "--archive", url, **environment)
        before = archived(store, url, tmp_path / "read")
        sent = sum(seen.size for seen in watch.seen)
        watch.forget()
        second = publish(export, "--archive", url, **environment)
        after = archived(store, url, tmp_path / "read")
    assert (first["posts_written"], second["posts_written"], second["model_calls"]) == (10, 0, 0)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {"archive.duckdb", "ledger.jsonl", "metrics/performance.json"}
    puts = watch.sent("PUT", url)
    assert 3 <= len([name for name in puts if "/objects/" in name]) < 10  # parts of the database among them
    assert not [name for name in puts if name.startswith("site/")]
    assert sum(seen.size for seen in watch.seen) < 0.8 * sent


def test_exports_are_taken_from_a_store(
    store: Server, make_chat: Callable[..., Path], publish: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    uploads = f"s3://{BUCKET}/uploads-{tmp_path.name}"
    objects = Objects(parse_address(uploads), store.settings())
    for number, name in enumerate(("WhatsApp Chat with Marisol Vexley.zip", "second chat.zip")):
        objects.put_file(name, make_chat(3, name, 13 + 3 * number), content_type="application/zip")
    environment = store.environment(scratch=tmp_path / "scratch")
    one = publish(f"{uploads}/WhatsApp Chat with Marisol Vexley.zip", "--archive", tmp_path / "one", **environment)
    both = publish(f"{uploads}/", "--archive", store.fresh(), **environment)
    by_file = publish((tmp_path / "second chat.zip").as_uri(), "--archive", (tmp_path / "file").as_uri())
    assert (one["messages"], both["messages"], by_file["messages"]) == (25, 49, 25)
    assert (tmp_path / "file" / "archive.duckdb").is_file()
    assert left_here(tmp_path / "scratch") == []


def test_a_dry_run_changes_nothing_there(
    store: Server, make_chat: Callable[..., Path], streamliner: Callable[..., Any], tmp_path: Path
) -> None:
    url = store.fresh()
    with Watch(store) as watch:
        environment = watch.environment(scratch=tmp_path / "scratch")
        done = streamliner("publish", make_chat(3), "--archive", url, "--dry-run", **environment)
        assert done.stdout.endswith("Nothing was done.\n")
        streamliner("publish", make_chat(3), "--archive", url, **environment)
        watch.forget()
        longer = make_chat(5)
        report = streamliner("publish", longer, "--archive", url, "--dry-run", "--json", **environment)
        assert json.loads(report.stdout)["windows_to_write"] == 2
        assert {seen.method for seen in watch.seen} == {"GET"}
    assert left_here(tmp_path / "scratch") == []


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_bad_input_changes_nothing_there(
    there: bool, store: Server, make_chat: Callable[..., Path], streamliner: Callable[..., Any], tmp_path: Path
) -> None:
    url = store.fresh()
    with Watch(store) as watch:
        environment = watch.environment(scratch=tmp_path / "scratch")
        if there:
            streamliner("publish", make_chat(), "--archive", url, **environment)
        watch.forget()
        no_chat = tmp_path / "no-chat.txt"
        no_chat.write_text("Dear diary, nothing.\n")
        done = streamliner("publish", no_chat, "--archive", url, check=2, **environment)
        assert {name.split("/")[1] for name in watch.sent("PUT", url)} == {"probes", "lease"}
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("streamliner: ")
    assert str(tmp_path / "scratch") not in done.stderr
    assert left_here(tmp_path / "scratch") == []


def test_what_is_wrong_with_a_store_is_one_sentence(
    store: Server,
    heedless: Server,
    make_chat: Callable[..., Path],
    streamliner: Callable[..., Any],
    tmp_path: Path,
) -> None:
    export = make_chat()
    nobody = Server(f"http://127.0.0.1:{free_port()}", None)  # type: ignore[arg-type]
    url = f"s3://{BUCKET}/family"
    cases: list[tuple[list[object], dict[str, str], str]] = [
        (["publish", export, "--archive", url], nobody.environment(), "does not answer; see that it runs"),
        (["publish", f"{url}.zip", "--archive", tmp_path / "x"], nobody.environment(), "does not answer"),
        (["report", url], nobody.environment(), "does not answer"),
        (["retry", url], heedless.environment(secret_access_key="canary-wrong"), "refuses the key for the bucket"),
        (["publish", export, "--archive", url], heedless.environment(), "ignores the conditions of a put"),
        (["publish", export, "--archive", "s3://nowhere/family"], store.environment(), "There is no bucket 'nowhere'"),
        (["publish", export, "--archive", "gs://chats/family"], {}, "There is no storage gs://"),
        (["publish", export, "--archive", "s3://key:canary@chats/x"], {}, "An address of a store holds no key"),
        (["publish", export, "--archive", url], {}, "There is no key to the store"),
        (["serve", store.fresh()], store.environment(), "There is no archive at s3://"),
        (["ledger", store.fresh()], store.environment(), "There is no archive at s3://"),
        (["retry", store.fresh()], store.environment(), "There is no archive in s3://"),
        (["publish", "--archive", store.fresh()], store.environment(), "There is no archive in s3://"),
    ]
    scratch = {"STREAMLINER_STORAGE__SCRATCH": str(tmp_path / "scratch")}
    for arguments, environment, sentence in cases:
        done = streamliner(*arguments, check=2, **environment, **scratch)
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert done.stdout == ""
        assert not [word for word in (SECRET, KEY_ID, "canary", "<Error>") if word in done.stderr]
    assert left_here(tmp_path / "scratch") == []


@contextmanager
def held_up(url: str, scratch: Path, door: Server | Watch, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A publication that waits for a page that never comes, with what it read already in its archive."""
    with PageServer() as pages:
        pages.put("/first", page(article("First")))
        pages.put("/never", silence())
        export = write_chat(tmp_path / "links.zip", [pages.url("/first"), pages.url("/never")])
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLINER_")}
        environment |= FETCHING | door.environment(scratch=scratch, lease_seconds=5)
        environment |= {"STREAMLINER_PRIVACY__KEY": KEY, "STREAMLINER_FETCH__TOTAL_TIMEOUT_SECONDS": "120"}
        run = subprocess.Popen(
            [sys.executable, "-m", "flows", "publish", str(export), "--archive", url],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            while "/never" not in pages.paths:
                assert run.poll() is None, run.communicate()[1]
                time.sleep(0.05)
            yield run
        finally:
            run.kill()
            run.communicate()


def test_two_runs_at_once_one_works_and_the_other_leaves(
    store: Server, make_chat: Callable[..., Path], streamliner: Callable[..., Any], tmp_path: Path
) -> None:
    url = store.fresh()
    environment = store.environment(scratch=tmp_path / "b")
    with held_up(url, tmp_path / "a", store, tmp_path) as run:
        done = streamliner("publish", make_chat(), "--archive", url, check=2, **environment)
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert f"is working on the archive {url}; wait until it ends, then try again" in done.stderr
        run.send_signal(signal.SIGTERM)  # a polite end: what was done is put back, and the archive is free at once
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 130, said
        assert "Interrupted: 0 posts were written and kept" in said
    assert left_here(tmp_path / "a") == []
    report = json.loads(streamliner("publish", "--archive", url, "--json", **environment).stdout)
    assert (report["messages"], report["status"]) == (5, "completed")


def test_a_killed_run_is_gone_on_with(
    store: Server, publish: Callable[..., dict[str, Any]], streamliner: Callable[..., Any], tmp_path: Path
) -> None:
    url, scratch = store.fresh(), tmp_path / "scratch"
    with held_up(url, scratch, store, tmp_path) as run:
        run.send_signal(signal.SIGKILL)
        run.wait()
    environment = store.environment(scratch=scratch)
    for _ in range(100):  # until the lease of the dead has expired
        done = streamliner("publish", "--archive", url, check=None, **environment)
        if done.returncode != 2:
            break
        time.sleep(0.2)
    assert done.returncode == 0, done.stderr
    assert f"A run that was stopped left its work on {url} here; this one goes on with it." in done.stderr
    there = archived(store, url, tmp_path / "read")
    assert "archive.duckdb" in there
    assert left_here(scratch) == []


def test_a_lease_that_is_lost_ends_the_run_and_nothing_is_put_back(store: Server, tmp_path: Path) -> None:
    url = store.fresh()
    with Watch(store) as watch, held_up(url, tmp_path / "a", watch, tmp_path) as run:

        def away(_seen: object) -> None:
            raise ConnectionAbortedError

        watch.before = away
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 1, said
        assert said.splitlines()[-1] == (
            f"streamliner: The lease of the archive {url} ended while the store was out of reach; what this run did "
            "was not put back, and the archive there is as the other run leaves it."
        )
        assert not [seen for seen in watch.seen if seen.method == "PUT" and "/objects/" in seen.key]
    assert not Objects(parse_address(url), store.settings()).exists(".archive/current")
    assert Objects(parse_address(url), store.settings()).exists(LEASE)


def test_the_site_of_an_archive_in_a_store_is_served(
    store: Server, make_chat: Callable[..., Path], streamliner: Callable[..., Any], tmp_path: Path
) -> None:
    url = store.fresh()
    environment = store.environment(scratch=tmp_path / "scratch")
    streamliner("publish", make_chat(), "--archive", url, **environment)
    server = subprocess.Popen(
        [sys.executable, "-m", "flows", "serve", url, "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[2]
        with urllib.request.urlopen(address, timeout=10) as answer:
            home = store.look(f"{url}/site/index.html")
            assert home is not None
            assert answer.read() == home[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)
    assert left_here(tmp_path / "scratch") == []
