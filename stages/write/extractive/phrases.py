"""What a stretch of talk is about, in its own words: phrases that stand like nouns, with the article they had.

There is no grammar here, only evidence: a word that often follows an article or a preposition, or is written with a
capital inside a sentence, is a name of something; one that never does is not put into a title. In English and German
a noun ends its phrase ("the orange cat"), in the Romance languages it begins it ("o gato laranja").
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stages.write.extractive.lexicon import Lexicon
from stages.write.extractive.transcript import Said, Token, Transcript, telling

MOST_WORDS: Final = 3
"""Most telling words in a phrase."""
_HEAD_LAST: Final = frozenset(("en", "de"))
_SENTENCE: Final = re.compile(r"[.!?…:;,()\[\]\"“”«»\n/|—–]+|\s-\s|\S*\d\S*")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_ADDRESS: Final = re.compile(r"\S*(?:://|www\.|@)\S*")
_CLITIC: Final = re.compile(r"-(?:me|te|se|nos|vos|lhe|lhes|[oa]s?|l[oa]s?|n[oa]s?|mo|ma|lho|lha)$", re.I)
_INFINITIVE: Final = re.compile(r"[aei]r$", re.I)
_NO_NOUN: Final = re.compile(r"(?:ing|ed|ly|est|ish|ful|ous)$")
_OWNER: Final = re.compile(r"['’]s$", re.I)
_INDEFINITE: Final = frozenset(("a", "an", "um", "uma", "un", "una", "une", "uno", "ein", "eine"))
_TOO_SHORT_ALONE: Final = 4


@dataclass
class Phrase:
    """A phrase of a topic. ``stems`` are its telling words; the counters hold how it was written."""

    stems: tuple[str, ...]
    score: float = 0.0
    often: int = 0
    inner: dict[str, int] = field(default_factory=dict)
    initial: dict[str, int] = field(default_factory=dict)
    articles: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    messages: set[int] = field(default_factory=set)
    like_noun: int = 0
    capital: int = 0
    said: int = 0

    @property
    def is_name(self) -> bool:
        return 2 * self.capital >= max(1, sum(self.inner.values()))

    @property
    def language(self) -> str:
        """Of the messages that say it; empty for a name, which is the same in all."""
        return "" if self.is_name else _commonest(self.languages)

    @property
    def surface(self) -> str:
        """As written most often inside sentences; with small letters unless it is a name."""
        forms = self.inner or self.initial
        if self.is_name and self.inner:
            forms = {form: times for form, times in forms.items() if form[:1].isupper()} or forms
        return _commonest(forms)

    @property
    def article(self) -> str:
        """The definite one where it was ever said so; empty for names and for what mostly stands without."""
        if self.is_name or 3 * sum(self.articles.values()) < self.said:
            return ""
        definite = {form: times for form, times in self.articles.items() if form not in _INDEFINITE}
        return _commonest(definite or self.articles) if self.articles else ""

    def with_article(self) -> str:
        article = self.article
        if article in ("a", "an") and self.language == "en":
            article = "an" if self.surface[:1].lower() in "aeiou" else "a"
        return f"{article} {self.surface}" if article else self.surface


def find_phrases(said: Sequence[Said], transcript: Transcript, elsewhere: Counter[str]) -> list[Phrase]:
    """Phrases of some messages, the telling ones first. ``elsewhere``: in how many other messages of the window a
    stem stands. Linear in the words.
    """
    found: dict[tuple[str, ...], Phrase] = {}
    count: Counter[str] = Counter()
    speakers: dict[str, set[str]] = {}
    by_language = {one.language: (one,) for one in transcript.spoken}
    for message in said:
        for term in set(message.terms):
            count[term] += 1
            speakers.setdefault(term, set()).add(message.author or "")
        grammar = by_language.get(message.language, transcript.spoken)
        if message.sentences is None:
            message.sentences = list(_sentences(message.text, transcript))
        for tokens in message.sentences:
            _collect(tokens, message, grammar, found)
    for phrase in found.values():
        phrase.often = max(count[stem] for stem in phrase.stems)
        phrase.score = _score(phrase, count, speakers, elsewhere)
    return sorted((p for p in found.values() if p.score > 0), key=lambda p: (-p.score, min(p.messages), p.stems))


def distinct(phrases: Sequence[Phrase], most: int, *, floor: float = 0.0, language: str = "") -> list[Phrase]:
    """The best phrases that share no word, of at least ``floor`` times the best one's score; of one language or names
    where a language is given."""
    chosen: list[Phrase] = []
    used: set[str] = set()
    for phrase in phrases:
        if language and phrase.language not in ("", language):
            continue
        if len(chosen) == most or (chosen and phrase.score < floor * chosen[0].score):
            break
        if not used.intersection(phrase.stems):
            chosen.append(phrase)
            used.update(phrase.stems)
    return chosen


def _sentences(text: str, transcript: Transcript) -> Iterator[list[Token]]:
    """The words of each stretch between punctuation and numbers."""
    if "://" in text or "www." in text or "@" in text:
        text = _ADDRESS.sub(" ; ", text)
    for name in transcript.people:
        if name in text:
            text = text.replace(name, " ; ")
    end = 0
    begins = True
    for match in [*_SENTENCE.finditer(text), None]:
        part = text[end : match.start()] if match else text[end:]
        tokens = []
        for at, word in enumerate(_WORD.findall(part)):
            empty = ("-" in word and _CLITIC.search(word)) or (word[-1] in "sS" and _OWNER.search(word))
            tokens.append(Token(word, "" if empty else telling(word, transcript.stop), not (begins and at == 0)))
        if tokens:
            yield tokens
            begins = False
        if match:
            end = match.end()
            begins = begins or any(mark in match.group() for mark in ".!?…\n;:") or end == 0


def _collect(
    tokens: list[Token], message: Said, grammar: Sequence[Lexicon], found: dict[tuple[str, ...], Phrase]
) -> None:
    head_last = message.language in _HEAD_LAST
    at = 0
    while at < len(tokens):
        if not tokens[at].stem:
            at += 1
            continue
        end = at
        while end < len(tokens) and tokens[end].stem:
            end += 1
        article, noun = _before(tokens, at, grammar)
        if head_last and end < len(tokens) and any(tokens[end].word.casefold() in one.generic for one in grammar):
            noun = False
        head = end - 1 if head_last else at
        for place in range(at, end):
            of_head = place == head
            _note(found, tokens[place : place + 1], message, article if of_head else "", noun and of_head)
        if end - at > 1:
            low, high = (max(at, end - MOST_WORDS), end) if head_last else (at, at + 2)
            whole = low == at
            _note(found, tokens[low:high], message, article if whole else "", noun and whole)
        if _joins(tokens, end, grammar):
            low, high = (at, end + 2) if head_last or end - at == 1 else (end - 1, end + 2)
            if sum(bool(token.stem) for token in tokens[low:high]) <= MOST_WORDS:
                before = (article, noun or low == at) if low == at else _before(tokens, low, grammar)
                _note(found, tokens[low:high], message, *before, joined=True)
        at = end


def _note(
    found: dict[tuple[str, ...], Phrase],
    tokens: Sequence[Token],
    message: Said,
    article: str,
    noun: bool,
    joined: bool = False,
) -> None:
    stems = (tokens[0].stem,) if len(tokens) == 1 else tuple(token.stem for token in tokens if token.stem)
    if len(stems) > 1 and len(set(stems)) < len(stems):
        return
    phrase = found.get(stems)
    if phrase is None:
        phrase = found[stems] = Phrase(stems)
    words = [token.word.lower() if token.word.isupper() and len(token.word) > 3 else token.word for token in tokens]
    capital = words[0][:1].isupper() and tokens[0].inside
    if tokens[0].inside:
        _count(phrase.inner, " ".join(words))
    else:
        _count(phrase.initial, " ".join([words[0][:1].lower() + words[0][1:], *words[1:]]))
    phrase.said += 1
    phrase.capital += capital
    named = all(word[:1].isupper() for word in words[1:]) and capital
    phrase.like_noun += noun or joined or named
    if article:
        _count(phrase.articles, article)
    phrase.messages.add(message.place)
    _count(phrase.languages, message.language)


def _before(tokens: list[Token], start: int, grammar: Sequence[Lexicon]) -> tuple[str, bool]:
    """(article for a title, whether what stands before says that a noun follows)."""
    if start == 0:
        return "", False
    word = tokens[start - 1].word.casefold()
    if _OWNER.search(word):
        return "the", True
    for one in grammar:
        if word in one.determiners:
            if word in ("a", "o") and one.language == "pt" and _INFINITIVE.search(tokens[start].word):
                return "", False  # "a cantar" is a verb
            return one.determiners[word], True
        if word in one.before_nouns:
            return "", True
    return "", False


def _joins(tokens: list[Token], at: int, grammar: Sequence[Lexicon]) -> bool:
    """Whether a word of grammar ties two telling words into one name, as in `carta de despedida`."""
    if at + 1 >= len(tokens) or not tokens[at + 1].stem:
        return False
    return any(tokens[at].word.casefold() in one.joiners for one in grammar)


def _score(phrase: Phrase, count: Counter[str], speakers: dict[str, set[str]], elsewhere: Counter[str]) -> float:
    """How well a phrase names the topic: its words' frequency here against elsewhere, by how many people, as a noun."""
    length = len(phrase.stems)
    times = len(phrase.messages)
    noun = phrase.like_noun / phrase.said
    if noun == 0 or (length == 1 and len(phrase.stems[0]) < _TOO_SHORT_ALONE):
        return 0.0
    weights: list[float] = []
    for stem in phrase.stems:
        here = count[stem]
        rare = (here + 0.5) / (here + elsewhere[stem] + 0.5)
        people = 1.0 + 0.35 * min(len(speakers.get(stem, ())) - 1, 4)
        weights.append(here**0.7 * rare * people * (0.55 + 0.05 * min(len(stem), 9)))
    if length == 1 and phrase.language == "en" and _NO_NOUN.search(phrase.stems[0]):
        noun *= 0.4
    score: float = sum(weights) / length**0.75 * (0.35 + 0.65 * noun)
    if length == 1:
        return score
    if times > 1:
        return score * (1.0 + 0.25 * min(times - 1, 3))
    if phrase.language not in _HEAD_LAST and not phrase.is_name and " " in phrase.surface and not _tied(phrase):
        return 0.0  # two words side by side, once: as likely a noun and its verb
    return score * min(1.0, 0.45 + 0.5 * min(weights) / max(weights))


def _tied(phrase: Phrase) -> bool:
    """Whether there is a word of grammar inside."""
    return len(phrase.surface.split()) > len(phrase.stems)


def _count(counter: dict[str, int], form: str) -> None:
    counter[form] = counter.get(form, 0) + 1


def _commonest(counter: Mapping[str, int]) -> str:
    return min(counter, key=lambda form: (-counter[form], form)) if counter else ""
