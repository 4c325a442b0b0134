"""Sentences of a text in any script: where they end, and which of them say most of it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from stages.privacy.fold import folded_words, is_unspaced

_ENDS: Final = (
    ".!?\u2026\u203d\u3002\uff01\uff1f\uff61\uff0e\u0964\u0965\u061f\u06d4\u0589\u055e\u055c\u1362\u1367\u1368\u17d4\u17d5"
    "\u104a\u104b\u166e\u1803\u1809"
)
_FULL: Final = "。！？｡．"
"""Signs after which scripts without blanks go on at once."""
_CLOSERS: Final = "\"'”’»)\\]）」』】›“"
_OPENERS: Final = "\"'“‘«¿¡([（「『【‹„"
_END: Final = re.compile(
    rf"(?:[{_FULL}]+[{_CLOSERS}]*\s*|[{_ENDS}]+[{_CLOSERS}]*(?:\s+|\Z)|;(?=\s)|\n+)",
)
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\"'“«])(?:[^\W\d_]|(?:[^\W\d_]\.)+[^\W\d_]|Mrs?|Ms|Drs?|Dra|Sra?|Srta|Profa?|St|Sto|Sta|Jr|Av|Exmo|Eng|Arq|Gen|"
    r"Col|Lt|Sgt|Hon|Rev|vs|etc|approx|ca|bzw|usw|ggf|evtl|Nr|No|Art|art|Fig|fig|pp?|vol|Inc|Ltd|Co|Corp|Bd|Str|Abs|"
    r"Mme|Mlle|Sig|Dott|núm|tel|г|ул|им|др|т)\.\s*$"
)
_GREEK: Final = re.compile("[\u0370-\u03ff]")

MAX_SENTENCES: Final = 60
SHORTEST: Final = 20
_SHORT: Final = 8
"""Letters of a sentence that says something; and of one in a text where all are short."""
_LONGEST: Final = 1_000


def split_sentences(text: str, most: int = MAX_SENTENCES) -> list[str]:
    """The first sentences of a text, in order; a line's end ends one too. Linear.

    A point ends one only before a blank and something that can begin a sentence, and not after an abbreviation.
    """
    found: list[str] = []
    begin = 0
    for match in _END.finditer(text):
        if not _ends(text, begin, match):
            continue
        sentence = text[begin : match.end()].strip()
        begin = match.end()
        if sentence:
            found.append(sentence)
            if len(found) >= most:
                return found
    rest = text[begin:].strip()
    return [*found, rest] if rest else found


def _ends(text: str, begin: int, match: re.Match[str]) -> bool:
    sign = match[0][0]
    if sign == "\n" or sign in _FULL or match.end() == len(text) or "\n" in match[0]:
        return True
    if sign == ";":  # the question mark of Greek
        return bool(_GREEK.search(text, max(begin, match.start() - 3), match.start()))
    after = text[match.end()].lstrip(_OPENERS)
    if after and after.islower():
        return False
    return not (sign == "." and _ABBREVIATION.search(text[max(begin, match.start() - 12) : match.start() + 1]))


def weight(text: str) -> int:
    """The length of a text in letters of an alphabet: a character of a script without blanks counts for three."""
    return sum(3 if is_unspaced(char) else 1 for char in text[:_LONGEST])


def best_sentences(sentences: Sequence[str], title: str | None, limit: int, shortest: int = SHORTEST) -> str | None:
    """Up to three of the sentences that say most, in their order, ``limit`` characters at most; None where none can.

    A sentence says much where its words are frequent in the text and in the title, and where it stands early: news and
    encyclopaedias begin with what matters. Those of fewer letters than
    ``shortest`` count only where all are short. Deterministic; linear in the text.
    """
    words = [[word for word in folded_words(sentence) if len(word) > 3 or not word.isascii()] for sentence in sentences]
    counts = Counter(word for sentence in words for word in set(sentence))
    titled = set(folded_words(title or ""))
    scores: dict[int, float] = {}
    seen: set[str] = set()
    for at, sentence in enumerate(sentences):
        if sentence in seen or not words[at] or not _can_stand_alone(sentence, title, shortest):
            continue
        seen.add(sentence)
        told = set(words[at])
        common = sum(counts[word] - 1 for word in told) / (len(told) + 3)
        scores[at] = (1.0 + common + 2.0 * len(told & titled) / (len(titled) + 1)) / (1.0 + at / 4)
    ranked = sorted(scores, key=lambda at: (-scores[at], at))
    chosen: list[int] = []
    length = 0
    for at in ranked:
        if len(chosen) < 3 and length + len(sentences[at]) + bool(chosen) <= limit:
            chosen.append(at)
            length += len(sentences[at]) + (len(chosen) > 1)
    if not ranked and shortest > _SHORT:
        return best_sentences(sentences, title, limit, _SHORT)
    if not chosen:
        return sentences[ranked[0]] if ranked else None
    return " ".join(sentences[at] for at in sorted(chosen))


def _can_stand_alone(sentence: str, title: str | None, shortest: int) -> bool:
    """Whether a sentence is one, and not a label, a line of a menu, a list of numbers or the title once more."""
    letters = sum(unicodedata.category(char)[0] in "LM" for char in sentence)
    return (
        weight(sentence) >= shortest
        and 2 * letters >= len(sentence.replace(" ", ""))
        and " ".join(sentence.split()).strip(".!? ").casefold() != (title or "").strip(".!? ").casefold()
    )
