"""Every answer that a server can give, with the exact number of requests that it costs (tries: four)."""

import gzip
import time
import zlib
from email.utils import formatdate

import pytest

from stages.resilience.errors import CallError, PermanentError, ThrottledError, TransientError
from stages.settings import RetrySettings
from tests.servers.pages import (
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
    status,
)
from tests.stages.enrich.fetch.conftest import Fetching


def test_a_page_comes_back_as_it_is(server: PageServer, fetching: Fetching) -> None:
    server.put("/caf%C3%A9?q=1%2B1&x=%5B", page("<title>Olá</title>", mime="Text/HTML; Charset=UTF-8"))
    url = server.url("/café?q=1%2B1&x=%5B#part")
    fetched = fetching.one(url)
    assert fetched.url == url
    assert fetched.final_url == server.url("/caf%C3%A9?q=1%2B1&x=%5B")
    assert (fetched.status, fetched.mime, fetched.charset) == (200, "text/html", "UTF-8")
    assert fetched.body == "<title>Olá</title>".encode()
    assert (fetching.usage.requests, fetching.usage.bytes, fetching.usage.fetched) == (1, 19, 1)


def test_the_request_tells_who_asks_and_nothing_of_the_person(
    server: PageServer, fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.put("/a", answer(302, b"", {"Location": "/b", "Set-Cookie": "id=7; Path=/"}))
    server.put("/b", page())
    fetching.one(server.url("/a"))
    for request in server.requests:
        assert set(request.headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding"}
        assert request.headers["User-Agent"].startswith("Streamliner/")
        assert request.headers["Host"] == server.sites[0]
        assert request.headers["Accept-Encoding"] == "gzip, deflate"


FAILURES: list[tuple[str, Play, type[CallError], int]] = [
    *((f"{code}", status(code), PermanentError, 1) for code in (400, 401, 403, 404, 405, 410, 418, 451)),
    *((f"{code}", status(code), TransientError, 4) for code in (408, 425, 500, 501, 502, 503, 504, 599)),
    ("429", status(429), ThrottledError, 4),
    ("429-retry-after", status(429, "3600"), ThrottledError, 4),
    ("429-retry-after-date", status(429, formatdate(time.time() + 3600, usegmt=True)), ThrottledError, 4),
    ("429-retry-after-nonsense", status(429, "soon"), ThrottledError, 4),
    ("503-retry-after", status(503, "0"), ThrottledError, 4),
    ("204", answer(204), PermanentError, 1),
    ("300", answer(300, b"choose"), PermanentError, 1),
    ("304", answer(304), PermanentError, 1),
    ("302-to-nowhere", answer(302), PermanentError, 1),
    ("empty-body", page(""), PermanentError, 1),
    ("reset", reset(), TransientError, 4),
    ("hang-up", hang_up(), TransientError, 4),
    ("cut-head", raw(b"HTTP/1.1 200 OK\r\nContent-Ty"), TransientError, 4),
    ("cut-body", raw(head(100), b"fifty"), TransientError, 4),
    ("cut-gzip", raw(head(Content_Encoding="gzip"), gzip.compress(b"x" * 9_000)[:-9]), TransientError, 4),
    ("not-http", raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), PermanentError, 1),
    ("bad-chunks", raw(head(Transfer_Encoding="chunked"), b"1\r\nx\r\n", b"zz\r\n", pause=0.05), PermanentError, 1),
    ("bad-chunks-at-once", raw(head(Transfer_Encoding="chunked") + b"zz\r\n"), PermanentError, 1),
    ("cut-chunks", raw(head(Transfer_Encoding="chunked"), b"9\r\nx"), TransientError, 4),
    ("not-gzip", answer(200, b"plain", {"Content-Encoding": "gzip"}), PermanentError, 1),
    ("brotli-unasked", answer(200, b"plain", {"Content-Encoding": "br"}), PermanentError, 1),
    ("zip-file", answer(200, b"PK\3\4", mime="application/zip"), PermanentError, 1),
    ("picture", answer(200, b"\xff\xd8\xff", mime="image/jpeg"), PermanentError, 1),
    ("nameless-binary", answer(200, b"\0\1\2\3", mime=None), PermanentError, 1),
    ("unknown-binary", answer(200, b"plain text", mime="application/octet-stream"), PermanentError, 1),
    ("said-too-large", raw(head(10**10), b"x"), PermanentError, 1),
    ("endless", endless(), PermanentError, 1),
    ("endless-chunked", endless(b"8\r\n12345678\r\n" * 999, Transfer_Encoding="chunked"), PermanentError, 1),
]

SLOW = {
    "drip": drip(),
    "silence": silence(),
    "silence-after-head": raw(head(10), b"", pause=0.01, repeat=True),
    "head-without-end": raw(b"HTTP/1.1 200 OK\r\n", b"X", pause=0.01, repeat=True),
}


@pytest.mark.parametrize(("play", "kind", "requests"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_a_failure_has_its_class_and_its_number_of_requests(
    server: PageServer, fetching: Fetching, play: Play, kind: type[CallError], requests: int
) -> None:
    server.put("/x", play)
    sentence = fetching.settings(page_max_mb=0.2).error(server.url("/x"), kind)
    assert server.paths == ["/x"] * requests
    assert fetching.usage.requests == requests
    assert fetching.usage.retries == requests - 1
    assert sentence.endswith((".", ")."))
    assert "/x" not in sentence


@pytest.mark.parametrize("play", SLOW.values(), ids=SLOW)
def test_whoever_is_not_done_in_time_is_given_up_at_once(server: PageServer, fetching: Fetching, play: Play) -> None:
    server.put("/x", play)
    assert "longer than" in fetching.settings(total_timeout_seconds=0.5).error(server.url("/x"), PermanentError)
    assert server.paths == ["/x"]


@pytest.mark.parametrize("play", [status(503), status(429, "0"), reset(), hang_up(), raw(head(9), b"x")])
def test_what_comes_right_at_last_is_a_page(server: PageServer, fetching: Fetching, play: Play) -> None:
    server.put("/x", play, play, play, page("late"))
    assert fetching.one(server.url("/x")).body == b"late"
    assert server.count("/x") == 4


def test_nobody_listens(fetching: Fetching) -> None:
    with PageServer() as server:
        url = server.url("/")
    assert "could not be reached" in fetching.error(url, TransientError)
    assert (fetching.usage.requests, fetching.usage.retries) == (0, 3)


def test_a_connection_that_is_never_answered_is_transient(fetching: Fetching) -> None:
    import socket

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # the queue of who may connect is full: the next one is not answered
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        fetching.settings(connect_timeout_seconds=0.2, total_timeout_seconds=30)
        sentence = fetching.error(f"http://127.0.0.1:{full.getsockname()[1]}/", TransientError)
        for one in waiting:
            one.close()
    assert "in time" in sentence


def test_retry_after_is_waited_for(server: PageServer, fetching: Fetching) -> None:
    server.put("/x", status(429, "1"), page())
    fetching.retry = RetrySettings(attempts=2, wait_initial_seconds=0, wait_max_seconds=5)
    started = time.monotonic()
    fetching.one(server.url("/x"))
    assert time.monotonic() - started >= 1.0
    assert server.count("/x") == 2


def test_retry_after_is_capped(server: PageServer, fetching: Fetching) -> None:
    server.put("/x", status(429, "99999999999999999999"), page())
    fetching.one(server.url("/x"))
    assert server.count("/x") == 2


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"text " * 9_999)),
        ("x-gzip", gzip.compress(b"text " * 9_999)),
        ("deflate", zlib.compress(b"text " * 9_999)),
        ("deflate", zlib.compress(b"text " * 9_999)[2:-4]),
        ("GZIP", gzip.compress(b"text " * 5_000) + gzip.compress(b"text " * 4_999)),
        ("gzip", gzip.compress(b"text " * 9_999) + b"\0" * 100),
        ("gzip", gzip.compress(b"text " * 9_999) + b"and what is none"),
        ("identity", b"text " * 9_999),
    ],
    ids=["gzip", "x-gzip", "zlib", "bare-deflate", "members", "padded", "trailing-bytes", "identity"],
)
def test_compressed_pages_come_back_whole(server: PageServer, fetching: Fetching, encoding: str, body: bytes) -> None:
    server.put("/x", answer(200, body, {"Content-Encoding": encoding}))
    assert fetching.one(server.url("/x")).body == b"text " * 9_999
    assert fetching.usage.bytes == len(body)


