"""What a page says of itself for a card: Open Graph, Twitter's tags, linked data, and what HTML has had all along."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

from stages.enrich.pages.addresses import absolute, same_site
from stages.enrich.pages.dates import first_date
from stages.enrich.pages.facts import PageFacts
from stages.enrich.pages.language import language_tag
from stages.enrich.pages.linked import about

HtmlElement: TypeAlias = Any

_TAGS: Final = 2_000
"""Most tags of a kind that are looked at."""
_VALUE: Final = 8_000
"""Most characters of a value that are looked at."""

_TITLES: Final = ("og:title", "twitter:title", "dc.title", "dcterms.title", "citation_title")
_SITES: Final = ("og:site_name", "application-name", "apple-mobile-web-app-title")
_DESCRIPTIONS: Final = (
    "og:description", "description", "twitter:description", "dc.description", "dcterms.description",
)  # fmt: skip
_PICTURES: Final = (
    "og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src", "image", "thumbnail",
)  # fmt: skip
_DATES: Final = (
    "article:published_time", "og:article:published_time", "datepublished", "uploaddate", "date", "pubdate", "dc.date",
    "dc.date.issued", "dcterms.date", "dcterms.created", "dcterms.issued", "citation_publication_date", "citation_date",
    "parsely-pub-date", "sailthru.date", "publish-date", "publish_date", "publication_date", "og:published_time",
    "article.published", "video:release_date", "og:video:release_date",
)  # fmt: skip
_LANGUAGES: Final = ("content-language", "language", "dc.language", "og:locale")
_SEPARATORS: Final = (" - ", " | ", " – ", " — ", " · ", " • ", " » ", " :: ", ": ")


@dataclass(frozen=True)
class Card:
    """The facts without text, uncleaned, and whether the page says that it is an article."""

    facts: PageFacts
    article: bool


def read_card(tree: HtmlElement, url: str) -> Card:
    """The card of a page fetched from ``url``. Linear in the tree; 1-2 ms for a page of usual size."""
    metas = _metas(tree)
    thing = about(script.text[: _VALUE * 50] for script in _some(tree, "script") if _is_linked_data(script))
    base = absolute(url, next((tag.get("href") for tag in _some(tree, "base") if tag.get("href")), None)) or url
    links = _links(tree)
    site = _first(metas, _SITES) or thing.site
    named = next((_said(tag) for tag in _some(tree, "title") if _is_page_title(tag)), None)
    titles = [*(metas.get(name) for name in _TITLES), thing.title, named, *(_said(tag) for tag in _some(tree, "h1"))]
    language = language_tag(tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang"))
    canonical = absolute(base, links.get("canonical")) or absolute(base, metas.get("og:url"))
    facts = PageFacts(
        title=_title([title for title in titles if title and title.strip()], site),
        site=site,
        description=_first(metas, _DESCRIPTIONS) or thing.description,
        language=language or language_tag(_first(metas, _LANGUAGES)) or language_tag(thing.language),
        published=first_date([*(metas.get(name) for name in _DATES), thing.published, *_times(tree)]),
        picture=next(
            filter(None, (absolute(base, picture) for picture in _pictures(metas, links, thing.picture))), None
        ),
        canonical=canonical if canonical and same_site(canonical, url) else None,
    )
    return Card(facts, thing.article or (metas.get("og:type") or "").strip().lower() == "article")


def _some(tree: HtmlElement, tag: str) -> Iterator[HtmlElement]:
    return islice(tree.iter(tag), _TAGS)


def _metas(tree: HtmlElement) -> dict[str, str]:
    """The first value of each name, whichever attribute names it; names in lower case."""
    found: dict[str, str] = {}
    for tag in _some(tree, "meta"):
        value = tag.get("content")
        if value and value.strip():
            for attribute in ("property", "name", "itemprop", "http-equiv"):
                names = tag.get(attribute)
                if names:
                    for name in names[:200].lower().split():
                        found.setdefault(name, value[:_VALUE])
    return found


def _links(tree: HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in _some(tree, "link"):
        href = tag.get("href")
        if href:
            for relation in (tag.get("rel") or tag.get("itemprop") or "")[:200].lower().split():
                found.setdefault(relation, href)
    return found


def _pictures(metas: dict[str, str], links: dict[str, str], linked: str | None) -> Iterator[str | None]:
    yield from (metas.get(name) for name in _PICTURES[:5])
    yield linked
    yield links.get("image_src")
    yield from (metas.get(name) for name in _PICTURES[5:])


def _times(tree: HtmlElement) -> Iterator[str | None]:
    """Dates that a page shows as those of its publication."""
    for tag in islice(tree.iter("time", "abbr", "span"), _TAGS):
        if tag.get("itemprop") == "datePublished" or tag.get("pubdate") is not None or _is_published(tag):
            yield tag.get("datetime") or tag.get("content") or tag.get("title")


def _is_published(tag: HtmlElement) -> bool:
    return not {"published", "entry-date", "dt-published", "post-date"}.isdisjoint(
        (tag.get("class") or "")[:300].split()
    )


def _is_linked_data(script: HtmlElement) -> bool:
    return bool(script.text) and "ld+json" in (script.get("type") or "").lower()


def _is_page_title(tag: HtmlElement) -> bool:
    parent = tag.getparent()
    return parent is None or parent.tag in ("head", "html", "body")


def _said(tag: HtmlElement) -> str | None:
    return " ".join(islice(tag.itertext(), 200))[:_VALUE] or None


def _first(metas: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next(filter(None, (metas.get(name) for name in names)), None)


def _title(titles: list[str], site: str | None) -> str | None:
    """The first title that is not the site's own name (some sites give all pages that one), without that name."""
    name = (site or "").strip().casefold()
    chosen = next((title for title in titles if title.strip().casefold() != name), titles[0] if titles else None)
    if chosen is None or not name:
        return chosen
    plain = " ".join(chosen.split())
    for separator in _SEPARATORS:
        before, found, after = plain.rpartition(separator)
        if found and before and after.strip().casefold() == name:
            return before
        before, found, after = plain.partition(separator)
        if found and after and separator != ": " and before.strip().casefold() == name:
            return after
    return chosen
