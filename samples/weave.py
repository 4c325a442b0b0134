"""Gives every line its second and weaves the storylines into one chat.

The small gaps come from a generator seeded by story and scene, so that a changed scene moves no other one.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from samples.script import Line, Scene, Story

KINDS = {"photo": "media", "voice": "media", "document": "media", "omit": "media", "edited": "text"}
"""What a directive makes of a message; the others are kinds themselves."""


@dataclass(frozen=True)
class Entry:
    """One entry of the export. ``when`` is local to the exporting phone, with seconds; ``index`` counts from 0."""

    index: int
    when: datetime
    story: str
    kind: str
    line: Line

    @property
    def speaker(self) -> str | None:
        return self.line.speaker


def weave(stories: list[Story]) -> list[Entry]:
    """All entries in time order. Raises ValueError where one scene runs into the next: talk would be mixed up."""
    scenes = sorted((scene for story in stories for scene in story.scenes), key=lambda scene: scene.start)
    entries: list[Entry] = []
    for scene in scenes:
        if entries and scene.start <= entries[-1].when:
            before = entries[-1]
            raise ValueError(f"{before.story} runs until {before.when} into {scene.story} at {scene.start}")
        for when, line in _timed(scene):
            entries.append(Entry(len(entries), when, scene.story, kind_of(line), line))
    return entries


def kind_of(line: Line) -> str:
    """The kind that the canonical table gives the entry."""
    if line.speaker is None:
        return "call" if line.text.endswith("} call") else "system"
    return KINDS.get(line.directive, line.directive) if line.directive else "text"


def _timed(scene: Scene) -> list[tuple[datetime, Line]]:
    """People type some eight letters a second between them; notices of the app come at once."""
    pace = random.Random(f"{scene.story} {scene.start:%Y-%m-%d %H:%M}")
    now = scene.start + timedelta(seconds=pace.randrange(40))
    timed: list[tuple[datetime, Line]] = []
    for line in scene.lines:
        typing = pace.randint(3, 17) + min(len(line.text), 400) * pace.randint(5, 16) // 100
        if line.pause is not None:
            now += timedelta(minutes=line.pause, seconds=pace.randrange(50))
        elif timed:
            now += timedelta(seconds=1 if line.speaker is None else typing)
        timed.append((now, line))
    return timed
