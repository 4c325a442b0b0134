"""A reader who follows every link, and a parser that forgives nothing."""

import json
import re
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

import html5lib

ATOM = "{http://www.w3.org/2005/Atom}"
LOADED = {("img", "src"), ("script", "src"), ("audio", "src"), ("video", "src"), ("source", "src"), ("iframe", "src")}


def test_every_page_is_valid_html_with_one_heading_of_the_first_rank(rich):
    for page in rich.pages():
        tree = rich.parse(page)
        assert tree.find("head/title").text.strip(), page
        assert len(list(tree.iter("h1"))) == 1, page
        assert len(list(tree.iter("main"))) == 1, page
        ids = [item.get("id") for item in tree.iter() if item.get("id")]
        assert len(ids) == len(set(ids)), page


def test_every_internal_link_leads_somewhere(rich):
    files = set(rich.files())
    followed = 0
    for page in rich.pages():
        for element in rich.parse(page).iter():
            for name in ("href", "src"):
                link = element.get(name)
                if not link or urlsplit(link).scheme:
                    continue
                target, anchor = rich.resolve(page, link)
                assert target in files, (page, link)
                assert not anchor or anchor in rich.anchors(target), (page, link)
                followed += 1
            for candidate in filter(None, element.get("srcset", "").split(", ")):
                assert rich.resolve(page, candidate.split()[0])[0] in files
    assert followed > 800


def test_every_page_is_reached_from_home(rich):
    seen, waiting = set(), ["index.html"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        links = [item.get("href", "") for item in rich.elements(page, "a") if not urlsplit(item.get("href", "")).scheme]
        waiting += [target for target, _ in (rich.resolve(page, link) for link in links) if target.endswith(".html")]
    assert seen == set(rich.pages()) - {"404.html"}


def test_nothing_is_loaded_from_elsewhere_and_links_out_give_nothing_away(rich):
    out = 0
    for page in rich.pages():
        for element in rich.parse(page).iter():
            for name, value in element.attrib.items():
                scheme = urlsplit(value).scheme if name in ("href", "src") else ""
                if (element.tag, name) in LOADED or element.tag == "link":
                    assert not scheme, (page, value)
                elif scheme:
                    assert scheme in ("http", "https", "mailto")
                    assert element.get("rel") == "nofollow noopener noreferrer"
                    out += 1
                assert not name.startswith("on"), (page, name)
                assert name != "style", (page, value)
    assert out > 10
    assert b"url(" not in rich.files()["assets/site.css"]
    assert b"@import" not in rich.files()["assets/site.css"]


def test_sources_lead_to_their_message(rich, a):
    page = "posts/2026/03/post-7.html"
    links = [item.get("href", "") for item in rich.elements(page, "a", "src")]
    assert f"../../../transcript/0001.html#m-{a.message_id(3)}" in links
    assert f"../../../transcript/0002.html#m-{a.message_id(300)}" in links
    assert all(item.get("aria-label") or "".join(item.itertext()).strip() for item in rich.elements(page, "a", "src"))


def test_a_cited_message_leads_back_to_the_post(rich, a):
    cited = next(
        item for item in rich.parse("transcript/0002.html").iter("div") if item.get("id") == f"m-{a.message_id(300)}"
    )
    back = [item.get("href") for item in cited.iter("a") if item.get("class") == "in"]
    assert [rich.resolve("transcript/0002.html", link)[0] for link in back] == ["posts/2026/03/post-0.html"]


def test_the_feed_is_atom_with_full_content(rich):
    root = ElementTree.fromstring(rich.files()["feed.xml"])
    assert root.tag == f"{ATOM}feed"
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == 9
    for item in (root, *entries):
        for name in ("id", "title", "updated"):
            assert (item.findtext(f"{ATOM}{name}") or "").strip()
        assert datetime.fromisoformat(item.findtext(f"{ATOM}updated")).tzinfo is not None
        assert item.findtext(f"{ATOM}id").startswith("urn:uuid:")
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "The House"
    assert {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")} == {
        "self": "feed.xml", "alternate": "index.html",
    }  # fmt: skip
    assert len({item.findtext(f"{ATOM}id") for item in entries}) == len(entries)
    assert root.findtext(f"{ATOM}updated") == max(item.findtext(f"{ATOM}updated") for item in entries)
    for item in entries:
        assert rich.resolve("feed.xml", item.find(f"{ATOM}link").get("href"))[0] in rich.pages()
        content = item.find(f"{ATOM}content")
        assert content.get("type") == "html"
        fragment = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(content.text)
        for link in (found.get("href", "") for found in fragment.iter("a")):
            assert urlsplit(link).scheme or rich.resolve("feed.xml", link)[0] in rich.pages()


def test_the_feed_of_an_empty_chronicle_is_valid_too(build):
    root = ElementTree.fromstring(build().files()["feed.xml"])
    assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"


def test_ids_of_the_feed_stay_when_titles_and_bodies_change(build, a):
    def ids(site):
        return re.findall("<id>(.*?)</id>", site.text("feed.xml"))

    assert ids(build([a.post(0)])) == ids(build([a.post(0, title="Other", body_markdown="Other")]))


def test_the_search_index_is_a_list_of_posts_that_lead_to_their_pages(rich):
    script = rich.text("assets/search-index.js")
    assert script.startswith("window.chronicle=[")
    found = json.loads(script.removeprefix("window.chronicle=").rstrip().removesuffix(";"))
    assert len(found) == 9
    assert found[0][1] == "Post 56"
    assert all(row[0] in rich.pages() for row in found)
    assert "Three eggs. · Three eggs On the balcony. · look" in found[0][5]
