"""The shape of a header as a program that reads whole blocks column-wise."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stages.ingest.columns import Bytes, Ints, Mask
from stages.ingest.whatsapp.meridiem import to_24_hours
from stages.ingest.whatsapp.tokens import Half, Literal, Marks, Token


@dataclass(frozen=True)
class Shape:
    """A header as a program. ``key`` tells shapes apart; ``year_at`` is where a 4-digit year stands, else None."""

    key: tuple[str, ...]
    tokens: tuple[Token, ...]
    words: str
    bracket: bool
    seconds: bool
    era: str | None
    year_at: int | None

    @property
    def halved(self) -> bool:
        """Whether hours count to 12, with a word for the part of the day."""
        return any(isinstance(token, Half) for token in self.tokens)

    def opening(self) -> frozenset[int]:
        """First bytes of the header that are no digit, where it begins with a word or sign."""
        token = next(token for token in self.tokens if not isinstance(token, Marks))
        if isinstance(token, Half):
            return frozenset(spelling[0] for spelling, _ in token.spellings)
        return frozenset(token.text[:1]) if isinstance(token, Literal) else frozenset()

    def match(self, data: Bytes, starts: Ints) -> "Matched":
        """Run the program at the line starts of a padded block; rows whose time is no time of day do not match."""
        rows = np.arange(len(starts))
        at = starts
        values: dict[str, Ints] = {}
        for token in self.tokens:
            good, at, value = token.advance(data, at)
            if value is not None:
                values["half" if isinstance(token, Half) else token.name] = value  # type: ignore[union-attr]
            if not good.all():
                keep = np.flatnonzero(good)
                rows, at = rows[keep], at[keep]
                values = {name: column[keep] for name, column in values.items()}
        clock, good = self.clock(values, values.get("half"))
        keep = np.flatnonzero(good)
        fields = np.stack([values["a"], values["b"], values["c"]])
        return Matched(rows[keep], at[keep], self.years(fields[:, keep]), clock[keep])

    @staticmethod
    def clock(values: Mapping[str, Ints], half: Ints | None) -> tuple[Ints, Mask]:
        """The second of the day of times as written (h, m and perhaps s), and which of them are times of day."""
        # clocks that count hours from 1 to 24 write the hour after midnight so
        hour = np.where(values["h"] == 24, 0, values["h"]) if half is None else to_24_hours(values["h"], half)
        clock = hour * 3600 + values["m"] * 60
        good: Mask = (hour < 24) & (values["m"] < 60)
        if "s" in values:
            clock += values["s"]
            good &= values["s"] < 60
        return clock, good

    def years(self, fields: Ints) -> Ints:
        """The date's fields with the year in the common era: Reiwa and Heisei years, Buddhist ones."""
        if self.era:
            assert self.year_at is not None
            fields[self.year_at] += 2018 if self.era == "R" else 1988
        elif self.year_at is not None:
            year = fields[self.year_at]
            fields[self.year_at] = np.where((year > 2400) & (year < 2700), year - 543, year)
        return fields


@dataclass(frozen=True)
class Matched:
    """What a shape found: rows of the starts given, where the text after the header begins, the date's three fields
    as written (3 x n), and the second of the day."""

    rows: Ints
    body: Ints
    fields: Ints
    clock: Ints

    def only(self, chosen: Ints) -> "Matched":
        """Those of the lines at the positions ``chosen``."""
        return Matched(self.rows[chosen], self.body[chosen], self.fields[:, chosen], self.clock[chosen])
