"""What a window is: a validated, exact description.

Numbers are kept as the decimal that was written (``0.1`` is one tenth, not its binary neighbour), so that every
product with ``overlap`` is exact.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from stages.errors import BadInput

Unit = Literal["messages", "hours", "days", "bytes", "tokens", "session"]
Align = Literal["first", "calendar"]
UNITS: Final[tuple[str, ...]] = get_args(Unit)
ALIGNMENTS: Final[tuple[str, ...]] = get_args(Align)

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
LONGEST_DAY_US: Final = 25 * HOUR_US
_LARGEST: Final = 10**15
_SPAN_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN_RANGE: Final = f"above 0 (to the microsecond) and at most {timedelta.max.days} days"
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[smhdw])\s*")


class SpecError(BadInput, ValueError):
    """A field of a window specification is out of its range: names the field and the range."""


@dataclass(frozen=True)
class WindowSpec:
    """How to cut a conversation into windows.

    ``size`` counts messages, hours, days, bytes, tokens, or (``session``) minutes of silence; ``overlap`` is the
    fraction of it that is read again; ``max_span`` caps the time from a window's first to its last message;
    ``align`` and ``timezone`` place the slots of hours and days; ``weigh`` (``bytes:LIMIT`` or ``tokens:LIMIT``)
    cuts long sessions. Numbers may be int, float, or text; they are taken as the decimal written.

    Raises :class:`SpecError`, a ``ValueError``, on construction.
    """

    unit: Unit
    size: int | float | str | Decimal
    overlap: int | float | str | Decimal = 0.2
    max_span: timedelta | None = None
    align: Align = "first"
    timezone: str = "UTC"
    weigh: str | None = None

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise SpecError(f"unit must be one of {', '.join(UNITS)}, not {self.unit!r}.")
        if self.align not in ALIGNMENTS:
            raise SpecError(f"align must be first or calendar, not {self.align!r}.")
        if not 0 < self.exact_size <= _LARGEST:
            raise SpecError(f"size must be above 0 and at most 10^15, not {self.size}.")
        whole = self.unit in ("messages", "bytes", "tokens") or (self.unit == "days" and self.align == "calendar")
        if whole and self.exact_size.denominator != 1:
            kind = "calendar days" if self.unit == "days" else self.unit
            raise SpecError(f"size must be a whole number, 1 or more, when the unit is {kind}, not {self.size}.")
        if not whole and self.size_us < 1:
            raise SpecError(f"size must be at least one microsecond, not {self.size} {self.unit}.")
        if not 0 <= self.exact_overlap <= Fraction(1, 2):
            raise SpecError(f"overlap must be between 0 and 0.5, not {self.overlap}.")
        if self.max_span is not None and not isinstance(self.max_span, timedelta):
            raise SpecError(f"max_span must be a timedelta above 0, not {self.max_span!r}.")
        if self.max_span is not None and self.max_span <= timedelta(0):
            raise SpecError(f"max_span must be above 0, not {self.max_span}.")
        if not isinstance(self.zone, ZoneInfo):
            raise SpecError(f"timezone must be an IANA time zone, for example Europe/Lisbon, not {self.timezone!r}.")
        if self.weigh is not None and self.limit is None:
            raise SpecError(
                f"weigh must be bytes:LIMIT or tokens:LIMIT with a whole LIMIT from 1 to 10^15, not {self.weigh!r}."
            )
        if self.weigh is not None and self.unit != "session":
            raise SpecError(f"weigh must be left out unless the unit is session, not {self.unit}.")
        self._check_calendar_span()

    def _check_calendar_span(self) -> None:
        if self.span_us is None or self.align != "calendar" or self.unit not in ("hours", "days"):
            return
        # a local day may have 25 hours; judged so, a plan cannot fail by the dates that it happens to meet
        slot = self.size_us if self.unit == "hours" else int(self.exact_size) * LONGEST_DAY_US
        least = slot + self.overlap_of(slot)
        if self.span_us < least:
            raise SpecError(
                f"max_span must be at least a slot and its overlap, {timedelta(microseconds=min(least, 10**17))}, when"
                f" {self.unit} are aligned to the calendar, not {self.max_span}; use align first or a smaller size."
            )

    @cached_property
    def exact_size(self) -> Fraction:
        """``size`` as the decimal that was written."""
        return _exact("size", self.size)

    @cached_property
    def exact_overlap(self) -> Fraction:
        """``overlap`` as the decimal that was written."""
        return _exact("overlap", self.overlap)

    @cached_property
    def size_us(self) -> int:
        """``size`` in microseconds (hours, days of 24 hours, minutes of a session), rounded down; a silence up."""
        if self.unit == "session":
            return -int(-self.exact_size * MINUTE_US // 1)
        return int(self.exact_size * (DAY_US if self.unit == "days" else HOUR_US) // 1)

    @cached_property
    def span_us(self) -> int | None:
        """``max_span`` in microseconds."""
        return None if self.max_span is None else self.max_span // timedelta(microseconds=1)

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The time zone, or None where there is none of that name."""
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError, TypeError, AttributeError):
            return None

    @cached_property
    def limit(self) -> tuple[Literal["bytes", "tokens"], int] | None:
        """``weigh`` taken apart, or None."""
        asked = self.weigh if isinstance(self.weigh, str) else ""
        match = re.fullmatch(r"(bytes|tokens):(\d{1,16})", asked, re.ASCII)
        if match is None or not 1 <= int(match[2]) <= _LARGEST:
            return None
        return ("bytes" if match[1] == "bytes" else "tokens"), int(match[2])

    def overlap_of(self, amount: int) -> int:
        """``floor(amount * overlap)``, exactly."""
        return int(amount * self.exact_overlap // 1)


def parse_span(text: str) -> timedelta:
    """A length of time as people write it: ``90s``, ``45m``, ``5h``, ``2d``, ``1w``, ``1h30m``.

    Raises :class:`SpecError` for anything else, for less than a microsecond, and past the largest ``timedelta``.
    """
    cleaned = text.strip().lower()
    parts = _SPAN.findall(cleaned)
    if not parts or _SPAN.sub("", cleaned):
        raise SpecError(f"max_span must be a length of time {_SPAN_RANGE}, such as 90m, 5h or 2d, not {text!r}.")
    microseconds = sum(Fraction(number) * _SPAN_SECONDS[unit] * 1_000_000 for number, unit in parts)
    if microseconds < 1:
        raise SpecError(f"max_span must be {_SPAN_RANGE}, not {text!r}.")
    if microseconds > timedelta.max // timedelta(microseconds=1):
        raise SpecError(f"max_span must be at most {timedelta.max.days} days, and above 0, not {text!r}.")
    return timedelta(microseconds=int(microseconds))


def _exact(field: str, value: object) -> Fraction:
    """The decimal that was written: a float's shortest text, since its binary value is nobody's intention."""
    if isinstance(value, float):
        value = repr(float(value))
    if not isinstance(value, bool) and isinstance(value, int | str | Decimal):
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal("NaN")
        # a huge exponent would make a fraction of as many digits
        if number.is_finite() and abs(number.adjusted()) <= 400:
            return Fraction(number)
    bounds = "above 0 and at most 10^15" if field == "size" else "between 0 and 0.5"
    raise SpecError(f"{field} must be a number {bounds}, not {value!r}.")
