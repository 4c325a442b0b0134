"""Titles and headings: what it was about, in the chat's own words, as a headline would say it."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from stages.write.extractive.phrases import Phrase, distinct, find_phrases
from stages.write.extractive.prose import Prose
from stages.write.extractive.quoting import quotable
from stages.write.extractive.transcript import Said, Transcript, split_words

_SECOND: Final = 0.5
"""A second phrase stands in a title where it scores this share of the first."""
_MOST: Final = 72
_QUESTION_WORDS: Final = (4, 11)
_UNQUOTABLE: Final = re.compile(r"[<>@\"“”«»{}\[\]|\\/]|\.\.|…")
_SENTENCES: Final = re.compile(r"(?<=[.!?…])\s+")
_LETTERS: Final = re.compile(r"[^\W\d_]")


class Headlines:
    """Makes the titles of one window; no two are the same."""

    def __init__(self, transcript: Transcript, prose: Prose) -> None:
        self._transcript = transcript
        self._prose = prose
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
        chosen = distinct(fresh, 2, floor=0.75)
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
        chosen = distinct(phrases, 3, floor=_SECOND)
        candidates = []
        if len(chosen) >= 2:
            names = [phrase.with_article() for phrase in chosen]
            candidates.append(self._prose.both(names[0], names[1]))
        if chosen:
            first = chosen[0]
            line = self._line(said, first, value)
            name = first.with_article()
            if line:
                candidates.append(f"{name}: “{line}”")
            if len(chosen) > 2:
                candidates.append(self._prose.both(name, chosen[2].with_article()))
        question = self._line(said, None, value)
        if question:
            candidates.append(question if question.endswith("?") else f"“{question}”")
        if chosen:
            candidates.append(chosen[0].with_article())
        return candidates

    def _line(self, said: Sequence[Said], phrase: Phrase | None, value: dict[str, float]) -> str:
        """The best short sentence, about a phrase where one is given."""
        best, found = 0.0, ""
        for message in said:
            if phrase is not None and not set(phrase.stems).intersection(message.terms):
                continue
            for sentence in _SENTENCES.split(quotable(message.text)):
                words = split_words(sentence)
                if not _QUESTION_WORDS[0] <= len(words) <= _QUESTION_WORDS[1] or len(sentence) > 56:
                    continue
                if _UNQUOTABLE.search(sentence) or any(name in sentence for name in self._transcript.people):
                    continue
                if phrase is not None and not _LETTERS.match(sentence):
                    continue
                score = value.get(message.id, 0.0) + (0.3 if sentence.endswith("?") else 0.0)
                if score > best:
                    best, found = score, sentence.rstrip(" .,;:")
        return found


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]
