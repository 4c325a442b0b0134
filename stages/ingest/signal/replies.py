"""Which earlier message a quote is of, where that is sure: signal-export writes the quoted text and no id."""

from collections import OrderedDict
from typing import Final

_REMEMBERED: Final = 20_000
_START: Final = 80
_LABELS: Final = frozenset({"Photo", "Video", "Voice message", "Attachment", ""})
_TWICE: Final = -1


class Earlier:
    """The texts of the last 20,000 messages of a chat by their first 80 characters. What came twice is nobody's."""

    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[str, int], int] = OrderedDict()

    def add(self, text: str, key: int) -> None:
        """Remember a message by what was said in it."""
        known = _known(text)
        if known is None:
            return
        self._keys[known] = _TWICE if known in self._keys else key
        self._keys.move_to_end(known)
        if len(self._keys) > _REMEMBERED:
            self._keys.popitem(last=False)

    def find(self, quote: str) -> int | None:
        """The key of the one message that says what was quoted, or None."""
        known = _known(quote)
        key = None if known is None or quote.strip() in _LABELS else self._keys.get(known)
        return None if key == _TWICE else key


def _known(text: str) -> tuple[str, int] | None:
    # ticks are left out of texts and kept in quotes
    even = text.replace("`", "").strip()
    return (even[:_START], hash(even)) if even else None
