"""The general grammar of everything that is known of WhatsApp's headers, for samples and single lines.

A line is read once by a regular expression; what it finds is compiled to a
:class:`~stages.ingest.whatsapp.shape.Shape`, the program that then reads whole blocks. Sources: the forms that public
parsers' tests and issues show.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from stages.ingest.whatsapp.meridiem import family_of, spellings, to_24_hours
from stages.ingest.whatsapp.shape import Shape
from stages.ingest.whatsapp.tokens import DIGITS, Digits, Field, Gap, Half, Literal, Marks, Token

MARKS: Final = "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff"
_MARK: Final = f"[{MARKS}]*"
_SPACE: Final = "[ \u00a0\u202f\u2009]"
_SEPARATOR: Final = rf"{_MARK}(?:[./,-]|{_SPACE}?[年月년월]){_MARK}{_SPACE}?{_MARK}"
_DATE: Final = (
    rf"(?P<era>[RH])?(?P<a>\d{{1,4}})(?P<s1>{_SEPARATOR})(?P<b>\d{{1,4}})(?P<s2>{_SEPARATOR})"
    r"(?P<era2>[RH])?(?P<c>\d{1,4})"
)
_TIME: Final = (
    rf"(?P<h>\d{{1,2}})(?P<t1>[:.]|{_SPACE}?h{_SPACE}?)(?P<m>\d{{2}})"
    rf"(?:(?P<t2>[:.]|{_SPACE}?min{_SPACE}?)(?P<s>\d{{2}}))?"
)
_END: Final = rf"(?:\]{_SPACE}?|{_MARK}{_SPACE}{{1,3}}{_MARK}[-–—]{_SPACE}|:{_SPACE}|;{_SPACE}?)"
_OPEN: Final = rf"(?P<open>{_MARK}\[?{_MARK})"
_WORD: Final = r"[^\d\n\[\]:;]{0,24}?"
_GRAMMARS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_OPEN}{_DATE}(?P<mid>[^\d\n\[\]]{{1,30}}?){_TIME}(?P<post>{_WORD})(?P<end>{_END})",
        rf"{_OPEN}(?P<pre>{_WORD}){_TIME}(?P<post>{_WORD})(?P<mid>,{_SPACE}|{_SPACE}){_DATE}(?P<end>{_END})",
        # nothing but a space ends the header: with seconds only, else it would make headers of ordinary sentences;
        # and no dash near, before which an unknown word for a part of the day may stand
        rf"(?P<open>{_MARK}){_DATE}(?P<mid>[^\d\n\[\]]{{1,30}}?){_TIME}(?P<post>)(?P<end>{_SPACE})"
        rf"(?![^\n:]{{0,32}}{_SPACE}[-–—]{_SPACE})",
    )
)
_NUMBER: Final = rf"{_MARK}[./-]{_MARK} ?"
_LOOKS: Final = re.compile(
    rf"{_MARK}\[?{_MARK}(?:"
    rf"\d{{1,4}}{_NUMBER}\d{{1,2}}{_NUMBER}[RH]?\d{{1,4}}[^\n]{{1,30}}?\d{{1,2}}[:.]\d{{2}}"
    rf"|\d{{1,2}}[:.]\d{{2}}(?:[:.]\d{{2}})?[^\n\d]{{1,16}}\d{{1,4}}{_NUMBER}\d{{1,2}}{_NUMBER})"
)
# words that stand between date and time
_BETWEEN: Final = frozenset((
    "à", "klo", "um", "às", "as", "at", "kl", "kl.", "klock", "в", "г.", "г", "a las", "a les", "à la", "alle", "o",
    "u", "om", "ob", "lúc", "pukul", "pada", "plkst.", "kell", "日", "일", "-", "–", "be", "พ.ศ.", "г. в", "р.", "р",
    "р. о", "о", "об", "г., в", "r.", "m.", "óra", ".", "(", "saat", "la", "στις", "ora", "ore", "ve", "v",
))  # fmt: skip
# what stands behind the time whatever its hour
_BEHIND: Final = frozenset((".", ")", "ч.", "ч", "h", "hrs", "s", "uhr", "uur", "hod.", "น.", "g.", "val.", "óra"))


@dataclass(frozen=True)
class Read:
    """A sample line: its shape and the date's fields as written, years in the common era."""

    shape: Shape
    fields: tuple[int, int, int]
    clock: int
    known: bool
    """False when a word stands between date and time that no list has."""


