"""Pages that say nothing of what was linked: checks for robots, log-ins, consent, "not found" with status 200.

What such a page says would be told as if the linked page said it. A page counts as one by what its title is, as a whole
or in one of its parts, and, unless the words are used for nothing else, only where it has little text and does not call
itself an article: there are articles about 404 pages and films called "Access Denied". The patterns are data:
``walls.txt``.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

LITTLE: Final = 1_500
"""Characters of text below which a title such as "Log in" is believed."""

_PARTS: Final = re.compile(r"\s+[|•·–—»:-]\s+|\s*[|•·»]\s*")
_CHALLENGE: Final = re.compile(
    r"/cdn-cgi/challenge-platform/|id=[\"']?(?:cf-challenge|challenge-form|px-captcha)|geo\.captcha-delivery\.com"
    r"|_Incapsula_Resource"
)
_ROBOT_PAGE: Final = 30_000


def says_nothing(title: str | None, text: str | None, markup: str = "", *, article: bool = False) -> bool:
    """Whether a page with this title and text is a wall; ``article``: it states that it is an article."""
    length = len(text or "")
    if len(markup) < _ROBOT_PAGE and length < LITTLE // 3 and _CHALLENGE.search(markup):
        return True
    for part in _parts(title):
        if _patterns("certain").fullmatch(part) and length < 4 * LITTLE:
            return True
        if not article and length < LITTLE and _patterns("likely").fullmatch(part):
            return True
    return False


def is_noise(sentence: str) -> bool:
    """Whether a sentence is the site's housekeeping (cookies, scripts, rights, accounts) and not what the page says."""
    return _patterns("noise").search(sentence[:400]) is not None


def _parts(title: str | None) -> list[str]:
    if not title:
        return []
    whole = title.strip().rstrip("!")
    return [whole, *(part.strip() for part in _PARTS.split(whole) if part.strip())]


@cache
def _patterns(section: str) -> re.Pattern[str]:
    text = files("stages.enrich.pages").joinpath("walls.txt").read_text("utf-8")
    lines = text.partition(f"[{section}]")[2].partition("\n\n")[0].splitlines()[1:]
    return re.compile("|".join(f"(?:{line})" for line in lines), re.I)
