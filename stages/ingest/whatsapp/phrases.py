"""What the app itself writes, by language: one JSON file each under ``phrases/``, read once.

Marks and forms that need no dictionary come first (see ``kinds``); these lists settle the rest. ``notices`` and
``names`` are regular expressions over one notice: the first says that a text is one, the second finds people in it
(groups a and b) who may never have written a message themselves.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

_FIELDS: Final = (
    "omitted", "omitted_typed", "omitted_contact", "omitted_document", "attached", "deleted", "edited", "poll",
    "option", "location", "live_location", "calls",
)  # fmt: skip
# first words of what is no person: pronouns, articles, and the app's own nouns
_NO_NAME: Final = frozenset((
    "you", "your", "this", "the", "a", "an", "group", "admin", "messages", "message", "você", "tu", "sua", "seu",
    "o", "os", "as", "este", "esta", "esse", "essa", "grupo", "mensagens", "usted", "el", "la", "los", "las", "un",
    "una", "mensajes", "du", "sie", "die", "der", "das", "den", "diese", "dieser", "eine", "vous", "le", "les",
    "ce", "cette", "une", "hai", "il", "lo", "gli", "questo", "questa", "je", "u", "de", "het", "een", "dit",
    "deze", "вы", "эта", "это", "группа",
))  # fmt: skip


@dataclass(frozen=True)
class Phrases:
    """Every language's words by use: phrase -> language. Phrases stand with and without a full stop at their end."""

    words: dict[str, dict[str, str]]
    notice: re.Pattern[str]
    names: tuple[re.Pattern[str], ...]

    def alternatives(self, use: str) -> str:
        """The phrases of a use as one RE2 alternation, longest first."""
        return "|".join(re.escape(phrase) for phrase in sorted(self.words[use], key=len, reverse=True))

    def names_in(self, notice: str) -> set[str]:
        """People whom a notice names, as far as its language's patterns find them."""
        found: set[str] = set()
        for pattern in self.names:
            for match in pattern.finditer(notice):
                for group in match.groupdict().values():
                    found |= _people(group or "")
        return found


@cache
def load_phrases() -> Phrases:
    """All languages. Cost: about a dozen small files, once in a process."""
    words: dict[str, dict[str, str]] = {use: {} for use in _FIELDS}
    notices: list[str] = []
    names: list[re.Pattern[str]] = []
    for file in sorted(files("stages.ingest.whatsapp").joinpath("phrases").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".json"):
            continue
        language = file.name.removesuffix(".json")
        data = json.loads(file.read_text(encoding="utf-8"))
        for use in _FIELDS:
            for phrase in data.get(use, ()):
                for spelling in {phrase, phrase[:1].upper() + phrase[1:]}:
                    words[use].setdefault(spelling, language)
                    if use in ("deleted", "edited"):
                        bare = spelling.rstrip(".。")
                        words[use].setdefault(bare, language)
                        words[use].setdefault(bare + ".", language)
        notices += data.get("notices", ())
        names += [re.compile(pattern) for pattern in data.get("names", ())]
    return Phrases(words, re.compile("|".join(f"(?:{pattern})" for pattern in notices)), tuple(names))


def _people(group: str) -> set[str]:
    """Names out of a list of them, without what stands in quotes and without "you"."""
    if any(quote in group for quote in '"“”«»„'):
        return set()
    parts = re.split(r", | and | e | y | und | et | en | и ", group)
    clean = {part.strip(" .\u200e\u200f") for part in parts}
    return {
        name
        for name in clean
        if 2 <= len(name) <= 60 and len(name.split()) <= 5 and name.split()[0].casefold() not in _NO_NAME
    }
