"""Local naive times to UTC, column-wise: the offset of a day is looked up once, of a minute only where it changes.

Semantics are the standard library's with ``fold=0``: of a time that comes twice the first is meant; a time that the
clock skips is read with the offset before the skip. Both are functions of the local time alone.
"""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from stages.errors import BadInput
from stages.ingest.columns import Ints

DAY: Final = 86_400
_EPOCH: Final = datetime(1970, 1, 1)


class LocalTimes:
    """Offsets of one zone, kept per local day. Raises :class:`BadInput` for a zone that is none."""

    def __init__(self, name: str) -> None:
        try:
            self._zone = ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise BadInput(f"{name!r} is not an IANA time zone, for example Europe/Lisbon.") from error
        self._days: dict[int, int | None] = {}
        self._is_utc = name in ("UTC", "Etc/UTC")

    def to_utc(self, local: Ints) -> Ints:
        """Seconds since the epoch, UTC, of local seconds. Cost: linear, plus one look-up per distinct day."""
        if self._is_utc:
            return local
        days = local // DAY
        distinct, inverse = _distinct(days)
        offsets = np.zeros(len(distinct), np.int64)
        mixed = np.zeros(len(distinct), np.bool_)
        for index, day in enumerate(distinct.tolist()):
            offset = self._day(day)
            mixed[index] = offset is None
            offsets[index] = offset or 0
        result = local - offsets[inverse]
        if mixed.any():
            rows = np.flatnonzero(mixed[inverse])
            times, where = np.unique(local[rows], return_inverse=True)
            result[rows] = local[rows] - np.array([self._offset(time) for time in times.tolist()], np.int64)[where]
        return result

    def _day(self, day: int) -> int | None:
        """The offset that holds all day, or None on a day on which the clock is changed."""
        if day not in self._days:
            hours = {self._offset(day * DAY + hour * 3600) for hour in range(25)}
            self._days[day] = hours.pop() if len(hours) == 1 else None
        return self._days[day]

    def _offset(self, local: int) -> int:
        offset = (_EPOCH + timedelta(seconds=local)).replace(tzinfo=self._zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())


def _distinct(days: Ints) -> tuple[Ints, Ints]:
    """The distinct days, and which of them each row has. Rows of one day mostly follow one another."""
    if not len(days):
        return days, days
    heads = np.concatenate((np.zeros(1, np.int64), np.flatnonzero(days[1:] != days[:-1]) + 1))
    distinct, inverse = np.unique(days[heads], return_inverse=True)
    return distinct, np.repeat(inverse, np.diff(np.append(heads, len(days))))
