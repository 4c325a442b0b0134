"""Which addresses are one page: the key under which a page is remembered across archives.

Coarser than a candidate's key (``stages.enrich.urls.canonical``) and consistent with it: links of one candidate are
always one page. courlan writes scheme, host, port and path in one way. It is not let at the query: what it drops there
are names such as ``cid``, ``uid``, ``source``, ``keyword``, ``gallery`` or ``ref``, and empty values, by which many
sites tell pages apart; a page remembered under another's address would be told as what it is not.
"""

import re
from typing import Final
from urllib.parse import SplitResult

_PARTS: Final = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*)://)?((?:[^/?#@]*@)?)([^/?#]*)([^?#]*)\??([^#]*)", re.S)
_TRACKING: Final = re.compile(r"(?:utm_[^=]*|fbclid|gclid)(?:=.*)?", re.I | re.S)


def page_key(url: str) -> str:
    """The key of an address as written; a bare ``www.`` is https.

    Ignored: the case of scheme and host, a default port, the slash after the host, repeated slashes, the fragment,
    whether letters beyond ASCII are escaped, ``utm_*``, ``fbclid`` and ``gclid``. The user name, the order of
    parameters and everything else count. Never fails.
    """
    from courlan import normalize_url

    parts = _PARTS.match(url.strip())
    assert parts is not None
    scheme, user, host, path, query = parts.groups()
    kept = "&".join(part for part in query.split("&") if not _TRACKING.fullmatch(part))
    scheme = (scheme or "https").lower()
    try:
        base = normalize_url(SplitResult(scheme, host.lower(), path or "/", "", ""), strict=True)
    except ValueError:
        base = f"{scheme}://{host.lower()}{path}"
    # the mark cannot stand in an address, so no other one gives the same key
    return f"{base}{'?' + kept if kept else ''}" + (f" {user}" if user else "")