def _bomb() -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(squeeze.compress(b"\0" * 2**20) for _ in range(300)) + squeeze.flush()


@pytest.mark.parametrize(
    "play",
    [
        answer(200, _bomb(), {"Content-Encoding": "gzip"}),
        endless(gzip.compress(b"") * 1_000, Content_Encoding="gzip"),
        endless(b"\0\0\0\xff\xff" * 10_000, Content_Encoding="deflate"),
    ],
    ids=["300-MB-in-300-kB", "empty-members-without-end", "damaged-without-end"],
)
def test_bombs_end_at_the_limit(server: PageServer, fetching: Fetching, play: Play) -> None:
    import tracemalloc

    server.put("/x", play)
    fetching.settings(page_max_mb=1)
    tracemalloc.start()
    try:
        fetching.error(server.url("/x"), PermanentError)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert server.count("/x") == 1
    assert fetching.usage.bytes_read <= 1_000_000 + 2**18
    assert peak < 8_000_000


def test_a_page_of_exactly_the_limit_is_taken(server: PageServer, fetching: Fetching) -> None:
    server.put("/x", answer(200, b"x" * 100_000))
    server.put("/y", answer(200, b"x" * 100_001))
    fetching.settings(page_max_mb=0.1)
    assert len(fetching.one(server.url("/x")).body) == 100_000
    fetching.error(server.url("/y"), PermanentError)


