"""Which sequences of words are somebody's name, and where they stand in a text.

A :class:`Lexicon` knows names in two ways: those of this export by their words, those of earlier exports by keyed MACs
alone. Both answer the same two questions, at one hash per distinct word: may a name begin with this word, and is this
sequence of words a name?
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from unicodedata import category

from stages.archive.records import NameRecord
from stages.privacy.fold import Word, folded_words, has_invisible, is_unspaced, rejoined, words
from stages.privacy.key import subkey
from stages.privacy.vocabulary import SHORTEST, is_common, is_common_name, is_function, is_spelt_common, listed

_GAP: Final = re.compile(r"(?:[^\w,;:!?@\r\n]|_){0,6}")
_ALIAS_GAP: Final = frozenset((" ", "-"))
_MENTION: Final = re.compile(r"(?<!\w)@[~ \u00a0\u202f\u200b-\u200f\u2066-\u2069]{0,4}\Z")
_JOINED: Final = 6
"""Letters from which a name written in one word (`joaosilva`) is looked for."""
_CACHED: Final = 1 << 19


class Entry(NamedTuple):
    """What a name is replaced with: an alias, or None where several persons share it. ``common`` names are replaced
    only where they are mentions."""

    alias: str | None
    common: bool


class Match(NamedTuple):
    """A name in a text, in characters, and the first word's position among the text's words."""

    start: int
    end: int
    entry: Entry


class Macs:
    """Keyed MACs of words, sequences of words, and other spellings: 32 hex digits."""

    def __init__(self, key: bytes) -> None:
        self._bases = {
            purpose: hashlib.blake2b(key=subkey(key, purpose), digest_size=16) for purpose in ("name", "phone", "email")
        }

    def of(self, purpose: str, value: str) -> str:
        """MAC of a spelling for one purpose: name, phone or email. Cost: under a microsecond."""
        state = self._bases[purpose].copy()
        state.update(value.encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    def name(self, words: Sequence[str]) -> str:
        """MAC of a sequence of folded words."""
        return self.of("name", "\x1f".join(words))


class Lexicon:
    """The names of an export and of the exports before it. Memory and time to build: linear in the names.

    ``triggers`` are folded words, one of which stands wherever a name of this export is replaced that is no mention.
    """

    def __init__(self, macs: Macs, known: Iterable[NameRecord] = ()) -> None:
        self._macs = macs
        self._entries: dict[tuple[str, ...], Entry | None] = {}
        self._known: dict[str, Entry] = {}
        self._heads: dict[str, set[int]] = defaultdict(set)
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._own: dict[tuple[str, ...], Entry] = {}
        self._own_lengths: dict[str, set[int]] = defaultdict(set)
        self._own_macs: set[str] = set()
        self.triggers: set[str] = set()
        for record in known:
            if record.kind == "name" and record.words:
                self._known[record.mac] = Entry(record.alias, record.common)
                self._heads[record.head].add(record.words)
        self._searched = {
            record.head for record in known if record.kind == "name" and record.words and not record.common
        }

    def add(self, given: Sequence[tuple[str, str]], *, common: bool = False) -> None:
        """Learn whole names and their parts: (raw name, alias) of every person at once.

        A spelling that is one person's whole name is theirs. A part that several persons share is nobody's: it is
        replaced with a neutral word, since a wrong name would put words into somebody's mouth.
        """
        whole: dict[tuple[str, ...], set[str | None]] = defaultdict(set)
        parts: dict[tuple[str, ...], set[str | None]] = defaultdict(set)
        for name, alias in given:
            spelt, some = name_parts(name)
            if spelt:
                whole[spelt].add(alias)
            for part in some:
                parts[part].add(alias)
        for spelt in parts.keys() - whole.keys():
            known = self._known.get(self._macs.name(spelt))
            if known is not None:
                parts[spelt].add(known.alias)
        for spelt, aliases in {**parts, **whole}.items():
            alone = next(iter(aliases)) if len(aliases) == 1 else None
            self._own[spelt] = Entry(alone, common or is_common_name(spelt))
            self._own_lengths[spelt[0]].add(len(spelt))
            self._own_macs.add(self._macs.name(spelt))
        self.triggers = {self._trigger(spelt) for spelt, entry in self._own.items() if not entry.common}
        self._entries.clear()
        self._lengths.clear()

    def lengths(self, word: str) -> tuple[int, ...]:
        """How many words the names have that begin with ``word``, longest first; empty for most words."""
        found = self._lengths.get(word)
        if found is None:
            counts = set(self._own_lengths.get(word, ()))
            if self._heads:
                counts |= self._heads.get(self._macs.of("name", word), set())
            if len(self._lengths) >= _CACHED:
                self._lengths.clear()
            found = self._lengths[word] = tuple(sorted(counts, reverse=True))
        return found

    def entry(self, spelt: tuple[str, ...]) -> Entry | None:
        """What the whole of ``spelt`` stands for, if it is a name."""
        own = self._own.get(spelt)
        if own is not None or not self._known:
            return own
        if spelt not in self._entries:
            if len(self._entries) >= _CACHED:
                self._entries.clear()
            self._entries[spelt] = self._known.get(self._macs.name(spelt))
        return self._entries[spelt]

    def has_unread(self) -> bool:
        """Whether names are looked for that are known by their MACs only."""
        return any(not entry.common and mac not in self._own_macs for mac, entry in self._known.items())

    def may_begin(self, word: str) -> bool:
        """Whether a text with ``word`` in it has to be looked at for names that are no mentions.

        Names that begin with an article or a preposition have another word that is looked for (see `name_parts`).
        """
        if word in self.triggers:
            return True
        return bool(self._searched) and not is_function(word) and self._macs.of("name", word) in self._searched

    def _trigger(self, spelt: tuple[str, ...]) -> str:
        """A word of a name that a text must have for the name to stand in it, one that is looked for anyway if any."""
        alone = (word for word in spelt if (own := self._own.get((word,))) is not None and not own.common)
        return next(alone, spelt[0])

    def records(self) -> Iterator[NameRecord]:
        """One record for every name and part of this export."""
        for spelt, entry in self._own.items():
            yield NameRecord(
                self._macs.name(spelt),
                self._macs.of("name", spelt[0]),
                len(spelt),
                "name",
                entry.common,
                entry.alias,
            )


def name_parts(name: str) -> tuple[tuple[str, ...], set[tuple[str, ...]]]:
    """A name's folded words, and the parts of it that stand for it in a text.

    Parts have three letters or more (two characters in scripts without spaces) and carry more than a sentence; so has
    the name written in one word. A name that begins with an article has a part in any case, however short.
    """
    found = [word for word in words(name) if word.folded]
    spelt = tuple(word.folded for word in found)
    chunks: list[list[Word]] = []
    for word in found:
        last = chunks[-1][-1] if chunks else None
        if last and last.end == word.start and is_unspaced(last.folded) and is_unspaced(word.folded):
            chunks[-1].append(word)
        else:
            chunks.append([word])
    candidates = [tuple(word.folded for word in chunk) for chunk in chunks]
    parts = {part for part in candidates if _is_part(part)}
    if spelt and is_function(spelt[0]) and not any(not is_common(part[0]) for part in parts if len(part) == 1):
        parts |= {(word,) for word in spelt if not is_common(word)}
    if len(spelt) > 2:
        # how people are called who have many names: the first two, the first and the last
        shorter = {spelt[:size] for size in range(2, len(spelt))} | {(spelt[0], spelt[-1])}
        parts |= {part for part in shorter if not is_function(part[-1]) and not is_common_name(part)}
    joined = "".join(spelt)
    if len(spelt) > 1 and len(joined) >= _JOINED and folded_words(joined) == (joined,) and not is_common(joined):
        parts.add((joined,))
    return spelt, parts - {spelt}


def find_names(text: str, found: Sequence[Word], lexicon: Lexicon, *, mentions: bool = True) -> list[Match]:
    """Names among the words ``found`` of ``text``, from the left, the longest at each place; aliases are skipped.

    Common names are found only behind an @ sign, and not at all without ``mentions``. Cost: one look-up a word.
    """
    matches: list[Match] = []
    adjectives = listed("adjectives")
    hidden: dict[int, tuple[int, str]] = {}
    if has_invisible(text):
        hidden = {first: (last, joined) for first, last, joined in rejoined(text, list(found))}
    position, count = 0, len(found)
    while position < count:
        head = found[position].folded
        if head in adjectives and (after := alias_end(text, found, position)) > position:
            position = after
            continue
        if position in hidden:
            last, joined = hidden[position]
            entry = lexicon.entry((joined,)) if lexicon.lengths(joined) else None
            if entry is not None and not entry.common:
                matches.append(Match(found[position].start, found[last - 1].end, entry))
                position = last
                continue
        step = 1
        for length in lexicon.lengths(head):
            if position + length > count:
                continue
            entry = lexicon.entry(tuple(word.folded for word in found[position : position + length]))
            if entry is None or not together(text, found[position : position + length]):
                continue
            start = found[position].start
            end = found[position + length - 1].end
            ordinary = entry.common or (length == 1 and is_spelt_common(text[start:end]))
            if ordinary and not (mentions and is_mention(text, start)):
                continue
            matches.append(Match(start, end, entry))
            step = length
            break
        position += step
    return matches


def is_mention(text: str, start: int) -> bool:
    """Whether an @ sign that is no address's stands right before ``start``."""
    return _MENTION.search(text, max(0, start - 6), start) is not None


def alias_end(text: str, found: Sequence[Word], position: int) -> int:
    """The position past the alias whose first word is at ``position``; ``position`` itself where none is."""
    if position + 1 >= len(found) or found[position].folded not in listed("adjectives"):
        return position
    first, second = found[position], found[position + 1]
    if second.folded in listed("nouns") and text[first.end : second.start] in _ALIAS_GAP:
        return position + 2
    return position


def _is_part(part: tuple[str, ...]) -> bool:
    if len(part) > 1:
        return True
    word = part[0]
    # vowel signs are marks in the scripts of India
    return sum(char.isalpha() or category(char)[0] == "M" for char in word) >= SHORTEST and not is_function(word)


def together(text: str, found: Sequence[Word]) -> bool:
    """Whether nothing stands between words but what names are written with."""
    return all(_GAP.fullmatch(text, one.end, two.start) for one, two in pairwise(found))
