"""Which rows of a block of texts may hold a name, a number or an address: a few passes over bytes, no Python per row.

A superset of the rows that the guard would change. What says itself by signs and digits is told by
:mod:`stages.privacy.signs`; names are settled by RE2 over an alternation with accent classes, or, where names are many
or known by MAC only, by the distinct words of the block. RE2 works with bounded memory and slows down a hundredfold
past about 500 names in one pattern (past 400 of them, measured), hence the groups.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from unicodedata import is_normalized

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.privacy.fold import fold, is_unspaced, words
from stages.privacy.names import Lexicon
from stages.privacy.signs import Signs, matches

_GROUP: Final = 200
_GROUPS: Final = 4
_CACHED: Final = 1 << 20
_LATIN: Final = r"\x{c0}-\x{17f}\x{1ea0}-\x{1eff}"


_LATIN_RANGES: Final = ((0xC0, 0x180), (0x1EA0, 0x1F00))


class Prefilter:
    """Tells rows apart for one lexicon. Keeps the words that it judged (at most a million at once)."""

    def __init__(self, lexicon: Lexicon, signs: Signs | None = None) -> None:
        self._lexicon = lexicon
        self._signs = signs or Signs(any_number=True)
        self._judged: dict[str, bool] = {}
        triggers = sorted(lexicon.triggers)
        self._patterns: list[str] | None = None
        if not lexicon.has_unread() and len(triggers) <= _GROUP * _GROUPS:
            groups = [triggers[first : first + _GROUP] for first in range(0, len(triggers), _GROUP)]
            self._patterns = [_alternation(group) for group in groups]

    def places(self, texts: pa.Array) -> tuple[Any, Any]:
        """Row numbers (int64, in order) of ``texts`` (string array) that have to be looked at, and for each whether
        more than a name that is no mention may stand there."""
        if not len(texts):
            return np.empty(0, np.int64), np.empty(0, np.bool_)
        told, closer = self._signs.told(texts)
        rows = np.flatnonzero(closer & ~told)
        if len(rows):
            told[rows[matches(texts.take(rows), _exotic())]] = True
        hit = told.copy()
        if self._patterns is None:
            hit |= self._by_words(texts)
        else:
            for pattern in self._patterns:
                hit |= matches(texts, pattern)
        if texts.null_count:
            hit &= texts.is_valid().to_numpy(zero_copy_only=False)
        places = np.flatnonzero(hit)
        return places, told[places]

    def _by_words(self, texts: pa.Array) -> Any:
        """Rows in which one of the distinct words may begin a name. Cost: Python once for each distinct word."""
        split = pc.ascii_split_whitespace(texts)
        encoded = split.flatten().dictionary_encode()
        flags = np.fromiter(map(self._judge, encoded.dictionary.to_pylist()), bool, len(encoded.dictionary))
        hits = flags[encoded.indices.to_numpy()] if len(flags) else np.empty(0, bool)
        lengths = pc.fill_null(pc.list_value_length(split), 0).to_numpy()
        ends = np.cumsum(lengths)
        seen = np.concatenate(([0], np.cumsum(hits)))
        return seen[ends] > seen[ends - lengths]

    def _judge(self, chunk: str) -> bool:
        known = self._judged.get(chunk)
        if known is None:
            if len(self._judged) >= _CACHED:
                self._judged.clear()
            known = self._judged[chunk] = any(self._lexicon.may_begin(word.folded) for word in words(chunk))
        return known


def _letters(*ranges: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """(letter, what it folds to) of every letter in the ranges of code points."""
    for first, last in ranges:
        for char in map(chr, range(first, last)):
            if char.isalnum():
                # most fold to themselves, which is seen without folding them; the Arabic stretcher folds to nothing
                settled = char >= "\u0180" and char.casefold() == char and is_normalized("NFKD", char)
                settled = settled and char != "\u0640"
                yield char, char if settled else fold(char)


@cache
def _pairs() -> frozenset[str]:
    """Two letters that one Latin letter folds to (``ß``)."""
    return frozenset(folded for _, folded in _letters(*_LATIN_RANGES) if len(folded) == 2)


@cache
def _beyond_latin() -> dict[str, str]:
    """Letters beyond Latin by the one that they fold to. Made only for names that have such letters."""
    single: dict[str, list[str]] = {}
    for char, folded in _letters((0xAA, 0x2000)):
        if len(folded) == 1 and not folded.isascii() and not _is_latin(ord(char)):
            single.setdefault(folded, []).append(char)
    return {folded: "".join(chars) for folded, chars in single.items()}


@cache
def _odd() -> str:
    """Digits of other scripts, and letters of other shapes (mathematical, circled, full width, phonetic), which fold
    across scripts: a row that has one is looked at. Made only for rows that may have one."""
    odd = []
    for char, folded in _letters((0xAA, 0x3400), (0xA000, 0xAC00), (0xF900, 0x20000)):
        code = ord(char)
        if char.isdecimal():
            odd.append(char)
        elif _is_latin(code):
            if len(folded) > 2:
                odd.append(char)
        elif folded != char and not (len(folded) == 1 and not folded.isascii() and code < 0x2000):
            odd.append(char)
    return "".join(odd)


def _is_latin(code: int) -> bool:
    return any(first <= code < last for first, last in _LATIN_RANGES)


@cache
def _exotic() -> str:
    """RE2: marks and invisible characters next to letters, digits of other scripts, letters of other shapes."""
    return rf"[\pL\p{{Nd}}][\pM\p{{Cf}}]|[\p{{Cf}}][\pL\p{{Nd}}]|[{_ranged(_odd())}]"


def _alternation(triggers: list[str]) -> str:
    """RE2 for any of the folded words in any case and with any accent; matches more where that keeps it small."""
    unspaced = [word for word in triggers if is_unspaced(word)]
    spaced = [word for word in triggers if not is_unspaced(word)]
    edge = rf"[^0-9A-Za-z{_LATIN}]"
    parts = [rf"(?:^|{edge})(?:{'|'.join(map(_spelt, spaced))})(?:$|{edge})"] if spaced else []
    return "|".join(parts + list(map(_spelt, unspaced)))


def _spelt(word: str) -> str:
    """A word with each letter as its class; a Latin letter with an accent stands for any letter, or for a pair."""
    pattern = []
    for position, char in enumerate(word):
        if char.isascii():
            pattern.append(f"[{char}{char.upper()}{_LATIN}]" if char.isalpha() else char)
        else:
            pattern.append(f"[{_ranged(char + char.upper()[:1] + _beyond_latin().get(char, ''))}]")
        if position and word[position - 1 : position + 1] in _pairs():
            pattern.append("?")
    return "".join(pattern)


def _ranged(chars: str) -> str:
    """The inside of an RE2 character class."""
    parts: list[list[int]] = []
    for code in sorted({ord(char) for char in chars}):
        if parts and parts[-1][1] + 1 == code:
            parts[-1][1] = code
        else:
            parts.append([code, code])
    return "".join(
        rf"\x{{{first:x}}}" if first == last else rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in parts
    )
