"""When messages were sent: UTC where the export says it, else its local time in the archive's zone."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from stages.ingest.zone import LocalTimes

_EPOCH: Final = datetime(1970, 1, 1)
_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""
_FIRST: Final = -62_135_596_800
_CLOCKS: Final = 2_048


def moment(message: dict[str, Any]) -> tuple[float, bool] | None:
    """Seconds since 1970, and whether they are those of a clock without a zone; None where there is no time."""
    seconds = unix_seconds(message.get("date_unixtime"))
    if seconds is not None:
        return seconds, False
    date = message.get("date")
    if type(date) is not str:
        return None
    try:
        read = datetime.fromisoformat(date)
        if read.tzinfo is not None:
            return (read.astimezone(UTC).replace(tzinfo=None) - _EPOCH).total_seconds(), False
    except (ValueError, OverflowError):
        return None
    return (read - _EPOCH).total_seconds(), True


def unix_seconds(value: Any) -> int | None:
    """Seconds since 1970 as a number or in digits, in years that exist; else None."""
    if type(value) is str and len(value) < 15 and value.removeprefix("-").isdecimal():
        value = int(value)
    return value if type(value) is int and _FIRST <= value <= _LAST else None


class Clocks:
    """Compares the local times of an export with its UTC times, where messages have both."""

    def __init__(self) -> None:
        self._pairs: list[tuple[float, int]] = []

    def note(self, messages: list[Any]) -> None:
        """Looks at messages until enough of them were seen."""
        if len(self._pairs) >= _CLOCKS:
            return
        for message in messages:
            utc = unix_seconds(message.get("date_unixtime")) if type(message) is dict else None
            local = None if utc is None else moment({"date": message.get("date")})
            if utc is not None and local is not None and local[1]:
                self._pairs.append((local[0], utc))

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def error(self, zone: LocalTimes) -> int | None:
        """By how many seconds the clock was mostly ahead of UTC, if ``zone`` says otherwise."""
        if not self._pairs:
            return None
        local, utc = np.array(self._pairs, np.float64).astype(np.int64).T
        wrong = zone.to_utc(local) != utc
        if wrong.mean() <= 0.5:
            return None
        return int(Counter((local - utc)[wrong].tolist()).most_common(1)[0][0])
