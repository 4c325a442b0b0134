"""A column of times becomes UTC: what its figures prove of day and month, in which unit its numbers count.

First every batch is looked at (``observe``), then it is settled, then every batch is read. Column-wise throughout.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.errors import BadInput
from stages.ingest.columns import Ints, Mask
from stages.ingest.table.layouts import NAMED, NUMBER, SHORT_YEAR, YEAR_FIRST, YEAR_LAST
from stages.ingest.table.moments import FRACTION, MomentReader, Moments
from stages.ingest.whatsapp.dates import DateEvidence, DateOrder, decide, to_days
from stages.ingest.zone import LocalTimes

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_FIRST: Final = 100_000_000
_END: Final = 4_102_444_800
_UNITS: Final = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
_SERIAL: Final = (20_000, 73_051)
_SERIAL_EPOCH: Final = 25_569
_YEAR_AT: Final = {YEAR_FIRST: 0, YEAR_LAST: 2, SHORT_YEAR: None}


@dataclass
class TimeColumn:
    """The times of one table. ``unit`` what a row is called in sentences, ``mapped`` whether the user named the
    column, ``column`` its name.
    """

    unit: str
    column: str
    mapped: bool
    evidence: list[str] = field(default_factory=list)
    ambiguous: bool = False
    date_order: str | None = None
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = MomentReader()
        self._dates = {code: DateEvidence(at) for code, at in _YEAR_AT.items()}
        self._orders: dict[int, DateOrder] = {}
        self._numbers = dict.fromkeys((*_UNITS, "days"), 0)
        self._number_unit = ""
        self._named = 0
        self._typed: set[str] = set()
        self._clockless = 0
        self._rows = 0

    def observe(self, columns: list[pa.Array], rows: Ints) -> Mask:
        """Look at a batch: which of its times can be one at all. ``rows`` are where they stand."""
        self._rows += len(rows)
        if (typed := _typed(columns)) is not None:
            self._typed.add("typed times in UTC" if typed[1] else "typed times without a zone")
            return typed[2]
        moments = self._reader.read(joined(columns))
        good: Mask = moments.date == NAMED
        self._named += int(good.sum())
        numbers = np.flatnonzero(moments.date == NUMBER)
        for unit in self._numbers:
            inside = _inside(moments.fields[0, numbers], unit)
            self._numbers[unit] += int(inside.sum())
            good[numbers[inside]] = True
        for code, evidence in self._dates.items():
            at = np.flatnonzero(moments.date == code)
            fields = moments.fields[:, at]
            possible = np.zeros(len(at), np.bool_)
            for order in evidence.tried:
                possible |= to_days(fields, order)[1]
            # dates that exist in no order are counted as unread, and prove nothing
            evidence.add(fields[:, possible], rows[at[possible]])
            good[at[possible]] = True
        self._clockless += int((good & ~moments.clocked & (moments.date != NUMBER)).sum())
        return good

    def settle(self, asked: str) -> None:
        """Decide. Raises :class:`BadInput` where no order, or not the one asked for, fits, and for the serial numbers
        of a spreadsheet that nobody named as times.
        """
        self._settle_numbers()
        for code, evidence in self._dates.items():
            if evidence.rows:
                evidence.impossible = 0
                iso = evidence.tried.get("ymd")
                if code == YEAR_FIRST and iso and iso.invalid * 2 <= evidence.rows:
                    # a few broken dates do not make a year, day, month of what everybody writes as year, month, day
                    evidence.tried = {"ymd": iso, "ydm": replace(iso, invalid=evidence.rows)}
                try:
                    self._orders[code] = decide(evidence, asked)
                except BadInput as error:
                    raise BadInput(self._said(str(error))) from None
        # years of two and of four digits in one column: what proves the order of one proves the other's
        for one, other in ((YEAR_LAST, SHORT_YEAR), (SHORT_YEAR, YEAR_LAST)):
            proven, open_ = self._orders.get(one), self._orders.get(other)
            fits = proven and not proven.ambiguous and proven.order in self._dates[other].usual
            if proven and fits and open_ and open_.ambiguous and self._dates[other].fits(proven.order):
                self._orders[other] = proven
        for decision in self._orders.values():
            self.evidence.append(decision.evidence)
            self.ambiguous |= decision.ambiguous
            self.warnings += [self._said(sentence) for sentence in decision.warnings]
        most = max(self._orders, key=lambda code: self._dates[code].rows, default=None)
        self.date_order = None if most is None else self._orders[most].order
        if self._named:
            self.evidence.append("months in letters")
        self.evidence += sorted(self._typed)
        if asked != "auto" and not self._orders:
            self.warnings.append(f"No date stands in figures, so --date-order {asked} changes nothing.")
        if self._clockless:
            self.warnings.append(
                f"{self._clockless} of {self._rows} times are a date without a time of day; they were read as midnight."
            )

    def read(self, columns: list[pa.Array], zone: LocalTimes) -> tuple[Ints, Ints, Mask]:
        """Microseconds of the time that ids are made of (local where no zone is written), of UTC, and which are read;
        both are 0 where not.
        """
        if (typed := _typed(columns)) is not None:
            local, zoned, good = typed
            return local, local if zoned else _to_utc(local, zone, good), good
        moments = self._reader.read(joined(columns))
        days, good = self._days(moments)
        local = np.where(good, days * _DAY + moments.clock, 0)
        zoned_at = moments.zoned & good
        utc = _to_utc(local, zone, good & ~zoned_at)
        utc = np.where(zoned_at, local - moments.offset, utc)
        local = np.where(zoned_at, utc, local)
        numbers = np.flatnonzero(moments.date == NUMBER)
        if len(numbers) and self._number_unit:
            self._read_numbers(moments, numbers, local, utc, good, zone)
        return local, utc, good

    def _days(self, moments: Moments) -> tuple[Ints, Mask]:
        days: Ints = np.zeros(len(moments), np.int64)
        good = np.zeros(len(moments), np.bool_)
        at = np.flatnonzero(moments.date == NAMED)
        days[at], good[at] = to_days(moments.fields[:, at], "ymd")
        for code, order in self._orders.items():
            at = np.flatnonzero(moments.date == code)
            days[at], good[at] = order.days(moments.fields[:, at])
        return days, good

    def _settle_numbers(self) -> None:
        unit = max(self._numbers, key=lambda name: self._numbers[name])
        if not self._numbers[unit]:
            return
        if unit == "days":
            others = self._named + sum(evidence.rows for evidence in self._dates.values())
            if not self.mapped and others < self._numbers[unit]:
                raise BadInput(
                    f"Column {self.column} holds serial numbers of a spreadsheet, not times; save the table with dates "
                    f"as text, or say --map ts={self.column} to read them as days since 1899-12-30."
                )
            if not self.mapped:
                return
            self.warnings.append(
                "The times are serial numbers of a spreadsheet; they were read as local days since 1899-12-30."
            )
            self.evidence.append("serial days of a spreadsheet")
        else:
            self.evidence.append(f"epoch {unit}")
        self._number_unit = unit

    def _read_numbers(self, moments: Moments, rows: Ints, local: Ints, utc: Ints, good: Mask, zone: LocalTimes) -> None:
        unit = self._number_unit
        number, fraction = moments.fields[0, rows], moments.fields[1, rows]
        inside = _inside(number, unit)
        rows, number, fraction = rows[inside], number[inside], fraction[inside]
        if unit == "days":
            # a serial has the precision of a double: its milliseconds are what was meant
            milliseconds = (fraction * 86_400_000 + 10**FRACTION // 2) // 10**FRACTION
            local[rows] = (number - _SERIAL_EPOCH) * _DAY + milliseconds * 1_000
            utc[rows] = _to_utc(local[rows], zone, np.ones(len(rows), np.bool_))
        else:
            per = _UNITS[unit]
            if per <= _SECOND:
                micros = number * (_SECOND // per) + fraction * (_SECOND // per) // 10**FRACTION
            else:
                micros = number // (per // _SECOND)
            local[rows] = utc[rows] = micros
        good[rows] = True

    def _said(self, sentence: str) -> str:
        """The decision's sentence for a table, where there are rows and not lines."""
        return sentence.replace("in line ", f"in {self.unit} ").replace("Line ", f"{self.unit.capitalize()} ")


