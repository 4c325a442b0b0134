"""The shape of a header, learnt from lines of the file: brackets, separators, digits, widths, spaces, end.

A line is read once by a general grammar of everything that is known of WhatsApp's headers (a regular expression, for
samples only); what it finds is compiled to a program of column-wise steps, which then reads whole blocks.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from stages.ingest.meridiem import family_of, spellings, to_24_hours
from stages.ingest.tokens import DIGITS, PADDING, Bytes, Digits, Field, Gap, Half, Ints, Literal, Marks, Token

MARKS: Final = "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff"
_MARK: Final = f"[{MARKS}]*"
_SPACE: Final = "[ \u00a0\u202f\u2009]"
_SEPARATOR: Final = rf"{_MARK}(?:[./,-]|{_SPACE}?[年月년월]){_MARK}{_SPACE}?{_MARK}"
_DATE: Final = (
    rf"(?P<era>[RH])?(?P<a>\d{{1,4}})(?P<s1>{_SEPARATOR})(?P<b>\d{{1,4}})(?P<s2>{_SEPARATOR})"
    r"(?P<era2>[RH])?(?P<c>\d{1,4})"
)
_TIME: Final = r"(?P<h>\d{1,2})(?P<t1>[:.])(?P<m>\d{2})(?:(?P<t2>[:.])(?P<s>\d{2}))?"
_END: Final = rf"(?:\]{_SPACE}?|{_MARK}{_SPACE}{{1,3}}{_MARK}[-–—]{_SPACE}|:{_SPACE}|;{_SPACE}?)"
_OPEN: Final = rf"(?P<open>{_MARK}\[?{_MARK})"
_WORD: Final = r"[^\d\n\[\]:;]{0,24}?"
_GRAMMARS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_OPEN}{_DATE}(?P<mid>[^\d\n\[\]]{{1,30}}?){_TIME}(?P<post>{_WORD})(?P<end>{_END})",
        rf"{_OPEN}(?P<pre>{_WORD}){_TIME}(?P<post>{_WORD})(?P<mid>,{_SPACE}|{_SPACE}){_DATE}(?P<end>{_END})",
        # nothing but a space ends the header: with seconds only, else it would make headers of ordinary sentences
        rf"(?P<open>{_MARK}){_DATE}(?P<mid>[^\d\n\[\]]{{1,30}}?){_TIME}(?P<post>)(?P<end>{_SPACE})",
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
    "à", "klo", "um", "às", "as", "at", "kl", "kl.", "в", "г.", "г", "a las", "à la", "o", "u", "om", "lúc", "日", "일", "-", "–",
    "BE", "พ.ศ.", "г. в", "р.", "р", "r.", "m.", "óra", ".",
))  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A header as a program. ``key`` tells shapes apart; ``year_at`` is where a 4-digit year stands, else None."""

    key: tuple[str, ...]
    tokens: tuple[Token, ...]
    words: str
    bracket: bool
    seconds: bool
    era: str | None
    year_at: int | None

    def match(self, data: Bytes, starts: Ints) -> "Matched":
        """Run the program at the line starts of a padded block; rows whose time is no time of day do not match."""
        rows = np.arange(len(starts))
        at = starts
        values: dict[str, Ints] = {}
        for token in self.tokens:
            good, at, value = token.advance(data, at)
            if value is not None:
                values["half" if isinstance(token, Half) else token.name] = value  # type: ignore[union-attr]
            if not good.all():
                keep = np.flatnonzero(good)
                rows, at = rows[keep], at[keep]
                values = {name: column[keep] for name, column in values.items()}
        hour = values["h"]
        if "half" in values:
            hour = to_24_hours(hour, values["half"])
        second = values.get("s", np.zeros(len(rows), np.int64))
        good = (hour < 24) & (values["m"] < 60) & (second < 60)
        clock = hour * 3600 + values["m"] * 60 + second
        keep = np.flatnonzero(good)
        fields = np.stack([values["a"], values["b"], values["c"]])
        return Matched(rows[keep], at[keep], self._years(fields[:, keep]), clock[keep])

    def _years(self, fields: Ints) -> Ints:
        """The date's fields with the year in the common era: Reiwa and Heisei years, Buddhist ones."""
        if self.era:
            assert self.year_at is not None
            fields[self.year_at] += 2018 if self.era == "R" else 1988
        elif self.year_at is not None:
            year = fields[self.year_at]
            fields[self.year_at] = np.where((year > 2400) & (year < 2700), year - 543, year)
        return fields


@dataclass(frozen=True)
class Matched:
    """What a shape found: rows of the starts given, where the text after the header begins, the date's three fields
    as written (3 x n), and the second of the day."""

    rows: Ints
    body: Ints
    fields: Ints
    clock: Ints


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
        if (match := grammar.match(line)) and (read := _read(line, match.groupdict())):
            return read
    return None


