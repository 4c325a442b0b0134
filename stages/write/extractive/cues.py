"""Decisions and questions left open, by what people say: cue phrases, and silence after a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stages.write.extractive.transcript import Said, Transcript

MOST: Final = 5
_BARE: Final = 3
"""A message with this many words or fewer agrees to what stands before it."""
_NEAR_PLACES: Final = 5
_NEAR_MINUTES: Final = 30
_OPEN_MINUTES: Final = 90
_WORDS: Final = re.compile(r"[^\W\d_]+")
_MOST_LETTERS: Final = 240
_ENDS_ASKING: Final = re.compile(r"[?？؟][^\w\"'”’»]*$")


@dataclass(frozen=True)
class Decision:
    """``said`` announces it; ``about`` is what it agrees to, where it does not say so itself."""

    said: Said
    about: Said | None


def find_decisions(said: Sequence[Said], transcript: Transcript) -> list[Decision]:
    """Messages that announce a decision, in order; a bare "agreed" is kept with what it agrees to."""
    found = []
    for at, message in enumerate(said):
        if len(message.text) > _MOST_LETTERS or message.asks or not _announces(message.text, transcript):
            continue
        if len(_WORDS.findall(message.text)) > _BARE and len(message.terms) >= 2:
            found.append(Decision(message, None))
            continue
        about = _proposal(message, said[max(0, at - _NEAR_PLACES) : at])
        if about is not None:
            found.append(Decision(message, about))
    unique: dict[str, Decision] = {}
    for decision in found:
        unique.setdefault((decision.about or decision.said).id, decision)
    return list(unique.values())[-MOST:]


def find_open_questions(said: Sequence[Said]) -> list[tuple[Said, Said | None]]:
    """Questions after which nobody else wrote for a long while, with what somebody else wrote then, if at all."""
    found: list[tuple[Said, Said | None]] = []
    for at, message in enumerate(said):
        if not _ENDS_ASKING.search(message.text) or len(_WORDS.findall(message.text)) < 4 or len(message.terms) < 2:
            continue
        if len(message.text) > _MOST_LETTERS:
            continue
        after = [other for other in said[at + 1 : at + 12] if other.author != message.author]
        if not after or after[0].minute - message.minute > _OPEN_MINUTES:
            found.append((message, after[0] if after else None))
    return found[-MOST:]


def _announces(text: str, transcript: Transcript) -> bool:
    for one in transcript.spoken:
        match = one.cues.search(text)
        if match is None:
            continue
        before = [word.casefold() for word in _WORDS.findall(text[: match.start()].replace("'", ""))[-3:]]
        contracted = re.search(r"n['’]t\b[^.!?]*$", text[: match.start()])
        if not contracted and not one.negations.intersection(before):
            return True
    return False


def _proposal(agreement: Said, before: Sequence[Said]) -> Said | None:
    if agreement.reply:
        for message in before:
            if message.id == agreement.reply:
                return message
    for message in reversed(before):
        if agreement.minute - message.minute > _NEAR_MINUTES:
            return None
        if message.author != agreement.author and len(_WORDS.findall(message.text)) > _BARE:
            return message
    return None
