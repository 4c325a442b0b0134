"""A batch of messages on its way from a reader to the canonical table, before ids are given and names are hidden.

Readers differ in how they find messages; from here on every platform is the same. Columns stand for themselves, so a
vectorised reader fills them without an object per message; :class:`DraftBuilder` fills them row by row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from stages.archive.schema import KINDS
from stages.ingest.columns import Codes, Ints, Mask

KIND_CODES: Final = {name: code for code, name in enumerate(KINDS)}
NO_KEY: Final = -1
"""What stands in ``keys`` and ``replies`` where there is none."""


@dataclass
class Draft:
    """``n`` messages of one chat, in the order of the source.

    ``local`` seconds of the time that the id is made of (as written where the source has no zone, else UTC); ``utc``
    microseconds since 1970. ``authors`` raw names, null for events. ``texts`` as they are to be read, with the
    isolates (U+2066-U+2069) that frame mentions where ``framed``. ``signers`` and ``wordings`` are what the id is made
    of: the author and the text in the form that does not change between two exports of a chat (a user's id rather
    than a name that may change). ``keys`` are the source's own numbers of messages and ``replies`` those of the
    messages that they answer, unique within ``chat``, the source's own id of the chat (never a file's name).
    ``reactions``, ``topics`` and ``links`` (addresses that the text does not show) are None where the source has none.
    """

    local: Ints
    utc: Ints
    authors: pa.DictionaryArray
    texts: pa.StringArray
    kinds: Codes
    media: pa.ListArray
    edited: Mask
    signers: pa.StringArray
    wordings: pa.StringArray
    chat: str = ""
    framed: bool = False
    keys: Ints | None = None
    replies: Ints | None = None
    reactions: pa.Int32Array | None = None
    topics: pa.StringArray | None = None
    links: pa.ListArray | None = None

    def __len__(self) -> int:
        return len(self.local)


@dataclass
class DraftBuilder:
    """Collects messages of one chat one by one. For sources that are objects anyway: a few microseconds a message."""

    chat: str = ""
    _rows: list[tuple[int, int, str | None, str, int, tuple[str, ...], bool, str | None, str]] = field(
        default_factory=list
    )
    _more: list[tuple[int, int, int | None, str | None, tuple[str, ...]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        utc: int,
        author: str | None,
        text: str,
        *,
        kind: str = "text",
        media: Iterable[str] = (),
        edited: bool = False,
        local: int | None = None,
        signer: str | None = None,
        wording: str | None = None,
        key: int = NO_KEY,
        reply: int = NO_KEY,
        reactions: int | None = None,
        topic: str | None = None,
        links: Iterable[str] = (),
    ) -> None:
        """Take one message. ``utc`` in microseconds; ``local`` defaults to its seconds, ``signer`` to the author,
        ``wording`` to the text; ``kind`` is one of KINDS, and an event (system, some calls) has no author.
        """
        self._rows.append(
            (
                utc // 1_000_000 if local is None else local,
                utc,
                author,
                text,
                KIND_CODES[kind],
                tuple(media),
                edited,
                author if signer is None else signer,
                text if wording is None else wording,
            )
        )
        self._more.append((key, reply, reactions, topic, tuple(links)))

    def take(self) -> Draft:
        """The messages so far as a batch; the builder is empty then."""
        local, utc, authors, texts, kinds, media, edited, signers, wordings = zip(*self._rows, strict=True)
        keys, replies, reactions, topics, links = zip(*self._more, strict=True)
        self._rows, self._more = [], []
        return Draft(
            local=np.array(local, np.int64),
            utc=np.array(utc, np.int64),
            authors=pa.array(authors, pa.string()).dictionary_encode(),
            texts=pa.array(texts, pa.string()),
            kinds=np.array(kinds, np.int8),
            media=pa.array(media, pa.list_(pa.string())),
            edited=np.array(edited, np.bool_),
            signers=pa.array(signers, pa.string()),
            wordings=pa.array(wordings, pa.string()),
            chat=self.chat,
            keys=np.array(keys, np.int64),
            replies=np.array(replies, np.int64),
            reactions=pa.array(reactions, pa.int32()) if any(count is not None for count in reactions) else None,
            topics=pa.array(topics, pa.string()) if any(topics) else None,
            links=pa.array(links, pa.list_(pa.string())) if any(links) else None,
        )
