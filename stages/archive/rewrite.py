"""Rows of an export are put right before they are merged: contested aliases, then names that other exports brought."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.archive.roster import are_akin
from stages.parquet import messages_writer
from stages.privacy.guard import Guard

_ROWS: Final = 60_000


class Rewriter:
    """Replaces aliases (``moved``: old -> new; ``aliases`` are all of the export's), then names by ``guard``.

    What has nothing to replace is handed on as it is.
    """

    def __init__(self, moved: Mapping[str, str], aliases: Sequence[str], guard: Guard | None) -> None:
        self._moved = moved
        self._guard = guard
        # "Quiet Heron 57" is not "Quiet Heron": the longest alias at a place is meant
        akin = {alias for alias in (*aliases, *moved) if any(are_akin(alias, old) for old in moved)}
        spelt = "|".join(re.escape(alias).replace(r"\ ", "[ -]") for alias in sorted(akin, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<!\w)(?:{spelt})(?!\w)") if moved else None
        self._names: dict[str, str] = {}

    def rewrite(self, parquet: Path, target: Path) -> Path:
        """Write the rows to ``target``; where nothing changes there is no ``target`` and the file itself is returned.

        Streams batch by batch.
        """
        if self._pattern is None and self._guard is None:
            return parquet
        source = pq.ParquetFile(parquet)
        changed = False
        with messages_writer(target, source.schema_arrow) as out:
            for batch in source.iter_batches(_ROWS):
                fresh = self._batch(batch)
                changed = changed or not fresh.equals(batch)
                out.write_batch(fresh)
        if not changed:
            target.unlink()
        return target if changed else parquet

    def file_name(self, name: str) -> str:
        """The name of an attachment."""
        if name not in self._names:
            fresh = self._text(name)
            self._names[name] = self._guard.file_name(fresh) if self._guard else fresh
        return self._names[name]

    def _batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = {name: batch.column(name) for name in batch.schema.names}
        authors = columns["author"].dictionary_encode()
        renamed = [self._moved.get(name, name) for name in authors.dictionary.to_pylist()]
        columns["author"] = pa.array(renamed, pa.string()).take(authors.indices)
        columns["text"] = self._texts(columns["text"])
        columns["text_bytes"] = pc.cast(pc.binary_length(columns["text"]), pa.int32())
        columns["media"] = _each(
            columns["media"], lambda names: pa.array(map(self.file_name, names.to_pylist()), pa.string())
        )
        if "topic" in columns:
            columns["topic"] = self._texts(columns["topic"])
        if "links" in columns:
            columns["links"] = _each(columns["links"], self._texts)
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=batch.schema)

    def _texts(self, texts: pa.StringArray) -> pa.StringArray:
        if self._pattern is not None:
            texts = pa.array([None if text is None else self._text(text) for text in texts.to_pylist()], pa.string())
        return self._guard.texts(texts) if self._guard else texts

    def _text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(self._alias, text)

    def _alias(self, match: re.Match[str]) -> str:
        written = match.group()
        fresh = self._moved.get(written.replace("-", " "))
        if fresh is None:
            return written
        return fresh.replace(" ", "-") if "-" in written else fresh


def _each(lists: pa.ListArray, change: Callable[[pa.StringArray], pa.StringArray]) -> pa.ListArray:
    """A list column with all of its values changed at once."""
    values = lists.flatten()
    if not len(values):
        return lists
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate((np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)))
    return pa.ListArray.from_arrays(pa.array(offsets), change(values), mask=lists.is_null())
