"""All that a site can do wrong, met by a person's command: each link ends in its class, with the number of requests
that its class allows, nothing of what a server said gets further, and the run goes on."""

import gzip
import json
import socket
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.flows.linked import FETCHING, article, became, known, write_chat
from tests.servers.pages import (
    ROBOTS,
    PageServer,
    Play,
    answer,
    drip,
    endless,
    hang_up,
    head,
    page,
    raw,
    redirect,
    reset,
    silence,
)

SAID = b"the server's own words: xyzzy, sk-of-somebody"
MEGABYTE = 1_000_000


def refusal(code: int, retry_after: str | None = None) -> Play:
    return answer(code, SAID, {"X-Said": "xyzzy"} | ({"Retry-After": retry_after} if retry_after is not None else {}))


def squeezed(bits: int) -> bytes:
    """60 MB of nothing, compressed."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, bits)
    return b"".join(squeeze.compress(bytes(MEGABYTE)) for _ in range(60)) + squeeze.flush()


class Fault(NamedTuple):
    """``asked``: requests for all tries of one run."""

    plays: tuple[Play, ...]
    asked: int
    error_class: str
    reason: str


def passing(error_class: str, reason: str, *plays: Play) -> Fault:
    return Fault(plays, 2, error_class, reason)


def final(reason: str, *plays: Play) -> Fault:
    return Fault(plays, 1, "permanent", reason)


FAILED = "The site failed to answer ({})."
PATIENCE = "The site asks for fewer requests (429)."
CLOSED = "The site could not be reached, or it closed the connection."
REFUSED = "The site refused ({})."
BIG = "The link leads to more than 0.2 MB (fetch.page_max_mb)."
SLOW = "The page took longer than fetch.total_timeout_seconds."
NOT_PUBLIC = "The link leads to an address that is not public (fetch.allow_networks)."
NO_WEB = "The page redirects to something that is not http or https."
NO_HTTP = "The site answered with something that is not HTTP."

PASSING = {
    "500": passing("transient", FAILED.format(500), refusal(500)),
    "502": passing("transient", FAILED.format(502), refusal(502)),
    "503": passing("transient", FAILED.format(503), refusal(503)),
    "503-later": passing("throttled", FAILED.format(503), refusal(503, "120")),
    "429": passing("throttled", PATIENCE, refusal(429)),
    "429-seconds": passing("throttled", PATIENCE, refusal(429, "7200")),
    "429-date": passing("throttled", PATIENCE, refusal(429, formatdate(time.time() + 7200, usegmt=True))),
    "429-past": passing("throttled", PATIENCE, refusal(429, "Thu, 01 Jan 1970 00:00:00 GMT")),
    "429-absurd": passing("throttled", PATIENCE, refusal(429, "9" * 400)),
    "429-nonsense": passing("throttled", PATIENCE, refusal(429, "-1e9999; soon")),
    "reset": passing("transient", CLOSED, reset()),
    "hang-up": passing("transient", CLOSED, hang_up()),
    "reset-in-the-middle": passing("transient", CLOSED, raw(head(9_000), b"<title>half", b"<p>")),
    "too-short": passing("transient", CLOSED, raw(head(MEGABYTE // 10), b"x" * 99)),
    "chunks-cut": passing("transient", CLOSED, raw(head(Transfer_Encoding="chunked"), b"99\r\nx")),
    "gzip-cut": passing(
        "transient",
        "The site's answer broke off.",
        raw(head(Content_Encoding="gzip"), gzip.compress(b"x" * 9_000)[:-9]),
    ),
}  # fmt: skip

FINAL = {
    **{
        str(code): final(REFUSED.format(f"{code}: {why}"), refusal(code))
        for code, why in (
            (400, "it does not take the request"),
            (401, "it wants a password"),
            (403, "it does not let us in"),
            (404, "there is no such page"),
            (410, "the page is gone for good"),
            (451, "the page is withheld for legal reasons"),
        )
    },
    "nothing": final("The site answered with nothing.", page("")),
    "nothing-chunked": final("The site answered with nothing.", raw(head(Transfer_Encoding="chunked"), b"0\r\n\r\n")),
    "10-GB": final(BIG, raw(head(10**10), b"<title>large</title>" * 99)),
    "10-MB-too-long": final(BIG, answer(200, b"x" * (10 * MEGABYTE + 200_000))),
    "10-MB-too-long-unsaid": final(BIG, raw(head(), b"x" * (10 * MEGABYTE + 200_000))),
    "endless": final(BIG, endless()),
    "endless-chunked": final(BIG, endless(b"8\r\n12345678\r\n" * 999, Transfer_Encoding="chunked")),
    "gzip-bomb": final(BIG, answer(200, squeezed(31), {"Content-Encoding": "gzip"})),
    "deflate-bomb": final(BIG, answer(200, squeezed(15), {"Content-Encoding": "deflate"})),
    "bare-deflate-bomb": final(BIG, answer(200, squeezed(-15), {"Content-Encoding": "deflate"})),
    "br-bomb": final(
        "The site compressed its answer in a way that it was not asked for.",
        endless(b"\x5b\xff\xff\x00\x20", Content_Encoding="br"),
    ),
    "gzip-in-gzip": final(
        "The site compressed its answer in a way that it was not asked for.",
        answer(200, gzip.compress(gzip.compress(b"x")), {"Content-Encoding": "gzip, gzip"}),
    ),
    "no-gzip": final(
        "The site's answer is damaged: it cannot be decompressed.", answer(200, SAID, {"Content-Encoding": "gzip"})
    ),
    "no-http": final(NO_HTTP, raw(b"SSH-2.0-xyzzy\r\n\r\n")),
    "two-lengths": final(NO_HTTP, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxyzzy")),
    "drip": final(SLOW, drip()),
    "silence": final(SLOW, silence()),
    "silence-in-the-middle": final(SLOW, raw(head(100) + b"x", b"", pause=0.05, repeat=True)),
    "head-without-end": final(SLOW, raw(b"HTTP/1.1 200 OK\r\nX: ", b"x", pause=0.05, repeat=True)),
    "film": final("The link does not lead to a page.", answer(200, b"\0" * 99, mime="video/mp4")),
    "picture": final("The link does not lead to a page.", answer(200, b"\xff\xd8\xff", mime="image/jpeg")),
    "untold": final("The link does not lead to a page.", answer(200, b"\0\1\2\3", mime=None)),
    "to-metadata": final(NOT_PUBLIC, redirect("http://169.254.169.254/latest/meta-data/")),
    "to-file": final(NO_WEB, redirect("file:///etc/passwd")),
    "to-gopher": final(NO_WEB, redirect("gopher://127.0.0.1:70/_x")),
    "to-script": final(NO_WEB, redirect("javascript:alert(1)")),
    "to-a-mail-server": final("The link names a port that is not for web pages.", redirect("http://127.0.0.1:25/")),
    "to-a-user": final(
        "The link carries a user name or password, which are sent to nobody.", redirect("http://u:p@127.0.0.1/")
    ),
    "to-itself": final("The page redirects in a circle.", redirect("/to-itself#again")),
    "to-nowhere": final("The site answered with a redirect that leads nowhere (302).", answer(302)),
}  # fmt: skip

WELL = {
    "500-then-well": refusal(500),
    "502-then-well": refusal(502),
    "503-then-well": refusal(503, "0"),
    "429-then-well": refusal(429, "1"),
    "reset-then-well": reset(),
    "cut-then-well": raw(head(99), b"x"),
}


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer() as running:
        yield running


@contextmanager
def full_house() -> Iterator[str]:
    """A site whose queue of connections is full: nobody answers who would come in."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        for one in waiting:
            one.close()