def readable(strings: list[str | None]) -> tuple[float, float, float]:
    """Of the values that are there, which share can be a date and time, a date alone, a time of day alone."""
    values = [value for value in strings if value and value.strip()]
    if not values:
        return 0.0, 0.0, 0.0
    from stages.ingest.table.layouts import CLOCK

    moments = MomentReader().read(joined([pa.array(values, pa.string())]))
    column = TimeColumn("row", "", mapped=True)
    good = column.observe([pa.array(values, pa.string())], np.arange(1, len(values) + 1, dtype=np.int64))
    n = len(values)
    alone = good & ~moments.clocked & (moments.date != NUMBER)
    return float((good & ~alone).sum()) / n, float(alone.sum()) / n, float((moments.date == CLOCK).sum()) / n


def _inside(numbers: Ints, unit: str) -> Mask:
    if unit == "days":
        return (numbers >= _SERIAL[0]) & (numbers < _SERIAL[1])
    return (numbers >= _FIRST * _UNITS[unit]) & (numbers < _END * _UNITS[unit])


def _to_utc(local: Ints, zone: LocalTimes, rows: Mask) -> Ints:
    seconds, rest = np.divmod(local, _SECOND)
    result = np.zeros(len(local), np.int64)
    at = np.flatnonzero(rows)
    result[at] = zone.to_utc(seconds[at]) * _SECOND + rest[at]
    return result


def _typed(columns: list[pa.Array]) -> tuple[Ints, bool, Mask] | None:
    """Microseconds, whether they are UTC, and which are there, of a column of Parquet's own times; None for text."""
    kind = columns[0].type
    if len(columns) != 1 or not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return None
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    micros = columns[0].cast(pa.timestamp("us", tz="UTC" if zoned else None), safe=False).cast(pa.int64())
    there = micros.is_valid().to_numpy(zero_copy_only=False)
    values = pc.fill_null(micros, 0).to_numpy(zero_copy_only=False)
    good = there & (values >= 0) & (values < _END * _SECOND)
    return np.where(good, values, 0), zoned, good


def joined(columns: list[pa.Array]) -> pa.StringArray:
    """One string a time: of a date and a time in two columns, joined by a space."""
    texts = [column if column.type == pa.string() else column.cast(pa.string()) for column in columns]
    if len(texts) > 1:
        # a spreadsheet writes a date with an empty time of day
        texts[0] = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts[0]), r"[T ]00:00:00(?:\.0+)?$", "")
        return pc.utf8_trim_whitespace(pc.binary_join_element_wise(*(pc.fill_null(text, "") for text in texts), " "))
    return pc.utf8_trim_whitespace(texts[0])
