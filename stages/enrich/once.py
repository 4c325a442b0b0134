"""Words of models, each paid for once: copies of a picture or a sound share what was said of the first.

What the archive knows is there from the beginning; what is being asked for is waited for, whichever batch asks.
"""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

import duckdb
import numpy as np

from stages.enrich.schema import KNOWN
from stages.enrich.similar import DISTANCE


@dataclass(frozen=True)
class Words:
    """What a model said of a file, and which model; ``text`` is None where it heard nothing."""

    text: str | None
    by: str


@dataclass(frozen=True)
class KnownWords:
    """Words that the archive has of a file: its sha256, and its ``look`` where it is a picture that has one."""

    sha256: str
    look: str | None
    words: Words


Asked: TypeAlias = Future[Words | None]
"""The words that somebody is asking for; None where the model cannot be asked about that file."""


def known_words(cursor: duckdb.DuckDBPyConnection) -> list[KnownWords]:
    """All words that models said of the archive's pictures, sound and film, in the order of the chat. One query."""
    rows = cursor.execute(
        f"""SELECT sha256, look, CASE kind WHEN 'image' THEN alt ELSE transcript END, told_by FROM tasks
            WHERE {KNOWN} AND kind <> 'url' AND told_by IS NOT NULL AND sha256 IS NOT NULL ORDER BY first_seq, key"""
    ).fetchall()
    return [KnownWords(sha256, look, Words(text, by)) for sha256, look, text, by in rows]


class Once:
    """Who asks for the words of a file, and who shares them; any thread may ask.

    Files are the same by their sha256, pictures also by their look (:mod:`stages.enrich.similar`). What failed is
    shared too: a copy is not asked about again in this run. Cost: some 10 us a file, and for a picture that is new a
    look at all that are known, 0.1 ms for 100,000.
    """

    def __init__(self, known: Iterable[KnownWords] = ()) -> None:
        self._lock = threading.Lock()
        self._by_content: dict[str, Words | Asked] = {}
        self._by_look: list[Words | Asked] = []
        self._looks = np.empty(256, np.uint64)
        for one in known:
            if one.sha256 not in self._by_content:
                self._keep(one.sha256, one.look, one.words)

    def take(self, sha256: str, look: str | None) -> tuple[Words | Asked, bool]:
        """The words, or the future of them, and whether it is the caller who must ask and settle the future."""
        with self._lock:
            found = self._by_content.get(sha256) or self._near(look)
            if found is not None:
                self._by_content[sha256] = found
                return found, False
            asked: Asked = Future()
            asked.set_running_or_notify_cancel()  # whoever waits may give up, and takes it from nobody else
            self._keep(sha256, look, asked)
            return asked, True

    def _keep(self, sha256: str, look: str | None, words: Words | Asked) -> None:
        self._by_content[sha256] = words
        if look is None:
            return
        count = len(self._by_look)
        if count == len(self._looks):
            self._looks = np.concatenate((self._looks, np.empty(count, np.uint64)))
        self._looks[count] = int(look, 16)
        self._by_look.append(words)

    def _near(self, look: str | None) -> Words | Asked | None:
        """What is known of the picture that looks most like this one, where one is near enough."""
        if look is None or not self._by_look:
            return None
        differ = np.bitwise_count(self._looks[: len(self._by_look)] ^ np.uint64(int(look, 16)))
        nearest = int(differ.argmin())
        return self._by_look[nearest] if differ[nearest] <= DISTANCE else None
