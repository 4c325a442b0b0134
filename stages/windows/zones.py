"""Local midnights and full hours as UTC microseconds, across every change of a zone's clock.

Computed per slot edge with the standard library's zone data, never per message.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from stages.windows.spec import DAY_US, HOUR_US

EARLIEST_US: Final = -62_104_060_800_000_000  # 0002-01-01
LATEST_US: Final = 253_339_228_800_000_000  # 9998-01-01
_EPOCH: Final = datetime(1970, 1, 1)
_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def midnight(day: int, zone: ZoneInfo) -> int:
    """The first instant whose local time is at or after midnight of ``day`` (days since 1970-01-01 local).

    Microseconds since the epoch, UTC. Where the clock skips midnight it is the moment of the skip; where midnight
    comes twice it is the first. Never decreases with ``day``; outside the years 2 to 9997 the zone is left out.
    """
    plain = day * DAY_US
    if not EARLIEST_US <= plain < LATEST_US:
        return plain
    local = _EPOCH + plain * _MICROSECOND
    offset = local.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    instant = plain - offset // _MICROSECOND
    if _local(instant, zone) == local:
        return instant
    # skipped by the clock: the offset after the skip bounds the moment from below
    later = local.replace(tzinfo=zone, fold=1).utcoffset()
    assert later is not None
    return _first(plain - later // _MICROSECOND, instant, lambda at: _local(at, zone) >= local)


def full_hour(instant: int, zone: ZoneInfo) -> int:
    """The last instant at or before ``instant`` at which the local clock shows a full hour, to the microsecond."""
    while True:
        offset = _offset(instant, zone)
        hour = instant - (instant + offset) % HOUR_US
        if _offset(hour, zone) == offset:
            return hour
        # the clock was changed in between: look before the change
        instant = _first(hour, instant, lambda at, offset=offset: _offset(at, zone) == offset) - 1  # type: ignore[misc]


def _local(instant: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH_UTC + instant * _MICROSECOND).astimezone(zone).replace(tzinfo=None)


def _offset(instant: int, zone: ZoneInfo) -> int:
    offset = (_EPOCH_UTC + instant * _MICROSECOND).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // _MICROSECOND


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest instant in (low, high] from which on ``holds`` is true; it is true at ``high``."""
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
