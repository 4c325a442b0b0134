"""Rows of one chat on their way into a draft, column by column: most rows have a sender and a text and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.ingest.draft import KIND_CODES, Draft
from stages.ingest.telegram.message import Row
from stages.ingest.zone import LocalTimes

_MOST_ROWS: Final = 20_000
_MOST_CHARACTERS: Final = 16 << 20
_CACHED: Final = 1 << 16
_MARKS: Final = "[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"


class Rows:
    """Collects messages of one chat; :meth:`take` hands them out as a draft.

    ``senders`` are pairs of name and id. What few rows have is kept by the row's place: ``kinds`` (as codes),
    ``media``, ``links``, ``reactions``, and the places of ``edited`` ones and of those with ``local`` times.
    """

    def __init__(self, chat: str, zone: LocalTimes) -> None:
        self._chat = chat
        self._zone = zone
        self.senders: dict[tuple[str | None, str | None], int] = {}
        self._clear()

    def _clear(self) -> None:
        self._seconds: list[float] = []
        self._codes: list[int] = []
        self._texts: list[str] = []
        self._keys: list[int] = []
        self._replies: list[int] = []
        self.local: list[int] = []
        self.kinds: dict[int, int] = {}
        self._wordings: dict[int, str] = {}
        self.media: dict[int, tuple[str, ...]] = {}
        self.edited: list[int] = []
        self.reactions: dict[int, int] = {}
        self._topics: dict[int, str] = {}
        self.links: dict[int, tuple[str, ...]] = {}
        self._characters = 0
        self._remembered = 0

    def __len__(self) -> int:
        return len(self._texts)

    def is_full(self) -> bool:
        return len(self._texts) >= _MOST_ROWS or self._characters >= _MOST_CHARACTERS

    def extend(
        self,
        seconds: Sequence[float],
        authors: Sequence[str | None],
        signers: Sequence[str | None],
        texts: Sequence[str],
        keys: Sequence[int],
        replies: Sequence[int],
    ) -> int:
        """Adds texts that people wrote at ``seconds`` UTC. Gives the first row's place."""
        senders, pairs = self.senders, list(zip(authors, signers, strict=True))
        try:
            codes = [senders[pair] for pair in pairs]
        except KeyError:
            codes = [senders.setdefault(pair, len(senders)) for pair in pairs]
        first = len(self._texts)
        self._seconds += seconds
        self._codes += codes
        self._texts += texts
        self._keys += keys
        self._replies += replies
        self._characters += sum(map(len, texts))
        return first

    def add(self, row: Row, seconds: float, key: int, *, local: bool) -> None:
        """Adds any message. ``local``: its seconds are those of a clock without a zone."""
        at = self.extend([seconds], [row.author], [row.signer], [row.text], [key], [row.reply])
        if local:
            self.local.append(at)
        if row.kind != "text":
            self.kinds[at] = KIND_CODES[row.kind]
        if row.wording != row.text:
            self._wordings[at] = row.wording
        if row.media:
            self.media[at] = row.media
        if row.edited:
            self.edited.append(at)
        if row.reactions is not None:
            self.reactions[at] = row.reactions
        if row.links:
            self.links[at] = row.links

    def topic(self, title: str, at: int | None = None) -> None:
        """The message at a place, or the last one, stands in this topic."""
        self._topics[len(self._texts) - 1 if at is None else at] = title

    def not_remembered(self) -> tuple[list[int], list[float]]:
        """Numbers and seconds of the rows that were not given so before."""
        first, self._remembered = self._remembered, len(self._texts)
        return self._keys[first:], self._seconds[first:]

    def take(self) -> Draft:
        """The messages so far; none are held after."""
        n = len(self._texts)
        seconds = np.array(self._seconds, np.float64)
        local = np.floor(seconds).astype(np.int64)
        utc = local * 1_000_000 + np.round((seconds - local) * 1_000_000).astype(np.int64)
        if self.local:
            utc[self.local] += (self._zone.to_utc(local[self.local]) - local[self.local]) * 1_000_000
        texts = _even(pa.array(self._texts, pa.string()))
        wordings = texts
        if self._wordings:
            own = self._texts.copy()
            for at, wording in self._wordings.items():
                own[at] = wording
            wordings = _even(pa.array(own, pa.string()))
        kinds = np.full(n, KIND_CODES["text"], np.int8)
        kinds[list(self.kinds)] = list(self.kinds.values())
        edited = np.zeros(n, np.bool_)
        edited[self.edited] = True
        authors, signers = self._people()
        draft = Draft(
            local=local,
            utc=utc,
            authors=authors,
            texts=texts,
            kinds=kinds,
            media=_lists(self.media, n),
            edited=edited,
            signers=signers,
            wordings=wordings,
            chat=self._chat,
            keys=np.array(self._keys, np.int64),
            replies=np.array(self._replies, np.int64),
            reactions=_sparse(self.reactions, n, pa.int32()) if self.reactions else None,
            topics=_sparse(self._topics, n, pa.string()) if self._topics else None,
            links=_lists(self.links, n) if self.links else None,
        )
        self._clear()
        return draft

    def _people(self) -> tuple[pa.DictionaryArray, pa.StringArray]:
        """Authors and signers of the rows, from the senders that occur in them."""
        used, codes = np.unique(np.array(self._codes, np.int64), return_inverse=True)
        senders = list(self.senders)
        authors = pa.array([senders[code][0] for code in used.tolist()], pa.string())
        signers = pa.array([senders[code][1] or senders[code][0] for code in used.tolist()], pa.string())
        rows = pa.array(codes.astype(np.int32))
        return authors.take(rows).dictionary_encode(), signers.take(rows)


def _even(texts: pa.StringArray) -> pa.StringArray:
    """One kind of line end, no direction marks. Cost: a scan of the bytes where there is nothing to do."""
    return (
        pc.replace_substring_regex(pc.replace_substring(texts, "\r\n", "\n"), _MARKS, "") if _uneven(texts) else texts
    )


def _uneven(texts: pa.StringArray) -> bool:
    if not texts.buffers()[2]:
        return False
    data = np.frombuffer(texts.buffers()[2], np.uint8)
    for start in range(0, len(data), _CACHED):
        part = data[start : start + _CACHED + 2]
        leads = np.flatnonzero((part[:-2] == 0xE2) | (part[:-2] == 0xD8))
        second, third = part[leads + 1], part[leads + 2]
        dots = (second == 0x80) & ((third == 0x8E) | (third == 0x8F) | ((third >= 0xAA) & (third <= 0xAE)))
        isolates = (second == 0x81) & (third >= 0xA6) & (third <= 0xA9)
        letters = (part[leads] == 0xD8) & (second == 0x9C)
        if (dots | isolates | letters).any() or (part == 0x0D).any():
            return True
    return bytes(data[-2:]) == b"\xd8\x9c"


def _sparse(values: Mapping[int, object], n: int, kind: pa.DataType) -> pa.Array:
    column: list[object] = [None] * n
    for at, value in values.items():
        column[at] = value
    return pa.array(column, kind)


def _lists(values: dict[int, tuple[str, ...]], n: int) -> pa.ListArray:
    sizes = np.zeros(n + 1, np.int32)
    for at, names in values.items():
        sizes[at + 1] = len(names)
    flat = [name for at in sorted(values) for name in values[at]]
    return pa.ListArray.from_arrays(pa.array(np.cumsum(sizes, dtype=np.int32)), pa.array(flat, pa.string()))
