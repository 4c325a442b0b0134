"""Rows of one chat on their way into a draft, column by column: most rows have a sender and a text and nothing else."""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.ingest.draft import KIND_CODES, Draft
from stages.ingest.telegram.message import Row
from stages.ingest.zone import LocalTimes

_MOST_ROWS: Final = 20_000
_MOST_CHARACTERS: Final = 16 << 20
_UNEVEN: Final = re.compile(
    rb"\r|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c",
)
_MARKS: Final = "[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"


class Rows:
    """Collects messages of one chat; :meth:`take` hands them out as a draft. ``senders`` are pairs of name and id."""

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
        self._local: list[int] = []
        self._kinds: dict[int, int] = {}
        self._wordings: dict[int, str] = {}
        self._media: dict[int, tuple[str, ...]] = {}
        self._edited: list[int] = []
        self._reactions: dict[int, int] = {}
        self._topics: dict[int, str] = {}
        self._links: dict[int, tuple[str, ...]] = {}
        self._characters = 0

    def __len__(self) -> int:
        return len(self._texts)

    def is_full(self) -> bool:
        return len(self._texts) >= _MOST_ROWS or self._characters >= _MOST_CHARACTERS

    def plain(self, seconds: float, author: str | None, signer: str | None, text: str, key: int, reply: int) -> None:
        """Adds a message that somebody wrote at ``seconds`` UTC."""
        sender = (author, signer)
        code = self.senders.get(sender)
        if code is None:
            code = self.senders[sender] = len(self.senders)
        self._seconds.append(seconds)
        self._codes.append(code)
        self._texts.append(text)
        self._keys.append(key)
        self._replies.append(reply)
        self._characters += len(text)

    def add(self, row: Row, seconds: float, key: int, *, local: bool) -> None:
        """Adds any message. ``local``: its seconds are those of a clock without a zone."""
        at = len(self._texts)
        self.plain(seconds, row.author, row.signer, row.text, key, row.reply)
        if local:
            self._local.append(at)
        if row.kind != "text":
            self._kinds[at] = KIND_CODES[row.kind]
        if row.wording != row.text:
            self._wordings[at] = row.wording
        if row.media:
            self._media[at] = row.media
        if row.edited:
            self._edited.append(at)
        if row.reactions is not None:
            self._reactions[at] = row.reactions
        if row.links:
            self._links[at] = row.links

    def topic(self, title: str) -> None:
        """The last message stands in this topic."""
        self._topics[len(self._texts) - 1] = title

    def take(self) -> Draft:
        """The messages so far; none are held after."""
        n = len(self._texts)
        seconds = np.array(self._seconds, np.float64)
        local = np.floor(seconds).astype(np.int64)
        utc = local * 1_000_000 + np.round((seconds - local) * 1_000_000).astype(np.int64)
        if self._local:
            utc[self._local] += (self._zone.to_utc(local[self._local]) - local[self._local]) * 1_000_000
        texts = _even(pa.array(self._texts, pa.string()))
        wordings = texts
        if self._wordings:
            own = self._texts.copy()
            for at, wording in self._wordings.items():
                own[at] = wording
            wordings = _even(pa.array(own, pa.string()))
        kinds = np.full(n, KIND_CODES["text"], np.int8)
        kinds[list(self._kinds)] = list(self._kinds.values())
        edited = np.zeros(n, np.bool_)
        edited[self._edited] = True
        authors, signers = self._people()
        draft = Draft(
            local=local,
            utc=utc,
            authors=authors,
            texts=texts,
            kinds=kinds,
            media=_lists(self._media, n),
            edited=edited,
            signers=signers,
            wordings=wordings,
            chat=self._chat,
            keys=np.array(self._keys, np.int64),
            replies=np.array(self._replies, np.int64),
            reactions=_sparse(self._reactions, n, pa.int32()) if self._reactions else None,
            topics=_sparse(self._topics, n, pa.string()) if self._topics else None,
            links=_lists(self._links, n) if self._links else None,
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
    data = texts.buffers()[2]
    if data is None or not _UNEVEN.search(data):
        return texts
    return pc.replace_substring_regex(pc.replace_substring(texts, "\r\n", "\n"), _MARKS, "")


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
