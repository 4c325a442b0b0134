"""Addresses that a page names, made absolute; what is no plain http(s) address is none."""

import re
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

LENGTH: Final = 2_000
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_SCHEME_ALONE: Final = re.compile(r"\s*[a-zA-Z][a-zA-Z0-9+.-]*:[/\s]*")
_SAFE: Final = "!#$%&'()*+,/:;=?@[]_.~-"
_SAME: Final = re.compile(r"^(?:www\d?|m|mobile|amp|touch)\.")


def absolute(base: str, written: str | None) -> str | None:
    """``written``, read on a page at ``base``; None unless it is http(s) with a host and without a user's name."""
    if not written or len(written) > LENGTH or len(base) > 4 * LENGTH or _SCHEME_ALONE.fullmatch(written):
        return None
    try:
        joined = urljoin(base, _BLANK.sub("", written) if "\n" in written else written.strip())
        parts = urlsplit(joined)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or "\\" in joined:
        return None
    safe = quote(joined.encode("utf-8", "replace"), safe=_SAFE)
    return safe if len(safe) <= LENGTH else None


def same_site(one: str, other: str) -> bool:
    """Whether two addresses are of one site: equal hosts but for ``www.``, ``m.`` and the like, or one within the
    other. A page is not believed when it says that it is another site's."""
    try:
        first, second = (_SAME.sub("", (urlsplit(url).hostname or "").lower()) for url in (one, other))
    except ValueError:
        return False
    if not first or not second or "." not in first or "." not in second:
        return first == second != ""
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")
