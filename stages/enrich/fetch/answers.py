"""What a server's answer means: a page, a redirect, or an error of one class in words of ours."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from stages.resilience.errors import CallError, PermanentError, ThrottledError, TransientError

REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_TRY_AGAIN: Final = frozenset((408, 425))
_REASONS: Final = {
    401: "it wants a password",
    402: "it wants to be paid",
    403: "it does not let us in",
    404: "there is no such page",
    407: "a proxy wants a password",
    410: "the page is gone for good",
    451: "the page is withheld for legal reasons",
}


class DeniedError(PermanentError):
    """The server is there and says no: a status of 400 to 499 that no patience changes."""


class TooSlowError(PermanentError):
    """The server had its time and was not done."""


def failure(status: int, headers: Mapping[str, str]) -> CallError | None:
    """The error that a status means; None for an answer that may be a page (2xx)."""
    if status == 429:
        return ThrottledError("The site asks for fewer requests (429).", retry_after(headers))
    if status in _TRY_AGAIN or status >= 500:
        sentence = f"The site failed to answer ({status})."
        patience = retry_after(headers)
        return TransientError(sentence) if patience is None else ThrottledError(sentence, patience)
    if 200 <= status < 300:
        if status in (204, 205):
            return PermanentError(f"The site answered without a page ({status}).")
        return None
    if status >= 400:
        return DeniedError(f"The site refused ({status}: {_REASONS.get(status, 'it does not take the request')}).")
    return PermanentError(f"The site answered with a redirect that leads nowhere ({status}).")


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that ``Retry-After`` asks for, from a number or an HTTP date; None where it names none."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))
