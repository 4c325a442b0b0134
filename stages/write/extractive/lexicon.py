"""Words by language, as data: what carries no meaning of its own, what stands before nouns, what announces a decision.

One JSON file a language under ``lexicon/``, read once. Words there are separated by blanks.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

LANGUAGES: Final = ("pt", "en", "es", "de", "fr", "it")
_SECOND: Final = 0.1
"""A language with this share of the main one's evidence is spoken in the window as well."""


@dataclass(frozen=True)
class Lexicon:
    """``stop``: words of grammar, then common words that name no subject. ``determiners``: word -> article of a title.

    ``cues``: one pattern of phrases that announce a decision; ``agreeing``: words that do so alone. ``generic``: nouns
    that name nothing by themselves, where a noun ends its phrase ("the expensive stuff"). ``connectives``: words
    with which no headline begins.
    """

    language: str
    grammar: frozenset[str]
    stop: frozenset[str]
    filler: frozenset[str]
    determiners: Mapping[str, str]
    joiners: frozenset[str]
    before_nouns: frozenset[str]
    cues: re.Pattern[str]
    agreeing: frozenset[str]
    negations: frozenset[str]
    generic: frozenset[str]
    connectives: frozenset[str]


@cache
def lexicon(language: str) -> Lexicon:
    data = json.loads(files("stages.write.extractive").joinpath("lexicon", f"{language}.json").read_text("utf-8"))
    phrases = "|".join(re.escape(cue) for cue in sorted(data["cues"], key=len, reverse=True))
    grammar, common = (frozenset(words.split()) for words in data["stop"])
    return Lexicon(
        language=language,
        grammar=grammar,
        stop=grammar | common,
        filler=frozenset(" ".join(data["filler"]).split()),
        determiners=data["determiners"],
        joiners=frozenset(data["joiners"].split()),
        before_nouns=frozenset(data["before_nouns"].split()),
        cues=re.compile(rf"(?<!\w)(?:{phrases})(?!\w)", re.I),
        agreeing=frozenset(data["agreeing"].split()),
        negations=frozenset(data["negations"].split()),
        generic=frozenset(data["generic"].split()),
        connectives=frozenset(data["connectives"].split()),
    )


@cache
def stop_words(languages: tuple[str, ...]) -> frozenset[str]:
    """Words that name no subject in these languages: one object for good, so that caches keyed by it are quick."""
    return frozenset().union(*(lexicon(code).stop | lexicon(code).filler for code in languages))


@cache
def empty_words() -> frozenset[str]:
    """Words that say nothing in any of the languages: grammar, greetings, laughter."""
    return frozenset().union(*(lexicon(code).grammar | lexicon(code).filler for code in LANGUAGES))


@cache
def _owners() -> Mapping[str, tuple[str, ...]]:
    owners: dict[str, tuple[str, ...]] = {}
    for code in LANGUAGES:
        for word in lexicon(code).grammar:
            owners[word] = (*owners.get(word, ()), code)
    return owners


def detect_languages(words: Iterable[str]) -> tuple[str, ...]:
    """The languages of a window by its words of grammar, the main one first; English where nothing tells.

    A word that several languages share counts for each by its share. Linear in the words.
    """
    owners = _owners()
    evidence = dict.fromkeys(LANGUAGES, 0.0)
    for word in words:
        for code in owners.get(word, ()):
            evidence[code] += 1.0 / len(owners[word]) ** 2
    ranked = sorted(LANGUAGES, key=lambda code: (-evidence[code], LANGUAGES.index(code)))
    best = evidence[ranked[0]]
    if best == 0:
        return ("en",)
    return tuple(code for code in ranked if evidence[code] >= max(_SECOND * best, 2.0) or code == ranked[0])
