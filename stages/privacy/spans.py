"""What is replaced in a text, and where: spans that never overlap."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, NamedTuple

from stages.privacy.fold import folded_words

_BESIDE: Final = re.compile(r"[ \u00a0_\-]{1,2}")


class Span(NamedTuple):
    """A part of a text that is replaced with ``word``; an alias's space becomes a hyphen inside a link."""

    start: int
    end: int
    word: str
    bracket: bool


class Taken:
    """Spans that do not overlap, in order of place."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing of ``start:end`` (not empty) is taken."""
        after = bisect_left(self.spans, (end,))
        return after == 0 or self.spans[after - 1].end <= start

    def without(self, text: str) -> str:
        """``text`` with line ends in place of what is taken, each character where it was."""
        parts, past = [], 0
        for span in self.spans:
            parts += [text[past : span.start], "\n" * (span.end - span.start)]
            past = span.end
        return "".join([*parts, text[past:]]) if parts else text

    def add(self, spans: Iterable[Span]) -> None:
        """Take the spans that are free."""
        fresh = [span for span in spans if self.is_free(span.start, span.end)]
        if fresh:
            self.spans = sorted(self.spans + fresh)


def merged(text: str, named: list[Span]) -> list[Span]:
    """Names in order, with those of one person that stand side by side (`Ana Maria`) made one."""
    joined: list[Span] = []
    for span in named:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.word == span.word
            and not span.bracket
            and _BESIDE.fullmatch(text, last.end, span.start)
            and _differ(text[last.start : last.end], text[span.start : span.end])
        ):
            joined[-1] = last._replace(end=span.end)
        else:
            joined.append(span)
    return joined


def _differ(one: str, other: str) -> bool:
    """Whether two spellings are different parts of a name, none of them said twice."""
    first, second = "".join(folded_words(one)), "".join(folded_words(other))
    return first not in second and second not in first
