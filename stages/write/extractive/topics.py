"""A window falls into topics: stretches that silence or a change of words sets apart, and posts made of them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stages.write.extractive.terms import Floats, TermSpace
from stages.write.extractive.transcript import Said
from stages.write.schema import MAX_POSTS

LONG_SILENCE: Final = 150
"""Minutes of silence after which a new stretch begins, whatever is said."""
SILENCE: Final = 25
"""Minutes of silence after which a new stretch begins where its words are others."""
_BREATH: Final = 3
"""Minutes between two messages where the words may turn to something else without a silence."""
_LOOK: Final = 8
"""Messages on each side of a possible edge whose words are compared."""
_STRANGE: Final = 0.04
_KINDRED: Final = 0.22
_SMALLEST: Final = 6
"""A stretch with fewer telling messages joins a neighbour."""
_POST_SMALLEST: Final = 18
_POST_SILENCE: Final = 120
_MOST_TOPICS: Final = 6


@dataclass
class Topic:
    """A stretch of own messages, ``said`` in order; ``centroid`` of its words, shape (stems,)."""

    said: list[Said]
    centroid: Floats

    @property
    def telling(self) -> int:
        return sum(1 for message in self.said if message.terms)

    @property
    def weight(self) -> int:
        return sum(len(message.terms) for message in self.said)


def find_topics(said: Sequence[Said], space: TermSpace) -> list[list[Topic]]:
    """Own messages of people as posts, each a list of topics in order. Linear in the words of the window."""
    lines = [message for message in said if message.own and message.author]
    if not lines:
        return []
    stretches = [_topic(part, space) for part in _cut(lines, space)]
    stretches = _join_small(stretches, space)
    posts = _posts(stretches)
    return [_join_kindred(post, space) for post in posts]


def _topic(said: list[Said], space: TermSpace) -> Topic:
    return Topic(said, space.centroid([message.place for message in said]))


def _cut(lines: list[Said], space: TermSpace) -> list[list[Said]]:
    cohesion = _cohesion(lines, space)
    dips = _dips(cohesion)
    replies = {message.id: at for at, message in enumerate(lines)}
    bridged = np.zeros(len(lines) + 1, np.int64)
    for at, message in enumerate(lines):
        if message.reply in replies and at - replies[message.reply] <= _LOOK:
            bridged[replies[message.reply] + 1] += 1
            bridged[at + 1] -= 1
    bridges = np.cumsum(bridged)
    edges = [0]
    for at in range(1, len(lines)):
        silence = lines[at].minute - lines[at - 1].minute
        strange = cohesion[at] < _STRANGE
        if bridges[at]:
            continue
        turned = dips[at] and silence >= _BREATH and at - edges[-1] >= _SMALLEST
        if silence >= LONG_SILENCE or (silence >= SILENCE and strange) or turned:
            edges.append(at)
    return [lines[low:high] for low, high in zip(edges, [*edges[1:], len(lines)], strict=True)]


def _cohesion(lines: list[Said], space: TermSpace) -> Floats:
    """At each place, the cosine between the words of the messages before it and of those from it on."""
    telling = [at for at, message in enumerate(lines) if message.terms]
    rows = [space.row(lines[at].place) for at in telling]
    result = np.ones(len(lines))
    before: dict[int, float] = {}
    after: dict[int, float] = {}
    for row in rows[:_LOOK]:
        _add(after, row, 1.0)
    spread = 0
    for index, at in enumerate(telling):
        if index:
            _add(before, rows[index - 1], 1.0)
            _add(after, rows[index - 1], -1.0)
            if index > _LOOK:
                _add(before, rows[index - 1 - _LOOK], -1.0)
            if index + _LOOK - 1 < len(rows):
                _add(after, rows[index + _LOOK - 1], 1.0)
        result[spread : at + 1] = _cosine_of(before, after)
        spread = at + 1
    return result


def _add(total: dict[int, float], row: dict[int, float], sign: float) -> None:
    for column, weight in row.items():
        value = total.get(column, 0.0) + sign * weight
        if value < 1e-9:
            total.pop(column, None)
        else:
            total[column] = value


def _cosine_of(one: dict[int, float], other: dict[int, float]) -> float:
    lengths = sum(w * w for w in one.values()) * sum(w * w for w in other.values())
    if not lengths:
        return 1.0
    dot = sum(weight * other.get(column, 0.0) for column, weight in one.items())
    return float(dot / lengths**0.5)


def _dips(cohesion: Floats) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Where the words change and hardly a word is shared: the lowest place among its neighbours."""
    dips = np.zeros(len(cohesion), np.bool_)
    for at in range(2, len(cohesion) - 2):
        near = cohesion[max(0, at - _LOOK // 2) : at + _LOOK // 2 + 1]
        dips[at] = cohesion[at] < _STRANGE / 2 and cohesion[at] == near.min() and near.max() > 3 * _STRANGE
    return dips


def _join_small(topics: list[Topic], space: TermSpace) -> list[Topic]:
    """Stretches with little to tell join the neighbour that is nearer in time; words decide where time does not.

    Each join removes a stretch, and only its two neighbours are looked at: linear but for the sums of words.
    """
    joined: list[Topic] = []
    for topic in topics:
        if joined and (topic.telling < _SMALLEST or joined[-1].telling < _SMALLEST) and _near(joined[-1], topic):
            joined[-1] = _topic(joined[-1].said + topic.said, space)
        else:
            joined.append(topic)
    return joined


def _near(first: Topic, second: Topic) -> bool:
    silence = second.said[0].minute - first.said[-1].minute
    return silence < LONG_SILENCE or min(first.telling, second.telling) < _SMALLEST // 2


def _posts(topics: list[Topic]) -> list[list[Topic]]:
    """A rich window gives several posts where a long silence parts two stretches that stand on their own."""
    if len(topics) < 2:
        return [topics]
    parted = []
    for at in range(1, len(topics)):
        silence = topics[at].said[0].minute - topics[at - 1].said[-1].minute
        kindred = float(topics[at].centroid @ topics[at - 1].centroid)
        if silence >= _POST_SILENCE and kindred < _KINDRED:
            parted.append((-silence, at))
    edges: list[int] = []
    for _, at in sorted(parted):
        if len(edges) == MAX_POSTS - 1:
            break
        tried = sorted([0, *edges, at, len(topics)])
        parts = [topics[low:high] for low, high in itertools.pairwise(tried)]
        if all(sum(topic.telling for topic in part) >= _POST_SMALLEST for part in parts):
            edges.append(at)
    ends = sorted([0, *edges, len(topics)])
    return [topics[low:high] for low, high in itertools.pairwise(ends)]


def _join_kindred(topics: list[Topic], space: TermSpace) -> list[Topic]:
    """Neighbours that speak of the same are one topic; then the most kindred ones, until few enough are left."""
    while len(topics) > 1:
        alike = [float(a.centroid @ b.centroid) for a, b in itertools.pairwise(topics)]
        best = int(np.argmax(alike))
        if len(topics) <= _MOST_TOPICS and alike[best] < _KINDRED:
            break
        topics = [*topics[:best], _topic(topics[best].said + topics[best + 1].said, space), *topics[best + 2 :]]
    return topics
