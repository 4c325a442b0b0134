"""Material for the site's tests: messages, posts, pictures, and readers of what was made."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit
from xml.etree.ElementTree import Element

import html5lib
import pyarrow as pa
import pytest

from stages.archive.records import Enrichment
from stages.archive.schema import MESSAGES
from stages.site.build import PublishedPost, SiteReport, SiteSource, build_site
from tests.stages.site.archives import Made, made

START = datetime(2026, 3, 2, 20, 51, tzinfo=UTC)
PEOPLE = ("Quiet Heron", "Amber Falcon", "Gentle Otter")


def message_id(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def rows(count: int, **changes: Any) -> list[dict[str, Any]]:
    """``count`` messages, three minutes apart, by three people in turns of two."""
    return [
        {
            "seq": seq,
            "message_id": message_id(seq),
            "ts": START + timedelta(minutes=3 * seq),
            "author": PEOPLE[seq // 2 % 3],
            "kind": "text",
            "text": f"message number {seq}",
            "text_bytes": 0,
            "media": [],
            "reply_to": None,
            "edited": False,
            **changes,
        }
        for seq in range(count)
    ]


def table(messages: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(messages), schema=MESSAGES)


def post(number: int = 0, **changes: Any) -> PublishedPost:
    date = START + timedelta(days=number)
    fields: dict[str, Any] = {
        "slug": f"post-{number}",
        "path": f"{date:%Y/%m}/post-{number}",
        "title": f"Post {number}",
        "dek": f"What happened on day {number}.",
        "date": date,
        "window_start": date,
        "window_end": date + timedelta(hours=2),
        "body_markdown": f"They met. [1](message:{message_id(number)})",
        "tags": ["walks", "Ponte"],
        "people": ["Quiet Heron", "Amber Falcon"],
        "sources": [message_id(number)],
        "model": "local/extractive",
    }
    return PublishedPost(**fields | changes)


@dataclass
class Site:
    """A built site; pages by their path, read by a parser that accepts no mistake."""

    folder: Path
    report: SiteReport
    _parsed: dict[str, Element] = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    def pages(self) -> list[str]:
        return [name for name in self.files() if name.endswith(".html")]

    def text(self, page: str) -> str:
        return (self.folder / page).read_text(encoding="utf-8")

    def parse(self, page: str) -> Element:
        if page not in self._parsed:
            parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
            self._parsed[page] = parser.parse(self.text(page))
        return self._parsed[page]

    def elements(self, page: str, tag: str, css_class: str | None = None) -> list[Element]:
        found = self.parse(page).iter(tag)
        return [item for item in found if css_class is None or css_class in item.get("class", "").split()]

    def words(self, page: str) -> str:
        body = self.parse(page).find("body")
        assert body is not None
        return " ".join("".join(body.itertext()).split())

    def resolve(self, page: str, link: str) -> tuple[str, str]:
        """The file a link leads to, relative to the site, and the anchor in it."""
        address, anchor = urldefrag(link)
        target = (self.folder / page).parent / unquote(urlsplit(address).path) if address else self.folder / page
        return target.resolve().relative_to(self.folder.resolve()).as_posix(), anchor

    def anchors(self, page: str) -> set[str]:
        return {item.get("id", "") for item in self.parse(page).iter() if item.get("id")}

    def transcript_pages(self) -> list[str]:
        return [name for name in self.pages() if name.startswith("transcript/") and not name.endswith("index.html")]


@pytest.fixture
def media_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for width in (1600, 640):
        (folder / f"{'ab' * 16}-{width}.webp").write_bytes(b"picture %d" % width)
    (folder / "secret.txt").write_text("not for the site")
    return folder


@pytest.fixture
def picture() -> Enrichment:
    return Enrichment(
        key="IMG-1.jpg", kind="image", value="IMG-1.jpg", alt="A nest", mime="image/jpeg", width=4000, height=3000,
        bytes=2_400_000, files=(f"{'ab' * 16}-1600.webp", f"{'ab' * 16}-640.webp"),
    )  # fmt: skip


@pytest.fixture
def build(tmp_path: Path, media_dir: Path) -> Callable[..., Site]:
    made: Iterator[int] = iter(range(1000))

    def make(
        posts: Sequence[PublishedPost] = (),
        messages: Sequence[dict[str, Any]] = (),
        enrichments: Sequence[Enrichment] = (),
        **changes: Any,
    ) -> Site:
        batches = table(messages).to_batches(max_chunksize=97)
        fields: dict[str, Any] = {
            "title": "The House", "timezone": "Europe/Lisbon", "language": "en", "noindex": True, "posts": posts,
            "messages": lambda: batches, "enrichments": enrichments, "media_dir": media_dir,
        }  # fmt: skip
        out = tmp_path / f"site-{next(made)}"
        return Site(out, build_site(SiteSource(**fields | changes), out))

    return make


@pytest.fixture
def chronicle(tmp_path: Path) -> Iterator[Callable[..., Made]]:
    """Archives made by the stages, from the lines of a chat."""
    with ExitStack() as opened:
        counted = itertools.count()
        yield lambda lines: opened.enter_context(made(tmp_path / f"archive-{next(counted)}", lines))


@pytest.fixture
def a() -> Any:
    """The makers of material, under one name: ``a.post(1)``, ``a.rows(5)``, ``a.message_id(3)``, ``a.table(rows)``."""

    class Makers:
        start = START

    for maker in (post, rows, message_id, table):
        setattr(Makers, maker.__name__, staticmethod(maker))
    return Makers


@pytest.fixture
def rich(build: Callable[..., Site], picture: Enrichment) -> Site:
    """Every kind of page with every kind of thing on it."""
    messages = rows(450)
    messages[3] |= {"kind": "media", "text": "IMG-1.jpg (file attached)\nlook", "media": ["IMG-1.jpg"]}
    messages[4] |= {"kind": "media", "text": "<attached: PTT-1.opus>", "media": ["PTT-1.opus"]}
    messages[5] |= {"kind": "media", "text": "<Media omitted>"}
    messages[6] |= {"kind": "system", "author": None, "text": "Quiet Heron added Amber Falcon"}
    messages[7] |= {"kind": "deleted", "text": "This message was deleted"}
    messages[8] |= {"kind": "poll", "text": "POLL:\nWhere?\nOPTION: here (2 votes)"}
    messages[9] |= {"kind": "call", "text": "Missed voice call"}
    messages[10] |= {"kind": "location", "text": "location: https://maps.example.org/?q=1,2"}
    messages[11] |= {"kind": "contact", "text": "Gentle Otter.vcf", "media": ["Gentle Otter.vcf"]}
    messages[12] |= {"text": "ten it is <This message was edited>", "reply_to": message_id(1), "edited": True}
    messages[13] |= {"text": "see www.example.org/a_(b). or https://example.com/?a=1&b=2, yes\nand so on"}
    voice = Enrichment(key="PTT-1.opus", kind="audio", value="PTT-1.opus", alt="Voice note", bytes=34_213)
    body = (
        f"## The nest\n\nThree eggs. [1](message:{message_id(3)}) [2](message:{message_id(300)})\n\n"
        f"![Three eggs](media:{picture.files[0]})\n*On the balcony.* [3](message:{message_id(3)})\n\n"
        f"> look\n>\n> — Quiet Heron, [20:51](message:{message_id(3)})\n\n"
        "- out: [a site](https://example.org/x?a=1&b=2) and [mail](mailto:someone@example.org)\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n*A note on this post.*\n"
    )
    posts = [post(number, body_markdown=body) for number in range(0, 60, 7)]
    return build(posts, messages, [picture, voice])
