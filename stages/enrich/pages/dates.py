"""Dates as pages write them for programs: ISO 8601, or the one spelling of HTTP and mail. Nothing is guessed."""

import re
from collections.abc import Iterable
from datetime import date
from email.utils import parsedate_tz
from typing import Final

_ISO: Final = re.compile(r"\s*(\d{4})-?(\d{2})-?(\d{2})(?:[T\s]|$)", re.ASCII)
_YEARS: Final = range(1990, 2101)


def iso_date(written: str | None) -> str | None:
    """``YYYY-MM-DD`` as the page has it, in its own time zone; None for what is no plain date."""
    if not written or len(written) > 100:
        return None
    match = _ISO.match(written)
    try:
        if match:
            found = date(int(match[1]), int(match[2]), int(match[3]))
        else:
            parsed = parsedate_tz(written)
            if parsed is None:
                return None
            found = date(*parsed[:3])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.isoformat() if found.year in _YEARS else None


def first_date(candidates: Iterable[str | None]) -> str | None:
    """The first of the candidates that is a date."""
    return next(filter(None, map(iso_date, candidates)), None)
