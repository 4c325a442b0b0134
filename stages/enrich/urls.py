r"""What counts as a link, stated once, as RE2 patterns and SQL expressions that DuckDB runs over whole columns.

A link is ``http://`` or ``https://`` with a host, or a bare ``www.`` with a domain. A bare domain, ``//host`` and
any other scheme are not links, nor is what stands inside another scheme's address. RE2 has no look-around, so each
match carries the character before it, and a closing bracket ends a link by being unmatched: brackets are matched to
a depth of :data:`DEPTH`. ``\w`` is ASCII there, hence the spelled-out Unicode classes.
"""

from typing import Final

DEPTH: Final = 3
"""How deep balanced brackets may nest inside a link."""

# never part of an address: blanks, controls, invisible marks (but the joiners of Persian and Indic words), what
# RFC 3986 excludes, quotes and brackets of every script (but ’, an apostrophe), and the full-width punctuation that
# Chinese and Japanese write without a blank after it
_NEVER: Final = (
    r"\s\p{Z}\p{Cc}\x{AD}\x{61C}\x{180E}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{FEFF}\x{FFFD}"
    r"<>\"`{}|\\^"
    r"\x{AB}\x{BB}\x{2018}\x{201A}-\x{201F}\x{2039}\x{203A}\x{2308}-\x{230B}\x{2329}\x{232A}\x{2E02}-\x{2E05}"
    r"\x{2E28}\x{2E29}\x{3001}\x{3002}\x{3008}-\x{3011}\x{3014}-\x{301B}\x{301D}-\x{301F}"
    r"\x{FF01}\x{FF08}\x{FF09}\x{FF0C}\x{FF1A}\x{FF1B}\x{FF1F}\x{FF3B}\x{FF3D}\x{FF5B}\x{FF5D}\x{FF5F}-\x{FF64}"
)
_PLAIN: Final = rf"[^{_NEVER}()\[\]]"


def _bracketed(opening: str, closing: str, depth: int) -> str:
    inside = rf"[^{_NEVER}\{opening}\{closing}]"
    pattern = rf"\{opening}{inside}*\{closing}"
    for _ in range(depth - 1):
        pattern = rf"\{opening}(?:{inside}|{pattern})*\{closing}"
    return pattern


# an opening bracket that is never closed belongs to the address, a closing one that was never opened ends it
_TAIL: Final = rf"(?:{_PLAIN}|{_bracketed('(', ')', DEPTH)}|{_bracketed('[', ']', DEPTH)}|[(\[])*"

_LABEL: Final = r"[\p{L}\p{N}\p{M}\p{So}_\-]+"
# the last label is of Latin script or of none, so that `https://example.com看` ends where a reader sees it end
_LATIN_END: Final = r"[\p{Latin}0-9](?:[\p{Latin}0-9\-]*[\p{Latin}0-9])?"
_OTHER_END: Final = r"\p{L}[\p{L}\p{M}\p{N}\-]*"
_REST: Final = rf"(?::[0-9]+)?(?:[/?#]{_TAIL})?"
_USER: Final = rf"(?:[^{_NEVER}()\[\]/?#@]+@)?"
_ADDRESS: Final = rf"{_USER}(?:\[[0-9A-Fa-f:.]+\]|(?:{_LABEL}\.)*(?:{_LATIN_END}|{_OTHER_END})){_REST}"
_DOMAIN: Final = rf"(?:{_LABEL}\.)+(?:\p{{Latin}}(?:[\p{{Latin}}0-9\-]*[\p{{Latin}}0-9])?|{_OTHER_END}){_REST}"

_WEB: Final = "[hH][tT][tT][pP][sS]?://"
_WWW: Final = r"[wW][wW][wW]\."

HINT: Final = rf"://|{_WWW}"
"""Cheap test: a text without it holds no link."""

GLUED: Final = rf"([,;])({_WEB}|{_WWW})"
r"""Two links with only a comma or semicolon between them; ``\1 \2`` sets them apart."""