def _read(line: str, groups: dict[str, str]) -> Read | None:
    bracket = "[" in groups["open"]
    if bracket != groups["end"].startswith("]"):
        return None
    pieces: list[Token | str] = []
    known = True
    digits = _digits(groups["h"])
    if digits is None or any(_digits(groups[name]) != digits for name in ("a", "b", "c", "m")):
        return None
    date = _date_pieces(groups, digits)
    time: list[Token | str] = [Field("h", 1, 2, digits), groups["t1"], Field("m", 2, 2, digits)]
    if groups["s"]:
        time += [groups["t2"], Field("s", 2, 2, digits)]
    post = _word_pieces(groups["post"], ())
    if "pre" in groups:
        pre, mid = _word_pieces(groups["pre"], ()), _word_pieces(groups["mid"], _BETWEEN)
        if pre is None or mid is None or post is None:
            return None
        pieces = [*pre, *time, *post, *mid, *date]
    else:
        if post is None:
            return None
        between = _word_pieces(groups["mid"], _BETWEEN)
        if between is None:
            between, known = [groups["mid"]], False
            if len(groups["mid"].split()) > 1:
                return None
        pieces = [*date, *between, *time, *post]
    tokens = _compile(["[" if bracket else "", *pieces, groups["end"]])
    if sum(isinstance(token, Half) for token in tokens) > 1 or not (groups["end"].strip() or groups["s"]):
        return None
    year_at = next((index for index, name in enumerate("abc") if len(groups[name]) == 4), None)
    era = groups["era"] or groups["era2"]
    shape = Shape(
        _key(tokens), tuple(tokens), _in_words(groups, bracket), bracket, bool(groups["s"]), era,
        (0 if groups["era"] else 2) if era else year_at,
    )  # fmt: skip
    if sum(len(groups[name]) == 4 for name in "abc") > 1 or any(len(groups[name]) == 3 for name in "abc"):
        return None
    found = shape.match(_bytes(line), np.zeros(1, np.int64))
    if not len(found.rows):
        return None
    a, b, c = (int(value) for value in found.fields[:, 0])
    return Read(shape, (a, b, c), int(found.clock[0]), known)


def _bytes(line: str) -> Bytes:
    return np.frombuffer(line.encode("utf-8", "replace") + b"\0" * PADDING, np.uint8)


def _digits(number: str) -> Digits | None:
    zeros = {chr(ord(digit) - int(digit)) for digit in number}
    return DIGITS.get(zeros.pop()) if len(zeros) == 1 else None


def _date_pieces(groups: dict[str, str], digits: Digits) -> list[Token | str]:
    def number(name: str) -> Field:
        return Field(name, 4, 4, digits) if len(groups[name]) == 4 else Field(name, 1, 2, digits)

    return [
        groups["era"] or "", number("a"), groups["s1"], number("b"), groups["s2"],
        groups["era2"] or "", number("c"),
    ]  # fmt: skip


def _word_pieces(text: str, allowed: frozenset[str] | tuple[str, ...]) -> list[Token | str] | None:
    """The literal pieces of what stands around the time; None when a word in it is unknown."""
    bare = re.sub(rf"[{MARKS}]", "", text)
    core = bare.strip(" \u00a0\u202f\u2009,،")
    if not core:
        return [text]
    if family_of(core) is not None:
        return _around(text, core)
    if core in allowed:
        return [text]
    for word in sorted(allowed, key=len, reverse=True):
        rest = core[len(word) :].lstrip(" \u00a0\u202f,،")
        if core.startswith(word) and family_of(rest) is not None:
            return _around(text, rest)
    return None


def _around(text: str, word: str) -> list[Token | str] | None:
    before, found, after = text.rpartition(word)
    if not found:
        return None
    return [before, Half(tuple(spellings(word))), after]


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
                key.append(f"half{family_of(token.spellings[0][0].decode())}")
            case Marks():
                pass
    return tuple(key)


def _in_words(groups: dict[str, str], bracket: bool) -> str:
    """The shape for a person: ``[day/month/year, hour:minute:second]`` without the order, which is told apart."""
    clean = {name: re.sub(f"[{MARKS}]", "", text or "") for name, text in groups.items()}
    fields = {name: "yyyy" if len(clean[name]) == 4 else "nn" for name in "abc"}
    date = f"{clean['era']}{fields['a']}{clean['s1']}{fields['b']}{clean['s2']}{clean['era2']}{fields['c']}"
    time = f"hh{clean['t1']}mm" + (f"{clean['t2']}ss" if groups["s"] else "")
    if "pre" in groups:
        body = f"{clean['pre']}{time}{clean['post']}{clean['mid']}{date}"
    else:
        body = f"{date}{clean['mid']}{time}{clean['post']}"
    return f"{'[' if bracket else ''}{body}{clean['end'].rstrip()}".strip()
