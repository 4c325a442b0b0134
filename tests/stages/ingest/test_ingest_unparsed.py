"""A line that was not understood is shown by its form alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.ingest.unparsed import masked


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("13.03.24 kl 9:15 - Zoë Müller: olá!", "13.03.24 xx 9:15 - xxx xxxxxx: xxx!"),
        ("[٣/٣/٢٠٢٤، ١٠:٠٠] سارة: مرحبا", "[٣/٣/٢٠٢٤، ١٠:٠٠] xxxx: xxxxx"),
        ("\ufeff\u200e[2024-03-13\u202f10:00] 😀", "[2024-03-13 10:00] x"),
        ("13/03/24, 9:15 - \u202a+55 11\u00a098888\u20117777\u202c: oi", "13/03/24, 9:15 - +00 00 00000‑0000: xx"),
        ("13/03/24, 9:15 - 5511988887777: oi", "13/03/24, 9:15 - 0000000000000: xx"),
        ("\x1b[31mred\x07", "[31xxxx"),
        ("", ""),
    ],
)
def test_what_is_shown(line: str, shown: str) -> None:
    assert masked(line) == shown


@given(st.text(max_size=300))
def test_no_letter_is_ever_shown(line: str) -> None:
    shown = masked(line)
    assert len(shown) <= 60
    assert all(sign == "x" or not sign.isalpha() for sign in shown)
    assert shown.isprintable()