ADDRESS: Final = (
    rf"(?:^|[^A-Za-z0-9+]){_WEB}{_ADDRESS}|(?:^|[^A-Za-z0-9+@./\-=&%#?\\]|\.\.){_WWW}{_DOMAIN}"
    rf"|(?:^|[^A-Za-z0-9+])[A-Za-z][A-Za-z0-9+]*://{_TAIL}"
)
"""A link, or another scheme's address to be passed over, with the character before it (before a bare ``www.`` perhaps
the two dots of an ellipsis). No groups: with one, RE2 is eight times slower."""

# as far as a match has to be read to tell: all that follows is optional
IS_LINK: Final = (
    rf"^(?:\.\.|[^A-Za-z0-9+]?)(?:{_WWW}|{_WEB}{_USER}(?:\[[0-9A-Fa-f:.]+\]|(?:{_LABEL}\.)*[\p{{L}}\p{{Latin}}0-9]))"
)
"""What of the matches of :data:`ADDRESS` is a link."""

# ASCII that closes a sentence, the punctuation of every other script, emoji, joiners, and brackets left open
_CLOSING: Final = r"[.,;:!?'*(\[\p{So}\x{FE0E}\x{FE0F}\x{200C}\x{200D}\x{20E3}\x{1F3FB}-\x{1F3FF}]|[^\P{P}\x00-\x7F]"
_TRACKING: Final = r"^(?i)(?:utm_[^=]*|fbclid|gclid)(?:=|$)"
_MAY_TRACK: Final = r"(?i)[?&](?:utm_|fbclid|gclid)"
_PARTS: Final = rf"^((?:{_WEB})?)((?:[^/?#@]*@)?)([^/?#]*)([^?#]*)((?:\?[^#]*)?)((?:#.*)?)$"


def as_written(match: str) -> str:
    """SQL for the link as it was written, given SQL for a match of :data:`ADDRESS`.

    The character before goes, closing punctuation goes, and so does a closing ``_`` or ``~`` where the link stands
    directly after one (`_https://…_` is italics; `https://youtu.be/abc_` is an address).
    """
    # each pattern is a constant: one that varies by row is compiled for every row
    link = rf"regexp_replace({match}, '^(?:\.\.|[^hHwW])', '')"
    return (
        f"CASE WHEN {match}[1] IN ('_', '~') THEN regexp_replace({link}, {quoted(f'(?:{_CLOSING}|[_~])+$')}, '') "
        f"ELSE regexp_replace({link}, {quoted(f'(?:{_CLOSING})+$')}, '') END"
    )


def canonical(link: str) -> str:
    """SQL for the key of a link, given SQL for the link: scheme and host in lower case, no tracking parameters.

    The rest stays as it is: the case of user name and path, order of parameters, port, fragment, percent signs.
    """
    part = f"regexp_extract({link}, {quoted(_PARTS)}, ['scheme', 'user', 'host', 'path', 'query', 'fragment'])"
    query = "part.query"
    kept = (
        f"array_to_string(list_filter(string_split({query}[2:], '&'), "
        f"lambda name: NOT regexp_matches(name, {quoted(_TRACKING)})), '&')"
    )
    rebuilt = (
        # the one letter of which lower() makes another host than browsers do
        "lower(part.scheme) || part.user || lower(replace(part.host, chr(304), 'i' || chr(775))) || part.path || "
        f"CASE WHEN {query} = '' THEN '' WHEN NOT regexp_matches({query}, {quoted(_MAY_TRACK)}) THEN {query} "
        f"ELSE coalesce('?' || nullif({kept}, ''), '') END || part.fragment"
    )
    # most links are their own key: seen at a tenth of the cost of taking them apart
    return (
        f"CASE WHEN {link} = lower({link}) AND NOT regexp_matches({link}, {quoted(_MAY_TRACK)}) THEN {link} "
        f"ELSE list_extract(list_transform([{part}], lambda part: {rebuilt}), 1) END"
    )


def quoted(pattern: str) -> str:
    """A pattern as an SQL string literal."""
    return "'" + pattern.replace("'", "''") + "'"
