"""Dates of CSV exports: today's with seven decimals and an offset, and the local ones of older versions."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from stages.ingest.zone import LocalTimes

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_NAMED: Final = re.compile(
    r"(?P<day>\d{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>\d{4}|\d{2})[ T,]+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_NUMBERED: Final = re.compile(
    r"(?P<first>\d{1,4})[./-](?P<middle>\d{1,2})[./-](?P<last>\d{1,4})[ T,]+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_LEARNT: Final = 1 << 20


class Dates:
    """Reads the dates of one export. Show it all of them, :meth:`decide`, then read."""

    def __init__(self, zone: LocalTimes, order: str) -> None:
        self._zone = zone
        self._asked = order
        self._pairs: set[tuple[int, int]] = set()
        self._forms: set[str] = set()
        self._last = ""
        self.order: str | None = None
        self.ambiguous = False
        self.evidence = "every message carries its time with an offset from UTC"
        self.words = "yyyy-mm-ddThh:mm:ss with an offset"

    def learn(self, written: str) -> None:
        """Take a date as evidence for the order of day and month."""
        if len(written) > 9 and written[4] == "-" and written[:4].isdigit():
            self._forms.add("iso")
        elif _NAMED.fullmatch(written.strip()):
            self._forms.add("named")
        elif match := _NUMBERED.fullmatch(written.strip()):
            self._forms.add("numbered")
            if len(match["first"]) < 3 and len(self._pairs) < _LEARNT:
                self._pairs.add((int(match["first"]), int(match["middle"])))

    def decide(self) -> None:
        """Settle the order of day and month; what nothing settles is read month first, and said to be ambiguous."""
        if self._forms <= {"iso"}:
            return
        if "numbered" not in self._forms:
            self.words, self.evidence = "dd-mmm-yy hh:mm", "the month is written as a word"
            return
        self.words = "numbers"
        first, middle = (max((pair[at] for pair in self._pairs), default=0) for at in (0, 1))
        if not self._pairs:
            self.order, self.evidence = "ymd", "the year stands first"
        elif self._asked in ("dmy", "mdy", "ymd"):
            self.order, self.evidence = self._asked, "as asked for"
        elif first > 12 >= middle:
            self.order, self.evidence = "dmy", "a first field above 12"
        elif middle > 12 >= first:
            self.order, self.evidence = "mdy", "a second field above 12"
        else:
            self.order, self.evidence, self.ambiguous = "mdy", "nothing settles it; month first by default", True

    def read(self, written: str) -> tuple[int, int] | None:
        """(UTC in microseconds, seconds of the time that ids are made of), or None for what is no date."""
        written = written.strip()
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            moment_or_none = self._local(written)
            if moment_or_none is None:
                return None
            moment = moment_or_none
        if moment.tzinfo is not None:
            utc = (moment - _EPOCH) // _MICROSECOND
            return utc, utc // 1_000_000
        local = (moment - _NAIVE) // _MICROSECOND
        seconds = int(self._zone.to_utc(np.array([local // 1_000_000], np.int64))[0])
        return seconds * 1_000_000 + local % 1_000_000, local // 1_000_000

    def _local(self, written: str) -> datetime | None:
        match = _NAMED.fullmatch(written)
        if match:
            month = _MONTHS.get(match["month"].lower())
            return _moment(match, int(match["year"]), month or 0, int(match["day"]))
        match = _NUMBERED.fullmatch(written)
        if match is None:
            return None
        first, middle, last = int(match["first"]), int(match["middle"]), int(match["last"])
        if len(match["first"]) == 4 or self.order == "ymd":
            return _moment(match, first, middle, last)
        day, month = (first, middle) if self.order == "dmy" else (middle, first)
        return _moment(match, last, month, day)


def _moment(match: re.Match[str], year: int, month: int, day: int) -> datetime | None:
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    try:
        return datetime(year + 2000 if year < 100 else year, month, day, hour, int(match["minute"]),
                        int(match["second"] or 0))  # fmt: skip
    except ValueError:
        return None
