"""The last gate before publication: every byte of every file is read for names, numbers and addresses that were seen.

The check holds MACs only. It reads words through the same folding and the same matching as the guard, so that what the
guard leaves is no leak and what it would replace is one. Where a raw name stands in a file its bytes are not repeated
anywhere: a :class:`Leak` says in which file, where, and what kind of thing it is.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stages.archive.records import NameRecord
from stages.errors import StreamlinerError
from stages.privacy.addresses import View, addresses
from stages.privacy.fold import fold, has_invisible, rejoined, words
from stages.privacy.fold import spellings as distinct_words
from stages.privacy.markup import Markup, signs_of
from stages.privacy.names import Lexicon, Macs, find_names
from stages.privacy.numbers import Run, runs, spellings, states_number
from stages.privacy.readings import Reading, read_file

MOST_PER_FILE: Final = 20
"""Leaks that are told of one file; the first is reason enough."""
_CLEARED: Final = 1 << 20
_PREVIEW: Final = re.compile(r"data:image/webp;base64,UklGR[A-Za-z0-9+/]{6}XRUJQVlA4[A-Za-z0-9+/]{1,560}={0,2}")
"""A picture of a few pixels inside a page: its letters are no words, though three of them may look like a name."""
_IDENTIFIER: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")
_NO_NAME: Final = "x" * 32
"""Ids of messages are two thirds of the distinct words of a site; one word in their place keeps every offset."""


@dataclass(frozen=True)
class Leak:
    """Something raw in a file about to be published.

    ``file`` is its path below the folder, ``offset`` a byte's position in it (-1 in the file's own name, in what a
    picture says about itself, in what is compressed), ``kind`` is name, phone or email.
    """

    file: str
    offset: int
    kind: str


def find_leaks(folder: Path, key: bytes, records: Sequence[NameRecord]) -> list[Leak]:
    """Every leak under ``folder``, in the order of files and offsets; at most 20 a file.

    Reads file names, targets of symbolic links (never followed), texts with entities, percent and backslash escapes
    resolved, what pictures say about themselves, and passages of text inside other bytes. Memory: a few MB for any
    file size. Cost: one pass over the bytes and one keyed hash per distinct word. Raises :class:`StreamlinerError`
    when a file cannot be read.
    """
    search = _Search(key, records)
    leaks: list[Leak] = []
    for path in _files(folder.resolve()):
        leaks += search.file(path, os.path.relpath(path, folder.resolve()))
    return leaks


def _files(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise StreamlinerError(f"The leak check cannot read {folder.name}: {error.strerror}.") from None
    for entry in entries:
        path = Path(entry.path)
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from _files(path)


class _Search:
    """What was seen in a chat, and the words that were found to be no name."""

    def __init__(self, key: bytes, records: Sequence[NameRecord]) -> None:
        self._macs = Macs(key)
        self._lexicon = Lexicon(self._macs, records)
        self._phones = {row.mac: row.common for row in records if row.kind == "phone"}
        self._emails = {row.mac for row in records if row.kind == "email"}
        self._cleared: set[str] = set()

    def file(self, path: Path, shown: str) -> list[Leak]:
        """The leaks of one file, link or folder; of a folder only its name is read here."""
        found: set[tuple[int, str]] = set()
        names = [path.name] + ([os.readlink(path)] if path.is_symlink() else [])
        for name in names:
            found |= {(-1, kind) for _, kind in self._text(Reading(name, -1))}
        if path.is_file() and not path.is_symlink():
            try:
                for reading in read_file(path):
                    found |= set(self._text(reading))
                    if len(found) >= MOST_PER_FILE:
                        break
            except OSError as error:
                raise StreamlinerError(f"The leak check cannot read {shown}: {error.strerror}.") from None
        return [Leak(shown, offset, kind) for offset, kind in sorted(found)][:MOST_PER_FILE]

    def _text(self, reading: Reading) -> Iterator[tuple[int, str]]:
        text = _IDENTIFIER.sub(_NO_NAME, reading.text)
        text = _PREVIEW.sub(lambda match: "x" * len(match.group()), text)
        outer = View(text, signs_of(reading.suffix))
        inner = View(outer.text)
        markup = Markup(text, reading.suffix)
        for start, end, kind in self._matches(inner.text):
            first, last = outer.source(*inner.source(start, end))
            if not reading.counts(first, last):
                continue
            if kind == "name" and markup.is_code(first, last, fold(inner.text[start:end])):
                continue
            yield reading.offset(first), kind

    def _matches(self, text: str) -> Iterator[tuple[int, int, str]]:
        if self._may_name(text):
            for match in find_names(text, words(text), self._lexicon, mentions=False):
                yield match.start, match.end, "name"
        if self._emails and "@" in text:
            for start, end in addresses(text):
                if any(self._macs.of("email", fold(spelt)) in self._emails for spelt in _addresses(text[start:end])):
                    yield start, end, "email"
        if self._phones:
            for run in runs(text):
                yield from self._phones_of(run, text)

    def _phones_of(self, run: Run, text: str) -> Iterator[tuple[int, int, str]]:
        first = 0
        while first < len(run.spans):
            start = run.spans[first][0]
            past = next((last for last, digits in spellings(run, first) if self._is_phone(digits, text, start)), None)
            if past is not None:
                yield start, run.spans[past - 1][1], "phone"
            first = past or first + 1

    def _may_name(self, text: str) -> bool:
        spelt = distinct_words(text)
        if has_invisible(text):
            spelt |= {joined for _, _, joined in rejoined(text, words(text))}
        for word in spelt - self._cleared:
            if self._lexicon.may_begin(fold(word)):
                return True
            if len(self._cleared) >= _CLEARED:
                self._cleared.clear()
            self._cleared.add(word)
        return False

    def _is_phone(self, digits: str, text: str, start: int) -> bool:
        """Whether digits are a number that was seen. One that was met while texts streamed by counts only where it
        says itself that it is a number: spelt otherwise it may have gone by before it was known."""
        for spelt in {digits, digits.lstrip("0")}:
            common = self._phones.get(self._macs.of("phone", spelt))
            if common is not None and (not common or states_number(text, start)):
                return True
        return False


def _addresses(address: str) -> Iterator[str]:
    """An address, and what it may be when it ran into the words around it."""
    local, domain = address.split("@")[:2]
    labels = domain.split(".")
    starts = [0] + [index + 1 for index, char in enumerate(local) if not char.isalnum() and index + 1 < len(local)]
    for size in range(len(labels), 1, -1):
        for start in starts:
            yield f"{local[start:]}@{'.'.join(labels[:size])}"
