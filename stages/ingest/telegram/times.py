"""When messages were sent: UTC where the export says it, else its local time in the archive's zone."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from stages.ingest.zone import LocalTimes

_EPOCH: Final = datetime(1970, 1, 1)
_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""


class Moment(NamedTuple):
    """``utc`` in microseconds, ``local`` in seconds as it stands in the export (UTC where that has it)."""

    utc: int
    local: int


def unix_seconds(value: Any) -> int | None:
    """Seconds since 1970 as a number or in digits, in years that exist; else None."""
    if type(value) is str and value.removeprefix("-").isdecimal():
        value = int(value) if len(value) < 15 else None
    return value if type(value) is int and -_LAST <= value <= _LAST else None


def naive_seconds(value: Any) -> tuple[float, bool] | None:
    """Seconds since 1970 of an ISO date on its own clock, and whether that is UTC."""
    if type(value) is not str:
        return None
    try:
        read = datetime.fromisoformat(value)
        aware = read.tzinfo is not None
        if aware:
            read = read.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return (read - _EPOCH).total_seconds(), aware


def moments(messages: list[Any], zone: LocalTimes) -> list[Moment | None]:
    """The times of messages, None for what is no message or has no time. Local ones are turned to UTC all at once."""
    result: list[Moment | None] = [None] * len(messages)
    places: list[int] = []
    local: list[int] = []
    for at, message in enumerate(messages):
        if type(message) is not dict:
            continue
        seconds = unix_seconds(message.get("date_unixtime"))
        if seconds is not None:
            result[at] = Moment(seconds * 1_000_000, seconds)
            continue
        written = naive_seconds(message.get("date"))
        if written is None:
            continue
        if written[1]:
            result[at] = Moment(round(written[0] * 1_000_000), int(written[0] // 1))
        else:
            places.append(at)
            local.append(int(written[0] // 1))
    if places:
        utc = zone.to_utc(np.array(local, np.int64)).tolist()
        for at, there, here in zip(places, utc, local, strict=True):
            result[at] = Moment(there * 1_000_000, here)
    return result
