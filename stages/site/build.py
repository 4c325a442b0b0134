"""Makes the site: the transcript first, since posts point into it, then everything that is read.

Deterministic: the same source gives the same bytes in any folder, on any machine, at any time. Links are relative,
so that a site works at any address and from a folder. One pass over the messages; memory grows with posts, days and
cited messages, not with the chat.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final

from stages.site.bubbles import Bubbles, Palette
from stages.site.cards import Cards
from stages.site.feed import NEWEST, feed
from stages.site.markdown import CITATION, Bodies, minutes_to_read
from stages.site.media import Media
from stages.site.rendering import Pages, navigation
from stages.site.search import search_index
from stages.site.slugs import slugify
from stages.site.source import PublishedPost, SiteReport, SiteSource
from stages.site.text import one_line, relative
from stages.site.transcript import Index, Page, page_name, write_transcript
from stages.site.views import (
    MonthView,
    PostView,
    TopicView,
    by_month,
    by_topic,
    by_year,
    month_file,
    post_file,
    post_view,
)
from stages.site.words import Words, day_of

__all__ = ["PublishedPost", "SiteReport", "SiteSource", "build_site", "slugify"]

ON_HOME: Final = 40
"""Posts listed on the home page below the newest one; the rest is one link away."""

OFFLINE_MODEL: Final = "local/extractive"

_PATH: Final = re.compile(r"\d{4}/\d{2}/[^./\\\x00-\x1f][^/\\\x00-\x1f]*")


def build_site(source: SiteSource, out: Path) -> SiteReport:
    """Write the whole site into ``out``, a folder that is empty or does not exist yet.

    Raises :class:`StreamlinerError` where ``out`` holds something or two posts share a path, and ``ValueError`` for a
    path that is not ``<yyyy>/<mm>/<slug>``.
    """
    for post in source.posts:
        if not _PATH.fullmatch(post.path):
            raise ValueError(f"the path of a post is <yyyy>/<mm>/<slug>, not {post.path!r}")
    words = Words.of(source.language, source.timezone)
    title = one_line(source.title, 200) or "Chat"
    zone = source.timezone.replace("_", " ")
    foot = f"{words['times']}: {zone}"
    pages = Pages(out, words=words, site=title, noindex=source.noindex, nav=navigation(words), foot=foot)
    media = Media(source.enrichments, source.media_dir, words)
    pages.bytes += media.publish(out)
    pages.assets()

    palette = Palette()
    cards = Cards(source.enrichments, media, words)
    index = _transcript(source, words, Bubbles(words, media, cards, palette, "../"), pages)
    bodies = Bodies(words, media, cards, index)
    plain = [bodies.plain(post.body_markdown) for post in source.posts]
    views = [
        post_view(post, minutes_to_read(text), words, palette) for post, text in zip(source.posts, plain, strict=True)
    ]
    for older, newer in pairwise(views):
        older.newer, newer.older = newer, older
    newest_first = views[::-1]
    topics = by_topic(newest_first)
    months = by_month(newest_first, words)

    for view in views:
        _post(pages, view, bodies, index)
    unknown = bodies.unknown
    _home(pages, source, newest_first, bodies, media, index, words)
    _lists(pages, months, topics, len(views), words)
    _about(pages, source, words)
    entries = [(view, bodies.render(view.source.body_markdown, "", plain=True)) for view in newest_first[:NEWEST]]
    pages.write("feed.xml", feed(title, words.language, entries, _moment(index.last_ts)))
    pages.write("assets/search-index.js", search_index(zip(newest_first, plain[::-1], strict=True)))
    return SiteReport(pages.count, pages.bytes, index.pages, index.messages, unknown)


def _transcript(source: SiteSource, words: Words, bubbles: Bubbles, pages: Pages) -> Index:
    """Write the transcript and its list of months; afterwards it is known where cited messages are."""
    cited: dict[str, str] = {}
    wanted: set[str] = set()
    for post in source.posts:
        target = f"../{relative(post_file(post.path))}"
        label = f'<span class="vh">{words["cited_in"]} </span>{escape(one_line(post.title, 80) or post.slug)}'
        back = f'<a class="in" href="{target}" dir="auto">{label}</a>'
        for identity in CITATION.findall(post.body_markdown):
            cited.setdefault(identity, back)
        wanted.update(post.sources[:1])
    wanted.update(cited)

    def emit(page: Page) -> None:
        first, last = page.days
        pages.page(
            "transcript.html.j2",
            page_name(page.number),
            title=words.span(day_of(first), day_of(last)),
            number=page.number,
            count=page.messages,
            older=_sibling(page.number - 1) if page.number > 1 else None,
            newer=None if page.last else _sibling(page.number + 1),
            body=_markup(page.body),
        )

    index = write_transcript(source.messages(), words, bubbles, cited, wanted.__contains__, emit)
    months: dict[tuple[int, int], MonthView] = {}
    for number, (page_number, count) in index.days.items():
        day = day_of(number)
        key = (day.year, day.month)
        if key not in months:
            target = f"{page_name(page_number)}#d-{day}"
            months[key] = MonthView(day.year, day.month, words.month_name(day.month), target, 0)
        months[key].count += count
    years = by_year(months.values())
    _index_page(
        pages, "transcript/index.html", words["transcript"], index.messages, ("message", "messages"), years=years
    )
    return index


def _post(pages: Pages, view: PostView, bodies: Bodies, index: Index) -> None:
    root = "../" * view.file.count("/")
    first = view.source.sources[0] if view.source.sources else ""
    position = index.positions.get(first)
    pages.page(
        "post.html.j2",
        view.file,
        title=view.title,
        post=view,
        body=_markup(bodies.render(view.source.body_markdown, root)),
        talk_url=f"{page_name(position.page)}#m-{first}" if position else None,
        older=view.older,
        newer=view.newer,
    )


def _home(
    pages: Pages,
    source: SiteSource,
    posts: Sequence[PostView],
    bodies: Bodies,
    media: Media,
    index: Index,
    words: Words,
) -> None:
    hero = posts[0] if posts else None
    shown = bodies.picture(hero.source.body_markdown) if hero else None
    picture = media.picture(*shown, "", eager=True) if shown else None
    standing: list[str] = []
    first, last = _moment(index.first_ts), _moment(index.last_ts)
    if first and last:
        standing.append(words.span(words.local(first).date(), words.local(last).date()))
        standing.append(words.count(index.messages, "message", "messages"))
        standing.append(words.count(len(index.authors), "person", "persons"))
    if posts:
        standing.append(words.count(len(posts), "post", "posts"))
    pages.page(
        "home.html.j2",
        "index.html",
        hero=hero,
        picture=_markup(picture) if picture else None,
        standing=standing,
        tagline=" · ".join(standing),
        months=by_month(posts[1 : ON_HOME + 1], words),
        more=len(posts) > ON_HOME + 1,
        messages=index.messages,
    )


def _lists(pages: Pages, months: Sequence[MonthView], topics: Sequence[TopicView], count: int, words: Words) -> None:
    """The archive, a page for each month, the topics, a page for each topic."""
    named = [MonthView(m.year, m.month, words.month_name(m.month), m.url, m.count, m.posts) for m in months]
    _index_page(pages, "archive.html", words["archive"], count, ("post", "posts"), years=by_year(named))
    for month in months:
        pages.page(
            "list.html.j2",
            month_file(month.year, month.month),
            title=month.name,
            parent=words["archive"],
            parent_url="archive.html",
            count=month.count,
            posts=month.posts,
            months=(),
        )
    _index_page(pages, "tags.html", words["tags"], len(topics), ("topic", "topics"), tags=topics)
    for topic in (topic for topic in topics if topic.shared):
        pages.page(
            "list.html.j2",
            topic.page,
            title=topic.name,
            parent=words["tags"],
            parent_url="tags.html",
            count=topic.count,
            posts=(),
            months=by_month(topic.posts, words),
        )


def _index_page(pages: Pages, file: str, title: str, count: int, noun: tuple[str, str], **groups: object) -> None:
    one, many = noun
    values = {"years": (), "tags": (), **groups}
    pages.page("archive.html.j2", file, title=title, count=count, one=one, many=many, **values)


def _about(pages: Pages, source: SiteSource, words: Words) -> None:
    models = {post.model for post in source.posts if post.model}
    pages.page(
        "about.html.j2",
        "about.html",
        title=words["about"],
        zone=source.timezone.replace("_", " "),
        offline=OFFLINE_MODEL in models,
        models=sorted(models - {OFFLINE_MODEL}),
        asked=source.links_opened,
    )
    pages.page("missing.html.j2", "404.html", title=words["missing"])


def _sibling(number: int) -> str:
    return page_name(number).rpartition("/")[2]


def _markup(html: str) -> object:
    """Says to the templates that this was escaped or sanitised already; only for HTML made in this room."""
    from markupsafe import Markup

    return Markup(html)


def _moment(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
