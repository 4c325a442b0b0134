"""What a site is made from, and what is said about one that was made."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from stages.archive.records import Enrichment


@dataclass(frozen=True)
class PublishedPost:
    """A post as readers get it. Every text in it is taken for hostile.

    ``path`` is ``<yyyy>/<mm>/<slug>`` and never changes once published; ``date`` is the time of the post's first own
    message and ``window_start``/``window_end`` those of the first and last message of its window, all aware;
    ``people`` are aliases; ``sources`` message ids. In ``body_markdown`` a link to ``message:<message_id>`` points
    into the transcript, and a picture is ``![alt](media:<file name>)``, alone in its paragraph or followed by its
    caption.
    """

    slug: str
    path: str
    title: str
    dek: str
    date: datetime
    window_start: datetime
    window_end: datetime
    body_markdown: str
    tags: Sequence[str] = ()
    people: Sequence[str] = ()
    sources: Sequence[str] = ()
    model: str = ""


@dataclass(frozen=True)
class SiteSource:
    """Everything that the pages depend on.

    ``posts`` newest last. ``messages`` hands out the table of messages in batches (schema ``MESSAGES``, in order of
    ``seq``) and is called once. ``timezone`` is the IANA zone that dates are shown in; ``language`` that of the
    interface, ``pt`` or ``en``. ``media_dir`` holds the files that ``enrichments`` name. ``links_opened``: whether any
    site was asked for a page that the chat links to.
    """

    title: str
    timezone: str
    language: str
    noindex: bool
    posts: Sequence[PublishedPost]
    messages: Callable[[], Iterable[pa.RecordBatch]]
    enrichments: Sequence[Enrichment]
    media_dir: Path
    links_opened: bool = False


@dataclass(frozen=True)
class SiteReport:
    """``pages`` HTML pages, of which ``transcript_pages`` hold messages; ``bytes`` of all files, media included.

    ``unknown_sources`` counts links of posts to messages that are not in the archive; they became plain text.
    """

    pages: int
    bytes: int
    transcript_pages: int
    messages: int
    unknown_sources: int
