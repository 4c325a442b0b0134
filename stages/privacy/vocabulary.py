"""The lists of words kept beside this module: words that are no names, and the words that aliases are made of.

``function.*.txt`` holds words that carry a sentence (articles, pronouns, prepositions, greetings) and
``everyday.*.txt`` nouns, adjectives, trades and family words, one file a language. A name that is such a word is
replaced only where it is an author or a mention: else half of every text would be replaced. First names that happen to
be words, but are names more often, are left out on purpose.
"""

import functools
from importlib.resources import files
from typing import Final

from stages.privacy.fold import fold, is_unspaced

SHORTEST: Final = 3
"""Letters that a part of a name needs to be looked for (two characters in scripts without spaces)."""
NUMBER: Final = "number"
ADDRESS: Final = "address"
NAME: Final = "name"
"""What stands for a number, an address, and a name that two persons share: ``[number]``, in links ``number``."""


@functools.cache
def listed(kind: str) -> frozenset[str]:
    """The folded words of every file of one ``kind`` (function, everyday, code, adjectives, nouns)."""
    found: set[str] = set()
    for file in sorted(files(__package__).joinpath("words").iterdir(), key=lambda file: file.name):
        if file.name.split(".")[0] == kind:
            found.update(fold(word) for word in file.read_text(encoding="utf-8").split())
    return frozenset(found)


@functools.cache
def in_order(kind: str) -> tuple[str, ...]:
    """The words of ``kind.txt`` as they stand there."""
    return tuple(files(__package__).joinpath("words", f"{kind}.txt").read_text(encoding="utf-8").split())


def is_function(word: str) -> bool:
    """Whether a folded word only carries a sentence."""
    return word in listed("function")


@functools.cache
def _common() -> frozenset[str]:
    ours = frozenset((NUMBER, ADDRESS, NAME))
    return listed("function") | listed("everyday") | listed("adjectives") | listed("nouns") | ours


def is_common(word: str) -> bool:
    """Whether a folded word is no name by itself: a common word, one of an alias, a lone letter, a bare number."""
    return word in _common() or not any(char.isalpha() for char in word) or (len(word) == 1 and not is_unspaced(word))


@functools.cache
def _spelt() -> frozenset[str]:
    return frozenset(in_order("spelt"))


def is_spelt_common(written: str) -> bool:
    """Whether a word as it is written, accents and all, is a common one although its folded form is a name: `março`
    in a chat with Marco, `niña` with Nina."""
    import unicodedata

    return not written.isascii() and unicodedata.normalize("NFC", written).lower() in _spelt()


def is_common_name(words: tuple[str, ...]) -> bool:
    """Whether a whole name is looked for only where it is an author or a mention.

    One word: when it is common, or a single character. Several: when all are common and either one of them carries
    a sentence (`Meu Amor`, `Casa da Praia`) or all are words of aliases; `Rosa Flores` and `Mark White` are names.
    """
    if not words or len(words) == 1:
        return not words or is_common(words[0]) or len(words[0]) == 1
    if all(map(is_unspaced, words)):
        return False
    aliases = listed("adjectives") | listed("nouns")
    return all(map(is_common, words)) and (any(map(_carries, words)) or all(word in aliases for word in words))


def _carries(word: str) -> bool:
    return is_function(word) or not any(char.isalpha() for char in word) or len(word) == 1