def looks_like_header(line: str) -> bool:
    """Whether a line begins as headers do: a date and a time near each other, in any shape."""
    return _LOOKS.match(line) is not None


def read_header(line: str) -> Read | None:
    """The shape of a line's header by the general grammar, or None. For samples: a few microseconds a line."""
    for grammar in _GRAMMARS:
        if (match := grammar.match(line)) and (read := _read(match.groupdict())):
            return None if grammar is _GRAMMARS[-1] and _begins_with_half(line[match.end() :]) else read
    return None


def _begins_with_half(text: str) -> bool:
    words = re.split(_SPACE, text, maxsplit=4)
    return any(family_of(" ".join(words[:count])) is not None for count in (1, 2, 3, 4))


@dataclass(frozen=True)
class _Template:
    """What the text of a header without its numbers amounts to."""

    shape: Shape
    known: bool
    half: int


def _read(groups: dict[str, str | None]) -> Read | None:
    numbers = {name: groups[name] or "" for name in ("a", "b", "c", "h", "m", "s")}
    date_zeros = {_zero(numbers[name]) for name in "abc"}
    time_zeros = {_zero(numbers[name]) for name in "hms" if numbers[name]}
    if len(date_zeros) > 1 or len(time_zeros) > 1 or any(len(numbers[name]) == 3 for name in "abc"):
        return None
    words = tuple((name, text or "") for name, text in groups.items() if name not in numbers)
    zeros = (date_zeros.pop(), time_zeros.pop())
    template = _template(words, zeros, tuple(len(numbers[name]) == 4 for name in "abc"), bool(numbers["s"]))
    if template is None:
        return None
    hour, minute, second = (int(numbers[name] or "0") for name in ("h", "m", "s"))
    if template.half:
        hour = int(to_24_hours(np.array([hour]), np.array([template.half]))[0])
    elif hour == 24:
        hour = 0
    if hour > 23 or minute > 59 or second > 59:
        return None
    fields = template.shape.years(np.array([[int(numbers[name])] for name in "abc"], np.int64))
    a, b, c = (int(value) for value in fields[:, 0])
    return Read(template.shape, (a, b, c), hour * 3600 + minute * 60 + second, template.known)


@lru_cache(4_096)
def _template(
    words: tuple[tuple[str, str], ...],
    zeros: tuple[str | None, str | None],
    years: tuple[bool, ...],
    seconds: bool,
) -> _Template | None:
    """Made once for all headers that differ in nothing but their numbers."""
    groups = dict(words)
    digits, clock_digits = (DIGITS.get(zero or "") for zero in zeros)
    bracket = "[" in groups["open"]
    if groups["end"].startswith(";") and groups["mid"].strip() not in ("-", "–"):
        return None  # a viewer of the database writes a dash between date and time; else it is a table
    if digits is None or clock_digits is None or sum(years) > 1 or bracket != groups["end"].startswith("]"):
        return None
    date: list[Token | str] = [groups["era"], _number("a", years[0], digits), groups["s1"]]
    date += [_number("b", years[1], digits), groups["s2"], groups["era2"], _number("c", years[2], digits)]
    time: list[Token | str] = [Field("h", 1, 2, clock_digits), groups["t1"], Field("m", 2, 2, clock_digits)]
    if seconds:
        time += [groups["t2"], Field("s", 2, 2, clock_digits)]
    post = _word_pieces(groups["post"], _BEHIND)
    between = _word_pieces(groups["mid"], _BETWEEN)
    pre = _word_pieces(groups.get("pre", ""), frozenset())
    known = between is not None
    if between is None and "pre" not in groups and len(groups["mid"].split()) == 1:
        between = [groups["mid"]]
    if pre is None or post is None or between is None:
        return None
    pieces = [*pre, *time, *post, *between, *date] if "pre" in groups else [*date, *between, *time, *post]
    tokens = _compile(["[" if bracket else "", *pieces, groups["end"]])
    halves = [token for token in tokens if isinstance(token, Half)]
    if len(halves) > 1 or not (groups["end"].strip() or seconds):
        return None
    era = groups["era"] or groups["era2"] or None
    year_at = (0 if groups["era"] else 2) if era else years.index(True) if any(years) else None
    shape = Shape(_key(tokens), tuple(tokens), _in_words(groups, years, seconds), bracket, seconds, era, year_at)
    return _Template(shape, known, dict(halves[0].spellings)[halves[0].sample] if halves else 0)


