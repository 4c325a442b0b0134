"""Who wrote a message: what stands before the first ``": "``, where that is a name and not a notice with a colon.

Names are counted over the whole file first. A name is taken when it recurs, or when it is short and no notice; a
name may hold a colon itself, and some files have none of the spaces after it. Distinct names are looked at one by
one, messages never.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.ingest.columns import Ints, Mask
from stages.ingest.whatsapp.blocks import CR, LF, Block
from stages.ingest.whatsapp.known import KnownNames
from stages.ingest.whatsapp.phrases import load_phrases
from stages.ingest.whatsapp.scan import positions

_COLON: Final = 0x3A
_MOST_BYTES: Final = 420
_MOST_CHARACTERS: Final = 100
_MOST_EXTENDED: Final = 100_000
_OFTEN: Final = 16
_FEW: Final = 40
_MARKS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff]")


def clean_name(raw: str) -> str:
    """A name without direction marks and outer spaces."""
    return _MARKS.sub("", raw).strip()


@dataclass(frozen=True)
class Split:
    """Per message: the index of its author in ``names`` (-1 for none) and where its text begins."""

    codes: npt.NDArray[np.int32]
    starts: Ints


@dataclass
class AuthorBook:
    """Counts names while the file is surveyed, settles who is an author, then splits blocks."""

    counts: dict[str, int] = field(default_factory=dict)
    bare_counts: dict[str, int] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)
    marked: dict[str, int] = field(default_factory=dict)
    extended: dict[tuple[str, str], int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    doubtful: int = 0
    """Names that may be longer: all that stands behind them begins like more of a name and a colon."""
    close: int = 0
    """Messages without a space behind the name, in a file that has it elsewhere; counted while blocks are split."""
    _index: dict[str, int] = field(default_factory=dict)
    _longer: dict[str, set[str]] = field(default_factory=dict)
    _without_space: bool = False
    _clean: dict[str, str] = field(default_factory=dict)
    _heard: KnownNames = field(default_factory=KnownNames)
    _told: KnownNames = field(default_factory=KnownNames)
    _told_codes: list[int] = field(default_factory=list)

    def observe(self, block: Block) -> Ints:
        """Count the names of a block; returns where the colon behind each name stands, -1 for none."""
        heard = self._heard.find(block)
        spaced, bare, second = _colons(block, heard < 0)
        has = spaced >= 0
        counted = self._count(self.counts, block, has, spaced)
        only = (bare >= 0) & ((bare < spaced) | ~has)
        self._count(self.bare_counts, block, only, bare)
        twice = has & (second >= 0)
        if twice.any():
            self._count(self.followed, block, twice, spaced)
        if twice.any() and len(self.extended) < _MOST_EXTENDED:
            rows = np.flatnonzero(twice)
            short = block.strings(block.bodies[rows], spaced[rows]).to_pylist()
            for name, longer in zip(short, block.strings(block.bodies[rows], second[rows]).to_pylist(), strict=True):
                pair = (self._cleaned(name), self._cleaned(longer))
                self.extended[pair] = self.extended.get(pair, 0) + 1
        self._recognise(block, heard, spaced)
        at = np.maximum(spaced, 0) + 2
        marked = (spaced >= 0) & (block.data[at] == 0xE2) & (block.data[at + 1] == 0x80)
        marked &= block.data[block.heads] == 0x5B
        if marked.any():
            self._count(self.marked, block, marked, spaced)
        for raw, count in counted:
            name = self._cleaned(raw)
            # a name that was met without a second colon behind it is no part of a longer one
            if count >= _OFTEN and self.followed.get(name, 0) < self.counts[name]:
                self._heard.add(raw)
        return spaced

    def _recognise(self, block: Block, heard: npt.NDArray[np.int32], spaced: Ints) -> None:
        """Count the names that were heard before, and say where their colons stand."""
        rows = np.flatnonzero(heard >= 0)
        if not len(rows):
            return
        times = np.bincount(heard[rows], minlength=len(self._heard.values))
        for value, count in zip(self._heard.values, times.tolist(), strict=True):
            name = self._cleaned(value.decode())
            self.counts[name] = self.counts.get(name, 0) + count
        spaced[rows] = block.bodies[rows] + self._heard.sizes()[heard[rows]]

    def settle(self) -> None:
        """Decide which names are authors; call once, after the survey."""
        spaced = sum(count for name, count in self.counts.items() if self._plausible(name, count))
        # a file's habit: names without a space after the colon recur more often than names with one
        recurring = sum(count for name, count in self.bare_counts.items() if count > 1 and _is_name(name))
        self._without_space = recurring > spaced
        counts = self.counts if not self._without_space else {**self.bare_counts, **self.counts}
        accepted = [name for name, count in counts.items() if self._plausible(name, count)]
        for name in accepted:
            total = self.counts.get(name, 0)
            if total >= 3 and self.followed.get(name, 0) == total:
                longer = {pair[1] for pair in self.extended if pair[0] == name}
                whole = sum(self.extended[pair] for pair in self.extended if pair[0] == name) == total
                if whole and len(longer) * 3 <= total and all(_may_end_name(name, text) for text in longer):
                    self._longer[name] = longer
            elif 0 < total == self.followed.get(name, 0):
                longer = {pair[1] for pair in self.extended if pair[0] == name}
                self.doubtful += len(longer) == 1 and all(_may_end_name(name, text) for text in longer)
        for name in accepted:
            for author in sorted(self._longer.get(name, {name})):
                self._index.setdefault(author, len(self._index))
        self.names = list(self._index)

    def speakers(self, titles: Collection[str]) -> list[str]:
        """The authors without those titles of the group under which the app alone writes."""
        return [
            name for name in self.names if name not in titles or self.marked.get(name, 0) < self.counts.get(name, 0)
        ]

    def split(self, block: Block) -> Split:
        """Authors and text starts of a block. Cost: one dictionary of the block's names."""
        n = len(block)
        codes = np.full(n, -1, np.int32)
        starts = block.bodies.copy()
        if not n:
            return Split(codes, starts)
        told = self._told.find(block)
        spaced, bare, second = _colons(block, told < 0)
        if len(rows := np.flatnonzero(told >= 0)):
            codes[rows] = np.array(self._told_codes, np.int32)[told[rows]]
            starts[rows] = np.minimum(starts[rows] + self._told.sizes()[told[rows]] + 2, block.stops[rows])
        self._take(block, codes, starts, spaced >= 0, spaced, self._index, learn=True)
        if self._longer:
            rows = np.flatnonzero((second >= 0) & (spaced >= 0))
            short = block.strings(block.bodies[rows], spaced[rows]).to_pylist()
            inside = rows[[self._cleaned(name) in self._longer for name in short]]
            mask = np.zeros(n, np.bool_)
            mask[inside] = True
            self._take(block, codes, starts, mask, second, self._index)
        events = web_events(block) & (codes < 0)
        if events.any():
            starts[events] += 2
        open_rows = (bare >= 0) & ((bare < spaced) | (spaced < 0)) & ~events
        if open_rows.any():
            after = block.data[np.maximum(bare, 0) + 1]
            lower = after | 0x20
            word = ((after >= 0x30) & (after <= 0x39)) | ((lower >= 0x61) & (lower <= 0x7A)) | (after >= 0x80)
            taken = self._take(block, codes, starts, open_rows & (word | self._without_space), bare, self._index)
            self.close += 0 if self._without_space else taken
        return Split(codes, starts)

    def _take(
        self, block: Block, codes: npt.NDArray[np.int32], starts: Ints, mask: Mask, colon: Ints,
        index: dict[str, int], *, learn: bool = False,
    ) -> int:  # fmt: skip
        rows = np.flatnonzero(mask)
        if not len(rows):
            return 0
        encoded = block.strings(block.bodies[rows], colon[rows]).dictionary_encode()
        names = encoded.dictionary.to_pylist()
        known = np.array([index.get(self._cleaned(raw), -1) for raw in names], np.int32)
        places = encoded.indices.to_numpy(zero_copy_only=False)
        found = known[places]
        if learn:
            self._learn(names, known, np.bincount(places, minlength=len(names)))
        rows, found = rows[found >= 0], found[found >= 0]
        codes[rows] = found
        at = colon[rows] + 1
        starts[rows] = np.minimum(at + (block.data[at] == 0x20), block.stops[rows])
        return len(rows)

    def _learn(self, names: list[str], codes: npt.NDArray[np.int32], times: Ints) -> None:
        """Take the names that are frequent, so that they need not be looked for again."""
        for raw, code, count in zip(names, codes.tolist(), times.tolist(), strict=True):
            if code >= 0 and count >= _OFTEN and self._cleaned(raw) not in self._longer and self._told.add(raw):
                self._told_codes.append(code)

    def _count(self, counts: dict[str, int], block: Block, mask: Mask, colon: Ints) -> list[tuple[str, int]]:
        rows = np.flatnonzero(mask)
        if not len(rows):
            return []
        encoded = block.strings(block.bodies[rows], colon[rows]).dictionary_encode()
        times = np.bincount(encoded.indices.to_numpy(zero_copy_only=False), minlength=len(encoded.dictionary))
        counted = list(zip(encoded.dictionary.to_pylist(), times.tolist(), strict=True))
        for raw, count in counted:
            name = self._cleaned(raw)
            counts[name] = counts.get(name, 0) + count
        return counted

    def _cleaned(self, raw: str) -> str:
        found = self._clean.get(raw)
        if found is None:
            if len(self._clean) > 4 * _MOST_EXTENDED:
                self._clean.clear()
            found = self._clean[raw] = clean_name(raw)
        return found

    def _plausible(self, name: str, count: int) -> bool:
        if not name or len(name) > _MOST_CHARACTERS or name.startswith("- ") or load_phrases().notice.fullmatch(name):
            return False
        short = len(name) <= 60 and len(name.split()) <= 9
        return count > 1 or (short and not any(quote in name for quote in '"“”„«»'))


