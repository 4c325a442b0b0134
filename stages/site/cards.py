"""A page that was read, as a card in place of its bare address: its title, what it says, a picture that is kept here.

What was not read has no card, so nothing is claimed of it. Everything on a card was written by strangers: it is text,
and the only address is the one that somebody in the chat wrote, of which the host is always told.
"""

import re
from collections.abc import Iterable
from datetime import date
from html import escape
from typing import Final

from stages.archive.records import Enrichment
from stages.enrich.pages.language import may_be
from stages.site.media import Media
from stages.site.text import REL, one_line, web_address
from stages.site.words import Words
from stages.write.known import Known, is_spelt

MOST: Final = 3
"""Cards below one message; its other links stay in its text."""

_TITLE: Final = 160
_WORDS: Final = 300
_SITE: Final = 60
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


class Cards:
    """Cards of the pages that were read, for links as people wrote them."""

    def __init__(self, enrichments: Iterable[Enrichment], media: Media, words: Words) -> None:
        read = {record.value: record for record in enrichments if record.kind == "url" and record.fetched}
        self._known = Known(read)
        self._media, self._words = media, words
        self.any = bool(read)

    def page(self, address: str) -> Enrichment | None:
        """What is known of the page behind an address, if it was read and says anything of itself."""
        page = self._known.link(address)
        return page if page is not None and (_title(page) or one_line(page.text or "", _WORDS)) else None

    def card(self, address: str, root: str) -> str | None:
        """HTML of the card, one ``<a>``; None where there is none."""
        page = self.page(address)
        target = web_address(address if "://" in address[:8] else f"https://{address}")
        if page is None or target is None:
            return None
        host = _host(target)
        site = one_line(page.site or "", _SITE)
        title = _title(page) or site or host
        said = one_line(page.text or "", _WORDS)
        picture = self._media.card(page, root)
        look = "pagecard" if picture is None else f"pagecard {picture.shape}"
        spoken = f' lang="{page.language}"' if page.language and _LANGUAGE.fullmatch(page.language) else ""
        pieces = [
            f'<a class="{look}" href="{escape(target)}" rel="{REL}">',
            f'<span class="shot">{picture.html}</span>' if picture else "",
            f'<span class="about"><span class="name" dir="auto"{spoken}>{escape(title)}</span>',
            f'<span class="says" dir="auto"{spoken if _in_its_language(page, said) else ""}>{escape(said)}</span>'
            if said not in ("", title)
            else "",
            f'<span class="from">{self._origin(page, title, site, host)}</span></span></a>',
        ]
        return "".join(pieces)

    def _origin(self, page: Enrichment, title: str, site: str, host: str) -> str:
        """Site, host and date, as far as they are known and not said already."""
        names = [name for name in (site, host) if name.casefold() not in ("", title.casefold())]
        bare = host.casefold().removeprefix("www.")
        parts = [f"<bdi>{escape(name)}</bdi>" for name in names if name == host or name.casefold() != bare]
        if when := _date(page.published):
            parts.append(f'<time datetime="{when}">{self._words.day(when)}</time>')
        return " <i>·</i> ".join(parts)


def _in_its_language(page: Enrichment, said: str) -> bool:
    """Whether what is said of a page is in the page's language: a model may have been asked for the site's."""
    return page.told_by is None or may_be(said, page.language or "")


def _title(page: Enrichment) -> str:
    """The page's title; what is only spelt from its address is none."""
    title = one_line(page.title or "", _TITLE)
    return "" if is_spelt(title, page.value) else title


def _host(address: str) -> str:
    """The host as it is asked for, without user name and port."""
    authority = re.split(r"[/?#\\]", address.partition("://")[2], maxsplit=1)[0]
    return one_line(re.sub(r":\d*$", "", authority.rpartition("@")[2]).lower(), 80)


def _date(published: str | None) -> date | None:
    try:
        return date.fromisoformat(published) if published else None
    except ValueError:
        return None
