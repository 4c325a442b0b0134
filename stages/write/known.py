"""What is known of a link or file that a message names, however the message spells it."""

import re
from collections.abc import Mapping
from typing import Final

from stages.archive.records import Enrichment

_TRACKING: Final = re.compile(r"(?:utm_[^=&]*|fbclid|gclid)(?:=[^&]*)?", re.I)


class Known:
    """Enrichments by what a message says: the value as written, or the same address in another spelling.

    ``enrichments`` are by value. The first address that has to be compared costs a pass over them.
    """

    def __init__(self, enrichments: Mapping[str, Enrichment]) -> None:
        self._by_value = enrichments
        self._by_key: dict[str, Enrichment] | None = None

    def media(self, name: str) -> Enrichment | None:
        return self._by_value.get(name)

    def link(self, url: str) -> Enrichment | None:
        found = self._by_value.get(url)
        if found is not None and found.kind == "url":
            return found
        if self._by_key is None:
            self._by_key = {_canonical(e.value): e for e in self._by_value.values() if e.kind == "url"}
        return self._by_key.get(_canonical(url))


def is_spelt(title: str, address: str) -> bool:
    """Whether a title only repeats the address, its host at least, and says nothing of the page.

    >>> is_spelt("a.example/x…", "https://A.example/xyz?q=1"), is_spelt("Example", "https://example.org/")
    (True, False)
    """
    bare = re.sub(r"^[^/?#]*@", "", address.partition("://")[2] or address).casefold()
    said = title.casefold().rstrip("…/")
    return bare.startswith(said) and said.startswith(re.split(r"[/?#]", bare, maxsplit=1)[0])


def _canonical(url: str) -> str:
    scheme, separator, rest = url.rpartition("://") if "://" in url[:9] else ("", "", url)
    cut = min((at for at in (rest.find(mark) for mark in "/?#") if at >= 0), default=len(rest))
    tail, hash_mark, fragment = rest[cut:].partition("#")
    path, question, query = tail.partition("?")
    kept = "&".join(part for part in query.split("&") if not _TRACKING.fullmatch(part)) if question else ""
    return f"{scheme.lower()}{separator}{rest[:cut].lower()}{path}{'?' + kept if kept else ''}{hash_mark}{fragment}"
