"""What is done to messages that depends on no other message: digests are made and names are hidden.

It is what reading costs most, and it can be done anywhere, in any order and in any number of processes at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.records import NameRecord
from stages.ingest.columns import Ints
from stages.ingest.identity import Digests

_ISOLATES: Final = "[\u2066-\u2069]"


class Privacy(Protocol):
    """What hides names; :class:`stages.privacy.guard.Guard`, or :class:`Nothing` with ``raw_authors``."""

    def authors(self, raw: pa.Array) -> pa.Array: ...
    def texts(self, texts: pa.Array) -> pa.Array: ...
    def changes(self, texts: pa.StringArray) -> tuple[Ints, pa.StringArray]: ...
    def file_name(self, name: str) -> str: ...
    def records(self) -> list[NameRecord]: ...
    def late(self) -> dict[str, str]: ...
    def absorb(self, records: Iterable[NameRecord], late: Mapping[str, str]) -> bool: ...


class Nothing:
    """Hides nothing: names and texts as they are in the export."""

    def authors(self, raw: pa.Array) -> pa.Array:
        return raw

    def texts(self, texts: pa.Array) -> pa.Array:
        return texts

    def changes(self, texts: pa.StringArray) -> tuple[Ints, pa.StringArray]:
        return np.zeros(0, np.int64), pa.array([], pa.string())

    def file_name(self, name: str) -> str:
        return name

    def records(self) -> list[NameRecord]:
        return []

    def late(self) -> dict[str, str]:
        return {}

    def absorb(self, records: Iterable[NameRecord], late: Mapping[str, str]) -> bool:
        return True


@dataclass(frozen=True)
class Open:
    """Messages of one chat as they are in the source; see :class:`stages.ingest.draft.Draft`. ``texts`` is
    ``wordings`` itself where both are the same."""

    chat: str
    local: Ints
    signers: pa.StringArray
    wordings: pa.StringArray
    texts: pa.StringArray

    def __len__(self) -> int:
        return len(self.local)


@dataclass(frozen=True)
class Concealed:
    """16 bytes a message that its id is made of; the rows whose text is changed, in order, and their texts then."""

    digests: bytes
    rows: Ints
    texts: pa.StringArray


class Concealer:
    """Conceals messages for one key. Cost: about a microsecond a message, and some ten for one that names somebody."""

    def __init__(self, privacy: Privacy, key: bytes, prefix: str) -> None:
        self._privacy = privacy
        self._key = key
        self._prefix = prefix
        self._digests: dict[str, Digests] = {}

    def conceal(self, messages: Open) -> Concealed:
        """What their ids are made of, and what is hidden in them."""
        digests = self._digests.get(messages.chat)
        if digests is None:
            digests = self._digests[messages.chat] = Digests(self._key, self._prefix + messages.chat)
        made = digests.of(messages.local, messages.signers, messages.wordings)
        return Concealed(made, *self._privacy.changes(messages.texts))


def shown(texts: pa.StringArray, concealed: Concealed, *, framed: bool) -> pa.StringArray:
    """The texts with what is hidden; mentions are ``framed`` by isolates, which go once the names in them are."""
    rows, replaced = concealed.rows, concealed.texts
    if framed:
        inside = _with_isolates(texts)
        others = np.setdiff1d(inside, rows, assume_unique=True)
        kept = pa.concat_arrays([replaced, texts.take(pa.array(others))])
        order = np.argsort(np.concatenate((rows, others)), kind="stable")
        rows = np.concatenate((rows, others))[order]
        replaced = pc.replace_substring_regex(kept.take(pa.array(order)), _ISOLATES, "")
    if not len(rows):
        return texts
    mask = np.zeros(len(texts), np.bool_)
    mask[rows] = True
    return plain(pc.replace_with_mask(texts, pa.array(mask), replaced))


def _with_isolates(texts: pa.StringArray) -> Ints:
    """The rows that hold U+2066-U+2069, in order."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    at = np.flatnonzero((data[:-2] == 0xE2) & (data[1:-1] == 0x81) & (data[2:] >= 0xA6) & (data[2:] <= 0xA9))
    return np.unique(np.searchsorted(offsets, at + offsets[0], side="right") - 1)


def plain(column: Any) -> pa.StringArray:
    """A string array, whatever encoding or chunks a stage answered with."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column if column.type == pa.string() else column.cast(pa.string())
