"""What templates are given: posts with their dates, facts and addresses worked out, grouped by month and by topic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stages.site.bubbles import Palette
from stages.site.slugs import fold, slugify
from stages.site.source import PublishedPost
from stages.site.text import clean, one_line, relative
from stages.site.words import Words


@dataclass
class TopicView:
    """A tag; spellings that differ in case or accents only are one. ``page`` is the path of a page of its own.

    A topic of one post has no page: its ``url`` leads to that post, a list of one helps nobody.
    """

    name: str
    page: str
    posts: list["PostView"] = field(default_factory=list)

    @property
    def shared(self) -> bool:
        return len(self.posts) > 1

    @property
    def file(self) -> str:
        return self.page if self.shared else self.posts[0].file

    @property
    def url(self) -> str:
        return relative(self.file)

    @property
    def count(self) -> int:
        return len(self.posts)


@dataclass
class PostView:
    """A post as the templates see it; ``url`` is relative to the site's root."""

    source: PublishedPost
    file: str
    url: str
    title: str
    dek: str
    date_iso: str
    date_text: str
    day: int
    weekday: str
    month: tuple[int, int]
    month_url: str
    period: str
    facts: list[str]
    people: list[tuple[str, int]]
    tags: list[TopicView] = field(default_factory=list)
    older: "PostView | None" = None
    newer: "PostView | None" = None


@dataclass
class MonthView:
    year: int
    month: int
    name: str
    url: str
    count: int
    posts: Sequence[PostView] = ()


@dataclass
class YearView:
    year: int
    months: list[MonthView]


def post_file(path: str) -> str:
    return f"posts/{path}.html"


def month_file(year: int, month: int) -> str:
    return f"months/{year:04d}-{month:02d}.html"


def post_view(post: PublishedPost, minutes: int, words: Words, palette: Palette) -> PostView:
    day = words.local(post.date).date()
    facts = [f"{minutes} {words['minutes']}"]
    if post.people:
        facts.append(words.count(len(post.people), "person", "persons"))
    if post.sources:
        facts.append(words.count(len(post.sources), "source", "sources"))
    file = post_file(post.path)
    return PostView(
        source=post,
        file=file,
        url=relative(file),
        title=one_line(post.title, 300) or post.slug,
        dek=one_line(post.dek, 600),
        date_iso=day.isoformat(),
        date_text=words.day(day),
        day=day.day,
        weekday=words.short_weekday(day),
        month=(day.year, day.month),
        month_url=month_file(day.year, day.month),
        period=words.period(post.window_start, post.window_end),
        facts=facts,
        people=[(clean(alias), palette.hue(alias)) for alias in post.people],
    )


def by_month(posts: Iterable[PostView], words: Words) -> list[MonthView]:
    """Months in the order in which their posts come, which is newest first."""
    groups: dict[tuple[int, int], list[PostView]] = {}
    for post in posts:
        groups.setdefault(post.month, []).append(post)
    return [
        MonthView(year, month, words.month(year, month), month_file(year, month), len(group), group)
        for (year, month), group in groups.items()
    ]


def by_year(months: Iterable[MonthView]) -> list[YearView]:
    years: dict[int, YearView] = {}
    for month in months:
        years.setdefault(month.year, YearView(month.year, [])).months.append(month)
    return list(years.values())


def by_topic(posts: Sequence[PostView]) -> list[TopicView]:
    """Topics in the order of their names, each with its posts in the order given; they are noted on the posts too."""
    spelled: dict[str, str] = {}
    for post in posts:
        for tag in post.source.tags:
            if name := one_line(tag, 60):
                spelled.setdefault(fold(name), name)
    taken: set[str] = set()
    topics = {key: TopicView(spelled[key], f"tags/{slugify(spelled[key], taken)}.html") for key in sorted(spelled)}
    for post in posts:
        for key in dict.fromkeys(fold(one_line(tag, 60)) for tag in post.source.tags):
            if key in topics:
                topics[key].posts.append(post)
                post.tags.append(topics[key])
    return list(topics.values())
