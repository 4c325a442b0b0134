"""From drafts to the canonical table: ids are given, names are hidden, and what was seen is counted.

The same for every platform, column-wise. Raw names and texts never touch the disk: what is written is pseudonymous.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.schema import KINDS
from stages.ingest.answers import SIDES
from stages.ingest.columns import Ints
from stages.ingest.conceal import Concealed, Nothing, Open, Privacy, plain, shown
from stages.ingest.draft import NO_KEY, Draft
from stages.ingest.identity import Identity
from stages.ingest.order import OrderedWriter
from stages.ingest.users import Users


class Emission:
    """Drafts in, batches to the writer out; what was counted on the way stands in the attributes.

    ``same`` maps a raw author to the one under whom the same person wrote before.
    """

    def __init__(
        self, privacy: Privacy, key: bytes, chat_id: str, writer: OrderedWriter, same: Mapping[str, str]
    ) -> None:
        self._privacy = privacy
        self._key = key
        self._prefix = chat_id
        self._writer = writer
        self._same = same
        self._identities: dict[str, Identity] = {}
        self._chats: dict[str, int] = {}
        self._renamed: dict[str, str] = {}
        self._kinds = np.zeros(len(KINDS), np.int64)
        self._writing: set[str] = set()
        self.users = Users()
        self.media: set[str] = set()
        self.renamed: set[str] = set()
        self.entries = 0
        self.authored = 0
        self.first: int | None = None
        self.last: int | None = None

    def opened(self, draft: Draft) -> Open:
        """What has to be concealed of a draft."""
        signers = self._as_before(draft)[1]
        return Open(draft.chat, draft.local, signers, draft.wordings, draft.texts)

    def take(self, draft: Draft, concealed: Concealed) -> None:
        """Turn one draft (not empty, in their order) and what was concealed of it into a batch."""
        n = len(draft)
        authors, signers = self._as_before(draft)
        identity = self._identities.get(draft.chat)
        if identity is None:
            identity = self._identities[draft.chat] = Identity(self._key, self._prefix + draft.chat)
        ids = identity.numbered(draft.local, concealed.digests)
        self._count(draft, authors)
        final = shown(draft.texts, concealed, framed=draft.framed)
        columns = [
            pa.array(np.arange(self.entries, self.entries + n, dtype=np.int64)),
            ids,
            pa.array(draft.utc).cast(pa.timestamp("us", tz="UTC")),
            plain(self._privacy.authors(authors)),
            pa.array(list(KINDS), pa.string()).take(pa.array(draft.kinds)),
            final,
            pc.cast(pc.binary_length(final), pa.int32()),
            self._media(draft.media),
            pa.nulls(n, pa.string()),
            pa.array(draft.edited),
        ]
        sides = None
        if self._writer.linked:
            self.users.take(authors, signers)
            columns += self._details(draft)
            sides = self._numbers(draft)
        self._writer.write(pa.RecordBatch.from_arrays(columns, schema=self._writer.schema), draft.utc, sides)
        self.entries += n
        low, high = int(draft.utc.min()), int(draft.utc.max())
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)

    def chats(self) -> Collection[str]:
        """The source's own ids of the chats, "" where it has none."""
        return self._identities.keys()

    def counts(self) -> dict[str, int]:
        """Entries, those with and without an author, and those of each kind."""
        counts = {"entries": self.entries, "authored": self.authored, "unauthored": self.entries - self.authored}
        return counts | dict(zip(KINDS, self._kinds.tolist(), strict=True))

    def authors(self) -> list[str]:
        """Who writes, under the names that are shown, sorted."""
        shown = self._privacy.authors(pa.array(sorted(self._writing), pa.string()).dictionary_encode())
        return sorted(set(plain(shown).to_pylist()))

    def _as_before(self, draft: Draft) -> tuple[pa.DictionaryArray, pa.StringArray]:
        if not self._same:
            return draft.authors, draft.signers
        written = draft.authors.dictionary.to_pylist()
        self.renamed |= self._same.keys() & set(written)
        old = [self._same.get(name, name) for name in written]
        authors = pa.DictionaryArray.from_arrays(draft.authors.indices, pa.array(old, pa.string()))
        signers = draft.signers.dictionary_encode()
        names = [self._same.get(name, name) for name in signers.dictionary.to_pylist()]
        return authors, pa.array(names, pa.string()).take(signers.indices)

    def _count(self, draft: Draft, authors: pa.DictionaryArray) -> None:
        self._kinds += np.bincount(draft.kinds, minlength=len(KINDS))
        codes = authors.indices.drop_null().to_numpy()
        self.authored += len(codes)
        times = np.bincount(codes, minlength=len(authors.dictionary))
        self._writing.update(authors.dictionary.filter(pa.array(times > 0)).to_pylist())

    def _media(self, media: pa.ListArray) -> pa.ListArray:
        written = media.flatten().to_pylist()
        if not written:
            return media
        self.media.update(written)
        for name in set(written) - self._renamed.keys():
            self._renamed[name] = self._privacy.file_name(name)
        values = pa.array([self._renamed[name] for name in written], pa.string())
        offsets = np.concatenate((np.zeros(1, np.int32), np.cumsum(pc.list_value_length(media).to_numpy())))
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)

    def _details(self, draft: Draft) -> list[Any]:
        """The columns of DETAILS."""
        n = len(draft)
        topics = pa.nulls(n, pa.string()) if draft.topics is None else plain(self._privacy.texts(draft.topics))
        links = draft.links
        if links is not None and not isinstance(self._privacy, Nothing):
            links = pa.ListArray.from_arrays(links.offsets, plain(self._privacy.texts(links.values)))
        return [
            pa.nulls(n, pa.int32()) if draft.reactions is None else draft.reactions,
            topics,
            pa.nulls(n, pa.list_(pa.string())) if links is None else links,
        ]

    def _numbers(self, draft: Draft) -> pa.RecordBatch:
        """The source's own numbers of the messages, by which they are linked."""
        n = len(draft)
        chat = self._chats.setdefault(draft.chat, len(self._chats))
        none: Ints = np.full(n, NO_KEY, np.int64)
        return pa.RecordBatch.from_arrays(
            [
                pa.array(np.arange(self.entries, self.entries + n, dtype=np.int64)),
                pa.array(np.full(n, chat, np.int32)),
                pa.array(none if draft.keys is None else draft.keys),
                pa.array(none if draft.replies is None else draft.replies),
            ],
            schema=SIDES,
        )
