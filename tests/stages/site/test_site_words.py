"""Addresses, dates and safe text: the small parts that every page is made of."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.site.slugs import MAX_BYTES, slugify
from stages.site.text import clean, linkify, one_line, web_address
from stages.site.words import Clock, Words, day_of

EN, PT = Words.of("en", "Europe/Lisbon"), Words.of("pt", "Europe/Lisbon")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Três ovos na varanda", "tres-ovos-na-varanda"),
        ("It's Aoife’s cat!", "its-aoifes-cat"),
        ("Straße, Ærø & Łódź", "strasse-aero-lodz"),
        ("夏の家", "夏の家"),
        ("बिल्ली", "बिल्ली"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>", "script"),
        ("???", "post"),
        ("", "post"),
        ("Index", "index-1"),
        ("CON", "con-1"),
        ("😀", "post"),
    ],
)
def test_slugs_of_titles(title, slug):
    assert slugify(title, set()) == slug


def test_slugs_that_collide_are_numbered_in_order():
    taken: set[str] = set()
    assert [slugify(title, taken) for title in ("Maré", "mare", "MARE!", "mare 2")] == [
        "mare",
        "mare-2",
        "mare-3",
        "mare-2-2",
    ]


@given(st.lists(st.text(max_size=120), max_size=20))
def test_slugs_are_unique_short_and_safe(titles):
    taken: set[str] = set()
    slugs = [slugify(title, taken) for title in titles]
    assert len(set(slugs)) == len(slugs)
    for slug in slugs:
        assert len(slug.encode()) <= MAX_BYTES + 4
        assert not set(slug) & set("/\\.:*?\"<>| %#&'\0")
        assert slug == slug.strip("-")
        assert slug


def test_dates_in_both_languages():
    first = date(2026, 3, 2)
    assert EN.weekday(first) == "Monday, 2 March 2026"
    assert PT.weekday(first) == "segunda-feira, 2 de março de 2026"
    assert EN.span(first, first) == "2 March 2026"
    assert EN.span(first, date(2026, 3, 5)) == "2–5 March 2026"
    assert EN.span(first, date(2026, 4, 1)) == "2 March – 1 April 2026"
    assert EN.span(date(2025, 12, 31), first) == "31 December 2025 – 2 March 2026"
    assert PT.span(first, date(2026, 4, 1)) == "2 de março – 1 de abril de 2026"
    moment = datetime(2026, 3, 2, 20, 51, tzinfo=UTC)
    assert EN.period(moment, moment + timedelta(minutes=20)) == "2 March 2026, 20:51–21:11"
    assert EN.period(moment, moment) == "2 March 2026, 20:51"


def test_numbers_and_sizes_in_both_languages():
    assert (EN.count(1, "message", "messages"), EN.count(1012, "message", "messages")) == (
        "1 message",
        "1,012 messages",
    )
    assert PT.count(1012, "message", "messages") == "1.012 mensagens"
    assert [EN.size(n) for n in (0, 999, 1000, 34_213, 999_499, 999_500, 2_400_000)] == [
        "0 B", "999 B", "1.0 KB", "34 KB", "999 KB", "1.0 MB", "2.4 MB",
    ]  # fmt: skip
    assert PT.size(2_400_000) == "2,4 MB"


@given(
    st.integers(0, 4_000_000_000),
    st.sampled_from(["Europe/Lisbon", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
)
def test_the_clock_tells_what_the_zone_tells(seconds, zone):
    local = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    day, minute = Clock(ZoneInfo(zone)).local_minute(seconds * 1_000_000 + 999_999)
    assert (day_of(day), minute) == (local.date(), local.hour * 60 + local.minute)


@given(st.text())
def test_clean_text_stays_clean_and_keeps_its_words(text):
    assert clean(clean(text)) == clean(text)
    assert [char for char in clean(text) if char.isalnum()] == [char for char in text if char.isalnum()]


@given(st.text(), st.integers(5, 40))
def test_one_line_is_one_line(text, limit):
    assert len(one_line(text, limit)) <= limit
    assert "\n" not in one_line(text, limit)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("go to https://example.org/a.", "https://example.org/a"),
        ("(https://example.org/a_(b))", "https://example.org/a_(b)"),
        ("HTTPS://Example.org/?q=1&r=2!", "HTTPS://Example.org/?q=1&amp;r=2"),
        ("www.example.org", "https://www.example.org"),
        ("«https://example.org/é»", "https://example.org/é"),
    ],
)
def test_links_in_text(text, address):
    assert f'href="{address}"' in linkify(text)


@pytest.mark.parametrize(
    "text", ["example.org", "a@www.example.org", "https://", "http:///x", "xhttps://a.example", "www."]
)
def test_what_is_no_link(text):
    assert "<a" not in linkify(text)


@pytest.mark.parametrize(
    "address", ["javascript:x", "https://", "http://[", "https://a b", "https://a\u202e", "mailto:a@b", "/x"]
)
def test_addresses_that_are_refused(address):
    assert web_address(address) is None
