"""From the archive to what readers see: posts as files, the site beside the old one, one check for leaks, one swap."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from stages.archive.merge import stored_names
from stages.archive.publication import publish_posts, publish_site
from stages.archive.schema import DETAILS, MESSAGES
from stages.archive.store import Archive, borrow, to_json
from stages.enrich.store import TaskStore
from stages.errors import StreamlinerError
from stages.privacy.leaks import find_leaks
from stages.settings import Settings
from stages.site.build import PublishedPost, SiteSource, build_site, slugify
from stages.write.markdown import body_markdown, to_markdown
from stages.write.schema import Post

PAGES_VERSION: Final = "2"
"""Part of what the pages depend on; raised when templates change what a page says or how it looks."""


class LeakError(StreamlinerError):
    """Something that must stay private would have been published; the site that is served is the old one."""


@dataclass(frozen=True)
class Chronicle:
    """``items`` posts are published as ``version``; ``changed`` files of ``posts/`` differ from before."""

    items: int
    version: str
    changed: int


@dataclass(frozen=True)
class Told:
    """A post of the plan in its final form: its place, its unique title, its file, its language."""

    published: PublishedPost
    markdown: str
    language: str


def publish_chronicle(archive_folder: str, *, key: bytes, settings: Settings, refresh: bool) -> Chronicle:
    """Publish what the archive holds. Nothing is done when nothing changed since the last time, unless ``refresh``.

    Raises :class:`LeakError` when a name, number or address that was ever seen stands in any byte of it; then what is
    served stays as it was. Cost: one ordered pass over the messages, and the bytes of the site read once.
    """
    with borrow(archive_folder) as archive:
        mark = _mark(archive, settings)
        if not refresh and archive.meta("published") == mark and _stands(archive):
            return Chronicle(archive.count("slugs"), Path(archive.site.readlink()).name, 0)
        told = tell(archive, settings)
        scratch = archive.work / "publication"
        shutil.rmtree(scratch, ignore_errors=True)
        posts = {f"{post.published.path}.md": post.markdown for post in told}
        for name, text in posts.items():
            path = scratch / "posts" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        build_site(_source(archive, settings, told), scratch / "site")
        refuse_leaks(archive, scratch, key)
        changed = publish_posts(archive, posts)
        version = publish_site(archive, scratch / "site")
        archive.set_meta(published=mark)
        return Chronicle(len(told), version, changed)


def tell(archive: Archive, settings: Settings) -> list[Told]:
    """Every post of the plan in order, with titles and addresses made unique in one pass; addresses once given stay."""
    cursor = archive.cursor()
    rows = cursor.execute(
        """SELECT w.start_ts, w.end_ts, m.ts, w.signature, o.posts, o.model
           FROM windows w JOIN outcomes o USING (signature) JOIN messages m ON m.seq = w.own_start_seq
           WHERE o.status = 'written' ORDER BY w.window_index"""
    ).fetchall()
    zone = ZoneInfo(archive.meta("timezone") or settings.archive.timezone)
    given = {(signature, part): path for signature, part, path in cursor.execute("SELECT * FROM slugs").fetchall()}
    titles: set[str] = set()
    taken = {path.rpartition("/")[2] for path in given.values()}
    told = []
    for start, end, own, signature, posts, model in rows:
        for part, fields in enumerate(json.loads(posts)):
            post = Post.model_validate(fields)
            date = own.astimezone(zone)
            title = _unique_title(post.title, date, titles)
            path = given.get((signature, part))
            if path is None:
                path = given[signature, part] = f"{date:%Y/%m}/{slugify(title, taken)}"
                taken.add(path.rpartition("/")[2])
            window = (start.astimezone(zone), end.astimezone(zone))
            markdown = to_markdown(post, date=date, window=window, model=model, signature=signature, title=title)
            published = PublishedPost(
                slug=path.rpartition("/")[2],
                path=path,
                title=title,
                dek=post.dek,
                date=date,
                window_start=window[0],
                window_end=window[1],
                body_markdown=body_markdown(post),
                tags=post.tags,
                people=post.people,
                sources=post.sources,
                model=model,
            )
            told.append(Told(published, markdown, post.language))
    _keep_slugs(archive, {(row[3], part) for row in rows for part in range(len(json.loads(row[4])))}, given)
    return told


def refuse_leaks(archive: Archive, folder: Path, key: bytes) -> None:
    """Raise :class:`LeakError` with the places, never the words."""
    leaks = find_leaks(folder, key, stored_names(archive.cursor()))
    if leaks:
        first = leaks[0]
        raise LeakError(
            f"The site was not published: {len(leaks)} places would have shown something private, the first is a "
            f"{first.kind} in {first.file} at byte {first.offset}. The site that is served is unchanged."
        )


def _unique_title(title: str, date: datetime, titles: set[str]) -> str:
    """No title stands twice: a repeated one gets its day, then a number."""
    day = f"{title} ({date:%d.%m.%Y})"
    candidate, number = title, 1
    while candidate.casefold() in titles:
        candidate = day if number == 1 else f"{day[:-1]}, {number})"
        number += 1
    titles.add(candidate.casefold())
    return candidate


def _keep_slugs(archive: Archive, wanted: set[tuple[str, int]], given: dict[tuple[str, int], str]) -> None:
    """Keep the addresses of the posts of the plan; those of posts that are gone are free again."""
    rows = sorted((signature, part, given[signature, part]) for signature, part in wanted)
    with archive.transaction() as cursor:
        cursor.execute("DELETE FROM slugs")
        if rows:
            names = ("signature", "part", "path")
            cursor.register("given_slugs", pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))))
            cursor.execute("INSERT INTO slugs SELECT * FROM given_slugs")
            cursor.unregister("given_slugs")


def _language(settings: Settings, told: list[Told]) -> str:
    """The interface's language: the one that was set, else the one that most posts are in, of those there are."""
    if settings.site.language != "auto":
        return settings.site.language
    portuguese = sum(post.language == "pt" for post in told)
    return "pt" if portuguese * 2 > len(told) else "en"


