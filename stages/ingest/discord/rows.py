"""Messages on their way into a draft, column by column: a third of the time that an object a message takes."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from stages.ingest.draft import KIND_CODES, NO_KEY, Draft

_TEXT: Final = KIND_CODES["text"]


class Rows:
    """Collects messages of one chat. What most messages do not have is kept by row."""

    def __init__(self, chat: str, topic: str | None) -> None:
        self._chat = chat
        self._topic = topic
        self._clear()

    def __len__(self) -> int:
        return len(self._utc)

    def add(self, utc: int, author: str | None, text: str, signer: str | None, wording: str, key: int) -> int:
        """Take a message as plain text by somebody, and give its row for what else it has."""
        self._utc.append(utc)
        self._authors.append(author)
        self._texts.append(text)
        self._signers.append(signer)
        self._wordings.append(wording)
        self._keys.append(key)
        return len(self._utc) - 1

    def mark(self, row: int, *, kind: str = "", edited: bool = False, reply: int = NO_KEY) -> None:
        """What a row is: its kind, whether it was edited, the number of the message that it answers."""
        if kind:
            self._kinds[row] = KIND_CODES[kind]
        if edited:
            self._edited.append(row)
        if reply != NO_KEY:
            self._replies[row] = reply

    def attach(
        self, row: int, *, media: Sequence[str] = (), links: Sequence[str] = (), reactions: int | None = None
    ) -> None:
        """What hangs on a row."""
        if media:
            self._media[row] = media
        if links:
            self._links[row] = links
        if reactions is not None:
            self._reactions[row] = reactions

    def take(self) -> Draft:
        """The messages so far as a batch; nothing is left."""
        n = len(self)
        utc = np.array(self._utc, np.int64)
        edited = np.zeros(n, np.bool_)
        edited[self._edited] = True
        texts = pa.array(self._texts, pa.string())
        draft = Draft(
            local=utc // 1_000_000,
            utc=utc,
            authors=pa.array(self._authors, pa.string()).dictionary_encode(),
            texts=texts,
            kinds=_filled(n, _TEXT, self._kinds).astype(np.int8),
            media=_lists(n, self._media),
            edited=edited,
            signers=pa.array(self._signers, pa.string()),
            wordings=pa.array(self._wordings, pa.string()),
            chat=self._chat,
            framed=True,
            keys=np.array(self._keys, np.int64),
            replies=_filled(n, NO_KEY, self._replies),
            reactions=_sparse(n, self._reactions) if self._reactions else None,
            topics=pa.array([self._topic] * n, pa.string()) if self._topic else None,
            links=_lists(n, self._links) if self._links else None,
        )
        self._clear()
        return draft

    def _clear(self) -> None:
        self._utc: list[int] = []
        self._authors: list[str | None] = []
        self._texts: list[str] = []
        self._signers: list[str | None] = []
        self._wordings: list[str] = []
        self._keys: list[int] = []
        self._kinds: dict[int, int] = {}
        self._edited: list[int] = []
        self._replies: dict[int, int] = {}
        self._media: dict[int, Sequence[str]] = {}
        self._links: dict[int, Sequence[str]] = {}
        self._reactions: dict[int, int] = {}


def _filled(n: int, usual: int, others: dict[int, int]) -> Any:
    column = np.full(n, usual, np.int64)
    if others:
        column[list(others)] = list(others.values())
    return column


def _sparse(n: int, values: dict[int, int]) -> pa.Int32Array:
    column = np.zeros(n, np.int32)
    missing = np.ones(n, np.bool_)
    rows = list(values)
    column[rows] = list(values.values())
    missing[rows] = False
    return pa.array(column, mask=missing)


def _lists(n: int, values: dict[int, Sequence[str]]) -> pa.ListArray:
    """A list a row, empty where there is nothing. Rows were added in order, so their values follow one another."""
    lengths = np.zeros(n, np.int64)
    lengths[list(values)] = [len(each) for each in values.values()]
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths))).astype(np.int32)
    flat = [value for each in values.values() for value in each]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, pa.string()))
