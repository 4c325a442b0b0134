"""The sample's site as a reader meets it: in Chromium, in dark and light, on a desk and on a phone, off the network."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


def pages_of(site: Path) -> dict[str, str]:
    """One page of each kind: the relative path by its first folder."""
    found: dict[str, str] = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        found.setdefault(name.split("/")[0] if "/" in name else name, name)
    return found


class Watch:
    """What a page asks for and complains about."""

    def __init__(self, page: Any) -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_f3_3_every_kind_of_page_opens_and_stays_home(published, served, browser, scheme: str, size: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport=SIZES[size])
    page = context.new_page()
    watch = Watch(page)
    kinds = pages_of(published.site)
    assert "index.html" in kinds
    backgrounds = set()
    for name in kinds.values():
        answer = page.goto(served + name)
        assert answer.status == 200
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} scrolls sideways at {size}"
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        broken = page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
        assert broken == [], name
    assert watch.complaints == []
    home = urlsplit(served).netloc
    assert [url for url in watch.asked if urlsplit(url).netloc not in (home, "")] == []
    [colour] = backgrounds
    light = sum(int(part) for part in re.findall(r"\d+", colour)[:3]) > 384
    assert light == (scheme == "light")
    context.close()


def test_f3_6_it_works_from_a_folder(published, browser) -> None:
    page = browser.new_page()
    watch = Watch(page)
    page.goto((published.site / "index.html").as_uri())
    page.locator("main a[href]").first.click()
    page.wait_for_load_state()
    assert page.locator("h1").count() == 1
    assert watch.complaints == []
    page.close()


def test_f3_2_search_finds_a_planted_subject(published, served, browser) -> None:
    page = browser.new_page()
    watch = Watch(page)
    page.goto(served + "index.html")
    field = page.locator("input[type=search]").first
    word = first_word_of_a_title(published.archive)
    field.fill(word)
    page.locator("#results a").first.wait_for(timeout=10_000)
    assert watch.complaints == []
    page.close()


def first_word_of_a_title(archive: Path) -> str:
    text = sorted((archive / "posts").rglob("*.md"))[0].read_text(encoding="utf-8")
    title = re.search(r"^title: (.+)$", text, re.M)
    assert title is not None
    return max(re.findall(r"\w{4,}", title[1]), key=len)


def test_a_statement_leads_to_its_message(published, served, browser) -> None:
    post = next(iter(sorted((published.site).glob("2*/**/*.html")) or sorted(published.site.glob("posts/**/*.html"))))
    page = browser.new_page()
    page.goto(served + post.relative_to(published.site).as_posix())
    link = page.locator("a[href*='#m-']").first
    anchor = link.get_attribute("href").partition("#")[2]
    link.click()
    page.wait_for_load_state()
    assert page.locator(f"[id='{anchor}']").count() == 1
    assert page.locator(f"[id='{anchor}']").is_visible()
    page.close()


def test_pictures_have_a_size_and_words_and_no_metadata(published) -> None:
    from PIL import Image

    pictures = [path for path in (published.site / "media").iterdir() if path.suffix in (".webp", ".jpg", ".png")]
    assert len(pictures) >= 5
    for path in pictures:
        with Image.open(path) as picture:
            assert not picture.getexif()
            assert not {"exif", "xmp", "XML:com.adobe.xmp", "comment"} & set(picture.info)
    for path in published.site.rglob("*.html"):
        for tag in re.findall(r"<img\b[^>]*>", path.read_text(encoding="utf-8")):
            assert all(f"{name}=" in tag for name in ("width", "height", "alt")), tag


def test_nobody_is_named(published) -> None:
    """F10: no person, number or address of the chat in any published byte, nor in a log or the metrics."""
    private = published.facts["private"]
    whole = [
        *private["names"],
        *private["card_names"],
        *private["emails"],
        *private["phones"],
        *private["phone_digits"],
    ]
    parts = re.compile(rf"(?<!\w)(?:{'|'.join(private['name_parts'])})(?!\w)", re.I)
    assert len(whole) >= 12
    for folder in (published.site, published.archive / "posts", published.archive / "metrics"):
        for path in folder.rglob("*"):
            if path.is_file():
                text = path.read_bytes().decode("utf-8", "ignore")
                assert [word for word in whole if word in text or word in path.name] == [], path.name
                assert path.suffix in (".jpg", ".webp", ".png") or not parts.search(text), path.name
    assert not parts.search((published.archive / "ledger.jsonl").read_text())


def test_the_hostile_lines_are_words(published) -> None:
    for path in published.site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert not re.search(r"href=[\"']?\s*javascript:", text, re.I)
        assert not re.search(r"(?:src|srcset)=[\"']?https?:", text)


def test_the_report_is_true(published) -> None:
    report = published.report
    assert report["posts_total"] == len(list((published.archive / "posts").rglob("*.md")))
    assert report["messages"] >= 900
    assert report["dead_letters"] == 0
    assert json.dumps(report)
