"""Names that stood before a message's colon before: most messages are told their author by comparing a few words."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.ingest.columns import Ints
from stages.ingest.whatsapp.blocks import Block
from stages.ingest.whatsapp.scan import at_each

_MOST: Final = 64
_MOST_BYTES: Final = 62


@dataclass
class KnownNames:
    """Names as they are written, each with a number; at most 64, the first that were met.

    Only names without a colon: of such a name, the colon behind it is the line's first.
    """

    values: list[bytes] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)
    _hits: list[int] = field(default_factory=list)

    def add(self, raw: str) -> bool:
        """Take a name; false where it is no such name, was taken before, or where there are too many."""
        name = raw.encode()
        if name in self._seen or not name or b":" in name or len(name) > _MOST_BYTES or len(self.values) >= _MOST:
            return False
        self._seen.add(name)
        self.values.append(name)
        self._hits.append(0)
        return True

    def sizes(self) -> Ints:
        """The bytes of each name."""
        return np.array([len(value) for value in self.values], np.int64)

    def find(self, block: Block) -> npt.NDArray[np.int32]:
        """For each message the number of the name that stands before its colon and space; -1 for no known one.

        Cost: some ten nanoseconds a message and name that is more frequent than its author's.
        """
        numbers = np.full(len(block), -1, np.int32)
        if not self.values or not len(block):
            return numbers
        width = max(len(_key(name)[0]) for name in self.values)
        heads = at_each(block.data, np.dtype(f"V{width * 8}"))[block.bodies].view(np.uint64).reshape(-1, width)
        left = np.arange(len(block))
        first = heads[:, 0].copy()
        for number in sorted(range(len(self.values)), key=lambda number: -self._hits[number]):
            key, kept = _key(self.values[number])
            same = (first & kept[0]) == key[0]
            rows = np.flatnonzero(same)
            for word in range(1, len(key)):
                rows = rows[(heads[left[rows], word] & kept[word]) == key[word]] if len(rows) else rows
            if not len(rows):
                continue
            numbers[left[rows]] = number
            self._hits[number] += len(rows)
            if len(rows) * 16 > len(left):
                others = np.ones(len(left), np.bool_)
                others[rows] = False
                left, first = left[others], first[others]
        return numbers


@lru_cache(256)
def _key(name: bytes) -> tuple[tuple[np.uint64, ...], tuple[np.uint64, ...]]:
    """The words that begin with a name, colon and space, and the bits of them that count."""
    key = name + b": "
    parts = range(0, len(key), 8)
    words = tuple(np.uint64(int.from_bytes(key[at : at + 8], "little")) for at in parts)
    return words, tuple(np.uint64((1 << 8 * min(8, len(key) - at)) - 1) for at in parts)
