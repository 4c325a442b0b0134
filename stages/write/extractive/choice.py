"""Which messages of a topic are told: the central ones, without near-repeats, each question with what follows it."""

import math
import re
from collections.abc import Sequence
from typing import Final

from stages.write.extractive.terms import TermSpace, cosine
from stages.write.extractive.topics import Topic
from stages.write.extractive.transcript import Said

_BALANCE: Final = 0.72
"""Of worth against newness (MMR)."""
_POOL: Final = 60
"""Most messages that are compared with each other."""
_SHOWN: Final = 6
"""Pictures, files and links of a topic that are told in any case."""
_ANSWER_PLACES: Final = 4
_ANSWER_MINUTES: Final = 30
_GOOD_LENGTH: Final = (35, 220)
_WORDS: Final = re.compile(r"\w{2,}")


def how_many(topic: Topic) -> int:
    """Messages that a topic's section tells, by how much was said."""
    return max(3, min(12, round(1.8 * math.sqrt(topic.telling))))


def worth(topic: Topic, space: TermSpace, answered: set[str]) -> dict[str, float]:
    """How much each message of a topic deserves to be told, by its id."""
    places = [message.place for message in topic.said]
    central = space.centrality(places, topic.centroid)
    best = float(central.max()) or 1.0
    result = {}
    for message, value in zip(topic.said, central.tolist(), strict=True):
        length = len(message.text)
        score = value / best
        if not message.terms or len(_WORDS.findall(message.text)) < 3:
            score *= 0.25
        elif _GOOD_LENGTH[0] <= length <= _GOOD_LENGTH[1]:
            score += 0.25
        elif length > _GOOD_LENGTH[1]:
            score += 0.15
        if message.asks and message.terms:
            score += 0.15
        if message.id in answered or message.reply:
            score += 0.15
        if message.links or message.pictures:
            score += 0.45
        result[message.id] = score
    for message in topic.said[:3]:
        if message.terms:
            result[message.id] += 0.3  # what sets it going
            break
    return result


def choose(topic: Topic, space: TermSpace, value: dict[str, float]) -> list[Said]:
    """The messages to tell, in order: maximal marginal relevance, then the answers that belong to chosen questions."""
    wanted = how_many(topic)
    ranked = sorted(topic.said, key=lambda message: (-value[message.id], message.place))
    pool = [message for message in ranked if _WORDS.search(message.text) or message.pictures][:_POOL]
    rows = {message.id: space.row(message.place) for message in pool}
    chosen: list[Said] = []
    nearest = dict.fromkeys(rows, 0.0)
    texts: set[str] = set()
    while pool and len(chosen) < wanted:
        best = max(pool, key=lambda m: (_BALANCE * value[m.id] - (1 - _BALANCE) * 2 * nearest[m.id], -m.place))
        pool.remove(best)
        key = " ".join(best.text.casefold().split())
        if nearest[best.id] > 0.85 or key in texts:
            continue
        texts.add(key)
        chosen.append(best)
        for message in pool:
            nearest[message.id] = max(nearest[message.id], cosine(rows[best.id], rows[message.id]))
    shown = [message for message in ranked if message.shows][:_SHOWN]
    told = {message.id: message for message in [*chosen, *_answers(chosen, topic, texts), *shown]}
    return sorted(told.values(), key=lambda message: message.place)


def follow_up(question: Said, lines: Sequence[Said]) -> Said | None:
    """What somebody else said to a question: a reply to it, else the first words of another soon after it."""
    after = [message for message in lines if message.place > question.place]
    for message in after:
        if message.reply == question.id and message.author != question.author:
            return message
    for message in after[:_ANSWER_PLACES]:
        if message.minute - question.minute > _ANSWER_MINUTES:
            return None
        if message.author != question.author and not message.asks and _WORDS.search(message.text):
            return message
    return None


def _answers(chosen: Sequence[Said], topic: Topic, texts: set[str]) -> list[Said]:
    position = {message.id: at for at, message in enumerate(topic.said)}
    taken = {message.id for message in chosen}
    found = []
    for message in chosen:
        if not message.asks:
            continue
        near = topic.said[position[message.id] : position[message.id] + 12]
        answer = follow_up(message, near)
        if answer and answer.id not in taken and " ".join(answer.text.casefold().split()) not in texts:
            taken.add(answer.id)
            found.append(answer)
    return found
