"""How much a word tells in its window: TF-IDF over messages, as sparse rows of numpy arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.write.extractive.transcript import Said

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TermSpace:
    """Rows are messages (by place), columns are stems.

    ``starts`` has shape (rows + 1,): row r holds ``columns[starts[r]:starts[r+1]]`` with ``weights`` of length 1.
    ``idf`` has shape (stems,).
    """

    stems: list[str]
    number: dict[str, int]
    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: Floats
    idf: Floats

    def row(self, place: int) -> dict[int, float]:
        low, high = self.starts[place], self.starts[place + 1]
        return dict(zip(self.columns[low:high].tolist(), self.weights[low:high].tolist(), strict=True))

    def centroid(self, places: Sequence[int]) -> Floats:
        """The mean direction of some messages, of length 1 (or 0); shape (stems,)."""
        total = np.zeros(len(self.stems))
        for place in places:
            low, high = self.starts[place], self.starts[place + 1]
            total[self.columns[low:high]] += self.weights[low:high]
        length = float(np.sqrt(total @ total))
        return total / length if length else total

    def centrality(self, places: Sequence[int], centroid: Floats) -> Floats:
        """Cosine of each message with a centroid; shape (places,). Linear in the words."""
        return np.array(
            [
                float(self.weights[low:high] @ centroid[self.columns[low:high]])
                for low, high in zip(self.starts[list(places)], self.starts[[p + 1 for p in places]], strict=True)
            ]
        )


def term_space(said: Sequence[Said]) -> TermSpace:
    """Linear in the words of the window."""
    number: dict[str, int] = {}
    starts = [0]
    columns: list[int] = []
    counts: list[float] = []
    for message in said:
        seen: dict[int, int] = {}
        for term in message.terms:
            column = number.setdefault(term, len(number))
            seen[column] = seen.get(column, 0) + 1
        columns += seen
        counts += seen.values()
        starts.append(len(columns))
    edges = np.array(starts, np.int64)
    cols = np.array(columns, np.int64)
    frequency = np.bincount(cols, minlength=len(number)).astype(np.float64)
    told = max(1, int(np.count_nonzero(np.diff(edges))))
    idf = np.log1p(told / np.maximum(frequency, 1.0))
    weights = (1.0 + np.log(np.array(counts, np.float64))) * idf[cols] if columns else np.zeros(0)
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(edges))
    lengths = np.sqrt(np.bincount(rows, weights**2, minlength=len(starts) - 1))
    return TermSpace(list(number), number, edges, cols, weights / np.maximum(lengths[rows], 1e-12), idf)


def cosine(one: dict[int, float], other: dict[int, float]) -> float:
    """Of two rows of length 1."""
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other.get(column, 0.0) for column, weight in one.items())
