"""The window as the offline writer reads it out of the prompt: messages with their words, in order."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from stages.write.extractive.lexicon import LANGUAGES, Lexicon, detect_languages, lexicon, stop_words
from stages.write.prompts import parse_facts
from stages.write.window import LEFT_OUT, parse_block

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_ADDRESS: Final = re.compile(r"\S*(?:://|www\.)\S*|\S+@\S+")
_ENGLISH_TAIL: Final = frozenset(("s", "t", "re", "ve", "ll", "d", "m"))
_SHORTEST: Final = 3


class Token(NamedTuple):
    """A word of a message. ``stem`` is empty where it names no subject; ``inside``: not the first of its sentence."""

    word: str
    stem: str
    inside: bool


@dataclass
class Said:
    """One message of the window. ``minute`` counts from a fixed day; ``terms`` are the stems of its telling words, said
    or heard.

    ``sentences`` are filled in by whoever first needs them.
    """

    place: int
    id: str
    day: str
    clock: str
    minute: int
    author: str | None
    text: str
    own: bool
    reply: str | None = None
    kind: str = "text"
    pictures: Sequence[Sequence[str]] = ()
    media: Sequence[str] = ()
    heard: Sequence[str] = ()
    links: Sequence[Sequence[str]] = ()
    cut: bool = False
    language: str = ""
    terms: list[str] = field(default_factory=list)
    sentences: list[list[Token]] | None = None

    @property
    def shows(self) -> bool:
        """Whether it comes with pictures, files or links."""
        return bool(self.pictures or self.media or self.links)

    @property
    def asks(self) -> bool:
        return "?" in self.text or "؟" in self.text or "？" in self.text


@dataclass
class Transcript:
    """The messages, the language that the post is written in, those that are spoken, and the main one of these."""

    said: list[Said]
    language: str
    main: str
    spoken: tuple[Lexicon, ...]
    people: tuple[str, ...]
    stop: frozenset[str]
    by_id: dict[str, Said]


def read_transcript(prompt: str) -> Transcript:
    """Parse a prompt's user message. Linear in its length; ``ValueError`` where it is not one of ours."""
    facts = parse_facts(prompt)
    named = facts.get("people")
    people = tuple(str(name) for name in named) if isinstance(named, list) else ()
    said = [
        Said(
            place=place,
            id=ident,
            day=day,
            clock=clock,
            minute=date.fromisoformat(day).toordinal() * 1440 + int(clock[:2]) * 60 + int(clock[3:]),
            author=author,
            text=text,
            own=ident.startswith("m"),
            reply=more.get("re"),
            kind=more.get("kind", "text"),
            pictures=more.get("pictures", ()),
            media=[words for words in more.get("media", ()) if words != LEFT_OUT],
            heard=more.get("heard", ()),
            links=more.get("links", ()),
            cut=bool(more.get("cut")),
        )
        for place, (ident, day, clock, author, text, more) in enumerate(parse_block(prompt))
    ]
    # names are aliases here, and nobody's alias is what a conversation is about
    aliases = re.compile("|".join(re.escape(name) for name in sorted(people, key=len, reverse=True)) or r"(?!)")
    words = [
        split_words(aliases.sub(" ", " ".join((message.text, *message.heard)))) if message.author else []
        for message in said
    ]
    languages = detect_languages(word.casefold() for line in words for word in line)
    spoken = tuple(lexicon(code) for code in languages)
    stop = stop_words(languages)
    for message, line in zip(said, words, strict=True):
        message.terms = [stem for word in line if (stem := telling(word, stop))]
        message.language = _language_of(line, spoken)
    wanted = facts.get("language")
    language = wanted if wanted in LANGUAGES else languages[0]
    main = str(language) if language in languages else languages[0]
    by_id = {message.id: message for message in said}
    return Transcript(said, str(language), main, spoken, people, stop, by_id)


def _language_of(words: Sequence[str], spoken: Sequence[Lexicon]) -> str:
    """Which of the window's languages a message is in, by its words of grammar; empty where none tells."""
    if len(spoken) == 1:
        return spoken[0].language
    small = [word.casefold() for word in words]
    counts = [(sum(word in one.grammar for word in small), -rank) for rank, one in enumerate(spoken)]
    best, rank = max(counts)
    return spoken[-rank].language if best else ""


def split_words(text: str) -> list[str]:
    """Words as written, without addresses, numbers and signs."""
    if "://" in text or "www." in text or "@" in text:
        text = _ADDRESS.sub(" ", text)
    return _WORD.findall(text)


@lru_cache(maxsize=1 << 16)
def telling(word: str, stop: frozenset[str]) -> str:
    """The stem under which a word counts, or nothing where it names no subject.

    >>> telling("letters", frozenset()), telling("l'appartement", frozenset()), telling("the", frozenset({"the"}))
    ('letter', 'appartement', '')
    """
    word = word.casefold().replace("’", "'")
    if word in stop:
        return ""
    if "'" in word:
        head, _, tail = word.rpartition("'")
        word = head if tail in _ENGLISH_TAIL else tail
    if len(word) < _SHORTEST or word in stop or _laughs(word):
        return ""
    return stem(word)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """A crude stem that is the same for most forms of a word: no accents, no plural s, no long ending."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", word) if not unicodedata.combining(sign))
    if len(plain) > 5 and plain.endswith("oes"):
        plain = plain[:-3] + "ao"  # Portuguese: estações, estação
    elif len(plain) > 4 and plain.endswith("ies"):
        plain = plain[:-3] + "y"
    elif len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss"):
        plain = plain[:-1]
    return plain[:9]


@lru_cache(maxsize=1 << 14)
def _laughs(word: str) -> bool:
    """haha, kkkk, jajaja, nooooo: few letters, many times."""
    return (len(set(word)) <= 2 and len(word) >= 4) or bool(re.search(r"(.)\1\1", word))
