"""Day, month or year first? What proves it, in order: a year of four digits in front, a field above 12, names of
attachments, chronology (fewest steps back), the language of what the app wrote, and a default that is said.

Evidence is gathered column-wise per shape while the file is surveyed; the decision is arithmetic on a few numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from stages.errors import BadInput
from stages.ingest.columns import Ints, Mask

ORDERS: Final = {
    "dmy": (2, 1, 0),
    "mdy": (2, 0, 1),
    "ymd": (0, 1, 2),
    "ydm": (0, 2, 1),
    "myd": (1, 0, 2),
    "dym": (1, 2, 0),
}
"""Order -> where year, month and day stand among the three fields."""
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2099
# WhatsApp began in the Buddhist year 2552; years of two digits from there on are no others
_BUDDHIST: Final = 52
_BUDDHIST_SHIFT: Final = 43
_FEW: Final = 3
_LEAP: Final = 7
_HEAD: Final = 3
_OTHER: Final = {"dmy": "mdy", "mdy": "dmy", "ymd": "ydm", "ydm": "ymd", "myd": "dym", "dym": "myd"}
IN_WORDS: Final = {
    "dmy": "day/month/year", "mdy": "month/day/year", "ymd": "year/month/day", "ydm": "year/day/month",
    "myd": "month/year/day", "dym": "day/year/month",
}  # fmt: skip


def split(fields: Ints, order: str) -> tuple[Ints, Ints, Ints]:
    """Year, month and day columns; years of two digits belong to 2000..2099."""
    year_at, month_at, day_at = ORDERS[order]
    year = fields[year_at]
    return np.where(year < 100, year + 2000, year), fields[month_at], fields[day_at]


def to_days(fields: Ints, order: str) -> tuple[Ints, Mask]:
    """Days since 1970-01-01 and whether the date exists (0 where it does not). Dates that follow one another and are
    equal, as most are, are looked at once."""
    heads = _heads(fields)
    if len(heads) * 2 < fields.shape[1]:
        days, good = to_days(fields[:, heads], order)
        times = np.diff(np.append(heads, fields.shape[1]))
        return np.repeat(days, times), np.repeat(good, times)
    year, month, day = split(fields, order)
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    months = (np.where(good, year, FIRST_YEAR) - 1970) * 12 + np.where(good, month, 1) - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    good &= day <= after - first
    return np.where(good, first + day - 1, 0), good


def _heads(fields: Ints) -> Ints:
    """Where a date stands that the one before it is not."""
    if not fields.shape[1]:
        return np.zeros(0, np.int64)
    differ = (fields[:, 1:] != fields[:, :-1]).any(axis=0)
    return np.concatenate((np.zeros(1, np.int64), np.flatnonzero(differ) + 1))


@dataclass
class _Candidate:
    """One order: dates that it cannot read, those of them that the other usual order can, steps back in time, and
    leaps among these."""

    invalid: int = 0
    others: int = 0
    others_line: int | None = None
    steps: int = 0
    last: int | None = None
    leaps: int = 0
    leap_line: int | None = None


@dataclass
class DateEvidence:
    """What one shape's dates say. Feed it blocks in file order. ``impossible`` dates are read by no usual order."""

    year_at: int | None
    rows: int = 0
    votes: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    web: bool = False
    """Whether WhatsApp Web wrote it, which has one form of the date for all languages."""
    same: bool = True
    impossible: int = 0
    impossible_line: int | None = None
    impossible_year: int | None = None
    seen: list[set[int]] = field(default_factory=lambda: [set(), set(), set()])
    tried: dict[str, _Candidate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = {None: ("dmy", "mdy", "ymd", "ydm"), 0: ("ymd", "ydm"), 1: ("myd", "dym"), 2: ("dmy", "mdy")}
        self.tried = {name: _Candidate() for name in names[self.year_at]}

    @property
    def usual(self) -> tuple[str, str]:
        """The two orders that phones use where the year stands."""
        first, second = list(self.tried)[:2]
        return first, second

    def add(self, fields: Ints, lines: Ints) -> None:
        """Take the dates of one block (3 x n) and their line numbers."""
        if not fields.shape[1]:
            return
        self.rows += fields.shape[1]
        if self.year_at is None:
            for at in range(3):
                self.seen[at].update(np.unique(fields[at]).tolist())
        calendar = {name: to_days(fields, name) for name in self.tried}
        first, second = self.usual
        self.same = self.same and bool((calendar[first][0] == calendar[second][0]).all())
        neither = ~(calendar[first][1] | calendar[second][1])
        if neither.any():
            self.impossible += int(neither.sum())
            if self.impossible_line is None:
                at = int(np.argmax(neither))
                self.impossible_line = int(lines[at])
                self.impossible_year = None if self.year_at is None else int(fields[self.year_at, at])
        for name, candidate in self.tried.items():
            days, good = calendar[name]
            candidate.invalid += int((~good).sum())
            others = ~good & ~neither
            if name in self.usual and others.any():
                candidate.others += int(others.sum())
                candidate.others_line = candidate.others_line or int(lines[int(np.argmax(others))])
            days = days[good]
            if len(days):
                before = days[:1] if candidate.last is None else np.array([candidate.last])
                steps = np.diff(np.concatenate((before, days)))
                candidate.last = int(days[-1])
                back = np.flatnonzero(steps < 0)
                if len(back):
                    candidate.steps += len(back)
                    leaps = lines[good][back[steps[back] < -_LEAP]]
                    # the notice about encryption, which comes first, may bear a later date than the first messages
                    leaps = leaps[leaps > _HEAD]
                    candidate.leaps += len(leaps)
                    candidate.leap_line = candidate.leap_line or next(iter(leaps.tolist()), None)

    def fits(self, name: str) -> bool:
        """Whether an order reads every date, but for a few that exist in none."""
        candidate = self.tried[name]
        if (
            name in self.usual
            and (self.impossible < _FEW or self.impossible * 10 <= self.rows)
            and candidate.last is not None
        ):
            return candidate.others == 0
        return candidate.invalid == 0

    @property
    def open(self) -> bool:
        """Whether neither a year in front nor a field above 12 has decided it yet."""
        return self.year_at != 0 and all(self.fits(name) for name in self.usual)

    def vote(self, fields: Ints, year: Ints, month: Ints, day: Ints) -> None:
        """Dates that attachments carry in their names beside the dates of their messages."""
        for name in self.usual:
            y, m, d = split(fields, name)
            same = (y == year) | ((y == year + _BUDDHIST_SHIFT) & (self.year_at is None))
            self.votes[name] = self.votes.get(name, 0) + int((same & (m == month) & (d == day)).sum())


@dataclass(frozen=True)
class DateOrder:
    """A decision: the order, what decided it (one word or two), whether it is a guess, and what must be said."""

    order: str
    evidence: str
    ambiguous: bool
    swap: bool = False
    warnings: tuple[str, ...] = ()
    buddhist: bool = False
    """Years of two digits that count from 1957."""

    def days(self, fields: Ints) -> tuple[Ints, Mask]:
        """Days since 1970-01-01 and whether each date exists."""
        if self.buddhist:
            fields = fields.copy()
            fields[ORDERS[self.order][0]] += 2000 - _BUDDHIST_SHIFT
        days, good = to_days(fields, self.order)
        if self.swap and not good.all():
            swapped, good_too = to_days(fields, _OTHER[self.order])
            days, good = np.where(good, days, swapped), good | good_too
        return days, good


# languages whose regions write the day before the month, whatever the punctuation
DAY_FIRST: Final = frozenset((
    "pt", "es", "de", "fr", "it", "nl", "ru", "cs", "id", "ar", "uk", "vi", "th", "hi", "he", "el", "tr", "sk", "pl",
    "ro", "nb", "ms", "hr", "bn", "ur", "mr", "gu", "ga", "fi", "da", "ca", "bg", "sl", "sr", "mk", "et", "lv", "ta",
    "te", "ml", "kn", "pa", "az", "kk", "uz", "sq",
))  # fmt: skip


def decide(evidence: DateEvidence, asked: str = "auto") -> DateOrder:
    """The order of one shape's dates. Raises :class:`BadInput` where no order, or not the one asked for, fits."""
    if not any(evidence.fits(name) for name in evidence.tried) and evidence.impossible * 10 > evidence.rows:
        if 1300 < (evidence.impossible_year or 0) < 1500:
            raise BadInput(
                f"Line {evidence.impossible_line} has the year {evidence.impossible_year}, of the Persian or Islamic "
                "calendar, which is not read; set the phone to the Gregorian calendar and export the chat again."
            )
        raise BadInput(
            f"Line {evidence.impossible_line} has a date that is none, in whatever order it is read; "
            "export the chat again or repair the file."
        )
    decision = _decide(evidence, asked)
    if evidence.impossible and decision.order in evidence.usual:
        said = (
            f"{evidence.impossible} lines begin with a date that does not exist, the first is line "
            f"{evidence.impossible_line}; they were kept as text of the message before."
        )
        decision = replace(decision, warnings=(*decision.warnings, said))
    if evidence.year_at is None and min(evidence.seen[ORDERS[decision.order][0]], default=0) >= _BUDDHIST:
        said = (
            f"The years are written in two digits from {min(evidence.seen[ORDERS[decision.order][0]])} on; "
            "they were read as years of the Buddhist calendar."
        )
        decision = replace(decision, buddhist=True, warnings=(*decision.warnings, said))
    chosen = evidence.tried[decision.order]
    if chosen.leaps and not decision.swap:
        times = "once" if chosen.leaps == 1 else f"{chosen.leaps} times"
        said = (
            f"Time leaps back by more than a week {times}, first in line {chosen.leap_line}: messages that came late, "
            "or a piece of a chat that somebody pasted; they were put in order by their times."
        )
        decision = replace(decision, warnings=(*decision.warnings, said))
    return decision


def _decide(evidence: DateEvidence, asked: str) -> DateOrder:
    if asked != "auto":
        return _as_asked(evidence, asked)
    tried = evidence.tried
    valid = [name for name in tried if evidence.fits(name)]
    if evidence.year_at == 0:
        if "ymd" in valid or tried["ymd"].invalid <= tried["ydm"].invalid:
            return DateOrder("ymd", "year first", False)
        return DateOrder("ydm", "a field above 12", False)
    unusual = _two_digit_year_first(evidence, valid)
    if unusual:
        return unusual
    good = [name for name in evidence.usual if name in valid]
    if len(good) == 1:
        return DateOrder(good[0], "a field above 12", False)
    if not good:
        return _both(evidence)
    if evidence.same:
        return DateOrder(good[0], "day and month are equal", False)
    first, second = good
    votes = {name: evidence.votes.get(name, 0) for name in good}
    if votes[first] != votes[second]:
        return DateOrder(max(good, key=lambda name: votes[name]), "attachment names", False)
    if tried[first].steps != tried[second].steps:
        best = min(good, key=lambda name: tried[name].steps)
        return DateOrder(best, "chronology", False)
    if evidence.web and "mdy" in good:
        said = (
            "No date proves whether the day or the month stands first; WhatsApp Web, which wrote this, puts the month "
            "first. Settle it with --date-order dmy or mdy."
        )
        return DateOrder("mdy", "locale", False, warnings=(said,))
    if language := _language(evidence):
        said = (
            "No date proves whether the day or the month stands first; the language of the app's notices "
            f"({language}) suggests the day. Settle it with --date-order dmy or mdy."
        )
        return DateOrder(first, "locale", False, warnings=(said,))
    said = (
        f"No date proves whether the day or the month stands first; they were read as {IN_WORDS[first]}. "
        "Settle it with --date-order dmy or mdy."
    )
    return DateOrder(first, "default", True, warnings=(said,))


def _two_digit_year_first(evidence: DateEvidence, valid: Sequence[str]) -> DateOrder | None:
    """Years of two digits in front are not WhatsApp's; they need proof against the usual orders."""
    if evidence.year_at is not None:
        return None
    tried = evidence.tried
    usual = [name for name in ("dmy", "mdy") if name in valid]
    rare = [name for name in ("ymd", "ydm") if name in valid]
    if not rare:
        return None
    best = min(rare, key=lambda name: tried[name].steps)
    if not usual:
        if len(rare) == 2 and tried["ymd"].steps == tried["ydm"].steps:
            return DateOrder(
                "ymd",
                "default",
                True,
                warnings=(
                    "The years stand first in two digits and no date proves the rest; they were read as "
                    "year/month/day. Settle it with --date-order.",
                ),
            )
        return DateOrder(best, "a field above 12", False)
    # a day that hardly ever changes beside a year that takes many values: the year is the first and the day the last
    if len(evidence.seen[2]) >= 5 and len(evidence.seen[2]) >= 2 * len(evidence.seen[0]):
        return DateOrder(best, "chronology", False)
    return None


def _both(evidence: DateEvidence) -> DateOrder:
    """Fields above 12 on both sides: the phone's region changed, or a few headers are foreign."""
    best = min(evidence.usual, key=lambda name: evidence.tried[name].others)
    return _changed(evidence, best, "a field above 12", ambiguous=True)


def _changed(evidence: DateEvidence, order: str, why: str, *, ambiguous: bool) -> DateOrder:
    """An order for the dates that it can read, the other usual one for the rest."""
    wrong = evidence.tried[order].others
    said = (
        f"{wrong} dates, the first in line {evidence.tried[order].others_line}, cannot be {IN_WORDS[order]} as the "
        f"others; where they can be {IN_WORDS[_OTHER[order]]} they were read so."
    )
    if ambiguous:
        said += " Settle the rest with --date-order."
    return DateOrder(order, why, ambiguous, swap=True, warnings=(said,))


def _as_asked(evidence: DateEvidence, asked: str) -> DateOrder:
    order = asked
    said: tuple[str, ...] = ()
    if evidence.year_at == 0 and asked != "ymd":
        found = _decide(evidence, "auto")
        said = (f"The year stands first in four digits, so --date-order {asked} changes nothing.",)
        return DateOrder(found.order, found.evidence, False, warnings=said)
    if evidence.year_at == 1:
        order = {"mdy": "myd", "dmy": "dym"}.get(asked, asked)
    if order not in evidence.tried:
        raise BadInput(f"--date-order {asked} does not fit: the year stands last in four digits. Try dmy or mdy.")
    candidate = evidence.tried[order]
    if not evidence.fits(order):
        if order in evidence.usual and not any(evidence.fits(name) for name in evidence.tried) and candidate.last:
            return _changed(evidence, order, "as asked", ambiguous=False)
        line = candidate.others_line or evidence.impossible_line or 1
        raise BadInput(
            f"--date-order {asked} does not fit: {candidate.invalid} of {evidence.rows} dates cannot be read so"
            + (f", the first is in line {line}." if order in evidence.usual else ".")
        )
    return DateOrder(order, "as asked", False)


def _language(evidence: DateEvidence) -> str | None:
    best = max(evidence.languages, key=lambda name: evidence.languages[name], default=None)
    return best if best in DAY_FIRST else None