def _source(archive: Archive, settings: Settings, told: list[Told]) -> SiteSource:
    return SiteSource(
        title=archive.meta("title") or settings.archive.title,
        timezone=archive.meta("timezone") or settings.archive.timezone,
        language=_language(settings, told),
        noindex=settings.site.noindex,
        posts=[post.published for post in told],
        messages=lambda: _messages(archive),
        enrichments=TaskStore(archive.cursor()).enrichments(),
        media_dir=archive.media,
        links_opened=_opened(archive),
    )


def _opened(archive: Archive) -> bool:
    """Whether a page that the chat links to was asked for, in this run or one before."""
    row = archive.cursor().execute(
        """SELECT EXISTS (SELECT 1 FROM tasks
           WHERE kind = 'url' AND (fetched OR error_class IN ('permanent', 'transient', 'throttled')))"""
    ).fetchone()  # fmt: skip
    return bool(row and row[0])


def _messages(archive: Archive) -> Iterator[pa.RecordBatch]:
    """The messages in order; with reactions, topics and hidden links where any of them has one."""
    told = archive.count("details") > 0
    schema = pa.schema([*MESSAGES, *DETAILS]) if told else MESSAGES
    source = "messages LEFT JOIN details USING (message_id)" if told else "messages"
    query = f"SELECT {', '.join(schema.names)} FROM {source} ORDER BY seq"
    for batch in archive.cursor().execute(query).to_arrow_reader(1 << 16):
        yield batch.cast(schema)


def _mark(archive: Archive, settings: Settings) -> str:
    """Everything that the pages depend on, as one hash."""
    facts: dict[str, Any] = {
        "pages": PAGES_VERSION,
        "site": settings.site.model_dump(mode="json"),
        "title": archive.meta("title"),
        "opened": _opened(archive),
        "revisions": {kind: archive.revision(kind) for kind in ("messages", "enrichments", "posts")},
    }
    return hashlib.blake2b(to_json(facts).encode(), digest_size=16).hexdigest()


def _stands(archive: Archive) -> bool:
    """Whether what was published is still there; a damaged tree is made anew."""
    paths = [path for (path,) in archive.cursor().execute("SELECT path FROM slugs").fetchall()]
    return (archive.site / "index.html").is_file() and all((archive.posts / f"{path}.md").is_file() for path in paths)
