"""Names that were met before are compared as words; who wrote what is what looking at every line says."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.whatsapp import authors, known
from stages.ingest.whatsapp.authors import AuthorBook
from stages.ingest.whatsapp.blocks import Block, read_blocks
from stages.ingest.whatsapp.grammar import read_header

NAMES = [
    "Ana",
    "Ana Beatriz de Albuquerque e Castro",
    "n",
    "Rui: casa",
    "a:b",
    "Zoë 😂",
    "\u202a+55 11\u202c",
    "Longo " * 12,
]
AFTER = [": ok", ":", ":x", ": Rui: casa", " left", ": \u200ehi", ": a: b: c", ":\r", " added Rui: x", "", ": :"]
LINES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(AFTER)), min_size=1, max_size=60)
HEADERS = ["14/03/2024, 09:05 - ", "[14/03/2024, 09:05:31] "]


def blocks_of(header: str, lines: list[tuple[str, str]], size: int) -> list[Block]:
    read = read_header(f"{header}Ana: x")
    assert read is not None
    text = "".join(f"{header}{name}{after}\n" for name, after in lines).encode()
    return list(read_blocks(io.BytesIO(text), [read.shape], block_bytes=size))


@contextmanager
def limits(monkeypatch: pytest.MonkeyPatch, often: int, most: int, few: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(authors, "_OFTEN", often)
        patch.setattr(authors, "_FEW", few)
        patch.setattr(known, "_MOST", most)
        yield


def read(blocks: list[Block]) -> tuple[object, ...]:
    book = AuthorBook()
    colons = [book.observe(block).tolist() for block in blocks]
    book.settle()
    splits = [book.split(block) for block in blocks]
    said = [(split.codes.tolist(), split.starts.tolist()) for split in splits]
    return colons, said, book.names, book.counts, book.bare_counts, book.marked, book.close, book.doubtful


@pytest.mark.parametrize("header", HEADERS, ids=["android", "ios"])
@settings(max_examples=150, deadline=None)
@given(lines=LINES, size=st.integers(60, 2000))
def test_known_names_change_nothing(header: str, lines: list[tuple[str, str]], size: int) -> None:
    blocks = blocks_of(header, lines, size)
    with pytest.MonkeyPatch.context() as patch:
        with limits(patch, 1, 64, 1):
            fast = read(blocks)
        with limits(patch, 1, 64, 10_000):
            some = read(blocks)
        with limits(patch, 10_000, 0, 10_000):
            slow = read(blocks)
    assert fast == slow
    assert some == slow


@settings(max_examples=100, deadline=None)
@given(lines=LINES, size=st.integers(60, 2000))
def test_colons_line_by_line_are_those_of_the_block(lines: list[tuple[str, str]], size: int) -> None:
    for block in blocks_of(HEADERS[0], lines, size):
        rows = np.arange(len(block))
        whole = authors._colons(block, np.ones(len(block), np.bool_))
        few = authors._few_colons(block, rows)
        assert [column.tolist() for column in whole] == [column.tolist() for column in few]
