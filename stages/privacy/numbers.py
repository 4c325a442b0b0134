"""Telephone numbers in texts: what is one, what is only a price, a date, a time or an id.

A number is taken where it says so itself (a plus or a double zero, ``wa.me/``, ``tel:``, an @ sign, a word such as
"phone" before it), where it is known (an author's, in any spelling), where it is valid in a region that is known, or
where its grouping is that of telephone numbers alone. Everything is judged by runs of digit groups, so that the leak
check, which knows numbers by MAC only, sees the same candidates as the guard.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

_SEPARATORS: Final = (
    r" \u00a0\u2007\u2009\u202f().\-\u2010-\u2015\u2212/\u200b-\u200f\u202a-\u202e\u2066-\u2069\u2060\ufeff"
)
_RUN: Final = re.compile(rf"\d+(?:[{_SEPARATORS}]{{1,5}}\d+)*")
_GROUP: Final = re.compile(r"\d+")
_DATE: Final = re.compile(
    r"(?<!\d)(?<!\d[-./])(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}(?:[-_ T.]+\d{2}){0,4}"
    r"|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2}))(?![-./]?\d)"
    r"|(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"
)
_YEARS: Final = re.compile(r"(?:1[89]|20|21)\d{2}\W{1,3}(?:1[89]|20|21)\d{2}")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:\.\d{3})+|\d{1,3}(?:[ \u00a0\u202f]\d{3})+")
_DECIMAL: Final = re.compile(r"\d{1,3}\.\d+")
_MONEY: Final = re.compile(r"(?:[$€£¥₹₽₩%]|\b(?:r|us|eur|usd|brl|gbp|chf)\s?\$?)\s?\Z", re.IGNORECASE)
_PLUS: Final = re.compile(r"(?<![\w+])\+[\s\u00a0\u202f(\u200b-\u200f\u202a-\u202e\u2066-\u2069]{0,3}\Z")
_LINK_CUE: Final = re.compile(
    r"(?:wa\.me/(?:\+|qr/)?|whatsapp\.com/send/?\?\S{0,80}?phone=\+?|whatsapp://send/?\?\S{0,80}?phone=\+?"
    r"|\b(?:tel|sms|smsto|callto|facetime|viber|signal):(?://)?\+?|waid=\+?|[?&]phone=\+?)[( ]?\Z",
    re.IGNORECASE,
)
_WORD_CUE: Final = re.compile(
    r"\b(?:tel(?:efone|éfono|efono|efon|éphone|ef)?|fone|phone|cel(?:ular)?|mobile|mobil|whats(?:app)?|zap|wpp|handy"
    r"|móvil|movil|telemóvel|portable|cellulare|call me(?: at| on)?|text me(?: at| on)?)"
    r"(?:\s?(?:é|is|ist|es|est|number|nummer))?\W{0,3}\Z",
    re.IGNORECASE,
)
_MENTION_CUE: Final = re.compile(r"(?<!\w)@[~ \u00a0\u202f+\u200b-\u200f\u202a-\u202e\u2066-\u2069]{0,4}\Z")
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        r"\(\d{2,5}\)[ \u00a0\-]?\d[\d \u00a0\-\u2011]{4,10}\d",
        r"\d{3}([-.\u2011])\d{3}\1\d{4}",
        r"(?:\d{2}[ \u00a0\-\u2011])?9\d{4}[-\u2011]\d{4}",
        r"\d{2}[ \u00a0\-\u2011]9?\d{4}[-\u2011]\d{4}",
        r"\d{2} 9\d{4} \d{4}",
        r"0[1-9]([ .\u00a0])\d{2}(?:\1\d{2}){3}",
        r"0\d{2,4}[ /\-]\d{3,4}[ \-]?\d{3,4}",
        r"0[67]\d{8}|07\d{9}|01[567]\d{8,9}",
        r"55[1-9]\d9\d{8}",
    )
)
_GROUPS: Final = 6
_BEYOND: Final = 24
"""Characters past a run of digits that a date may need to be told from the start of something longer."""
LONGEST: Final = 15
SHORTEST: Final = 7


class Run(NamedTuple):
    """Groups of digits with at most a few separators between them: spans in the text, and their ASCII digits."""

    spans: tuple[tuple[int, int], ...]
    digits: tuple[str, ...]


class Found(NamedTuple):
    """A number in a text: ``digits`` in ASCII, with its country's code where that is known; ``mention`` says that it
    stands behind an @ sign."""

    start: int
    end: int
    digits: str
    mention: bool


def runs(text: str) -> Iterator[Run]:
    """Runs of digit groups with seven digits or more; dates are no part of any. Cost: linear."""
    for match in _RUN.finditer(text):
        start, end = match.span()
        if end - start < SHORTEST:
            continue
        dates = [date.span() for date in _DATE.finditer(text, start, end + _BEYOND)]
        spans: list[tuple[int, int]] = []
        past = 0
        for group in _GROUP.finditer(text, start, end):
            while past < len(dates) and dates[past][1] <= group.start():
                past += 1
            if past < len(dates) and dates[past][0] <= group.start():
                yield from _as_run(text, spans)
                spans = []
            else:
                spans.append(group.span())
        yield from _as_run(text, spans)


def spellings(run: Run, first: int) -> Iterator[tuple[int, str]]:
    """(past the last group, digits) of every number that may begin with group ``first`` of a run, longest first."""
    size, last = 0, first
    while last < len(run.digits) and size + len(run.digits[last]) <= LONGEST + 2:
        size += len(run.digits[last])
        last += 1
    while last > first and size >= SHORTEST:
        yield last, "".join(run.digits[first:last])
        last -= 1
        size -= len(run.digits[last])


def forms(digits: str) -> list[str]:
    """The digit strings by which a number with its country's code is also dialled: without the code, and its end."""
    found = [digits]
    national = national_digits(digits)
    if national is not None:
        found.append(national)
        found += [national[-size:] for size in (10, 9, 8) if size < len(national)]
    return found