def _zero(number: str) -> str | None:
    zeros = {chr(ord(digit) - int(digit)) for digit in number}
    return zeros.pop() if len(zeros) == 1 else None


def _number(name: str, year: bool, digits: Digits) -> Field:
    return Field(name, 4, 4, digits) if year else Field(name, 1, 2, digits)


def _word_pieces(text: str, allowed: frozenset[str]) -> list[Token | str] | None:
    """The pieces of what stands around the time; None when a word in it is unknown."""
    bare = re.sub(rf"[{MARKS}]", "", text)
    core = bare.strip(" \u00a0\u202f\u2009,،")
    words = re.split(f"{_SPACE}+", core) if core else []
    if _are(words, allowed):
        return [text]
    for start in range(len(words)):
        for stop in range(len(words), start, -1):
            half = " ".join(words[start:stop]).rstrip(",،")
            if family_of(half) is not None and _are(words[:start], allowed) and _are(words[stop:], allowed):
                before = sum(len(word) for word in words[:start])
                return _around(text, half, before)
    return None


def _are(words: Sequence[str], allowed: frozenset[str]) -> bool:
    """Whether each of the words is one of those allowed, or all of them together are."""
    plain = [word.lower().strip(",،") for word in words]
    return " ".join(plain) in allowed or all(not word or word in allowed for word in plain)


def _around(text: str, half: str, past: int) -> list[Token | str] | None:
    """Pieces with the word for the part of the day found behind the given number of letters."""
    form = re.sub(r"\\? ", f"{_SPACE}+", re.escape(half))
    match = re.compile(form).search(text, past)
    if match is None:
        return None
    return [text[: match.start()], Half(tuple(spellings(match.group())), match.group().encode()), text[match.end() :]]


def _compile(pieces: list[Token | str]) -> list[Token]:
    """Pieces to tokens: runs of spaces become gaps, marks optional, the last space a single one."""
    tokens: list[Token] = [Marks()]
    for index, piece in enumerate(pieces):
        if not isinstance(piece, str):
            tokens.append(piece)
            continue
        last = index == len(pieces) - 1
        for part in re.findall(rf"[{MARKS}]+|{_SPACE}+|[^{MARKS} \u00a0\u202f\u2009]+", piece):
            if part[0] in " \u00a0\u202f\u2009":
                tokens.append(Gap())
            elif re.match(f"[{MARKS}]", part):
                tokens.append(Marks())
            else:
                tokens += [Literal(part.encode()), Marks()] if part == "[" else [Literal(part.encode())]
        if last and isinstance(tokens[-1], Gap):
            # what follows one space belongs to the text, which may begin with spaces and marks
            tokens[-1] = Literal(b" ") if piece[-1] == " " else Literal(piece[-1].encode())
    return [token for at, token in enumerate(tokens) if not (isinstance(token, Marks) and _beside_gap(tokens, at))]


def _beside_gap(tokens: list[Token], at: int) -> bool:
    return any(0 <= near < len(tokens) and isinstance(tokens[near], (Gap,)) for near in (at - 1, at + 1))


def _key(tokens: list[Token]) -> tuple[str, ...]:
    key = []
    for token in tokens:
        match token:
            case Field():
                key.append(f"{token.name}{token.high}{token.digits.zero if token.digits.prefix else ''}")
            case Literal():
                key.append("era" if token.text in (b"R", b"H") else repr(token.text))
            case Gap():
                key.append("gap")
            case Half():
                key.append(f"half{family_of(token.sample.decode())}")
            case Marks():
                pass
    return tuple(key)


def _in_words(groups: dict[str, str], years: tuple[bool, ...], seconds: bool) -> str:
    """The shape for a person, fields of the date as ``nn`` or ``yyyy``: their order is told apart."""
    clean = {name: re.sub(f"[{MARKS}]", "", text) for name, text in groups.items()}
    a, b, c = ("yyyy" if year else "nn" for year in years)
    date = f"{clean['era']}{a}{clean['s1']}{b}{clean['s2']}{clean['era2']}{c}"
    time = f"hh{clean['t1']}mm" + (f"{clean['t2']}ss" if seconds else "")
    if "pre" in groups:
        body = f"{clean['pre']}{time}{clean['post']}{clean['mid']}{date}"
    else:
        body = f"{date}{clean['mid']}{time}{clean['post']}"
    return f"{'[' if '[' in clean['open'] else ''}{body}{clean['end'].rstrip()}".strip()
