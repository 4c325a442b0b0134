"""Headers that are compared as whole words are those that the general program finds, in every layout."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.whatsapp.grammar import read_header
from stages.ingest.whatsapp.layouts import Matcher
from stages.ingest.whatsapp.scan import places, positions, without
from stages.ingest.whatsapp.tokens import PADDING

HEADERS = [
    "14/03/2024, 09:05 - ", "3/14/24, 9:05 AM - ", "3/14/24, 9:05\u202fPM - ", "14/3/2024, 9:05 p.\u00a0m. - ",
    "[14/03/2024, 09:05:31] ", "\u200e[14/03/2024, 09:05:31] ", "[3/14/24, 9:05:31\u202fPM] ", "2024-03-14, 09:05 - ",
    "14.03.24, 09:05 - ", "14/03/2024 à 09:05 - ", "14.3.2024 klo 9.05 - ", "14/03/2024 09:05:31: ",
    "[09:05:31, 14/03/2024] ", "2024-03-14 - 09:05:31; ", "2024/3/14 上午9:05 - ", "2024. 3. 14. 오전 9:05 - ",
    "14/3/2567 BE, 09:05 - ", "3/14/R6, 09:05 - ", "R6/03/14 09:05 - ", "١٤\u200f/٣\u200f/٢٠٢٤، ٩:٠٥ ص - ",
]  # fmt: skip
PIECES = ["1", "9", "24", "31", "60", "0", "/", ":", " ", "AM", "PM", "\u202f", "]", "[", "x", "é", ", ", "- ", "2024"]


def changed(header: str, at: int, piece: str, cut: int) -> str:
    """The header with something put in, or put in place of ``cut`` characters."""
    at %= len(header) + 1
    return header[:at] + piece + header[at + cut :]


LINE = st.one_of(
    st.builds(
        lambda header, a, b: header.replace("14", a).replace("9:05", b).replace("09:05", "0" + b),
        st.sampled_from(HEADERS),
        st.sampled_from(["1", "7", "14", "31", "41"]),
        st.sampled_from(["9:05", "12:59", "3:60", "25:00"]),
    ),
    st.builds(changed, st.sampled_from(HEADERS), st.integers(0, 30), st.sampled_from(PIECES), st.integers(0, 2)),
    st.sampled_from(HEADERS),
    st.text(max_size=12),
)  # fmt: skip


@pytest.mark.parametrize("sample", HEADERS, ids=range(len(HEADERS)))
@settings(max_examples=40, deadline=None)
@given(blocks=st.lists(st.lists(LINE, max_size=12), min_size=1, max_size=3))
def test_layouts_find_what_the_program_finds(sample: str, blocks: list[list[str]]) -> None:
    read = read_header(f"{sample}Ana: x")
    assert read is not None
    matcher = Matcher(read.shape)
    for lines in ([sample] * 3, *blocks, [sample, *blocks[0]]):
        text = b"".join(f"{line}Ana: olá\n".replace("\n\n", "\n").encode() for line in lines)
        data = np.frombuffer(text + b"\0" * PADDING, np.uint8)
        starts = (
            np.concatenate((np.zeros(1, np.int64), np.flatnonzero(data == 10)[:-1] + 1))
            if lines
            else np.zeros(0, np.int64)
        )
        one, other = matcher.match(data, starts), read.shape.match(data, starts)
        assert one.rows.tolist() == other.rows.tolist()
        assert one.body.tolist() == other.body.tolist()
        assert one.fields.tolist() == other.fields.tolist()
        assert one.clock.tolist() == other.clock.tolist()


@given(st.lists(st.integers(0, 3), max_size=3000), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_positions_are_those_of_the_bytes(values: list[int], shift: int) -> None:
    data = np.array(values, np.uint8)
    rare = np.array([value if value != 3 or at % 700 == shift else 0 for at, value in enumerate(values)], np.uint8)
    for block in (data, rare, rare[shift:]):
        assert positions(block, 3).tolist() == np.flatnonzero(block == 3).tolist()
        assert positions(block, 1, 3).tolist() == np.flatnonzero((block == 1) | (block == 3)).tolist()
        assert places(block == 2).tolist() == np.flatnonzero(block == 2).tolist()


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_what_is_left(rows: set[int], gone: set[int]) -> None:
    gone &= rows
    left = without(np.array(sorted(rows), np.int64), np.array(sorted(gone), np.int64), 61)
    assert left.tolist() == sorted(rows - gone)
