"""Titles and headings: what it was about, in the chat's own words, as a headline would say it."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from stages.write.extractive.phrases import Phrase, distinct, find_phrases
from stages.write.extractive.prose import Prose
from stages.write.extractive.quoting import quotable
from stages.write.extractive.transcript import Said, Transcript, split_words, telling

_SECOND: Final = 0.5
"""A second phrase stands in a title where it scores this share of the first."""
_MOST: Final = 72
_QUESTION_WORDS: Final = (4, 11)
_UNQUOTABLE: Final = re.compile(r"[<>@\"“”«»{}\[\]|\\/]|\.\.|…")
_SENTENCES: Final = re.compile(r"(?<=[.!?…])\s+")
_CLAUSES: Final = re.compile(r",\s+|\s+[–—-]\s+|;\s+")
_LONGEST_LINE: Final = 56
_LETTERS: Final = re.compile(r"[^\W\d_]")


class Headlines:
    """Makes the titles of one window; no two are the same."""

    def __init__(self, transcript: Transcript, prose: Prose) -> None:
        self._transcript = transcript
        self._prose = prose
        self._language = transcript.main
        self._count: Counter[str] = Counter(
            term for message in transcript.said for term in set(message.terms) if message.own
        )
        self._taken: set[str] = set()
        self._used: set[tuple[str, ...]] = set()

    def phrases(self, said: Sequence[Said]) -> list[Phrase]:
        here = Counter(term for message in said for term in set(message.terms))
        return find_phrases(said, self._transcript, self._count - here)

    def title(self, said: Sequence[Said], phrases: Sequence[Phrase], value: dict[str, float]) -> str:
        """A headline for these messages: two things they were about, or one with the words that say most of it."""
        for candidate in self._candidates(said, phrases, value):
            title = _capital(candidate)
            if title.casefold() not in self._taken and len(title) <= _MOST:
                self._taken.add(title.casefold())
                return title
        names = list(dict.fromkeys(message.author for message in said if message.author))
        return self._prose.untitled(names, said[0].day)

    def heading(self, said: Sequence[Said], phrases: Sequence[Phrase], value: dict[str, float]) -> str:
        """A heading for a section: the first thing it was about that no other heading names."""
        fresh = [phrase for phrase in phrases if phrase.stems not in self._used]
        chosen = distinct(fresh, 2, floor=0.75, language=self._language) or distinct(fresh, 1)
        for phrase in chosen:
            self._used.add(phrase.stems)
        if chosen:
            names = [phrase.with_article() for phrase in chosen]
            heading = _capital(self._prose.both(*names) if len(names) == 2 else names[0])
            if heading.casefold() in self._taken:
                heading = _capital(names[0])
            if heading.casefold() not in self._taken and len(heading) <= _MOST:
                self._taken.add(heading.casefold())
                return heading
        return self.title(said, (), value)

    def _candidates(self, said: Sequence[Said], phrases: Sequence[Phrase], value: dict[str, float]) -> list[str]:
        """Possible titles, the best first: what somebody said of the subject, two subjects, a subject and a voice."""
        chosen = distinct(phrases, 3, floor=_SECOND, language=self._language) or distinct(phrases, 1)
        strong = [phrase for phrase in chosen if phrase.often >= min(3, 1 + len(said) // 12)]
        names = [phrase.with_article() for phrase in chosen]
        weight = {stem: phrase.score for phrase in reversed(phrases) for stem in phrase.stems}
        other = self._line(said, None, value, weight)
        about = self._line(said, chosen[0], value, weight) if chosen else ""
        candidates = [about] if about else []
        if len(strong) > 1:
            candidates.append(self._prose.both(names[0], names[1]))
        if chosen and other:
            candidates.append(f"{names[0]}: {other if other.startswith('“') else f'“{other}”'}")
        candidates += [self._prose.both(names[0], name) for name in names[1:]]
        candidates += [other] if other else []
        return candidates + names[:1]

    def _line(
        self, said: Sequence[Said], phrase: Phrase | None, value: dict[str, float], weight: dict[str, float]
    ) -> str:
        """The short sentence that tells most, about a phrase where one is given; a question as it is, else quoted."""
        best, found = 0.0, ""
        for message in said:
            if (
                message.kind != "text"
                or message.links
                or (phrase and not set(phrase.stems).intersection(message.terms))
            ):
                continue
            for whole in _SENTENCES.split(quotable(message.text)):
                sentence = whole if len(whole) <= _LONGEST_LINE else _CLAUSES.split(whole, maxsplit=1)[0]
                words = split_words(sentence)
                if (
                    not _QUESTION_WORDS[0] <= len(words) <= _QUESTION_WORDS[1]
                    or not 16 <= len(sentence) <= _LONGEST_LINE
                ):
                    continue
                if _UNQUOTABLE.search(sentence) or any(name in sentence for name in self._transcript.people):
                    continue
                stems = {stem for word in words if (stem := telling(word, self._transcript.stop))}
                if not _LETTERS.match(sentence) or (phrase and not stems.intersection(phrase.stems)) or not stems:
                    continue
                score = sum(weight.get(stem, 0.1) for stem in stems) / len(words) ** 0.5 + value.get(message.id, 0.0)
                if message.language not in ("", self._language):
                    score *= 0.4
                if any(words[0].casefold() in one.connectives for one in self._transcript.spoken):
                    score *= 0.5
                if score > best:
                    best, found = score, sentence.rstrip(" .,;:")
        return found if found.endswith("?") or not found else f"“{_capital(found)}”"


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]
