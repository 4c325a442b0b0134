"""What a stretch of talk is about, in its own words: phrases that stand like nouns, with the article they had.

There is no grammar here, only evidence: a word that often follows an article or a preposition, or is written with a
capital inside a sentence, is a name of something; one that never does is not put into a title.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from stages.write.extractive.lexicon import Lexicon
from stages.write.extractive.transcript import Said, Transcript, telling

MOST_WORDS: Final = 3
"""Most telling words in a phrase."""
_SENTENCE: Final = re.compile(r"[.!?…:;,()\[\]\"“”«»\n/|—–]+|\s-\s")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_ADDRESS: Final = re.compile(r"\S*(?:://|www\.|@)\S*")
_TOO_SHORT_ALONE: Final = 4


@dataclass
class Phrase:
    """A phrase of a topic. ``stems`` are its telling words; ``article`` the one that it is usually said with."""

    stems: tuple[str, ...]
    score: float = 0.0
    surfaces: Counter[str] = field(default_factory=Counter)
    articles: Counter[str] = field(default_factory=Counter)
    messages: set[int] = field(default_factory=set)
    authors: set[str] = field(default_factory=set)
    like_noun: int = 0
    capital: int = 0
    inside: int = 0
    said: int = 0

    @property
    def surface(self) -> str:
        """As written most often; in small letters unless it is written with capitals where none is due."""
        return min(self.surfaces, key=lambda form: (-self.surfaces[form], form))

    @property
    def article(self) -> str:
        """Empty for names and for what is mostly said without one."""
        if not self.articles or (self.capital and 2 * self.capital >= self.inside):
            return ""
        best = min(self.articles, key=lambda form: (-self.articles[form], form))
        return best if 3 * sum(self.articles.values()) >= self.said else ""

    def with_article(self) -> str:
        article = self.article
        if article in ("a", "an"):
            article = "an" if self.surface[:1].lower() in "aeiou" else "a"
        return f"{article} {self.surface}" if article else self.surface


def find_phrases(said: Sequence[Said], transcript: Transcript, elsewhere: Counter[str]) -> list[Phrase]:
    """Phrases of some messages, the telling ones first. ``elsewhere``: in how many other messages of the window a
    stem stands. Linear in the words.
    """
    found: dict[tuple[str, ...], Phrase] = {}
    count: Counter[str] = Counter()
    speakers: dict[str, set[str]] = {}
    for message in said:
        for term in set(message.terms):
            count[term] += 1
            speakers.setdefault(term, set()).add(message.author or "")
        for tokens in _sentences(message.text, transcript):
            _collect(tokens, message, transcript.spoken, found)
    for phrase in found.values():
        phrase.score = _score(phrase, count, speakers, elsewhere, len(said))
    ranked = sorted((p for p in found.values() if p.score > 0), key=lambda p: (-p.score, min(p.messages), p.stems))
    return ranked


def distinct(phrases: Sequence[Phrase], most: int, *, floor: float = 0.0) -> list[Phrase]:
    """The best phrases that share no word, of at least ``floor`` times the best one's score."""
    chosen: list[Phrase] = []
    used: set[str] = set()
    for phrase in phrases:
        if len(chosen) == most or (chosen and phrase.score < floor * chosen[0].score):
            break
        if not used.intersection(phrase.stems):
            chosen.append(phrase)
            used.update(phrase.stems)
    return chosen


def _sentences(text: str, transcript: Transcript) -> Iterator[list[tuple[str, str, bool]]]:
    """(word, stem or "", whether it is inside a sentence) of each stretch between punctuation."""
    text = _ADDRESS.sub(" ; ", text)
    for name in transcript.people:
        if name in text:
            text = text.replace(name, " ; ")
    begins = True
    for at, part in enumerate(_SENTENCE.split(text)):
        words = _WORD.findall(part)
        yield [
            (word, telling(word, transcript.stop), not (begins and position == 0))
            for position, word in enumerate(words)
        ]
        begins = at >= 0