def national_digits(digits: str) -> str | None:
    """The national number of digits that begin with a country's code; None where that makes no number."""
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    national: str = phonenumbers.national_significant_number(number)
    return national if len(national) >= SHORTEST else None


def find_numbers(text: str, known: Callable[[str], bool], regions: Sequence[str]) -> list[Found]:
    """The telephone numbers of ``text``, from the left.

    ``known`` tells whether digits spell a number that was seen; ``regions`` (ISO 3166) are those in which numbers
    without their country's code are judged. Cost: linear in the text; a few microseconds for each run of digits.
    """
    return [found for run in runs(text) for found in _in_run(text, run, known, regions)]


def states_number(text: str, start: int) -> bool:
    """Whether what stands before the digit at ``start`` says that a number follows: every such number is replaced."""
    near = max(0, start - 8)
    return bool(
        _MENTION_CUE.search(text, near, start)
        or _PLUS.search(text, near, start)
        or _LINK_CUE.search(text, max(0, start - 120), start)
    )


def _in_run(text: str, run: Run, known: Callable[[str], bool], regions: Sequence[str]) -> Iterator[Found]:
    first, count = 0, len(run.digits)
    while first < count:
        last, digits, mention = _at(text, run, first, known, regions)
        if last == first:
            first += 1
            continue
        yield Found(_begin(text, run.spans[first][0]), run.spans[last - 1][1], digits, mention)
        first = last


def _at(text: str, run: Run, first: int, known: Callable[[str], bool], regions: Sequence[str]) -> tuple[int, str, bool]:
    """(past the last group, digits, mention) of the number that begins with group ``first``; none: (first, "", _)."""
    start = run.spans[first][0]
    reach = max(0, start - 8)
    mention = _MENTION_CUE.search(text, reach, start) is not None
    options = list(spellings(run, first))
    if not options:
        return first, "", mention
    if mention or _LINK_CUE.search(text, max(0, start - 120), start):
        # behind a cue the digits are one group, or what stays a possible number
        last, digits = _possible(options, lambda digits: digits.lstrip("0"))
        return last, digits, mention
    if _PLUS.search(text, reach, start):
        last, digits = _possible([option for option in options if _plausible(text, run, first, option[0])], str)
        if last:
            return last, digits, False
    if run.digits[first].startswith("00") and len(run.digits[first]) != 8:
        valid = [(last, digits[2:]) for last, digits in options if _is_valid(digits[2:])]
        if valid:
            return valid[0][0], valid[0][1], False
    for last, digits in options:
        if known(digits) or (digits.startswith("0") and known(digits.lstrip("0"))):
            return last, digits.lstrip("0"), False
    grouped = [option for option in options if option[0] - first <= _GROUPS]
    if grouped and _alone(text, run, first):
        for last, digits in grouped:
            found = _national(text, run, first, last, digits, regions)
            if found:
                return last, found, False
    return first, "", mention


