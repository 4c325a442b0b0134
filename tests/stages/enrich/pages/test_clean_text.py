"""No field holds markup, invisible characters or more than allowed, whatever comes in."""

import html
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.pages.clean import clean_line, clean_text, cut
from stages.enrich.pages.read import read_page

MARKUP = re.compile(r"<[a-zA-Z/!?]")
PIECES = st.sampled_from(
    ["<b>", "</b>", "<script>", "</script>", "<", ">", "&", "lt;", "&lt;", "&amp;", "&#60;", "&#x3c", "<!--", "-->",
     "&ltscript&gt", "&AMP;", "amp;", "<svg/onload=", "]]>", "<![CDATA[", "img src=x onerror=", '"', "'", " ", "a", "é",
     "\u202e", "\u200b", "\u200d", "\x00", "\n", "\U000e0041", "漢", "م", "👩", "\u0301", "\ud800", "\ufeff", "\x85"]
)  # fmt: skip
HOSTILE = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60)


def is_clean(text: str) -> bool:
    kinds = {unicodedata.category(char) for char in text} - {"Cf"}
    hidden = set(text) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\u2060\ufeff\u00ad"
    )
    return not (
        MARKUP.search(text) or MARKUP.search(html.unescape(text)) or kinds & {"Cs", "Co"} or hidden
        or any(unicodedata.category(char) == "Cc" and char != "\n" for char in text)
    )  # fmt: skip


@given(HOSTILE, st.integers(5, 60))
def test_a_line_is_clean_and_short(text: str, limit: int) -> None:
    line = clean_line(text, limit)
    assert line is None or (is_clean(line) and 0 < len(line) <= limit and line == " ".join(line.split()))
    if line is not None and not line.endswith("…"):
        assert clean_line(line, limit) == line


@given(HOSTILE)
def test_a_text_is_clean(text: str) -> None:
    cleaned = clean_text(text, 200)
    assert cleaned is None or (is_clean(cleaned) and len(cleaned) <= 200 and "\n\n" not in cleaned)


@settings(deadline=None)
@given(st.lists(HOSTILE, min_size=4, max_size=4))
def test_every_field_of_a_page_is_clean(parts: list[str]) -> None:
    title, description, site, text = (html.escape(part) for part in parts)
    page = f'<title>{title}</title><meta name=description content="{description}"><meta property="og:site_name" '
    page += (
        f'content="{site}"><link rel=canonical href="{site}"><meta property="og:image" content="{title}"><p>{text}</p>'
    )
    facts = read_page(page.encode("utf-8", "replace"), "text/html", "utf-8", "https://site.example/")
    for said in (facts.title, facts.site, facts.description, facts.text):
        assert said is None or is_clean(said)
    for address in (facts.picture, facts.canonical):
        assert address is None or (address.startswith(("http://", "https://")) and not re.search(r"[\s<>\"]", address))


@given(st.text(alphabet="ab cd,é漢👩\u200d\u0301 ", max_size=80), st.integers(4, 40))
def test_a_cut_is_a_beginning_that_ends_between_words(text: str, limit: int) -> None:
    shorter = cut(text, limit)
    assert len(shorter) <= limit
    if shorter != text:
        assert shorter.endswith("…")
        assert text.startswith(shorter[:-1])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Fish &amp;amp; chips", "Fish & chips"),
        ("<p>One</p><p>Two</p>", "One Two"),
        ("The <section> element and <div>", "The ‹section› element and ‹div›"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("x <script>alert(1)</script> y", "x y"),
        ("&lt;img src=x onerror=alert(1)&gt;pic", "pic"),
        ("<<b>script>alert(1)<</b>/script>", "‹script>alert(1)‹/script>"),
        ("a\u202eb\u2066c\u200bd\u00ade\x00f", "abcdef"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀 go\u200dne", "👩\u200d🚀 gone"),
        ("Z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301a", "Z\u0301\u0301\u0301\u0301a"),
        ("hi\U000e0049\U000e0067nore", "hinore"),
        ("  a\t\n b\u00a0c\u3000d ", "a b c d"),
        ("AT&T", "AT&T"),
        ("\u200b\u2060\ufeff", None),
    ],
    ids=range(15),
)
def test_what_is_left_of_a_line(written, read) -> None:
    assert clean_line(written, 100) == read


def test_a_long_line_ends_in_an_ellipsis_between_words() -> None:
    assert clean_line("word " * 100, 23) == "word word word word…"
    assert clean_line("漢" * 100, 10) == "漢" * 9 + "…"
    assert clean_line("e\u0301" * 100, 10) == "e\u0301" * 4 + "…"