def _collect(
    tokens: list[tuple[str, str, bool]], message: Said, spoken: Sequence[Lexicon], found: dict[tuple[str, ...], Phrase]
) -> None:
    for start, (_, stem, _inside) in enumerate(tokens):
        if not stem:
            continue
        article, noun = _before(tokens, start, spoken)
        stems: list[str] = []
        at = start
        while at < len(tokens) and len(stems) < MOST_WORDS:
            if tokens[at][1]:
                stems.append(tokens[at][1])
                _note(found, tuple(stems), tokens[start : at + 1], message, article, noun)
                at += 1
            elif _joins(tokens, at, spoken):
                at += 1
            else:
                break


def _note(
    found: dict[tuple[str, ...], Phrase],
    stems: tuple[str, ...],
    tokens: list[tuple[str, str, bool]],
    message: Said,
    article: str,
    noun: bool,
) -> None:
    if len(set(stems)) < len(stems):
        return
    phrase = found.setdefault(stems, Phrase(stems))
    words = [word for word, _, _ in tokens]
    shouted = sum(word.isupper() and len(word) > 1 for word in words) == len(words)
    inside = tokens[0][2] and not shouted
    capital = words[0][:1].isupper() and not shouted
    if shouted or (capital and not inside):
        words = [word.lower() for word in words] if shouted else [words[0][:1].lower() + words[0][1:], *words[1:]]
    phrase.surfaces[" ".join(words)] += 1
    phrase.said += 1
    phrase.inside += inside
    phrase.capital += capital and inside
    phrase.like_noun += noun or (capital and inside)
    if article:
        phrase.articles[article] += 1
    phrase.messages.add(message.place)
    phrase.authors.add(message.author or "")


def _before(tokens: list[tuple[str, str, bool]], start: int, spoken: Sequence[Lexicon]) -> tuple[str, bool]:
    """(article for a title, whether what stands before says that a noun follows)."""
    if start == 0:
        return "", False
    word = tokens[start - 1][0].casefold()
    for one in spoken:
        if word in one.determiners:
            return one.determiners[word], True
        if word in one.before_nouns:
            return "", True
    return "", False


def _joins(tokens: list[tuple[str, str, bool]], at: int, spoken: Sequence[Lexicon]) -> bool:
    """Whether a word of grammar ties two telling words into one name, as in `carta de despedida`."""
    word = tokens[at][0].casefold()
    after = at + 1 < len(tokens) and bool(tokens[at + 1][1])
    return after and any(word in one.joiners and word not in ("e", "and", "y", "und", "et", "a") for one in spoken)


def _score(
    phrase: Phrase, count: Counter[str], speakers: dict[str, set[str]], elsewhere: Counter[str], messages: int
) -> float:
    """How well a phrase names the topic: its words' frequency here against elsewhere, by how many people, as a noun."""
    weights = []
    for stem in phrase.stems:
        here = count[stem]
        rare = (here + 0.5) / (here + elsewhere[stem] + 0.5)
        people = 1.0 + 0.35 * min(len(speakers.get(stem, ())) - 1, 4)
        weights.append(here**0.7 * rare * people * (0.55 + 0.05 * min(len(stem), 9)))
    length = len(phrase.stems)
    if length == 1 and len(phrase.stems[0]) < _TOO_SHORT_ALONE:
        return 0.0
    times = len(phrase.messages)
    noun = phrase.like_noun / phrase.said
    if noun == 0:
        return 0.0
    score: float = sum(weights) / length**0.75 * (0.25 + 0.75 * noun)
    if length > 1:
        # one that recurs is a name; one said once must be carried by each of its words
        score *= 1.0 + 0.25 * min(times - 1, 3) if times > 1 else min(1.0, 0.45 + 0.5 * min(weights) / max(weights))
    return score
