"""Ids of messages: keyed BLAKE2b over what the export says, so that the same message has one id in every export.

Hashed are the chat's id, the local time, the raw author, the raw text (line ends and direction marks made even) and,
for the n-th repeat of all of these, n. The digest of a first occurrence depends on nothing but its message.
"""

import hashlib
import struct
from collections import deque
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.ingest.columns import Ints

_SIZE: Final = 16
_AT_ONCE: Final = 512
_MOST_RUNS: Final = 1_000


class Digests:
    """What an id is made of, for the messages of one chat. Depends on nothing but the messages: any part of an export
    can be digested anywhere. Cost: under a microsecond a message.
    """

    def __init__(self, key: bytes, chat_id: str) -> None:
        self._base = hashlib.blake2b(key=key[:64], digest_size=_SIZE, person=b"streamliner-msg")
        self._base.update(_framed(chat_id.encode()))

    def of(self, local: Ints, authors: pa.StringArray, texts: pa.StringArray) -> bytes:
        """16 bytes a message. ``local`` is the naive local time in seconds, ``authors`` raw, null for none."""
        n = len(local)
        if not n:
            return b""
        # a null author and an empty one differ; the length frames the author, the text is what is left
        lengths = pc.fill_null(pc.binary_length(authors), -1)
        head = np.empty((n, 12), np.uint8)
        head[:, :8] = np.ascontiguousarray(local.astype("<i8")).view(np.uint8).reshape(n, 8)
        head[:, 8:] = lengths.to_numpy(zero_copy_only=False).astype("<i4").view(np.uint8).reshape(n, 4)
        heads = pa.FixedSizeBinaryArray.from_buffers(pa.binary(12), n, [None, pa.py_buffer(head)]).cast(pa.binary())
        records = pc.binary_join_element_wise(
            heads, pc.fill_null(authors, "").cast(pa.binary()), texts.cast(pa.binary()), b""
        )
        # copying a keyed base is a third cheaper than making one, and calls are what a digest costs: no loop of ours
        kind = type(self._base)
        digests: list[bytes] = []
        for start in range(0, n, _AT_ONCE):
            part = records.slice(start, _AT_ONCE).to_pylist()
            hashes = list(map(kind.copy, repeat(self._base, len(part))))
            deque(map(kind.update, hashes, part), 0)
            digests += map(kind.digest, hashes)
        return b"".join(digests)


class Identity:
    """Hands out ids in source order. Feed it every message of a chat, block by block.

    Memory: 8 bytes a message, to know what was seen before.
    """

    def __init__(self, key: bytes, chat_id: str) -> None:
        self._digests = Digests(key, chat_id)
        self._again = hashlib.blake2b(key=key[:64], digest_size=_SIZE, person=b"streamliner-rep")
        self._runs: list[_Run] = []
        self._repeats: dict[bytes, int] = {}

    def ids(self, local: Ints, authors: pa.StringArray, texts: pa.StringArray) -> pa.StringArray:
        """32 hex digits a message. ``local`` is the naive local time in seconds, ``authors`` raw, null for none."""
        return self.numbered(local, self._digests.of(local, authors, texts))

    def numbered(self, local: Ints, digests: bytes) -> pa.StringArray:
        """The ids of messages whose times and digests are given; the n-th repeat gets one of its own."""
        return _hex(self._numbered(local, digests)) if digests else pa.array([], pa.string())

    def _numbered(self, local: Ints, digests: bytes) -> bytes:
        """The digests with those of repeats replaced, in source order. Only rows that have a twin are touched."""
        first = np.frombuffer(digests, np.uint64)[::2].copy()
        before = self._seen(local, first)
        ranked = np.sort(first)
        self._runs.append(_Run(int(local.min()), int(local.max()), ranked))
        twice = ranked[1:][ranked[1:] == ranked[:-1]]
        twin = before
        if len(twice):
            at = np.minimum(np.searchsorted(twice, first), len(twice) - 1)
            twin = before | (twice[at] == first)
        rows = np.flatnonzero(twin)
        if not len(rows):
            return digests
        result = bytearray(digests)
        for row in rows.tolist():
            digest = digests[row * _SIZE : (row + 1) * _SIZE]
            # what stands in an earlier block and was single until now is the first occurrence
            times = self._repeats.get(digest, int(before[row]))
            self._repeats[digest] = times + 1
            if times:
                again = self._again.copy()
                again.update(digest + struct.pack("<q", times))
                result[row * _SIZE : (row + 1) * _SIZE] = again.digest()
        return bytes(result)

    def _seen(self, local: Ints, first: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which digests came in earlier blocks. Twins have one time, so only blocks of that time are searched: in a
        chat that lies in order that is the last one."""
        seen = np.zeros(len(first), np.bool_)
        low, high = int(local.min()), int(local.max())
        searched = 0
        for run in self._runs:
            if run.high < low or high < run.low:
                continue
            rows = np.flatnonzero((local >= run.low) & (local <= run.high))
            at = np.minimum(np.searchsorted(run.digests, first[rows]), len(run.digests) - 1)
            seen[rows[run.digests[at] == first[rows]]] = True
            searched += len(rows)
        if searched > 2 * len(first) or len(self._runs) > _MOST_RUNS:
            self._merge()
        return seen

    def _merge(self) -> None:
        """Make runs longer, each more than twice as long as the next: few to search, cheap to merge."""
        runs: list[_Run] = []
        for run in self._runs:
            runs.append(run)
            while len(runs) > 1 and len(runs[-2].digests) <= 2 * len(runs[-1].digests):
                last = runs.pop()
                merged = np.sort(np.concatenate((runs[-1].digests, last.digests)), kind="stable")
                runs[-1] = _Run(min(runs[-1].low, last.low), max(runs[-1].high, last.high), merged)
        self._runs = runs


class _Run(NamedTuple):
    """Digests of messages between two local times, sorted."""

    low: int
    high: int
    digests: npt.NDArray[np.uint64]


def _hex(digests: bytes) -> pa.StringArray:
    n = len(digests) // _SIZE
    offsets = np.arange(n + 1, dtype=np.int32) * (2 * _SIZE)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(digests.hex().encode()))


def _framed(part: bytes) -> bytes:
    return struct.pack("<q", len(part)) + part
