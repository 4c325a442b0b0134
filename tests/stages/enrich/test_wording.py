"""Words of strangers as one line: emoji stay, whatever Python knows of them, and nothing hides."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.enrich.pages.clean import clean_line
from stages.enrich.wording import one_line

UNASSIGNED = next(chr(code) for code in range(0x1FAFF, 0x1F000, -1) if unicodedata.category(chr(code)) == "Cn")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"Party {UNASSIGNED}!", f"Party {UNASSIGNED}!"),
        ("👩\u200d👧 ❤\ufe0f می\u200cخواهم", "👩\u200d👧 ❤\ufe0f می\u200cخواهم"),
        ("a\u202eb\u2066c\u200bd\x00e\u00adf\U000e0041", "abcdef"),
        ("\ue000x\uffff\U0001ffff\U000f0000y\ud800", "xy"),
        ("one\n two\u2028three\u00a0four", "one two three four"),
        ("e\u0301" + "\u0301" * 40, "é" + "\u0301" * 3),
    ],
    ids=["new-emoji", "joined", "hidden", "no-character", "blanks", "stacked"],
)
def test_what_is_seen_stays_and_nothing_else(written: str, shown: str) -> None:
    assert one_line(written, 60) == shown
    assert unicodedata.normalize("NFC", clean_line(written, 60) or "") == shown


@given(st.text(max_size=80), st.integers(3, 40))
def test_a_line_is_one_and_short_and_stays_as_it_is(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line == " ".join(line.split())
    if not line.endswith("…"):
        assert one_line(line, limit) == line
