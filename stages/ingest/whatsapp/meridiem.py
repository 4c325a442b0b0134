"""Words for the halves and parts of the day, as they stand in headers, and what they do to an hour.

A word stands for a stretch of the day: of the two hours that a number can mean, the one in it is meant. Words belong
to families (a language's words, or several languages' that share some); a file uses one family, so that a word of
another is no header. Source of the words: the day periods of Unicode's CLDR (``day_periods.json``), and the forms
that public parsers list.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Span: TypeAlias = tuple[int, int]
"""From one hour to before another, which may lie in the next day (20, 30)."""

_LATIN: Final[dict[str, Span]] = {
    spelling: span
    for letter, span in (("a", (0, 12)), ("p", (12, 24)))
    for spelling in (f"{letter}m", f"{letter}.m.", f"{letter}. m.", f"{letter}.m", f"{letter}. m", f"{letter} m")
}
_SPACES: Final = (" ", "\u00a0", "\u202f")


@cache
def _families() -> tuple[dict[str, Span], ...]:
    file = files("stages.ingest.whatsapp").joinpath("day_periods.json")
    listed = json.loads(file.read_text(encoding="utf-8")).values()
    return (_LATIN, *({word: (start, stop) for word, (start, stop) in words.items()} for words in listed))


@cache
def _index() -> dict[str, int]:
    """Word -> its family. A word is in one alone."""
    return {word: at for at, family in reversed(list(enumerate(_families()))) for word in family}


@cache
def _spans() -> tuple[Span, ...]:
    return tuple(sorted({span for family in _families() for span in family.values()}))


def family_of(word: str) -> int | None:
    """The family that a word belongs to, in any case and with any space inside; None if it is none of them."""
    return _index().get(_plain(word))


def spellings(word: str) -> list[tuple[bytes, int]]:
    """Every spelling (UTF-8) of the word's family with its code for :func:`to_24_hours`.

    Those of the given word's length come first, and longer ones before shorter.
    """
    index = family_of(word)
    if index is None:
        raise ValueError("not a word for a part of the day")
    family = _families()[index]
    codes = {span: code for code, span in enumerate(_spans(), 1)}
    found: dict[bytes, int] = {}
    for plain, span in family.items():
        for cased in {plain, plain.upper(), plain.capitalize(), _turkish(plain)}:
            for space in _SPACES:
                found[cased.replace(" ", space).encode()] = codes[span]
    found[word.encode()] = codes[family[_plain(word)]]
    ordered = sorted(found, key=lambda spelling: (-len(spelling), spelling))
    # the spelling at hand and those of its size come first: most lines are then done after two comparisons
    first = word.encode()
    near = [spelling for spelling in ordered if len(spelling) == len(first)]
    near.sort(key=lambda spelling: (spelling != first, spelling.isupper() != first.isupper()))
    safe = [s for s in near if not any(other != s and other.startswith(s) for other in ordered)]
    ordered = safe + [spelling for spelling in ordered if spelling not in safe]
    return [(spelling, found[spelling]) for spelling in ordered]


def to_24_hours(hour: npt.NDArray[np.int64], code: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Hours 0..23 from hours and codes; an hour that is past 12 already stays as it is. One look-up a row."""
    good = (hour >= 0) & (hour <= 12)
    return np.where(good, _table()[code, np.where(good, hour, 0)], hour)


@cache
def _table() -> npt.NDArray[np.int64]:
    rows = [[_meant(hour, span) for hour in range(13)] for span in ((0, 24), *_spans())]
    return np.array(rows, np.int64)


def _meant(hour: int, span: Span) -> int:
    """Of the two hours that a number can mean the one in a stretch of the day, or nearest to it."""
    hours = {at % 24 for at in range(*span)}
    return min(
        (hour % 12, hour % 12 + 12),
        key=lambda meant: min(min((meant - at) % 24, (at - meant) % 24) for at in hours),
    )


def _plain(word: str) -> str:
    for space in _SPACES:
        word = word.replace(space, " ")
    return word.replace("İ", "i").lower()


def _turkish(word: str) -> str:
    return word.replace("i", "İ").upper()
