"""What a page says of itself as linked data (schema.org in JSON-LD): which of its things the page is about, and that
thing's name, description, picture, date and publisher. Bounded in bytes, things and depth; broken data is passed over.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_LONGEST: Final = 300_000
_SCRIPTS: Final = 20
_THINGS: Final = 200
_DEPTH: Final = 6

# what a page is about rather than what stands on it, the more telling first
_ABOUT: Final = (
    "NewsArticle", "Article", "BlogPosting", "ReportageNewsArticle", "OpinionNewsArticle", "ScholarlyArticle",
    "TechArticle", "LiveBlogPosting", "SocialMediaPosting", "DiscussionForumPosting", "Recipe", "VideoObject",
    "Product", "ProductGroup", "Event", "Book", "Movie", "TVSeries", "TVEpisode", "PodcastEpisode", "PodcastSeries",
    "MusicRecording", "MusicAlbum", "Course", "JobPosting", "SoftwareApplication", "MobileApplication",
    "WebApplication", "Dataset", "HowTo", "QAPage", "Place", "Restaurant", "LocalBusiness", "TouristAttraction",
    "Hotel", "Person", "CreativeWork", "ItemPage", "AboutPage", "CollectionPage", "WebPage",
)  # fmt: skip
_RANK: Final = {name: rank for rank, name in enumerate(_ABOUT)}
_ARTICLES: Final = frozenset(name for name in _ABOUT if name.endswith(("Article", "Posting")) and name != "JobPosting")


@dataclass(frozen=True)
class Thing:
    """What the page is about, in its own words, uncleaned."""

    title: str | None = None
    description: str | None = None
    picture: str | None = None
    published: str | None = None
    site: str | None = None
    language: str | None = None
    article: bool = False


def about(scripts: Iterable[str]) -> Thing:
    """The thing that the page is about, of all that its scripts of linked data describe. Linear in their bytes."""
    things = list(_things(scripts))
    chosen = min(
        (thing for thing in things if _rank(thing) is not None), key=lambda thing: _rank(thing) or 0, default=None
    )
    site = next((_text(thing.get("name")) for thing in things if "WebSite" in _types(thing)), None)
    if chosen is None:
        return Thing(site=site)
    return Thing(
        title=_text(chosen.get("headline")) or _text(chosen.get("name")),
        description=_text(chosen.get("description")) or _text(chosen.get("abstract")),
        picture=_address(chosen.get("image")) or _address(chosen.get("thumbnailUrl")),
        published=next(filter(None, (_text(chosen.get(name)) for name in ("datePublished", "uploadDate"))), None),
        site=_text(_first(chosen.get("publisher")), "name") or site,
        language=_text(chosen.get("inLanguage")),
        article=not _ARTICLES.isdisjoint(_types(chosen)),
    )


def _things(scripts: Iterable[str]) -> Iterator[dict[str, Any]]:
    left = _THINGS
    for number, script in enumerate(scripts):
        if number >= _SCRIPTS:
            return
        for thing in _walk(_parsed(script), 0):
            yield thing
            left -= 1
            if left <= 0:
                return


def _parsed(script: str) -> Any:
    if len(script) > _LONGEST:
        return None
    plain = script.strip().removeprefix("//").strip()
    for before, after in (("<![CDATA[", "]]>"), ("/*<![CDATA[*/", "/*]]>*/"), ("<!--", "-->")):
        plain = plain.removeprefix(before).removesuffix(after).strip().removesuffix("//").strip()
    try:
        return json.loads(plain.rstrip("; \n"), strict=False)
    except (ValueError, RecursionError):
        return None


def _walk(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _DEPTH:
        return
    if isinstance(value, list):
        for item in value[:_THINGS]:
            yield from _walk(item, depth + 1)
    elif isinstance(value, dict):
        if "@type" in value:
            yield value
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            if isinstance(value.get(name), list | dict):
                yield from _walk(value[name], depth + 1)


def _types(thing: dict[str, Any]) -> list[str]:
    kinds = thing.get("@type")
    named = kinds if isinstance(kinds, list) else [kinds]
    return [kind.rpartition("/")[2] for kind in named[:20] if isinstance(kind, str)]


def _rank(thing: dict[str, Any]) -> int | None:
    return min((_RANK[kind] for kind in _types(thing) if kind in _RANK), default=None)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any, within: str | None = None) -> str | None:
    value = _first(value)
    if isinstance(value, dict):
        value = _first(value.get(within or "@value") or value.get("name"))
    return value if isinstance(value, str) and value.strip() else None


def _address(value: Any) -> str | None:
    value = _first(value)
    if isinstance(value, dict):
        value = _first(value.get("url") or value.get("contentUrl") or value.get("@id"))
    return value if isinstance(value, str) else None
