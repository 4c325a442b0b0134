"""Chats of any size from a seed, in the grammar of an Android export, written as a stream."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

TEXT: Final = (
    "the boat train dinner garden letter window amanhã café praia música livro gato chuva mesa jardim viagem "
    "concert bread ladder telescope river street picture story question answer summer winter friend idea"
)
WORDS: Final = tuple(TEXT.split())
PEOPLE: Final = tuple(f"Person {letter}" for letter in "ABCDEFGH")


def write_chat(path: Path, messages: int, seed: int = 1) -> int:
    """Write ``messages`` messages, many of them in the same minute, a link in one of fifty; returns the bytes."""
    rng = random.Random(seed)
    moment = datetime(2019, 1, 1, 8)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for number in range(messages):
            if rng.random() < 0.4:
                moment += timedelta(minutes=rng.randrange(1, 12))
            text = " ".join(rng.choices(WORDS, k=rng.randrange(3, 14)))
            if number % 50 == 0:
                text += f" https://example.org/page/{rng.randrange(5_000)}?utm_source=chat"
            out.write(f"{moment:%d/%m/%Y %H:%M} - {PEOPLE[rng.randrange(8)]}: {text}\n")
    return path.stat().st_size