@pytest.mark.parametrize(
    ("body", "mime", "seen"),
    [
        (b"\xef\xbb\xbf <!-- hi --><!DOCTYPE html><p>", None, "text/html"),
        (b"<?xml version='1.0'?><html>", None, "text/html"),
        (b"%PDF-1.7", None, "application/pdf"),
        (b"%PDF-1.7", "application/octet-stream", "application/pdf"),
        ("só texto".encode(), None, "text/plain"),
        (b"x", "text/plain; charset=latin-1", "text/plain"),
        (b"x", "application/xhtml+xml", "application/xhtml+xml"),
        (b"x", "application/pdf", "application/pdf"),
        (b"<html>", "*/*", "text/html"),
    ],
    ids=["html", "xhtml", "pdf", "pdf-as-download", "text", "plain", "said-xhtml", "said-pdf", "said-anything"],
)
def test_types_of_pages(server: PageServer, fetching: Fetching, body: bytes, mime: str | None, seen: str) -> None:
    server.put("/x", answer(200, body, mime=mime))
    assert fetching.one(server.url("/x")).mime == seen


@pytest.mark.parametrize(
    ("body", "mime", "seen"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg", "image/jpeg"),
        (b"\xff\xd8\xff\xe0", None, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "binary/octet-stream", "image/png"),
        (b"GIF89a", None, "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", None, "image/webp"),
        (b"\0\0\0\x20ftypavif", None, "image/avif"),
    ],
    ids=["jpeg", "nameless-jpeg", "png-as-download", "gif", "webp", "avif"],
)
def test_types_of_pictures(server: PageServer, fetching: Fetching, body: bytes, mime: str | None, seen: str) -> None:
    server.put("/x", answer(200, body, mime=mime))
    assert fetching.one(server.url("/x"), picture=True).mime == seen


@pytest.mark.parametrize("mime", ["text/html", "image/svg+xml", "image/vnd.adobe.photoshop", "video/mp4"])
def test_what_is_no_picture(server: PageServer, fetching: Fetching, mime: str) -> None:
    server.put("/x", answer(200, b"\xff\xd8\xff\xe0", mime=mime))
    fetching.error(server.url("/x"), PermanentError, picture=True)


def test_redirects_are_followed_with_their_connection(server: PageServer, fetching: Fetching) -> None:
    for n, code in enumerate((301, 302, 303, 307, 308)):
        server.put(f"/{n}", redirect(f"/{n + 1}" if n else f"{server.url('/1')}#there", code))
    server.put("/5", page("end"))
    fetched = fetching.one(server.url("/0"))
    assert (fetched.body, fetched.final_url) == (b"end", server.url("/5"))
    assert server.paths == ["/0", "/1", "/2", "/3", "/4", "/5"]
    assert server.connections == 1


def test_more_redirects_than_the_limit(server: PageServer, fetching: Fetching) -> None:
    for n in range(9):
        server.put(f"/{n}", redirect(f"/{n + 1}"))
    assert "more than 2 times" in fetching.settings(max_redirects=2).error(server.url("/0"), PermanentError)
    assert server.paths == ["/0", "/1", "/2"]


@pytest.mark.parametrize("to", ["/x", "/x#other", "/y"])
def test_a_circle_of_redirects(server: PageServer, fetching: Fetching, to: str) -> None:
    server.put("/x", redirect(to))
    server.put("/y", redirect("/x"))
    assert "circle" in fetching.error(server.url("/x"), PermanentError)
    assert len(server.paths) == (2 if to == "/y" else 1)


def test_a_later_try_goes_on_from_the_hop_that_failed(server: PageServer, fetching: Fetching) -> None:
    server.put("/a", redirect("/b"))
    server.put("/b", status(503), status(503), page())
    fetching.one(server.url("/a"))
    assert server.paths == ["/a", "/b", "/b", "/b"]


def test_all_hops_share_the_time_of_a_page(server: PageServer, fetching: Fetching) -> None:
    for n in range(5):
        server.put(f"/{n}", answer(302, b"", {"Location": f"/{n + 1}"}, delay=0.6))
    server.put("/5", page(delay=0.6))
    assert "longer" in fetching.settings(total_timeout_seconds=1).error(server.url("/0"), PermanentError)
    assert server.paths == ["/0", "/1"]


def test_a_spelled_out_header_of_a_location_is_sent_as_bytes(server: PageServer, fetching: Fetching) -> None:
    server.put("/a", raw(b"HTTP/1.1 302 Found\r\nLocation: /caf\xc3\xa9 \xe9?q=a b\r\nContent-Length: 0\r\n\r\n"))
    server.put("/caf%C3%A9%20%E9?q=a%20b", page())
    fetching.one(server.url("/a"))
    assert server.paths[1] == "/caf%C3%A9%20%E9?q=a%20b"


def test_one_poison_item_in_500(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(page())
    server.put("/250", reset())
    outcomes = fetching.settings(connections_per_host=20).all(*(server.url(f"/{n}") for n in range(500)))
    failed = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, CallError)]
    assert failed == [250]
    assert len(server.paths) == 499 + 4
    assert fetching.usage.fetched == 499
