"""One written time, by its shape: where its parts stand. The shape has ``0`` for every digit and letters as they are.

Knows nothing of values: what a shape says holds for every time of that shape, so the grammar is asked once a shape.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

YEAR_FIRST: Final = 0
YEAR_LAST: Final = 2
SHORT_YEAR: Final = -1
NAMED: Final = 3
NUMBER: Final = 4
CLOCK: Final = 5
"""What a layout's date is: where its year of four digits stands, none of four digits, a month in letters, a plain
number, or no date at all."""

_CLOCK: Final = (
    r"(?P<hour>\d{1,2})(?:[:h.](?P<minute>\d{2})(?:[:m.](?P<second>\d{2})s?(?:[.,](?P<fraction>\d{1,12}))?)?"
    r"(?:[\s\u202f]*(?P<half>[AaPp]\.?[\s\u202f]?[Mm]\b\.?))?|[\s\u202f]*(?P<bare>[AaPp]\.?[\s\u202f]?[Mm]\b\.?))"
)
_ZONE: Final = (
    r"(?:\s*(?:(?P<utc>Z|z|UTC|GMT)|(?:UTC|GMT)?\s?(?P<sign>[+\-−])(?P<off_hour>\d{2})(?::?(?P<off_minute>\d{2}))?"
    r"(?::\d{2})?))?(?:\s*\([^()]*\)|\[[^\[\]]*\])?"
)
_JOIN: Final = r"(?:T|[,\s]\s*(?:(?:at|um|às|as|à|a las|a la|kl\.?|alle|om|-|–|—)\s+)?)"
_WEEKDAY: Final = r"(?:[^\W\d_]{2,}\.?(?:-feira)?,?\s+)?"
_MONTH: Final = r"(?P<name>[^\W\d_]{3,})"
_DATES: Final = (
    r"(?P<a>\d{4}|\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4}|\d{1,2})\.?",
    r"(?P<a>\d{4})年\s?(?P<b>\d{1,2})月\s?(?P<c>\d{1,2})日",
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|º)?(?:\s+of)?[\s\-/.]*(?:de\s+)?{_MONTH}\.?[\s\-/,.]*(?:de\s+)?"
    r"(?P<year>\d{4})",
    rf"{_WEEKDAY}{_MONTH}\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[-/. ]{_MONTH}\.?[-/. ](?P<day>\d{{1,2}})",
)
_WHOLE: Final = tuple(
    re.compile(pattern)
    for date in _DATES
    for pattern in (f"{date}(?:{_JOIN}{_CLOCK}{_ZONE})?", f"{_CLOCK}{_ZONE},?\\s+{date}")
)
_CTIME: Final = re.compile(rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+(?P<year>\d{{4}})")
_COMPACT: Final = re.compile(
    r"(?P<a>\d{4})(?P<b>\d{2})(?P<c>\d{2})"
    rf"(?:[T\s_-]?(?P<hour>\d{{2}}):?(?P<minute>\d{{2}}):?(?P<second>\d{{2}})(?:[.,](?P<fraction>\d{{1,12}}))?{_ZONE})?"
)
_NUMBER: Final = re.compile(r"(?P<number>\d{1,18})(?:[.,](?P<fraction>\d{1,18}))?")
_CLOCK_ONLY: Final = re.compile(_CLOCK + _ZONE)

_MONTHS: Final = (
    "jan january janeiro enero ene januar jänner janvier janv gennaio gen januari",
    "feb february fevereiro fev febrero februar février fevr febbraio februari",
    "mar march março marzo märz mär mrz mars maart mrt",
    "apr april abril abr avril avr aprile",
    "may maio mai mayo maggio mag mei",
    "jun june junho junio juni juin giugno giu",
    "jul july julho julio juli juillet juil luglio lug",
    "aug august agosto ago août aout augustus",
    "sep september sept setembro set septiembre setiembre septembre settembre",
    "oct october outubro out octubre oktober okt octobre ottobre ott",
    "nov november novembro noviembre novembre",
    "dec december dezembro dez diciembre dic dezember décembre dicembre",
)


def _plain(word: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(sign))


_BY_NAME: Final = {_plain(name): at + 1 for at, names in enumerate(_MONTHS) for name in names.split()}


@dataclass(frozen=True)
class Layout:
    """Where the parts of a time of one shape stand, in bytes: ``spans`` of a, b, c (a date in figures), year, day,
    hour, minute, second, fraction, number, off_hour, off_minute. ``month`` where it is a word, ``half`` 1 before and
    2 after noon, ``sign`` of the offset from UTC (0: none is written), ``zoned`` whether the time has a zone.
    """

    date: int
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    month: int = 0
    half: int = 0
    sign: int = 0
    zoned: bool = False

    @property
    def clocked(self) -> bool:
        """Whether a time of day is written."""
        return "hour" in self.spans


def layout_of(shape: str) -> Layout | None:
    """How to read times of a shape, None where it is no time. Costs microseconds; ask once a shape."""
    if match := _COMPACT.fullmatch(shape):
        # eight or fourteen figures in one are a date: as a number they would be no time of this century
        return _layout(match, YEAR_FIRST)
    if match := _NUMBER.fullmatch(shape):
        return _layout(match, NUMBER)
    for pattern in (*_WHOLE, _CTIME):
        if match := pattern.fullmatch(shape):
            found = match.groupdict()
            if found.get("a") is None:
                if _plain(found["name"]) not in _BY_NAME:
                    continue
                return _layout(match, NAMED)
            first, last = len(found["a"]) == 4, len(found["c"]) == 4
            if first and last:
                return None
            return _layout(match, YEAR_FIRST if first else YEAR_LAST if last else SHORT_YEAR)
    if match := _CLOCK_ONLY.fullmatch(shape):
        return _layout(match, CLOCK)
    return None


_PARTS: Final = (
    "a", "b", "c", "year", "day", "hour", "minute", "second", "fraction", "number", "off_hour", "off_minute",
)  # fmt: skip


def _layout(match: re.Match[str], date: int) -> Layout:
    found = match.groupdict()
    shape = match.string
    spans = {}
    for part in _PARTS:
        if found.get(part) is not None:
            start, end = match.span(part)
            # positions of bytes: what is not a digit may be longer than one
            spans[part] = (len(shape[:start].encode()), len(shape[:end].encode()))
    half = found.get("half") or found.get("bare")
    sign = found.get("sign")
    return Layout(
        date=date,
        spans=spans,
        month=_BY_NAME[_plain(found["name"])] if found.get("name") else 0,
        half=0 if not half else 1 if half[0] in "Aa" else 2,
        sign=0 if not sign else 1 if sign == "+" else -1,
        zoned=bool(sign or found.get("utc")),
    )