def _plausible(text: str, run: Run, first: int, last: int) -> bool:
    """Whether groups behind a plus are no sum of thousands, or valid all the same."""
    written = text[run.spans[first][0] : run.spans[last - 1][1]]
    return not _THOUSANDS.fullmatch(written) or _is_valid("".join(run.digits[first:last]))


def _possible(options: list[tuple[int, str]], strip: Callable[[str], str]) -> tuple[int, str]:
    """The longest valid number, else the longest possible one, else the longest that is long enough."""
    for judge in (_is_valid, _is_possible, lambda digits: SHORTEST <= len(digits) <= LONGEST):
        for last, digits in options:
            if judge(strip(digits)):
                return last, strip(digits)
    return 0, ""


def _alone(text: str, run: Run, first: int) -> bool:
    """Whether the groups from ``first`` on may be a number's: no letter, sign of money or decimal point before."""
    start = run.spans[first][0]
    before = text[start - 1 : start]
    if before.isalnum() or before in ("_", "#", "+", ",", ":", "="):
        return False
    if before in (".", "-", "/") and first == 0 and text[max(0, start - 2) : start - 1].isalnum():
        return False
    return not _MONEY.search(text, max(0, start - 6), start)


def _national(text: str, run: Run, first: int, last: int, digits: str, regions: Sequence[str]) -> str | None:
    """The digits where the groups are a number of a region, or look like nothing but a number."""
    start, end = run.spans[first][0], run.spans[last - 1][1]
    after = text[end : end + 1]
    if (
        after.isalnum()
        or after in ("_", "%", "€", "$", "£")
        or (after in (",", ":") and text[end + 1 : end + 2].isdigit())
    ):
        return None
    written = text[start:end]
    if _YEARS.search(written) or _DECIMAL.fullmatch(written):
        return None
    cue = _WORD_CUE.search(text, max(0, start - 30), start) is not None
    if len(digits) > LONGEST or (_THOUSANDS.fullmatch(written) and not cue):
        return None
    for region in regions:
        found = _regional(digits, region)
        if found:
            return found
    opened = text[start - 1 : start] == "(" and ")" in written
    if any(form.fullmatch(f"({written}" if opened else written) for form in _FORMS):
        return digits
    return digits if cue and len(digits) >= 8 else None


def _begin(text: str, start: int) -> int:
    """Where a number begins whose first digit is at ``start``: its plus or its bracket."""
    plus = _PLUS.search(text, max(0, start - 8), start)
    if plus:
        return plus.start()
    return start - 1 if text[start - 1 : start] == "(" and ")" in text[start : start + 8] else start


@lru_cache(1 << 14)
def _is_valid(digits: str) -> bool:
    import phonenumbers

    number = _parsed(digits, None)
    return number is not None and phonenumbers.is_valid_number(number)


@lru_cache(1 << 14)
def _is_possible(digits: str) -> bool:
    import phonenumbers

    number = _parsed(digits, None)
    return number is not None and phonenumbers.is_possible_number(number)


@lru_cache(1 << 14)
def _regional(digits: str, region: str) -> str | None:
    """The number with its country's code where ``digits`` are dialled so in ``region``."""
    import phonenumbers

    number = _parsed(digits, region)
    if number is None or not phonenumbers.is_valid_number(number):
        return None
    return f"{number.country_code}{phonenumbers.national_significant_number(number)}"


def _parsed(digits: str, region: str | None):  # type: ignore[no-untyped-def]
    import phonenumbers

    try:
        return phonenumbers.parse(digits if region else f"+{digits}", region)
    except phonenumbers.NumberParseException:
        return None


def _as_run(text: str, spans: list[tuple[int, int]]) -> Iterator[Run]:
    digits = tuple("".join(str(int(char)) for char in text[start:end]) for start, end in spans)
    if sum(map(len, digits)) >= SHORTEST:
        yield Run(tuple(spans), digits)
