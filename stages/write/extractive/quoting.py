"""Cutting words out of messages: always a piece of the message as it stands, never joined, never changed."""

import re
from typing import Final

MOST: Final = 260
"""Most characters of a quotation."""
_ENDS: Final = re.compile(r"(?<=[.!?…])\s+(?=\S)")
_ADDRESS: Final = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.\-]*://|www\.)\S+|\b(?:javascript|data|vbscript):\S+|//\S+", re.I)
_MARKUP: Final = re.compile(r"<[a-zA-Z/!?]")
_CLAUSE: Final = re.compile(r"(?<=[,;:—–])\s+")
_LABEL: Final = re.compile(r"(?<!\S)([^\W\d_]{3,}): ")
_INNER: Final = str.maketrans("“”", "‘’")
_WORDS: Final = re.compile(r"\w{2,}")


def quotable(text: str, most: int = MOST) -> str:
    """A piece of the text of at most ``most`` characters that stands by itself, without address or markup.

    Whole sentences from the start where they fit, else the sentence's beginning up to a clause or a word. Empty where
    nothing is left to quote.
    """
    pieces = [piece.strip(" \t\n,;:–—-") for piece in _ADDRESS.split(text)] if _ADDRESS.search(text) else [text]
    text = max(pieces, key=lambda piece: (len(piece), -pieces.index(piece)))
    if _MARKUP.search(text):
        text = text[: text.index("<")].strip()
    if len(_WORDS.findall(text)) < 1:
        return ""
    if len(text) <= most:
        return text
    kept = ""
    for sentence in _ENDS.split(text):
        longer = text[: text.index(sentence, len(kept)) + len(sentence)]
        if len(longer) > most:
            break
        kept = longer
    if len(kept) >= most // 4:
        return kept
    return _cut(text, most)


def _cut(text: str, most: int) -> str:
    head = text[:most]
    clauses = [match.start() for match in _CLAUSE.finditer(head)]
    at = clauses[-1] if clauses and clauses[-1] > most // 2 else head.rfind(" ")
    return head[: at if at > most // 3 else most].rstrip(" ,;:—–-")


def marked(words: str, whole: str) -> str:
    """Words between quotation marks, an ellipsis where the message goes on or began before, and a closing full stop
    where the words have no end of their own."""
    if not words:
        return ""
    inside = words.translate(_INNER)
    rest = _ADDRESS.sub("", whole[whole.find(words) + len(words) :])
    unfinished = bool(_WORDS.search(rest)) and words[-1] not in ".!?…"
    tail = "…" if unfinished else ""
    closing = "" if (inside + tail)[-1] in ".!?…" else "."
    return f"“{inside}{tail}”{closing}"


def poll(text: str) -> str:
    """The question and the options of a poll, each quoted: `POLL: … OPTION: … OPTION: …`, labels in any language."""
    labels = [match.group(1) for match in _LABEL.finditer(text)]
    option = max(labels[1:], key=lambda label: (labels.count(label), -labels.index(label)), default="")
    if labels and text.startswith(f"{labels[0]}: "):
        text = text[len(labels[0]) + 2 :]
    question, *options = (part.strip() for part in (text.split(f"{option}: ") if option else [text]))
    pieces = [quotable(piece) for piece in (question, *options)]
    first, *others = [f"“{piece.translate(_INNER)}”" for piece in pieces if piece] or [""]
    return f"{first} {' · '.join(others)}".strip()
