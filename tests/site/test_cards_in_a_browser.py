"""Cards and pictures as a reader meets them in Chromium: at home, in dark and light, before anything has come."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stages.archive.records import Enrichment
from tests.stages.site.archives import START, Made, made
from tests.stages.site.test_site_hostile import PAYLOADS

pytestmark = pytest.mark.browser

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
HOSTILE = [payload for payload in PAYLOADS if payload.strip()]


def link(number: int) -> str:
    return f"https://s{number}.example/page"


@pytest.fixture(scope="module")
def shed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A chat that shares pages, forwards a picture and speaks; and pages whose every word is hostile.

    Asked for before the browser, whose event loop stands in the writer's way.
    """
    names = ("IMG-1.jpg", "IMG-2.jpg", "cut-out.png", "PTT-1.opus", "plan.pdf")
    lines: list[Any] = [
        "Shall we repaint the garden shed before the summer party?",
        f"This green paint is on sale: {link(900)} and {link(901)}",
        f"The storm: {link(902)} – the other page is gone: https://dead.example/gone",
        *({"kind": "media", "text": f"{name} (file attached)", "media": [name]} for name in names),
        "Then the roof first. Who has a ladder that reaches the roof?",
        *(
            {"text": f"The ladder of the neighbour, number {n}: {link(n)}", "ts": START + timedelta(days=1, minutes=n)}
            for n in range(len(HOSTILE))
        ),
    ]
    with made(tmp_path_factory.mktemp("cards") / "archive", lines) as it:
        hostile = [
            it.fetched(link(n), title=said, text=said, site=said, language="en") for n, said in enumerate(HOSTILE)
        ]
        pages = [
            it.fetched(link(900), title="Seven greens for a garden shed", text="We painted seven boards. " * 9,
                       site="Paint Weekly", published="2025-11-03", language="en", picture=(3, (1200, 630))),
            it.fetched(link(901), title="Escada telescópica 3,8 m", text="Alumínio.", picture=(4, (600, 600))),
            it.fetched(link(902), title="סערה בעמק", text="אחד עשר גגות.", language="he", picture=(5, (900, 500))),
        ]  # fmt: skip
        pictures = [
            Enrichment(name, "image", name, alt="Picture", **it.picture(seed, size, drawn=name.endswith("png")))
            for name, seed, size in zip(names, (7, 7, 8), ((1600, 1200), (800, 600), (500, 700)), strict=False)
        ]
        voice = Enrichment("PTT-1.opus", "audio", "PTT-1.opus", alt="Voice note", bytes=9, seconds=12.0)
        plan = Enrichment("plan.pdf", "document", "plan.pdf", alt="PDF document", bytes=9, title="Plan " * 40)
        it.learn(*hostile, *pages, *pictures, voice, replace(plan, transcript="x " * 300))
        it.publish()
        yield it


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    return SIZES[request.param]


def opened(browser: Any, shed: Made, name: str, **context: Any) -> tuple[Any, list[str], list[str]]:
    """A page from the folder, scrolled to its end; what it asked for from elsewhere, and what it complained of."""
    page = browser.new_context(**context).new_page()
    elsewhere: list[str] = []
    complaints: list[str] = []
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(("file:", "data:image/webp;")) else elsewhere.append(asked.url),
    )
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append("dialog"), dialog.dismiss()))
    page.goto((shed.site / name).as_uri())
    page.evaluate(
        "async () => { for (let y = 0; y < document.body.scrollHeight; y += 1500) {"
        " scrollTo(0, y); await new Promise(done => setTimeout(done, 10)); } }"
    )
    return page, elsewhere, complaints


def pages_of(shed: Made) -> list[str]:
    names = [path.relative_to(shed.site).as_posix() for path in sorted(shed.site.rglob("*.html"))]
    return [name for name in names if name.startswith(("posts/", "transcript/0", "index"))]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_asks_anybody_and_every_card_holds_its_words_so_that_they_can_be_read(
    shed, browser, size, scheme
) -> None:
    names = pages_of(shed)
    assert len(names) >= 3
    for name in names:
        page, elsewhere, complaints = opened(browser, shed, name, color_scheme=scheme, viewport=size)
        assert elsewhere == [], name
        assert complaints == [], name
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, name
        assert page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)") == []
        assert page.evaluate("[...document.images].every(i => i.hasAttribute('alt') && i.getAttribute('width') > 0)")
        assert page.evaluate("document.scripts.length") == (1 if name == "index.html" else 0)
        broken = page.evaluate(
            """() => [...document.querySelectorAll('.pagecard')].filter(card => {
                const edge = card.getBoundingClientRect();
                return [...card.querySelectorAll('.name, .says, .from, .shot')].some(part => {
                    const box = part.getBoundingClientRect();
                    return box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1
                        || box.bottom > edge.bottom + 1;
                }) || edge.height > 700 || edge.width < 150;
            }).map(card => card.textContent.slice(0, 60))"""
        )
        assert broken == [], name
        faint = page.evaluate(
            """() => {
                const parts = text => text.match(/[\\d.]+/g).map(Number);
                const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
                    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
                    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
                return [...document.querySelectorAll('.pagecard')].flatMap(card => {
                    const behind = light(parts(getComputedStyle(card).backgroundColor));
                    return [...card.querySelectorAll('.name, .says, .from')].map(part => {
                        const ink = light(parts(getComputedStyle(part).color));
                        return (Math.max(ink, behind) + .05) / (Math.min(ink, behind) + .05);
                    });
                }).filter(contrast => contrast < 4.5);
            }"""
        )
        assert faint == [], name
        page.context.close()


def test_until_a_picture_has_come_its_preview_stands_in_its_place_and_nothing_moves(shed, browser, size) -> None:
    shown = 0
    for name in pages_of(shed):
        context = browser.new_context(viewport=size)
        page = context.new_page()
        page.route("**/media/*", lambda route: None)  # never answered
        page.goto((shed.site / name).as_uri(), wait_until="domcontentloaded")
        page.evaluate("() => Promise.all([...document.querySelectorAll('.blur')].map(image => image.decode()))")
        waiting = page.evaluate(BOXES)
        context.close()
        page, _, _ = opened(browser, shed, name, viewport=size)
        page.evaluate("() => Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode(); }))")
        assert page.evaluate(BOXES) == waiting, name
        assert all(across > 40 and down > 40 for across, down in waiting)
        shown += len(waiting)
        page.context.close()
    assert shown > 12


BOXES = """() => [...document.querySelectorAll('img')].map(image => image.getBoundingClientRect())
    .map(box => [Math.round(box.width), Math.round(box.height)])"""


def test_a_card_leads_to_the_address_that_was_written(shed, browser) -> None:
    page, _, _ = opened(browser, shed, "transcript/0001.html", viewport=SIZES["desktop"])
    links = page.eval_on_selector_all(".pagecard", "cards => cards.map(card => card.href)")
    assert links[:3] == [link(900), link(901), link(902)]
    assert all(address.startswith("https://s") for address in links)
    assert page.locator("a[href='https://dead.example/gone']").inner_text() == "https://dead.example/gone"
    page.context.close()


def test_on_paper_a_card_says_its_address(shed, browser) -> None:
    page, _, _ = opened(browser, shed, "transcript/0001.html", viewport=SIZES["desktop"])
    page.emulate_media(media="print")
    written = page.evaluate("getComputedStyle(document.querySelector('.pagecard'), '::after').content")
    assert link(900) in written
    page.context.close()
