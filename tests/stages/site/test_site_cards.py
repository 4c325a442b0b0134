"""Links as readers meet them: what was read of a page stands on a card, and of all others nothing is claimed."""

from dataclasses import replace
from typing import Any

import html5lib
import pytest

from stages.archive.records import Enrichment

GREENS = "https://paint.example/greens"
TALK = [
    "Shall we repaint the garden shed before the summer party?",
    f"This green paint is on sale: {GREENS}?utm_source=chat, have a look",
    "https://dead.example/gone was about the shed too, and www.unread.example/a",
    "The roof of the shed leaks as well, last winter my bicycle got wet",
    "Then the roof first. Who has a ladder that reaches the roof?",
    "Agreed, roof on Saturday, paint on Sunday",
]


def tree(html: str) -> Any:
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


def found(html: str, tag: str, css: str = "") -> list[Any]:
    return [item for item in tree(html).iter(tag) if not css or css in item.get("class", "").split()]


def words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def read(shed: Any, **changes: Any) -> Any:
    fields = {
        "title": "Seven greens compared", "text": "We painted seven boards.", "site": "Paint Weekly",
        "published": "2025-11-03", "language": "pt-BR", "picture": (3, (1200, 630)),
    }  # fmt: skip
    page = shed.fetched(f"{GREENS}?utm_source=chat", **fields | changes)
    return replace(page, key=GREENS)


def test_a_page_that_was_read_is_a_card_in_the_post_and_in_the_transcript(chronicle):
    shed = chronicle(TALK)
    shed.learn(read(shed))
    shed.publish()
    for html in (shed.post(), shed.page("transcript/0001.html")):
        [card] = found(html, "a", "pagecard")
        assert card.get("href") == f"{GREENS}?utm_source=chat"
        assert card.get("rel") == "nofollow noopener noreferrer"
        said = [words(item) for item in card.iter("span") if item.get("class") in ("name", "says", "from")]
        assert said == ["Seven greens compared", "We painted seven boards.",
                        "Paint Weekly · paint.example · 3 November 2025"]  # fmt: skip
        assert [item.get("lang") for item in card.iter("span") if item.get("lang")] == ["pt-BR"] * 2
        blur, picture = card.iter("img")
        assert (picture.get("width"), picture.get("height"), picture.get("alt")) == (
            "1200",
            "630",
            "Picture from the page",
        )
        assert "640w" in picture.get("srcset")
        assert blur.get("src").startswith("data:image/webp;base64,")
        assert (blur.get("alt"), blur.get("aria-hidden"), blur.get("width")) == ("", "true", "1200")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("They painted seven boards with seven greens and left them outside for a year. Two of them kept.", ["pt-BR"]),
        ("Pintaram sete tábuas com sete verdes e deixaram-nas ao ar livre durante um ano.", ["pt-BR"] * 2),
    ],
    ids=["the site's", "the page's"],
)
def test_a_models_words_are_in_the_language_that_they_are_in(chronicle, text, spoken):
    shed = chronicle(TALK)
    shed.learn(read(shed, text=text, told_by="openai/some-model"))
    shed.publish()
    [card] = found(shed.page("transcript/0001.html"), "a", "pagecard")
    assert [item.get("lang") for item in card.iter("span") if item.get("lang")] == spoken


def test_of_a_page_that_was_not_read_nothing_is_claimed(chronicle):
    shed = chronicle(TALK)
    shed.learn(read(shed))
    shed.publish()
    for html in (shed.post(), shed.page("transcript/0001.html")):
        assert len(found(html, "a", "pagecard")) == 1
        for link in tree(html).iter("a"):
            if "dead.example" in link.get("href", "") or "unread.example" in link.get("href", ""):
                assert list(link) == []
                assert words(link) in link.get("href")


def test_before_anything_is_fetched_there_are_links_and_later_cards_without_a_model(chronicle):
    shed = chronicle(TALK)
    assert shed.publish() == 1
    assert not found(shed.post(), "a", "pagecard")
    assert "opened once" not in shed.page("about.html")
    shed.learn(read(shed))
    shed.publish()
    assert len(found(shed.post(), "a", "pagecard")) == 1
    assert "opened once, at their own sites" in shed.page("about.html")
    assert "but for the addresses told of below" in shed.page("about.html")


def test_the_host_is_always_told_so_that_no_page_can_pass_for_another(chronicle):
    shed = chronicle(TALK)
    shed.learn(read(shed, title="Your Bank", site="Your Bank", published="soon", language='"x', picture=None))
    shed.publish()
    [card] = found(shed.page("transcript/0001.html"), "a", "pagecard")
    assert words(card).replace(" ", "") == "YourBankWepaintedsevenboards.paint.example"
    assert not list(card.iter("time"))
    assert not [item for item in card.iter("span") if item.get("lang")]


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (640, 40)])
def test_signs_and_counters_are_no_pictures_of_a_page(chronicle, size):
    shed = chronicle(TALK)
    shed.learn(read(shed, picture=(5, size)))
    shed.publish()
    assert not list(found(shed.post(), "a", "pagecard")[0].iter("img"))


def test_a_page_that_says_nothing_stays_its_address(chronicle):
    shed = chronicle(TALK)
    shed.learn(read(shed, title="paint.example/greens", text=None, site="Paint"))
    shed.publish()
    assert not found(shed.post(), "a", "pagecard")
    assert not found(shed.page("transcript/0001.html"), "a", "pagecard")


def test_a_message_full_of_links_has_a_few_cards_and_all_its_links(chronicle):
    urls = [f"https://s{n}.example/" for n in range(9)]
    shed = chronicle([*TALK, " and ".join([urls[0], *urls]), {"kind": "location", "text": f"location: {urls[1]}"}])
    shed.learn(*(shed.fetched(url, title=f"Page {n}") for n, url in enumerate(urls)))
    shed.publish()
    html = shed.page("transcript/0001.html")
    assert [words(card)[:6] for card in found(html, "a", "pagecard")] == ["Page 0", "Page 1", "Page 2"]
    assert {url for url in urls if f'<a href="{url}"' in html} == set(urls)


def test_a_page_has_one_card_in_a_post_and_the_feed_has_plain_links(build, a):
    page = Enrichment(GREENS, "url", GREENS, title="Greens", text="Seven boards.", fetched=True)
    link = f"[An older title](<{GREENS}>) — Quiet Heron [1](message:{a.message_id(0)})"
    body = f"They met.\n\n- {link}  \n  Older words\n- {link}  \n  Older words\n- [x](<https://dead.example/>) — A\n"
    site = build([a.post(0, body_markdown=body)], a.rows(3), [page])
    items = site.elements("posts/2026/03/post-0.html", "li")
    told = [words(item) for item in items if item.get("dir")]
    assert told == ["GreensSeven boards.paint.exampleQuiet Heron1", "An older title — Quiet Heron1", "x — A"]
    assert "pagecard" not in site.text("feed.xml")
    assert "data:" not in site.text("feed.xml")
    assert site.text("feed.xml").count("Older words") == 2
