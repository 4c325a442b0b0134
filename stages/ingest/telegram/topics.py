"""Which topic of a forum a message stands in: the one whose creation its chain of replies leads to."""

from array import array
from bisect import bisect_left

from stages.ingest.draft import NO_KEY

NO_TOPIC = -1


class Topics:
    """Topics of one chat, fed with its messages in their order.

    Memory: 12 bytes for a message in a topic, none in a chat without topics.
    """

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._keys = array("q")
        self._codes = array("i")
        self._late: dict[int, int] = {}

    def opened(self, key: int, title: str) -> str:
        """Message ``key`` creates a topic."""
        self._titles.append(title)
        self._put(key, len(self._titles) - 1)
        return title

    def of(self, key: int, reply: int) -> str | None:
        """The topic of message ``key``, which answers ``reply``."""
        if not self._titles or reply == NO_KEY:
            return None
        code = self._code(reply)
        if code == NO_TOPIC:
            return None
        self._put(key, code)
        return self._titles[code]

    def _put(self, key: int, code: int) -> None:
        if key == NO_KEY:
            return
        if self._keys and key <= self._keys[-1]:
            self._late.setdefault(key, code)
            return
        self._keys.append(key)
        self._codes.append(code)

    def _code(self, key: int) -> int:
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            return self._codes[at]
        return self._late.get(key, NO_TOPIC)
