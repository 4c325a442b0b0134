"""Pages, pictures and robots.txt that are not what they say: each is read as far as it can be, and no further."""

import struct
import zlib
from collections import Counter
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.flows.linked import FETCHING, WORDS, article, became, known, write_chat
from tests.servers.pages import (
    ROBOTS,
    PageServer,
    Play,
    answer,
    drip,
    endless,
    head,
    page,
    raw,
    redirect,
    reset,
    silence,
    status,
)


@pytest.fixture
def streamliner(inside):
    """In this process: litellm and the readers of pages are loaded once."""
    return inside


def photo() -> bytes:
    buffer = BytesIO()
    Image.linear_gradient("L").resize((900, 450)).save(buffer, "PNG")
    return buffer.getvalue()


def picture_bomb(side: int = 30_000) -> bytes:
    """A PNG of so many pixels square, all black, in a few thousand bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    squeeze = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    lines = b"".join(squeeze.compress(row * 1_000) for _ in range(side // 1_000)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<html><script>alert(1)</script><body>not a picture at all</body></html>"

# what is at the address of a card's picture, and the requests that this takes
PICTURES: dict[str, tuple[Play, int]] = {
    "good": (answer(200, photo(), mime="image/png"), 1),
    "no-picture": (answer(200, b"nothing of the sort " * 50, mime="image/png"), 1),
    "half": (answer(200, photo()[:900], mime="image/png"), 1),
    "bomb": (answer(200, picture_bomb(), mime="image/png"), 1),
    "svg": (answer(200, SVG, mime="image/svg+xml"), 1),
    "svg-as-png": (answer(200, SVG, mime="image/png"), 1),
    "html": (answer(200, HTML, mime="text/html"), 1),
    "html-as-jpeg": (answer(200, HTML, mime="image/jpeg"), 1),
    "html-after-jpeg": (answer(200, b"\xff\xd8\xff\xe0" + HTML, mime="image/jpeg"), 1),
    "nothing": (answer(200, b"", mime="image/png"), 1),
    "endless": (endless(mime="image/png"), 1),
    "10-GB": (raw(head(10**10, mime="image/png"), b"\x89PNG"), 1),
    "drip": (raw(head(mime="image/png"), b"\x89", pause=0.02, repeat=True), 1),
    "gone": (status(404), 1),
    "down": (status(500), 2),
    "reset": (reset(), 2),
    "to-metadata": (redirect("http://169.254.169.254/a.png"), 1),
    "to-data": (redirect("data:image/png;base64,AAAA"), 1),
    "circle": (redirect("/circle.png#x"), 1),
}
# addresses of pictures that nobody asks for
NEVER = (
    "http://10.0.0.1/a.png", "http://[::ffff:10.0.0.1]/a.png", "file:///etc/passwd", "data:image/png;base64,AAAA",
    "javascript:alert(1)", "//169.254.169.254/a.png", "http://user:pw@127.0.0.1/a.png", "http://127.0.0.1:22/a.png", "",
    "blob:x", "http://[", "ftp://127.0.0.1/a.png",
)  # fmt: skip


def card(picture: str) -> str:
    return f'<meta property="og:image" content="{picture}">'


def test_a_card_has_the_picture_that_can_be_had_or_none(publish, tmp_path: Path) -> None:
    strict = FETCHING | {"STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.1/32"]'}
    files = {"IMG-1.jpg": HTML, "IMG-2.png": picture_bomb(), "IMG-3.jpg": SVG, "IMG-4.jpg": b"", "IMG-5.png": photo()}
    with PageServer() as server:
        for name, (play, _) in PICTURES.items():
            server.put(f"/{name}", page(article(f"Page {name}", card(f"/{name}.png"))))
            server.put(f"/{name}.png", play)
        for number, address in enumerate(NEVER):
            server.put(f"/never-{number}", page(article(f"Page {number}", card(address))))
        pages = [f"/{name}" for name in PICTURES] + [f"/never-{number}" for number in range(len(NEVER))]
        chat = write_chat(tmp_path / "chat.zip", [server.url(path) for path in pages], files)
        report = publish(chat, "--archive", tmp_path / "a", **strict)
        asked = Counter(pages) + Counter({f"/{name}.png": times for name, (_, times) in PICTURES.items()})
        assert Counter(server.paths) == asked + Counter([ROBOTS])
        assert report["fetches"] == len(server.paths)
        found = known(tmp_path / "a")
        assert {url: row["title"] for url, row in found.items() if row["kind"] == "url"} == {
            server.url(path): f"Page {path[1:].removeprefix('never-')}" for path in pages
        }
        assert [url for url, row in found.items() if row["sha256"] and row["kind"] == "url"] == [server.url("/good")]
    assert (report["fetching"]["pages"], report["fetching"]["pictures"], report["retries"]) == (len(pages), 1, 2)
    assert (report["links_waiting"], report["dead_letters"]) == (0, 4)
    unread = "The file is named like a picture but is not one that can be read."
    pixels = "The picture has more than 100000000 pixels (enrich.picture_max_pixels) and was not opened."
    states = became(tmp_path / "a")
    for name, reason in (("1.jpg", unread), ("2.png", pixels), ("3.jpg", unread), ("4.jpg", unread)):
        assert states[f"IMG-{name}"] == ("dead", 1, "permanent", reason)
    assert states["IMG-5.png"][0] == "done"
    stored = list((tmp_path / "a" / "media").iterdir())
    assert len(stored) == 2, "the one picture, of the card and of the chat, in two sizes"
    assert all(Image.open(path).format == "WEBP" for path in stored)


def odd(body: bytes, mime: str | None = "text/html; charset=utf-8") -> Play:
    return answer(200, body, mime=mime)


def titled(title: str, more: str = "") -> bytes:
    return article(title, more).encode()


ACCENTS = "Na noite de São João ninguém dorme na aldeia: há música, sardinhas e balões até de manhã, e não há pressa. "
REFRESH = '<meta http-equiv="refresh" content="0; url=http://169.254.169.254/">'
# a page and the title that is told, None where nothing is
ODD: dict[str, tuple[Play, str | None]] = {
    "latin-as-utf-8": (odd(article("São João", body=f"<p>{ACCENTS * 3}").encode("cp1252")), "São João"),
    "utf-8-as-latin": (odd(titled("São João"), "text/html; charset=iso-8859-1"), "São João"),
    "utf-16": (odd(article("São João").encode("utf-16")), "São João"),
    "utf-16-without-a-mark": (odd(article("São João").encode("utf-16-le"), "text/html; charset=utf-16"), "São João"),
    "unknown-charset": (odd(titled("São João"), "text/html; charset=x-klingon"), "São João"),
    "charset-of-the-page": (
        odd(article("Привет", '<meta charset="windows-1251">').encode("cp1251"), "text/html"),
        "Привет",
    ),
    "broken-utf-8": (odd(titled("Good words") + b"\xff\xfe\xc3\x28"), "Good words"),
    "nul": (odd(titled("A\0B\0C lamp")), "ABC lamp"),
    "controls": (odd(titled("A\x1b[31m \x07red\x7f lamp")), "A[31m red lamp"),
    "right-to-left": (odd(titled("A \u202egnp.exe\u202c lamp")), "A gnp.exe lamp"),
    "refresh": (odd(titled("It stays", REFRESH)), "It stays"),
    "no-type": (odd(titled("Untold"), None), "Untold"),
    "plain-with-tags": (odd(b"A plain text\n\n<b>as it is</b> " + WORDS.encode() * 3, "text/plain"), "A plain text"),
    "log-in": (odd(b"<title>Log in to continue</title><form><input type=password name=p></form><p>Log in"), None),
    "robot-check": (odd(b"<title>Just a moment...</title><p>Checking your browser before accessing"), None),
    "not-found-well": (odd(b"<title>404 Not Found</title><h1>Not Found</h1>"), None),
    "empty-markup": (odd(b"<html><body></body></html>"), None),
    "no-markup": (odd(b"\0" * 500), None),
    "deep": (odd(b"<div>" * 30_000 + b"deep"), None),
}


def test_pages_that_are_not_what_they_say_are_read_as_they_are(publish, tmp_path: Path) -> None:
    with PageServer() as server:
        for name, (play, _) in ODD.items():
            server.put(f"/{name}", play)
        cookies = {"Set-Cookie": "id=7; Path=/; Max-Age=9999"}
        server.put("/cookie", answer(302, b"", {"Location": "/cookie-2"} | cookies))
        server.put("/cookie-2", answer(200, titled("A page with cookies"), cookies))
        server.put("/members", answer(302, b"", {"Location": "/log-in"} | cookies))
        server.put(ROBOTS, answer(200, b"User-agent: *\nDisallow: /private", cookies, mime="text/plain"))
        names = (*ODD, "cookie", "members", "private/a")
        chat = write_chat(tmp_path / "chat.zip", [server.url(f"/{name}") for name in names])
        report = publish(chat, "--archive", tmp_path / "a", **FETCHING)
        # "/log-in" twice: as a link, and as where a page for members leads
        asked = [*(f"/{name}" for name in (*ODD, "cookie", "cookie-2", "members")), "/log-in", ROBOTS]
        assert sorted(server.paths) == sorted(asked)
        # no cookie, no referrer, nothing of this person
        assert {frozenset(request.headers) for request in server.requests} == {
            frozenset(("Host", "User-Agent", "Accept", "Accept-Encoding"))
        }
        found, states = known(tmp_path / "a"), became(tmp_path / "a")
        for name, (_, title) in ODD.items():
            row = found[server.url(f"/{name}")]
            told = (title, True) if title else (f"{server.sites[0]}/{name}", False)
            assert (row["title"], row["text"] is not None) == told, name
        assert found[server.url("/cookie")]["title"] == "A page with cookies"
        assert found[server.url("/members")]["title"] == f"{server.sites[0]}/members", "a log-in says nothing of it"
        reason = "The site's robots.txt asks robots to leave this page alone."
        assert states[server.url("/private/a")] == ("dead", 1, "permanent", reason)
    assert (report["fetches"], report["enriched"], report["dead_letters"]) == (len(asked), len(ODD) + 2, 1)


# robots.txt of a site each, and how often it is asked for; whether the site's page is read then
ROBOT_FILES: dict[str, tuple[Play, int, bool]] = {
    "none": (status(404), 1, True),
    "let-nobody-in": (status(403), 1, True),
    "huge": (endless(b"# nothing\n" * 1_000, mime="text/plain"), 1, True),
    "huge-and-late": (answer(200, b"#\n" * 300_000 + b"User-agent: *\nDisallow: /\n", mime="text/plain"), 1, True),
    "bomb": (answer(200, zlib.compress(b"#\n" * 30_000_000), {"Content-Encoding": "deflate"}), 1, True),
    "a-page": (page(article("Not a robots.txt")), 1, True),
    "nonsense": (answer(200, bytes(range(256)) * 50, mime="image/png"), 1, True),
    "leads-inside": (redirect("http://169.254.169.254/robots.txt"), 1, True),
    "refuses": (answer(200, b"User-agent: Streamliner\nDisallow: /", mime="text/plain"), 1, False),
    "down": (status(500), 2, False),
    "busy": (status(429, "3600"), 2, False),
    "reset": (reset(), 2, False),
    "slow": (drip(), 1, False),
    "silent": (silence(), 1, False),
}


def test_a_site_is_read_as_its_robots_txt_asks_and_not_where_it_cannot_be_had(publish, tmp_path: Path) -> None:
    with ExitStack() as stack:
        sites = {name: stack.enter_context(PageServer()) for name in ROBOT_FILES}
        for name, server in sites.items():
            server.put(ROBOTS, ROBOT_FILES[name][0])
            server.otherwise(page(article(f"Page of {name}")))
        urls = {name: [server.url("/a"), server.url("/b")] for name, server in sites.items()}
        chat = write_chat(tmp_path / "chat.zip", [url for both in urls.values() for url in both])
        report = publish(chat, "--archive", tmp_path / "a", **FETCHING)
        for name, (_, times, read) in ROBOT_FILES.items():
            assert Counter(sites[name].paths) == Counter({ROBOTS: times} | ({"/a": 1, "/b": 1} if read else {})), name
        assert report["fetches"] == sum(len(server.paths) for server in sites.values())
    states = became(tmp_path / "a")
    unread = "The site's robots.txt cannot be had, so it is left alone for now."
    refused = "The site's robots.txt asks robots to leave this page alone."
    for name, both in urls.items():
        for url in both:
            if ROBOT_FILES[name][2]:
                assert states[url][0] == "done", name
            elif name == "refuses":
                assert states[url] == ("dead", 1, "permanent", refused)
            else:
                assert states[url] == ("pending", 1, "transient", unread), name
