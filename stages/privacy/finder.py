"""Names in one text, found without looking at most of its words.

The same matches as :func:`stages.privacy.names.find_names` over all words; only words that begin a name (or an alias)
and those right behind them are looked at. What stands between spaces is remembered as it is spelt.
"""

import re
from itertools import islice
from typing import Final
from unicodedata import category

from stages.privacy.fold import INVISIBLE, UNSPACED, Word, fold, words
from stages.privacy.names import Lexicon, Match, alias_end, find_names, is_mention, together
from stages.privacy.vocabulary import is_spelt_common, listed

_WORD: Final = re.compile(r"[^\W_]+")
_MARKS: Final = ("Mn", "Mc", "Me", "Cf")
_APART: Final = re.compile(f"[{UNSPACED}\u0640]")
_PARTING: Final = re.compile(f"[{INVISIBLE}]")
_CACHED: Final = 1 << 17


class NameFinder:
    """Finds the names of one lexicon, which must not learn any more. Remembers up to 131,072 spellings."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._adjectives = listed("adjectives")
        self._dull: set[str] = set()
        self._chunks: dict[str, tuple[str, ...] | None] = {}
        self._heads: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._folded: dict[str, str] = {}

    def find(self, text: str) -> list[Match]:
        """Names from the left, the longest at each place. Cost: some ten nanoseconds a character and a few microseconds
        for each name; several times that where the script has no spaces, or where marks or invisible characters stand.
        """
        places = self._places(text)
        if places is None:
            return find_names(text, words(text), self._lexicon)
        found: list[Match] = []
        past = 0
        for start, word in places:
            if start < past:
                continue
            folded, lengths = self._heads[word]
            near = [Word(folded, start, start + len(word))]
            if folded in self._adjectives and alias_end(text, self._more(text, near, 2), 0):
                past = near[1].end
                continue
            for length in lengths:
                if length == 1:
                    entry, end = self._lexicon.entry((folded,)), start + len(word)
                    ordinary = entry is not None and (entry.common or is_spelt_common(word))
                elif len(near) < length and len(self._more(text, near, length)) < length:
                    continue
                else:
                    entry, end = self._lexicon.entry(tuple(part.folded for part in near[:length])), near[length - 1].end
                    if entry is not None and not together(text, near[:length]):
                        continue
                    ordinary = entry is not None and entry.common
                if entry is None or (ordinary and not is_mention(text, start)):
                    continue
                found.append(Match(start, end, entry))
                past = end
                break
        return found

    def _places(self, text: str) -> list[tuple[int, str]] | None:
        """Where words stand that may begin a name or an alias, in order; None for a text to be read in full."""
        places = []
        for word in self._heads_in(set(text.split()).difference(self._dull)):
            if word is None:
                return None
            at = text.find(word)
            while at >= 0:
                end = at + len(word)
                if not (text[end : end + 1].isalnum() or (at and text[at - 1].isalnum())):
                    places.append((at, word))
                at = text.find(word, end)
        places.sort()
        return places

    def _heads_in(self, chunks: set[str]) -> set[str | None]:
        """The words among chunks (what stands between spaces) with which a name may begin; None for what is no plain
        word. Chunks are remembered."""
        heads: set[str | None] = set()
        for chunk in chunks:
            found = self._chunks.get(chunk, ())
            if found == ():
                if not _is_simple(chunk):
                    found = None
                else:
                    found = tuple(word for word in _WORD.findall(chunk) if word in self._heads or self._begins(word))
                self._remember(chunk, found)
            heads.update((None,) if found is None else found)
        return heads

    def _remember(self, chunk: str, heads: tuple[str, ...] | None) -> None:
        if heads == ():
            if len(self._dull) >= _CACHED:
                self._dull.clear()
            self._dull.add(chunk)
        else:
            if len(self._chunks) >= _CACHED:
                self._chunks.clear()
            self._chunks[chunk] = heads

    def _begins(self, word: str) -> bool:
        """Whether a name or an alias may begin with ``word``: with few words."""
        folded = fold(word)
        lengths = self._lexicon.lengths(folded)
        if not lengths and folded not in self._adjectives:
            return False
        self._heads[word] = folded, lengths
        return True

    def _more(self, text: str, near: list[Word], count: int) -> list[Word]:
        """``near`` grown to ``count`` words, or to the text's end."""
        for place in islice(_WORD.finditer(text, near[-1].end), count - len(near)):
            word = place[0]
            folded = self._folded.get(word)
            if folded is None:
                if len(self._folded) >= _CACHED:
                    self._folded.clear()
                folded = self._folded[word] = fold(word)
            near.append(Word(folded, place.start(), place.end()))
        return near


def _is_simple(chunk: str) -> bool:
    """Whether the words are runs of letters and digits: no unspaced script, no mark that belongs to a letter, and
    nothing that parts words unseen. What makes a picture of a sign (U+FE0F, joiners between pictures) does no harm."""
    if chunk.isascii():
        return True
    letter = False
    for char in chunk:
        if _PARTING.match(char) or _APART.match(char):
            return False
        if category(char) in _MARKS:
            if letter:
                return False
        else:
            letter = char.isalnum()
    return True
