"""Words of strangers hide the chat's people like any text of the chat: a page or a document may name somebody in it.

The other way round, an address in which somebody was hidden leads nowhere any more.
"""

import re
import threading
from collections.abc import Sequence
from functools import cache
from typing import Final

from stages.archive.records import NameRecord
from stages.privacy.vocabulary import ADDRESS, NAME, NUMBER, in_order

_PAIR: Final = re.compile(r"([A-Z][a-z]+)-([A-Z][a-z]+)")
_WORD: Final = re.compile(rf"[/=+:,](?:{NUMBER}|{ADDRESS}|{NAME})(?=$|[/?&#,])")


class Concealer:
    """``conceal(text)``: names, numbers and addresses that the archive knows (``known``) replaced; any thread may call.

    Cost: what the names cost to take in, paid by the first call; then tens of microseconds a text.
    """

    def __init__(self, key: bytes, known: Sequence[NameRecord], region: str | None) -> None:
        self._key = key
        self._known = known
        self._region = region
        self._lock = threading.Lock()  # a guard learns as it reads
        self._guard: object = None

    def __call__(self, text: str) -> str:
        from stages.privacy.guard import Guard

        with self._lock:
            if not isinstance(self._guard, Guard):
                self._guard = Guard.build(self._key, [], known=self._known, region=self._region)
            return self._guard.text(text)


def is_altered(link: str) -> bool:
    """Whether a link, as the archive has it, holds a pseudonym: what it led to is not known any more.

    In doubt it does: a page must not be told as what somebody linked when it may be another one.
    """
    adjectives, nouns = _alias_words()
    pairs = (match.groups() for match in _PAIR.finditer(link))
    return any(one in adjectives and other in nouns for one, other in pairs) or bool(_WORD.search(link))


@cache
def _alias_words() -> tuple[frozenset[str], frozenset[str]]:
    adjectives, nouns = (frozenset(word.capitalize() for word in in_order(kind)) for kind in ("adjectives", "nouns"))
    return adjectives, nouns
