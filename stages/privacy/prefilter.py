"""Which rows of a block of texts may hold a name, a number or an address: a few passes over bytes, no Python per row.

A superset of the rows that the guard would change. Bytes settle what begins with a sign (``@``, an escape) or has seven
digits; names are settled by RE2 over an alternation with accent classes, or, where names are many or known by MAC only,
by the distinct words of the block. RE2 works with bounded memory and slows down a hundredfold past about 500 names in
one pattern (past 400 of them, measured), hence the groups.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.privacy.fold import fold, is_unspaced, words
from stages.privacy.names import Lexicon

_GROUP: Final = 200
_GROUPS: Final = 4
_CACHED: Final = 1 << 20
_ENOUGH: Final = 7
_DIGIT, _SIGN, _CLOSER = 1, 2, 3
_LATIN: Final = r"\x{c0}-\x{17f}\x{1ea0}-\x{1eff}"
_OTHER_DIGIT: Final = r"[\x{660}-\x{669}\x{6f0}-\x{6f9}\x{966}-\x{96f}\x{ff10}-\x{ff19}]"


_LATIN_RANGES: Final = ((0xC0, 0x180), (0x1EA0, 0x1F00))
_CARDS: Final = r"(?i)\.vcf|begin:vcard"
"""A contact card names a person who need not be in the lexicon."""


class Prefilter:
    """Tells rows apart for one lexicon. Keeps the words that it judged (at most a million at once)."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._judged: dict[str, bool] = {}
        triggers = sorted(lexicon.triggers)
        self._patterns: list[str] | None = None
        if not lexicon.has_unread() and len(triggers) <= _GROUP * _GROUPS:
            groups = [triggers[first : first + _GROUP] for first in range(0, len(triggers), _GROUP)]
            self._patterns = [_alternation(group) for group in groups]

    def places(self, texts: pa.Array) -> Any:
        """Row numbers (int64, in order) of ``texts`` (string array) that have to be looked at."""
        if not len(texts):
            return np.empty(0, np.int64)
        hit, closer = _weigh(texts)
        rows = np.flatnonzero(closer & ~hit)
        if len(rows):
            hit[rows[_matches(texts.take(rows), _exotic())]] = True
        hit |= _matches(texts, _CARDS)
        if self._patterns is None:
            hit |= self._by_words(texts)
        else:
            for pattern in self._patterns:
                hit |= _matches(texts, pattern)
        if texts.null_count:
            hit &= texts.is_valid().to_numpy(zero_copy_only=False)
        return np.flatnonzero(hit)

    def mask(self, length: int, places: Any, chosen: list[int]) -> pa.Array:
        """A mask of ``length`` rows that is true at ``places[chosen]``."""
        mask = np.zeros(length, bool)
        mask[places[chosen]] = True
        return pa.array(mask)

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


def _matches(texts: pa.Array, pattern: str) -> Any:
    found = pc.match_substring_regex(texts, pattern)
    return pc.fill_null(found, False).to_numpy(zero_copy_only=False)


@cache
def _tables() -> Any:
    """What each byte tells of its row: digit, sign that is enough by itself, lead of characters to look at closely."""
    flags = np.zeros(256, np.uint8)
    flags[ord("0") : ord("9") + 1] = _DIGIT
    flags[[ord(sign) for sign in "@%&\\"]] = _SIGN
    # every lead byte but those of Latin-1 and Latin Extended-A letters, Greek, Cyrillic and most emoji
    flags[[0xC2, *range(0xC6, 0xCE), *range(0xD2, 0xF1), 0xF3]] = _CLOSER
    return flags


def _weigh(texts: pa.Array) -> tuple[Any, Any]:
    """(rows with a sign or seven digits, rows with characters to look at closely), booleans."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    buffer = texts.buffers()[2]
    data = np.frombuffer(buffer, np.uint8)[offsets[0] : offsets[-1]] if buffer is not None else np.empty(0, np.uint8)
    flags = _tables()[data]
    places = np.flatnonzero(flags)
    kinds = flags[places]
    rows = np.searchsorted(offsets, places + offsets[0], side="right") - 1
    enough = np.bincount(rows[kinds == _DIGIT], minlength=len(texts)) >= _ENOUGH
    enough[rows[kinds == _SIGN]] = True
    closer = np.zeros(len(texts), bool)
    closer[rows[kinds == _CLOSER]] = True
    return enough, closer


def _letters(*ranges: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """(letter, what it folds to) of every letter in the ranges of code points."""
    for first, last in ranges:
        for char in map(chr, range(first, last)):
            if char.isalnum():
                yield char, fold(char)


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
    """Letters of other shapes (mathematical, circled, full width, phonetic), which fold across scripts: a row that
    has one is looked at. Made only for rows that may have one."""
    odd = []
    for char, folded in _letters((0xAA, 0x3400), (0xA000, 0xAC00), (0xF900, 0x20000)):
        code = ord(char)
        if _is_latin(code):
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
    return rf"[\pL\p{{Nd}}][\pM\p{{Cf}}]|[\p{{Cf}}][\pL\p{{Nd}}]|{_OTHER_DIGIT}|[{_ranged(_odd())}]"


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
