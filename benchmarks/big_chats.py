"""A large chat from a seed, as a ZIP: mixed lengths, several lines, links, mentions, media, events, accents, emoji.

Made column-wise and streamed, so that a gigabyte is written in seconds with a few dozen megabytes of memory.
"""

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
PEOPLE: Final = (
    "Ana Beatriz Souza", "Rui Costa", "Zoë Marchetti", "Tomás 😂", "+55 11 98888-7777", "Ximena Prado", "Kofi",
    "Марина", "Yusuf Demir", "Dona Lurdes", "~\u202fPaulo", "Ingrid Solberg",
)  # fmt: skip
_EVENTS: Final = (
    "Rui Costa added Kofi",
    "Ximena Prado left",
    "You changed the group description",
    "Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them.",
)
_SPECIAL: Final = (
    "<Media omitted>",
    "This message was deleted",
    "null",
    "👍",
    "😂😂😂",
    "ok",
    "kkkkk",
    "Missed voice call",
)
_SYLLABLES: Final = (
    "ba", "ce", "do", "fu", "gra", "li", "mo", "ne", "pa", "qui", "ro", "sa", "te", "vi", "lho", "ção", "né", "ver",
    "ar", "os", "em", "um", "tra", "bla", "ing", "ter",
)  # fmt: skip
_HEADER: Final = re.compile(rb"^\d\d/\d\d/\d{4}, \d\d:\d\d - ", re.MULTILINE)
_ROWS: Final = 50_000


@dataclass(frozen=True)
class Written:
    """A chat on disk: its path, the bytes of its text, its messages."""

    path: Path
    bytes: int
    messages: int


def write_zip(path: Path, size: int, seed: int = 1) -> Written:
    """Write a ZIP whose chat has at least ``size`` bytes, as Android writes it; deflated as phones do."""
    done = messages = 0
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("WhatsApp Chat with Friends.txt", "w", force_zip64=True) as out,
    ):
        for part in _parts(seed):
            last = done + len(part) >= size
            whole = part[: part[: size - done].rfind(b"\n") + 1] if last else part
            out.write(whole)
            done += len(whole)
            messages += len(_HEADER.findall(whole))
            if last:
                break
    return Written(path, done, messages)


def _parts(seed: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    vocabulary = _vocabulary(rng)
    minute = int(datetime(2015, 3, 14, 8).timestamp() // 60)
    while True:
        steps = np.where(rng.random(_ROWS) < 0.35, rng.integers(1, 9, _ROWS), 0)
        minutes = minute + np.cumsum(steps)
        minute = int(minutes[-1])
        yield _rows(rng, vocabulary, minutes)


def _vocabulary(rng: np.random.Generator) -> pa.Array:
    sizes = rng.integers(1, 4, 8_000)
    words = ["".join(rng.choice(_SYLLABLES, size)) for size in sizes.tolist()]
    return pa.array(words, pa.string())


def _rows(rng: np.random.Generator, vocabulary: pa.Array, minutes: Ints) -> bytes:
    n = len(minutes)
    # lengths as people write: most short, a few long
    lengths = np.minimum(1 + rng.geometric(0.11, n) + np.where(rng.random(n) < 0.02, 60, 0), 200)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    total = int(offsets[-1])
    words = vocabulary.take(pa.array((rng.random(total) ** 2.5 * len(vocabulary)).astype(np.int32)))
    words = _put(words, rng, 0.0015, ["Ana", "rui", "Ximena", "Kofi", "Tomás"])
    words = _put(words, rng, 0.02, ["😂", "❤️", "né?", "12,50", "às 19h", "...", "!!", "2023"])
    words = _put(words, rng, 0.010, [f"\n{word}" for word in ("e", "depois", "- isto", "2) aquilo", "ok?", "\nfim")])
    texts = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), words), " ")
    links = pa.array([f"https://example.org/p/{number}?id={number * 7919}" for number in range(500)], pa.string())
    mentions = pa.array([f"@\u2068{name}\u2069 vê isto" for name in PEOPLE[:4]] + ["@5511988887777 oi"], pa.string())
    files = pa.array([f"IMG-2021{1 + k % 12:02}{1 + k % 28:02}-WA{k:04}.jpg (file attached)" for k in range(400)])
    texts = _mixed(
        texts, rng, 0.02, lambda rows: pc.binary_join_element_wise(texts.take(rows), _any(rng, links, rows), " ")
    )
    texts = _mixed(texts, rng, 0.01, lambda rows: _any(rng, mentions, rows))
    texts = _mixed(texts, rng, 0.02, lambda rows: _any(rng, files, rows))
    texts = _mixed(texts, rng, 0.10, lambda rows: _any(rng, pa.array(_SPECIAL), rows))
    weights = np.array([30, 22, 14, 10, 7, 5, 4, 3, 2, 1, 1, 1], float)
    names = pa.array([f"{name}: " for name in PEOPLE]).take(
        pa.array(rng.choice(len(PEOPLE), n, p=weights / weights.sum()))
    )
    events = rng.random(n) < 0.002
    texts = pc.binary_join_element_wise(names, texts, "")
    texts = pc.replace_with_mask(texts, pa.array(events), _any(rng, pa.array(_EVENTS), np.flatnonzero(events)))
    stamps = pc.strftime(pa.array(minutes * 60).cast(pa.timestamp("s")), "%d/%m/%Y, %H:%M - ")
    lines = pc.binary_join_element_wise(stamps, texts, "\n", "")
    buffers = lines.buffers()
    ends = np.frombuffer(buffers[1], np.int32)
    return bytes(memoryview(buffers[2])[: int(ends[n])])


def _any(rng: np.random.Generator, choices: pa.Array, rows: Ints) -> pa.Array:
    return choices.take(pa.array(rng.integers(0, len(choices), len(rows))))


def _put(words: pa.Array, rng: np.random.Generator, share: float, choices: Sequence[str]) -> pa.Array:
    return _mixed(words, rng, share, lambda rows: _any(rng, pa.array(choices, pa.string()), rows))


def _mixed(texts: pa.Array, rng: np.random.Generator, share: float, make: Callable[[Ints], pa.Array]) -> pa.Array:
    """The texts with a share of them replaced by what is made for their rows."""
    mask = rng.random(len(texts)) < share
    return pc.replace_with_mask(texts, pa.array(mask), make(np.flatnonzero(mask)))
