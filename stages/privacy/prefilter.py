"""Which rows of a block of texts may hold a name, a number or an address: a few passes over bytes, no Python per row.

A superset of the rows that the guard would change. Bytes settle what begins with a sign (``@``, an escape) or has seven
digits; names are settled by RE2 over an alternation with accent classes, or, where names are many or known by MAC only,
by the distinct words of the block. RE2 works with bounded memory and slows down a hundredfold past about 500 names in
one pattern, hence the small groups.
"""

import re
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.privacy.fold import UNSPACED, fold, words
from stages.privacy.names import Lexicon

_GROUP: Final = 100
_GROUPS: Final = 4
_CACHED: Final = 1 << 20
_ENOUGH: Final = 7


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
        weights, exotic = _weigh(texts)
        hit = weights >= _ENOUGH
        if exotic.any():
            rows = np.flatnonzero(exotic & ~hit)
            hit[rows[_matches(texts.take(rows), _exotic())]] = True
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
def _tables() -> tuple[Any, Any]:
    """Weight of each byte (a sign that begins something is enough by itself), and bytes that ask for a closer look."""
    weights = np.zeros(256, np.uint8)
    weights[ord("0") : ord("9") + 1] = 1
    for sign in b"@%&\\":
        weights[sign] = _ENOUGH
    exotic = np.zeros(256, bool)
    for lead in (0xC2, 0xCC, 0xCD, *range(0xD2, 0xE0), *range(0xE0, 0xF0)):
        exotic[lead] = True
    for lead in (0xF0, 0xF3):
        exotic[lead] = True
    return weights, exotic


def _weigh(texts: pa.Array) -> tuple[Any, Any]:
    """For each row: digits and signs (7 is enough), and whether characters occur that need a closer look."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    buffer = texts.buffers()[2]
    data = np.frombuffer(buffer, np.uint8)[offsets[0] : offsets[-1]] if buffer is not None else np.empty(0, np.uint8)
    offsets = offsets - offsets[0]
    weights, exotic = _tables()
    summed = np.concatenate(([0], np.cumsum(weights[data], dtype=np.int64)))
    marked = np.zeros(len(texts), bool)
    places = np.flatnonzero(exotic[data])
    marked[np.searchsorted(offsets, places, side="right") - 1] = True
    return summed[offsets[1:]] - summed[offsets[:-1]], marked


@cache
def _classes() -> tuple[dict[str, str], dict[str, list[str]], str]:
    """Characters by what they fold to (one character), by what they fold to (two or three), and the rest.

    The rest are letters and digits that fold across scripts and shapes (mathematical, circled, full width); a row
    that holds one is looked at in any case.
    """
    single: dict[str, list[str]] = {}
    several: dict[str, list[str]] = {}
    odd: list[str] = []
    for code in (*range(0xAA, 0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x10000), *range(0x10000, 0x20000)):
        char = chr(code)
        if not char.isalnum() or 0xD800 <= code < 0xE000:
            continue
        folded = fold(char)
        if code >= 0x2000 and folded != char and not 0x1E00 <= code < 0x2000:
            odd.append(char)
        elif len(folded) == 1:
            single.setdefault(folded, []).append(char)
        elif 1 < len(folded) <= 3 and folded.isalnum():
            several.setdefault(folded, []).append(char)
        elif folded != char:
            odd.append(char)
    return {folded: "".join(chars) for folded, chars in single.items()}, several, "".join(odd)


@cache
def _exotic() -> str:
    """RE2: marks and invisible characters next to letters, digits of other scripts, letters of other shapes."""
    odd = _classes()[2]
    return rf"[\pL\p{{Nd}}][\pM\p{{Cf}}]|[^\x00-\x7f0-9]\p{{Nd}}|[{_ranged(odd)}]"


def _alternation(triggers: list[str]) -> str:
    """RE2 for any of the folded words, in any case and with any accent, between characters that end words."""
    unspaced = [word for word in triggers if re.match(f"[{UNSPACED}]", word)]
    spaced = [word for word in triggers if not re.match(f"[{UNSPACED}]", word)]
    parts = []
    if spaced:
        edge = r"[^\pL\p{Nd}]"
        parts.append(rf"(?:^|{edge}|\p{{Lo}})(?:{'|'.join(map(_spelt, spaced))})(?:$|{edge}|\p{{Lo}})")
    return "|".join(parts + list(map(_spelt, unspaced)))


def _spelt(word: str) -> str:
    single, several, _ = _classes()
    pattern = []
    position = 0
    while position < len(word):
        char = word[position]
        alternatives = [f"[{_ranged(char + char.upper()[:1] + single.get(char, ''))}]"]
        size = 1
        for length in (3, 2):
            cluster = word[position : position + length]
            if len(cluster) == length and cluster in several:
                tail = "".join(f"[{_ranged(one + one.upper()[:1] + single.get(one, ''))}]" for one in cluster[1:])
                alternatives = [alternatives[0] + tail, f"[{_ranged(''.join(several[cluster]))}]"]
                size = length
                break
        pattern.append(alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})")
        position += size
    return "".join(pattern)


def _ranged(chars: str) -> str:
    """The inside of an RE2 character class."""
    codes = sorted({ord(char) for char in chars})
    parts: list[list[int]] = []
    for code in codes:
        if parts and parts[-1][1] + 1 == code:
            parts[-1][1] = code
        else:
            parts.append([code, code])
    return "".join(
        rf"\x{{{first:x}}}" if first == last else rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in parts
    )