def web_events(block: Block) -> Mask:
    """Events as WhatsApp Web writes them: a dash behind the bracket instead of a name."""
    data = block.data
    return np.asarray(
        (data[block.bodies] == 0x2D) & (data[block.bodies + 1] == 0x20) & (data[block.heads] == 0x5B), np.bool_
    )


def _is_name(name: str) -> bool:
    return bool(name) and not name[-1].isdigit() and not name.endswith(("http", "https"))


def _may_end_name(name: str, longer: str) -> bool:
    """Whether what follows a name's colon can be more of the name: no address, place or file that was sent."""
    rest = longer[len(name) :].strip(": ")
    words = load_phrases().words
    return bool(rest) and rest not in words["location"] and not any(sign in rest for sign in '<>/@"\n')


def _colons(block: Block, wanted: Mask) -> tuple[Ints, Ints, Ints]:
    """Per message, in its first line: the first colon before a space or the line's end, the first colon of all, and
    the second of the first kind; -1 where there is none, where the name before it would be too long, and for messages
    that are not wanted."""
    rows = np.flatnonzero(wanted)
    if len(rows) * _FEW < len(block):
        return _few_colons(block, rows)
    colons = positions(block.data[: block.size], _COLON)
    after = block.data[colons + 1]
    spaced = colons[(after == 0x20) | (after == LF) | (after == CR) | (colons + 1 == block.size)]
    first_at = np.searchsorted(spaced, block.bodies)
    found = (
        _within(block, spaced, first_at),
        _within(block, colons, np.searchsorted(colons, block.bodies)),
        _within(block, spaced, first_at + 1),
    )
    if len(rows) < len(block):
        for column in found:
            column[~wanted] = -1
    return found


def _few_colons(block: Block, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """The same, line by line."""
    first, bare_at, second = (np.full(len(block), -1, np.int64) for _ in range(3))
    for row, body, stop in zip(rows.tolist(), block.bodies[rows].tolist(), block.stops[rows].tolist(), strict=True):
        line = block.data[body : min(stop, body + _MOST_BYTES + 1) + 1].tobytes()
        spaced: list[int] = []
        at = bare = line.find(b":", 0, stop - body)
        while at >= 0 and len(spaced) < 2:
            if line[at + 1 : at + 2] in (b" ", b"\n", b"\r") or body + at + 1 == block.size:
                spaced.append(at)
            at = line.find(b":", at + 1, stop - body)
        for column, place in zip((bare_at, first, second), (bare, *spaced), strict=False):
            if 0 < place <= _MOST_BYTES:
                column[row] = body + place
    return first, bare_at, second


def _within(block: Block, colons: Ints, at: Ints) -> Ints:
    if not len(colons):
        return np.full(len(block), -1, np.int64)
    found = colons[np.minimum(at, len(colons) - 1)]
    good = (at < len(colons)) & (found < block.stops) & (found > block.bodies)
    return np.where(good & (found - block.bodies <= _MOST_BYTES), found, -1)
