"""Links are fetched, end to end: a real web server plays the sites, the command line publishes a chat that links there,
and what the server saw is counted."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from PIL import Image

from tests.servers.pages import PageServer, answer, drip, endless, page, redirect, status

FETCHING = {
    "STREAMLINER_FETCH__ENABLED": "true",
    "STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
    "STREAMLINER_FETCH__TOTAL_TIMEOUT_SECONDS": "3",
    "STREAMLINER_FETCH__PAGE_MAX_MB": "0.2",
    "STREAMLINER_RETRY__ATTEMPTS": "2",
    "STREAMLINER_RETRY__WAIT_INITIAL_SECONDS": "0.01",
    "STREAMLINER_BREAKER__FAILURES": "100",
}
HERE = Path(__file__).parents[2]


def article(title: str, picture: str = "") -> str:
    card = f'<meta property="og:image" content="{picture}">' if picture else ""
    words = "The lamp of the old lighthouse was lit again on Sunday evening, after forty years of darkness. "
    return (
        f'<html lang="en"><head><title>{title}</title><meta property="og:site_name" content="Harbour News">'
        f'<meta name="description" content="{title}: a lighthouse is lit again after forty years of darkness.">{card}'
        f'<meta property="article:published_time" content="2026-02-03"></head><body><article><h1>{title}</h1>'
        f"<p>{words * 6}</p></article></body></html>"
    )


def photo() -> bytes:
    buffer = BytesIO()
    Image.linear_gradient("L").resize((900, 450)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer() as running:
        yield running


@pytest.fixture
def chat_of(tmp_path: Path) -> Callable[..., Path]:
    """Write a chat with one message for each link, among others."""

    def make(links: Sequence[str], name: str = "WhatsApp Chat with Marisol Vexley.zip") -> Path:
        lines = ["13/03/2026 08:00 - Messages and calls are end-to-end encrypted."]
        said = ("Did anyone find the missing cello? The concert is on Friday", "It was in the boathouse all along")
        for number, text in enumerate((*said, *(f"look at this {link} please" for link in links))):
            who = ("Marisol Vexley", "Tobias Quandt")[number % 2]
            lines.append(f"13/03/2026 {9 + number // 60:02}:{number % 60:02} - {who}: {text}")
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("chat.txt", "\n".join(lines) + "\n")
        return path

    return make


def published(archive: Path, contents: Callable[[Path], dict[str, bytes]]) -> dict[str, bytes]:
    return {
        f"{name}/{path}": data
        for name in ("site", "posts", "media")
        if (archive / name).exists()
        for path, data in contents((archive / name).resolve()).items()
    }


def tasks(archive: Path) -> dict[str, tuple[Any, ...]]:
    """(state, attempts, class, reason) of each link, by its path."""
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT value, state, attempts, error_class, last_error FROM tasks").fetchall()
    return {re.sub(r"^https?://[^/]*", "", value): tuple(row) for value, *row in rows}


def known(archive: Path) -> list[dict[str, Any]]:
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT * FROM enrichments ORDER BY key").to_arrow_table().to_pylist()


@pytest.fixture
def every_fault(server: PageServer, chat_of: Callable[..., Path]) -> Path:
    """A chat with links to all that a site can do."""
    server.put("/robots.txt", answer(200, b"User-agent: *\nDisallow: /forbidden\n", mime="text/plain"))
    server.put("/good", page(article("The lighthouse is lit", "/card.png")))
    server.put("/card.png", answer(200, photo(), mime="image/png"))
    server.put("/slow", drip())
    server.put("/moved", redirect("/target"))
    server.put("/target", page(article("Where it went")))
    server.put("/circle", redirect("/circle-2"))
    server.put("/circle-2", redirect("/circle"))
    server.put("/huge", endless())
    server.put("/archive.zip", answer(200, b"PK\x03\x04", mime="application/zip"))
    server.put("/flaky", status(503), page(article("Second time lucky")))
    server.put("/down", status(503))
    paths = ("good", "slow", "gone", "moved", "circle", "huge", "archive.zip", "flaky", "down", "forbidden/a")
    return chat_of([*(server.url(f"/{path}") for path in paths), "http://10.1.2.3/private"])


DEAD = {
    "/slow": "The page took longer than fetch.total_timeout_seconds.",
    "/gone": "The site refused (404: there is no such page).",
    "/circle": "The page redirects in a circle.",
    "/huge": "The link leads to more than 0.2 MB (fetch.page_max_mb).",
    "/forbidden/a": "The site's robots.txt asks robots to leave this page alone.",
    "/private": "The link leads to an address that is not public (fetch.allow_networks).",
}


def test_every_kind_of_link_ends_as_it_should_and_a_second_run_asks_for_what_waits_alone(
    every_fault: Path, server: PageServer, publish, streamliner, contents, tmp_path: Path
) -> None:
    archive = tmp_path / "a"
    report = publish(every_fault, "--archive", archive, **FETCHING)
    once = ("/robots.txt", "/good", "/card.png", "/slow", "/gone", "/moved", "/target", "/circle", "/circle-2")
    assert sorted(server.paths) == sorted([*once, "/huge", "/archive.zip", *["/flaky"] * 2, *["/down"] * 2])
    assert report["fetches"] == len(server.requests) == 15
    assert (report["enriched"], report["dead_letters"], report["links_waiting"]) == (3, 7, 1)
    assert (report["retries"], report["breakers"]) == (2, {"hosts": {}, "provider": None})
    assert report["fetching"]["pages"] == 3
    assert report["fetching"]["pictures"] == 1
    found = tasks(archive)
    for path, reason in DEAD.items():
        assert found[path] == ("dead", 1, "permanent", reason), path
    assert found["/archive.zip"][:3] == ("dead", 1, "permanent")
    assert found["/down"] == ("pending", 1, "transient", "The site failed to answer (503).")
    assert sum(report["dead_letter_reasons"].values()) == 7
    good = next(row for row in known(archive) if row["value"].endswith("/good"))
    assert (good["title"], good["site"], good["published"]) == ("The lighthouse is lit", "Harbour News", "2026-02-03")
    assert (good["fetched"], good["language"], good["width"], good["height"]) == (True, "en", 640, 320)
    assert good["text"].startswith("The lighthouse is lit: a lighthouse is lit again")
    assert good["preview"].startswith("data:image/webp;base64,")
    assert [path.name for path in (archive / "media").iterdir()] == json.loads(good["files"])
    everything = b"".join(published(archive, contents).values()).decode(errors="replace")
    assert server.url("/gone") in everything, "a dead link stays as its plain address"
    before = published(archive, contents)

    server.forget()
    report = publish("--archive", archive, **FETCHING)
    assert server.paths == ["/robots.txt", "/down", "/down"]
    assert (report["fetches"], report["enriched"], report["model_calls"]) == (3, 0, 0)
    assert (report["dead_letters"], report["links_waiting"]) == (8, 0)
    assert published(archive, contents) == before

    server.forget()
    report = publish("--archive", archive, **FETCHING)
    assert (server.paths, report["fetches"]) == ([], 0)

    server.put("/gone", page(article("Back again")))
    assert json.loads(streamliner("retry", archive, "--json").stdout) == {"tasks": 8, "windows": 0}
    report = publish("--archive", archive, **FETCHING)
    again = ["/robots.txt", "/slow", "/gone", "/circle", "/circle-2", "/huge", "/archive.zip", "/down", "/down"]
    assert sorted(server.paths) == sorted(again)
    assert (report["enriched"], report["dead_letters"], report["links_waiting"]) == (1, 6, 1)


def test_the_same_again_fetches_nothing_and_changes_nothing(
    server: PageServer, chat_of, publish, streamliner, contents, tmp_path: Path
) -> None:
    server.put("/a", page(article("The lighthouse is lit", "/card.png")))
    server.put("/card.png", answer(200, photo(), mime="image/png"))
    chat = chat_of([server.url("/a"), server.url("/gone")])
    archive = tmp_path / "a"
    done = streamliner("publish", chat, "--archive", archive, **FETCHING)
    assert [line for line in done.stderr.splitlines() if "STREAMLINER_FETCH__ENABLED=false" in line]
    assert "Links and files that were given up (`streamliner retry` queues them): 1." in done.stdout
    assert "1 x The site refused (404: there is no such page)." in done.stdout
    before = published(archive, contents)
    server.forget()
    done = streamliner("publish", chat, "--archive", archive, **FETCHING)
    assert "STREAMLINER_FETCH__ENABLED" not in done.stderr, "it is said once per archive"
    assert (server.paths, published(archive, contents)) == ([], before)
    # another archive of this person knows the page by now, and why the other could not be had
    report = publish(chat, "--archive", tmp_path / "b", **FETCHING)
    assert (server.paths, report["fetches"], report["fetching"]["remembered"]) == ([], 0, 2)
    assert published(tmp_path / "b", contents) == before
    report = publish("--archive", archive, "--refresh", "enrich", **FETCHING)
    assert sorted(server.paths) == ["/a", "/card.png", "/robots.txt"]
    assert published(archive, contents) == before


def test_a_dry_run_fetches_nothing_and_says_how_many_links_there_are(
    server: PageServer, chat_of, publish, tmp_path: Path
) -> None:
    report = publish(
        chat_of([server.url("/a"), server.url("/b")]), "--archive", tmp_path / "a", "--dry-run", **FETCHING
    )
    assert (report["links_to_fetch"], report["fetches"], server.paths) == (2, 0, [])


def test_links_that_were_recorded_are_taken_up_when_fetching_is_switched_on(
    server: PageServer, chat_of, publish, contents, tmp_path: Path
) -> None:
    server.put("/a", page(article("The lighthouse is lit")))
    chat, archive = chat_of([server.url("/a")]), tmp_path / "a"
    off = FETCHING | {"STREAMLINER_FETCH__ENABLED": "false"}
    report = publish(chat, "--archive", archive, **off)
    assert (server.paths, report["enriched"], report["links_waiting"]) == ([], 1, 0)
    assert [(row["fetched"], row["title"]) for row in known(archive)] == [(False, server.url("/a")[7:])]
    report = publish(chat, "--archive", archive, **FETCHING)
    assert server.paths == ["/robots.txt", "/a"]
    assert [(row["fetched"], row["title"]) for row in known(archive)] == [(True, "The lighthouse is lit")]
    before = published(archive, contents)
    for environment in (off, FETCHING):
        report = publish(chat, "--archive", archive, **environment)
        assert (len(server.paths), report["enriched"], published(archive, contents)) == (2, 0, before)


def test_what_was_read_stays_known_when_fetching_is_switched_off(
    server: PageServer, chat_of, publish, contents, tmp_path: Path
) -> None:
    server.put("/a", page(article("The lighthouse is lit")))
    archive = tmp_path / "a"
    publish(chat_of([server.url("/a")]), "--archive", archive, **FETCHING)
    before = published(archive, contents)
    server.forget()
    off = FETCHING | {"STREAMLINER_FETCH__ENABLED": "false"}
    report = publish("--archive", archive, "--refresh", "enrich", **off)
    assert (server.paths, report["enriched"], published(archive, contents)) == ([], 1, before)
    assert [(row["fetched"], row["title"]) for row in known(archive)] == [(True, "The lighthouse is lit")]


def test_people_of_the_chat_are_hidden_in_what_pages_say(
    server: PageServer, chat_of, publish, contents, tmp_path: Path
) -> None:
    server.put("/a", page(article("Marisol Vexley wins the race")))
    publish(chat_of([server.url("/a")]), "--archive", tmp_path / "a", **FETCHING)
    (link,) = known(tmp_path / "a")
    assert link["title"].endswith(" wins the race")
    assert "Vexley" not in repr(link)
    assert b"Vexley" not in b"".join(published(tmp_path / "a", contents).values())


def test_an_address_in_which_somebody_was_hidden_is_not_fetched(
    server: PageServer, chat_of, publish, tmp_path: Path
) -> None:
    links = [server.url("/people/Marisol-Vexley"), server.url("/call/+351912345678")]
    report = publish(chat_of(links), "--archive", tmp_path / "a", **FETCHING)
    assert server.paths == []
    assert (report["enriched"], report["dead_letters"], report["fetching"]["altered"]) == (2, 0, 2)


def command(archive: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "flows", "publish", "--archive", str(archive), *map(str, arguments)]


def environment(tmp_path: Path, cache: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / cache), "PYTHONPATH": str(HERE)}
    return clean | home | FETCHING | {"STREAMLINER_PRIVACY__KEY": "5a" * 32, "STREAMLINER_ENRICH__BATCH_SIZE": "2"}


def test_a_run_that_is_killed_while_it_fetches_ends_in_the_same_bytes(
    server: PageServer, chat_of, contents, tmp_path: Path
) -> None:
    for number in range(8):
        server.put(f"/{number}", page(article(f"Page {number}", f"/{number}.png"), delay=0.2))
        server.put(f"/{number}.png", answer(200, photo(), mime="image/png"))
    chat = chat_of([*(server.url(f"/{number}") for number in range(8)), server.url("/gone")])
    subprocess.run(
        command(tmp_path / "whole", chat), env=environment(tmp_path, "other"), check=True, capture_output=True
    )
    server.forget()
    killed = environment(tmp_path, "cache")
    process = subprocess.Popen(command(tmp_path / "a", chat), env=killed, stderr=subprocess.DEVNULL)
    while sum(path.endswith(".png") for path in server.paths) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sum(path.endswith(".png") for path in server.paths) < 8
    done = subprocess.run(command(tmp_path / "a", chat, "--json"), env=killed, check=True, capture_output=True)
    report = json.loads(done.stdout)
    assert (report["dead_letters"], report["links_waiting"]) == (1, 0)
    assert published(tmp_path / "a", contents) == published(tmp_path / "whole", contents)


def test_a_person_may_stop_a_run_that_fetches_and_what_is_not_done_waits(
    server: PageServer, chat_of, publish, tmp_path: Path
) -> None:
    server.put("/a", page(article("The lighthouse is lit")))
    server.put("/slow", drip())
    chat = chat_of([server.url("/a"), server.url("/slow")])
    patient = environment(tmp_path, "cache") | {"STREAMLINER_FETCH__TOTAL_TIMEOUT_SECONDS": "3000"}
    process = subprocess.Popen(command(tmp_path / "a", chat), env=patient, stderr=subprocess.PIPE, text=True)
    while "/slow" not in server.paths or "/a" not in server.paths:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Interrupted" in said
    assert tasks(tmp_path / "a")["/slow"][:3] == ("pending", 0, None)


def offline(arguments: list[str], variables: dict[str, str]) -> Any:
    """The report of a run on a machine without any network."""
    done = subprocess.run(["unshare", "-rn", *arguments, "--json"], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_a_network_links_wait_and_the_next_run_takes_them_up(
    server: PageServer, chat_of, publish, streamliner, contents, tmp_path: Path
) -> None:
    server.put("/a", page(article("The lighthouse is lit")))
    chat, archive = chat_of([server.url("/a"), "https://example.org/b", "https://example.org/c"]), tmp_path / "a"
    public = environment(tmp_path, "cache") | {"STREAMLINER_FETCH__ALLOW_NETWORKS": "[]"}
    report = offline(command(archive, chat), public)
    assert (report["links_waiting"], report["dead_letters"], report["fetches"]) == (3, 0, 0)
    assert report["fetching"]["offline"] is True
    assert set(tasks(archive).values()) == {("pending", 0, None, None)}
    assert not any(row for row in known(archive))
    before = published(archive, contents)
    report = offline(command(archive), public)
    assert (report["links_waiting"], report["model_calls"], published(archive, contents)) == (3, 0, before)
    assert set(tasks(archive).values()) == {("pending", 0, None, None)}
    # what was learnt stays known while it is made anew, also where that has to wait
    with duckdb.connect(str(archive / "archive.duckdb")) as connection:
        connection.execute("DELETE FROM tasks WHERE value LIKE '%example.org%'")
    report = publish("--archive", archive, **FETCHING)
    assert (report["enriched"], report["links_waiting"], server.paths) == (1, 0, ["/robots.txt", "/a"])
    after = published(archive, contents)
    assert after != before
    offline(command(archive, "--refresh", "enrich"), public)
    assert published(archive, contents) == after


def test_a_name_server_that_never_answers_is_no_network_and_is_not_waited_for(chat_of, tmp_path: Path) -> None:
    chat = chat_of([f"https://site-{number}.com/" for number in range(5)])
    patient = {"STREAMLINER_FETCH__ALLOW_NETWORKS": "[]", "STREAMLINER_FETCH__CONNECT_TIMEOUT_SECONDS": "300"}
    _, _, _, *arguments = command(tmp_path / "a", chat, "--json")
    done = subprocess.run(
        ["unshare", "-rnm", sys.executable, "-m", "tests.flows.inside_silence", str(tmp_path), *arguments],
        env=environment(tmp_path, "cache") | patient, capture_output=True, text=True, cwd=HERE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["links_waiting"], report["fetching"]["offline"], report["fetches"]) == (5, True, 0)


def test_a_site_that_keeps_failing_is_left_alone_and_its_links_wait(
    server: PageServer, chat_of, publish, tmp_path: Path
) -> None:
    server.put("/robots.txt", status(404))
    server.otherwise(status(500))
    chat = chat_of([server.url(f"/{number}") for number in range(6)])
    one_by_one = {"STREAMLINER_FETCH__CONNECTIONS_PER_HOST": "1", "STREAMLINER_RETRY__ATTEMPTS": "1"}
    impatient = FETCHING | one_by_one | {"STREAMLINER_BREAKER__FAILURES": "3"}
    report = publish(chat, "--archive", tmp_path / "a", **impatient)
    assert (report["fetches"], len(server.paths)) == (4, 4)
    assert report["breakers"]["hosts"] == {server.sites[0]: "open"}
    # with one attempt a failure in passing is the last; who was not asked has lost none
    assert (report["dead_letters"], report["links_waiting"]) == (3, 3)
    assert sorted(row[:2] for row in tasks(tmp_path / "a").values()) == [("dead", 1)] * 3 + [("pending", 0)] * 3


def test_an_address_of_a_network_that_is_not_allowed_is_never_connected_to(
    server: PageServer, chat_of, publish, tmp_path: Path
) -> None:
    chat = chat_of([server.url("/a"), server.url("/a").replace("127.0.0.1", "localhost")])
    strict = FETCHING | {"STREAMLINER_FETCH__ALLOW_NETWORKS": '["192.168.77.0/24"]'}
    report = publish(chat, "--archive", tmp_path / "a", **strict)
    assert (server.connections, report["fetches"], report["dead_letters"]) == (0, 0, 2)


def test_an_unusable_cache_is_said_once_and_costs_nothing_else(
    server: PageServer, chat_of, streamliner, tmp_path: Path
) -> None:
    server.put("/a", page(article("The lighthouse is lit")))
    (tmp_path / "file").write_text("no folder")
    nowhere = FETCHING | {"STREAMLINER_FETCH__CACHE_FOLDER": str(tmp_path / "file" / "x")}
    done = streamliner("publish", chat_of([server.url("/a"), server.url("/b")]), "--archive", tmp_path / "a", **nowhere)
    assert done.stderr.count("Remembered pages cannot be read; pages are fetched anew.") == 1
    assert sorted(server.paths) == ["/a", "/b", "/robots.txt"]


def test_what_was_given_up_can_be_listed(server: PageServer, chat_of, publish, streamliner, tmp_path: Path) -> None:
    publish(chat_of([server.url("/gone")]), "--archive", tmp_path / "a", **FETCHING)
    (letter,) = json.loads(streamliner("report", tmp_path / "a", "--dead", "--json").stdout)
    assert (letter["value"], letter["error_class"], letter["reason"]) == (
        server.url("/gone"),
        "permanent",
        DEAD["/gone"],
    )
    assert server.url("/gone") in streamliner("report", tmp_path / "a", "--dead").stdout
    report = json.loads(streamliner("report", tmp_path / "a", "--json").stdout)
    assert (report["dead_letters"], report["dead_letter_reasons"]) == (1, {DEAD["/gone"]: 1})
    assert "dead_letters" in streamliner("report", tmp_path / "a").stdout
