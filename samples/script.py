"""Reads the storylines under ``chat/``: a line format made for writing dialogue, not for machines.

::

    # title of the story (first comment), ``# words: a, b`` what it is about, other comments ignored
    @ 2026-03-02 20:51          a scene begins (local time of the exporting phone, Lisbon)
    m: text                     a message by the person with that key
    | more text                 a further line of the same message; a bare ``|`` is a blank line
    +12                         twelve minutes pass
    m: [photo cat] caption      directives: photo, voice, document, contact, omit, deleted, edited, poll, location
    * {m} added {i}             a notice; ``{encrypted}``, ``{a} security`` and ``{a} call`` are spelt by the app

``{x}`` in a message is a mention of that person.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from samples.people import PEOPLE

FOLDER: Final = Path(__file__).parent / "chat"

_DIRECTIVE: Final = re.compile(r"\[(photo|voice|document|contact|omit|deleted|edited|poll|location)(?: ([^\]]+))?\] ?")


@dataclass(frozen=True)
class Line:
    """One message or notice before it has a time. ``pause`` is in minutes, None for the pace of typing."""

    speaker: str | None
    text: str
    directive: str | None = None
    argument: str = ""
    pause: int | None = None


@dataclass(frozen=True)
class Scene:
    """Lines that follow each other in one sitting, from ``start`` on."""

    story: str
    start: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Story:
    """One storyline: its name (the file's stem without number), what it tells, its telling words, its scenes."""

    name: str
    title: str
    words: tuple[str, ...]
    scenes: tuple[Scene, ...] = field(default=())


def read_stories(*, later: bool = False) -> list[Story]:
    """All storylines in the order of their files; ``later`` adds the week that only the later export holds."""
    paths = sorted(path for path in FOLDER.iterdir() if path.suffix == ".chat" or (later and path.suffix == ".later"))
    return [read_story(path) for path in paths]


def read_story(path: Path) -> Story:
    """One file. Raises ValueError with file and line number where a line is none of the format's."""
    name = path.stem.split("-", 1)[1]
    title = ""
    words: tuple[str, ...] = ()
    scenes: list[Scene] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# words: "):
            words = tuple(word.strip() for word in line[9:].split(","))
        elif line.startswith("# "):
            title = title or line[2:]
        elif line.startswith("@ "):
            scenes.append(Scene(name, datetime.strptime(line[2:], "%Y-%m-%d %H:%M"), ()))
        elif line:
            if not scenes:
                raise ValueError(f"{path.name}:{number}: a line before the first scene")
            try:
                scenes[-1] = replace(scenes[-1], lines=_with(scenes[-1].lines, line))
            except ValueError as error:
                raise ValueError(f"{path.name}:{number}: {error}") from None
    return Story(name, title, words, tuple(scenes))


def _with(lines: tuple[Line, ...], raw: str) -> tuple[Line, ...]:
    """The scene's lines with one more raw line taken in. A pause waits as a line without text for its message."""
    waiting = bool(lines) and lines[-1].speaker is None and not lines[-1].text
    if raw.startswith("|"):
        if not lines or waiting:
            raise ValueError("a continuation without a message")
        return (*lines[:-1], replace(lines[-1], text=f"{lines[-1].text}\n{raw[2:]}"))
    if raw.startswith("+") and raw[1:].isdigit():
        return (*lines, Line(None, "", pause=int(raw[1:])))
    pause = lines[-1].pause if waiting else None
    kept = lines[:-1] if waiting else lines
    if raw.startswith("* "):
        return (*kept, Line(None, raw[2:], pause=pause))
    key, separator, text = raw.partition(": ")
    if not separator or key not in PEOPLE:
        raise ValueError("neither a message, a notice, a pause nor a continuation")
    found = _DIRECTIVE.match(text)
    if found is None:
        return (*kept, Line(key, text, pause=pause))
    return (*kept, Line(key, text[found.end() :], found[1], found[2] or "", pause))


def lines_of(stories: list[Story]) -> Iterator[Line]:
    """Every line of every scene, in file order."""
    for story in stories:
        for scene in story.scenes:
            yield from scene.lines
