"""The rules of windows, said naively: message by message, quadratic, and proud of it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3_600 * 10**6, 86_400 * 10**6

Conversation = tuple[list[int], list[str], list[str | None]]
"""Times in microseconds, texts, authors."""


def by_the_rules(conversation: Conversation, spec: dict[str, Any]) -> list[tuple[int, int]]:
    """Start and end of every window."""
    return _windows(conversation[0], lines_of(conversation), spec)


def lines_of(conversation: Conversation) -> list[str]:
    """The line of every message as a model reads it."""
    return [
        f"{EPOCH + time * MICROSECOND:%Y-%m-%d %H:%M} {author or '*'}: {text}\n"
        for time, text, author in zip(*conversation, strict=True)
    ]


def _windows(times: list[int], lines: list[str], spec: dict[str, Any]) -> list[tuple[int, int]]:
    count = len(times)
    size, overlap = Fraction(str(spec["size"])), Fraction(str(spec["overlap"]))
    span = None if spec.get("max_span") is None else spec["max_span"] // MICROSECOND
    weight = [len(line.encode()) for line in lines]
    tokens = [-(-one // 4) for one in weight]

    def fits_time(first: int, last: int) -> bool:
        return span is None or times[last] - times[first] <= span

    def by_count() -> list[tuple[int, int]]:
        shared = floor(size * overlap)
        made, covered, s = [], 0, 0
        while count:
            whole = min(s + size + shared, count)
            e = s
            while e < whole and fits_time(s, e):
                e += 1
            if e > covered:
                made.append((s, e))
                covered = e
            if e == count:
                break
            low = e - shared if e == whole else max(s + 1, e - shared)
            s = low if e == whole else next(p for p in range(low, e + 1) if fits_time(p, e))
        return made

    def by_weight(weights: list[int], limit: int, begin: int, stop: int) -> list[tuple[int, int]]:
        made, s = [], begin
        while s < stop:
            e = s
            while e < stop and (e == s or sum(weights[s : e + 1]) <= limit) and fits_time(s, e):
                e += 1
                if weights[s] > limit:
                    break
            made.append((s, e))
            if e == stop:
                break
            p = e
            if weights[s] <= limit:
                while p > s and sum(weights[p - 1 : e]) <= floor(limit * overlap):
                    p -= 1
                while p < e and (sum(weights[p : e + 1]) > limit or not fits_time(p, e)):
                    p += 1
            s = p
        return made

    def by_session() -> list[tuple[int, int]]:
        made, s = [], 0
        while s < count:
            e = s + 1
            while e < count and times[e] - times[e - 1] < size * MINUTE:
                e += 1
            if spec.get("weigh"):
                unit, limit = spec["weigh"].split(":")
                made += by_weight(weight if unit == "bytes" else tokens, int(limit), s, e)
            else:
                while s < e:
                    stop = s
                    while stop < e and fits_time(s, stop):
                        stop += 1
                    made.append((s, stop))
                    s = stop
            s = e
        return made

    def by_slot(slot_of: Callable[[int], int], edges: Callable[[int], tuple[int, int]]) -> list[tuple[int, int]]:
        made, covered = [], 0
        for slot in sorted({slot_of(time) for time in times}):
            low, high = edges(slot)
            own = [i for i in range(count) if low <= times[i] < high]
            assert own == [i for i in range(count) if slot_of(times[i]) == slot]
            e = sum(time < high + floor(overlap * (high - low)) for time in times)
            if e > covered:
                made.append((own[0], e))
                covered = e
        return made

    if count == 0:
        return []
    if spec["unit"] == "messages":
        return by_count()
    if spec["unit"] in ("bytes", "tokens"):
        return by_weight(weight if spec["unit"] == "bytes" else tokens, int(size), 0, count)
    if spec["unit"] == "session":
        return by_session()
    zone = ZoneInfo(spec["timezone"])
    if spec["unit"] == "days" and spec["align"] == "calendar":

        def group_of(time: int) -> int:
            local = (EPOCH + time * MICROSECOND).astimezone(zone).date()
            return (local - date(1970, 1, 5)).days // int(size)

        def midnights(group: int) -> tuple[int, int]:
            days = [date(1970, 1, 5) + timedelta(days=(group + k) * int(size)) for k in (0, 1)]
            low, high = ((datetime(d.year, d.month, d.day, tzinfo=zone) - EPOCH) // MICROSECOND for d in days)
            return low, high

        return by_slot(group_of, midnights)
    step = floor(size * (HOUR if spec["unit"] == "hours" else DAY))
    begin = times[0]
    if spec["align"] == "calendar":
        begin -= begin % MINUTE
        while (EPOCH + begin * MICROSECOND).astimezone(zone).minute:
            begin -= MINUTE
    elif span is not None:
        step = min(step, floor(span / (1 + overlap)))
    return by_slot(lambda t: (t - begin) // step, lambda i: (begin + i * step, begin + (i + 1) * step))
