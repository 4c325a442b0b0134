"""Whom a source knows by an id of its own: what tells the archive that a renamed person is the one it has met."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.records import USER, NameRecord
from stages.ingest.conceal import Privacy, plain
from stages.privacy.key import keyed_mac


class Users:
    """Collects under which names the users of a source wrote. Memory and cost: those of the distinct pairs, and a few
    vectorised passes a batch."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def take(self, authors: pa.DictionaryArray, signers: pa.StringArray) -> None:
        """Take in the raw authors of messages and what the source calls them itself; null for events."""
        coded = signers.dictionary_encode()
        written = np.flatnonzero(pc.and_(authors.indices.is_valid(), coded.indices.is_valid()))
        if not len(written):
            return
        rows = pa.array(written)
        who = authors.indices.take(rows).to_numpy().astype(np.int64)
        ids = coded.indices.take(rows).to_numpy().astype(np.int64)
        width = len(coded.dictionary)
        names, known = authors.dictionary.to_pylist(), coded.dictionary.to_pylist()
        for pair in np.unique(who * width + ids).tolist():
            name, signer = names[pair // width], known[pair % width]
            if name is not None and signer != name:
                self._names.setdefault(signer, set()).add(name)

    def records(self, privacy: Privacy, key: bytes, platform: str) -> list[NameRecord]:
        """One record for each user who has one name that is nobody else's: of others it is not sure who is meant."""
        sure = {signer: min(names) for signer, names in self._names.items() if len(names) == 1}
        aliases = self._aliases(privacy, sorted(set().union(*self._names.values()))) if sure else {}
        bearers: dict[str, set[str]] = {}
        for signer, names in self._names.items():
            for name in names:
                bearers.setdefault(aliases.get(name, name), set()).add(signer)
        found = []
        for signer, name in sure.items():
            if len(bearers[aliases[name]]) == 1:
                mac = keyed_mac(key, USER, f"{platform}\0{signer}")
                found.append(NameRecord(mac, mac, 0, USER, True, aliases[name]))
        return found

    @staticmethod
    def _aliases(privacy: Privacy, names: Sequence[str]) -> dict[str, str]:
        shown = plain(privacy.authors(pa.array(names, pa.string()).dictionary_encode()))
        return dict(zip(names, shown.to_pylist(), strict=True))
