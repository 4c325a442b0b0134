"""Whether a window holds anything worth a post: a quiet one gets none, for nothing is padded."""

import re
from typing import Final

from stages.write.window import RenderedWindow

ENOUGH: Final = 4
"""Different words with a meaning of their own that make a window worth telling; a picture or link counts as two."""
_SHOWN_WEIGHT: Final = 2
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_WRITTEN_WITHOUT_BLANKS: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\uac00-\ud7af]")


def is_quiet(window: RenderedWindow) -> bool:
    """True where people said next to nothing: greetings, laughter, an "ok", system notices.

    Stops reading as soon as enough was found.
    """
    from stages.write.extractive.lexicon import empty_words

    empty = empty_words()
    found: set[str] = set()
    weight = 0
    for line in window.lines.values():
        if not line.own or line.author is None:
            continue
        said = f"{line.said} {line.heard}" if line.heard else line.said
        words = [word.casefold() for word in _WORD.findall(said)]
        found.update(word for word in words if word not in empty)
        if _WRITTEN_WITHOUT_BLANKS.search(said):
            found.update(said[at : at + 2] for at in range(len(said) - 1))
        if len(found) >= ENOUGH:
            return False
    weight = sum(_SHOWN_WEIGHT for shown in window.shown.values() if window.lines[shown.source].own)
    return len(found) + weight < ENOUGH