def everything(archive: Path) -> bytes:
    """Every byte of the archive and its site."""
    return b"".join(path.read_bytes() for path in sorted(archive.rglob("*")) if path.is_file())


@pytest.fixture
def streamliner(inside):
    """In this process: litellm and the readers of pages are loaded once."""
    return inside


def test_every_fault_of_a_site_has_its_class_and_its_number_of_requests(
    server: PageServer, streamliner, tmp_path: Path
) -> None:
    with PageServer() as closed:
        nobody = closed.url("/")
    for path, fault in (PASSING | FINAL).items():
        server.put(f"/{path}", *fault.plays)
    for path, play in WELL.items():
        server.put(f"/{path}", play, page(article(f"Well at last: {path}")))
    for hop in range(9):
        server.put(f"/hop-{hop}", redirect(f"/hop-{hop + 1}"))
    once = {f"/{path}": fault.asked for path, fault in (PASSING | FINAL).items()} | {f"/{path}": 2 for path in WELL}
    once |= dict.fromkeys(("/hop-0", "/hop-1", "/hop-2", "/hop-3"), 1)
    options = FETCHING | {"STREAMLINER_FETCH__MAX_REDIRECTS": "3"}
    archive = tmp_path / "a"
    with full_house() as full, PageServer() as proxy:
        chat = write_chat(
            tmp_path / "chat.zip",
            [*(server.url(f"/{path}") for path in (*PASSING, *FINAL, *WELL, "hop-0")), full, nobody],
        )
        # no variable of the environment leads our requests to a proxy
        options |= dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), proxy.url())
        done = streamliner("publish", chat, "--archive", archive, "--json", **options)
        assert proxy.connections == 0
        report = json.loads(done.stdout)
        assert Counter(server.paths) == Counter(once | {ROBOTS: 1})
        # what is sent on a kept connection that the site is just closing is a request that the site never reads
        unread = report["fetches"] - len(server.paths)
        assert unread in (0, 1, 2)
        retries = len(PASSING) + len(WELL) + 2  # the last are the two robots.txt of the sites without answer
        assert retries <= report["retries"] <= retries + max(unread, 1)
        assert report["enriched"] == len(WELL)
        assert report["dead_letters"] == len(FINAL) + 1
        assert report["links_waiting"] == len(PASSING) + 2
        assert report["breakers"]["hosts"] == {}
        assert report["fetching"]["errors"] == {
            "permanent": len(FINAL) + 1,
            "throttled": sum(fault.error_class == "throttled" for fault in PASSING.values()),
            "transient": sum(fault.error_class == "transient" for fault in PASSING.values()) + 2,
        }
        found = became(archive)
        for path, fault in PASSING.items():
            assert found[server.url(f"/{path}")] == ("pending", 1, fault.error_class, fault.reason), path
        for path, fault in FINAL.items():
            assert found[server.url(f"/{path}")] == ("dead", 1, "permanent", fault.reason), path
        assert found[server.url("/hop-0")][3] == "The page redirects more than 3 times (fetch.max_redirects)."
        for url in (full, nobody):
            reason = "The site's robots.txt cannot be had, so it is left alone for now."
            assert found[url] == ("pending", 1, "transient", reason)
        assert {known(archive)[server.url(f"/{path}")]["title"] for path in WELL} == {
            f"Well at last: {path}" for path in WELL
        }
        kept = everything(archive) + (done.stdout + done.stderr).encode()
        assert b"xyzzy" not in kept
        assert b"sk-of-somebody" not in kept

        # the second run asks for what failed in passing alone, and gives it up; the third asks for nothing
        server.forget()
        report = json.loads(streamliner("publish", "--archive", archive, "--json", **options).stdout)
        assert Counter(server.paths) == Counter({f"/{path}": 2 for path in PASSING} | {ROBOTS: 1})
        assert (report["enriched"], report["links_waiting"], report["model_calls"]) == (0, 0, 0)
        assert report["dead_letters"] == len(PASSING) + len(FINAL) + 3
        server.forget()
        report = json.loads(streamliner("publish", chat, "--archive", archive, "--json", **options).stdout)
        assert (server.paths, report["fetches"], report["model_calls"]) == ([], 0, 0)
