"""What is read of pages as sites send them: cards, texts, dates, languages, charsets, and pages that say nothing."""

import pytest

from stages.enrich.pages.facts import NOTHING, PageFacts


def test_a_news_article(read, sample) -> None:
    facts = read(sample("news"), "text/html; charset=utf-8", "utf-8", "https://harbourpost.example/a?x=1")
    assert facts.title == "River garden reopens after three years"
    assert facts.site == "The Harbour Post"
    assert facts.description == (
        "The garden on the north bank opened its gates on Saturday, with 214 new trees and a path for wheelchairs."
    )
    assert (facts.language, facts.published) == ("en-GB", "2026-03-07")
    assert facts.picture == "https://harbourpost.example/img/garden%201.jpg"
    assert facts.canonical == "https://www.harbourpost.example/2026/03/garden"
    assert "The council planted 214 trees and laid a path" in facts.text
    for other in ("Log in", "cookies", "tracking", "color", "All rights", "Something else"):
        assert other not in facts.text


def test_a_recipe_is_told_by_its_linked_data(read, sample) -> None:
    facts = read(sample("recipe"))
    assert (facts.title, facts.site) == ("Lemon lentil soup", "Plain Kitchen")
    assert facts.description == "A soup of red lentils that is ready in 25 minutes & needs one pot."
    assert (facts.published, facts.language) == ("2025-11-02", "en")
    assert facts.picture == "https://cdn.kitchen.example/soup.jpg"
    assert "Rinse the lentils" in facts.text


def test_a_video_page_without_text(read, sample) -> None:
    facts = read(sample("video"), url="https://www.tube.example/watch?v=lock42")
    assert (facts.title, facts.site) == ("How a lock gate works", "Tube")
    assert facts.description.startswith("Four minutes on a canal")
    assert facts.picture == "https://media.tube.example/assets/thumbs/lock.png"
    assert (facts.published, facts.canonical) == ("2024-06-30", "https://www.tube.example/watch?v=lock42")
    assert facts.text is None or "JavaScript" not in facts.text


def test_a_shop_with_sloppy_tags(read, sample) -> None:
    facts = read(sample("shop"), url="http://bergladen.example/p/28")
    assert facts.title == "Wanderrucksack Fjell 28 l kaufen"
    assert facts.description == "Leichter Rucksack mit 28 Litern, Regenhülle und Brustgurt."
    assert facts.picture == "http://cdn.bergladen.example/fjell.webp"
    assert facts.canonical is None


@pytest.mark.parametrize(
    ("name", "encoding", "label"),
    [
        ("blog-pt", "iso-8859-1", None),
        ("blog-pt", "iso-8859-1", "ISO-8859-1"),
        ("blog-pt", "iso-8859-1", "utf-8"),
        ("blog-pt", "utf-8", "iso-8859-1"),
        ("blog-pt", "utf-8-sig", "windows-1251"),
        ("blog-pt", "utf-16", None),
        ("blog-pt", "iso-8859-1", "no-such-charset"),
        ("news-ar", "cp1256", "windows-1256"),
        ("news-ar", "cp1256", None),
        ("news-ar", "cp1256", "ISO-8859-1"),
        ("news-ar", "utf-8", None),
        ("blog-ja", "shift_jis", "Shift_JIS"),
        ("blog-ja", "shift_jis", None),
        ("blog-ja", "shift_jis", "utf-8"),
        ("blog-ja", "euc_jp", "EUC-JP"),
        ("blog-ja", "euc_jp", None),
        ("blog-ja", "iso2022_jp", "iso-2022-jp"),
    ],
    ids=lambda value: str(value),
)
def test_the_charset_is_found_whatever_the_label_says(read, sample, name, encoding, label) -> None:
    expected = read(sample(name), charset="utf-8")
    facts = read(sample(name, encoding), charset=label)
    assert facts == expected
    assert facts.title
    assert facts.text
    assert facts.language == name[-2:]


def test_one_foreign_byte_does_not_spoil_a_page_of_utf_8(read) -> None:
    body = (
        "<title>Três dias na Serra: não é longe</title><p>É já ali, três horas a pé, não são</p>".encode()
        + b"<p>caf\xe9</p>"
    )
    assert read(body).title == "Três dias na Serra: não é longe"


def test_an_encoding_that_hides_markup_in_ascii_is_not_used(read) -> None:
    facts = read(b"<title>+ADw-script+AD4-alert(1)+ADw-/script+AD4-</title>", charset="utf-7")
    assert facts.title == "+ADw-script+AD4-alert(1)+ADw-/script+AD4-"


def test_without_a_card_title_heading_and_paragraphs_are_read(read) -> None:
    facts = read("<h1>Opening hours</h1><p>The library is open from ten to six on weekdays.</p>")
    assert facts.title == "Opening hours"
    assert "open from ten to six" in facts.text
    assert (facts.description, facts.picture, facts.site) == (None, None, None)


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2026-03-07", "2026-03-07"),
        ("2026-03-07T23:59:00-11:00", "2026-03-07"),
        ("20260307", "2026-03-07"),
        ("Sat, 07 Mar 2026 18:00:00 GMT", "2026-03-07"),
        ("07/03/2026", None),
        ("yesterday", None),
        ("2026-02-30", None),
        ("0001-01-01", None),
        ("2026-03-07<script>", None),
        ("9" * 99, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_date_is_one_that_programs_write_or_none(read, written, date) -> None:
    page = f"<title>A title that is long enough</title><meta name='date' content='{written}'><p>Text of this page."
    assert read(page).published == date


@pytest.mark.parametrize(
    ("written", "absolute"),
    [
        ("a.jpg", "https://site.example/dir/a.jpg"),
        ("/a.jpg?x=1&amp;y=2", "https://site.example/a.jpg?x=1&y=2"),
        ("//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("HTTPS://cdn.example/ä.jpg", "https://cdn.example/%C3%A4.jpg"),
        ("data:image/png;base64,AAAA", None),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("ftp://cdn.example/a.jpg", None),
        ("https://user:secret@cdn.example/a.jpg", None),
        ("https://", None),
        ("https://[::1", None),
        ("https://cdn.example:99999999/a.jpg", None),
        ("https://evil.example\\@cdn.example/", None),
        ("https://cdn.example/" + "x" * 3000, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_picture_is_an_absolute_http_address_or_none(read, written, absolute) -> None:
    assert read(f"<title>T</title><meta property=og:image content='{written}'>").picture == absolute


@pytest.mark.parametrize(
    ("url", "stated", "kept"),
    [
        ("https://site.example/a?b", "/a", True),
        ("https://m.site.example/a", "https://www.site.example/a", True),
        ("https://site.example/a", "https://news.site.example/a", True),
        ("https://site.example/a", "https://bank.example/a", False),
        ("https://site.example/a", "https://notsite.example/a", False),
        ("https://site.example/a", "javascript:alert(1)", False),
    ],
)
def test_a_page_is_believed_only_to_be_of_its_own_site(read, url, stated, kept) -> None:
    facts = read(f"<title>T</title><link rel=canonical href='{stated}'>", url=url)
    assert (facts.canonical is not None) == kept


@pytest.mark.parametrize(
    "title",
    [
        "Just a moment...", "Attention Required! | Cloudflare", "Login • Photogram", "Log in to Facebox", "404",
        "404 Not Found", "Page not found | Example", "Página não encontrada - Jornal", "Access Denied", "403 Forbidden",
        "Before you continue to Tube", "Seite nicht gefunden", "Facebox - log in or sign up", "Iniciar sesión",
        "ページが見つかりません", "Pardon Our Interruption...", "Redirecting...", "Verify you are human",
        "Um momento...", "Are you a robot?", "Sign in - Example",
    ],
)  # fmt: skip
def test_a_wall_says_nothing(read, title) -> None:
    page = f"<title>{title}</title><meta name=description content='Log in to see photos and videos from your friends.'>"
    page += "<meta property=og:image content=/logo.png><p>Please wait while we check your browser, or go back home.</p>"
    assert read(page) == NOTHING


@pytest.mark.parametrize(
    "title",
    [
        "Access Denied: a film about a locked town", "What a 404 page is for", "The robot that signs in for you",
        "Just a moment in the sun", "Antes de ir a Lisboa: dez dicas", "Log in the river blocks the ferry",
    ],
)  # fmt: skip
def test_a_page_that_only_sounds_like_a_wall_is_read(read, title) -> None:
    assert read(f"<title>{title}</title><p>Three paragraphs follow, of which this is the first one.</p>").title == title


def test_an_article_about_walls_is_read(read) -> None:
    text = "<p>When a page is gone, servers answer with a number that most people know by heart by now.</p>" * 20
    facts = read(f"<title>404</title><meta property=og:type content=article><article>{text}</article>")
    assert facts.title == "404"


def test_what_a_site_says_on_every_page_is_no_description(read) -> None:
    page = "<title>A boat trip</title><meta name=description content='Please enable JavaScript to continue.'>"
    page += "<p>The boat leaves at nine and comes back in the evening.</p>"
    facts = read(page)
    assert facts.description is None
    assert "The boat leaves" in facts.text


def test_a_title_that_is_only_the_sites_name_gives_way(read) -> None:
    page = "<meta property=og:site_name content=Chess><meta property=og:title content=Chess>"
    page += "<title>Endgames — Chess</title>"
    assert read(page).title == "Endgames"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("Shopping list\n\nbread\nmilk and some more things", "Shopping list"),
        ("# Readme\n\nThis program counts boats.", "Readme"),
        ("\ufeff\r\n  First line \r\nsecond", "First line"),
        ("1234\n5678", None),
        ("word " * 100 + "\nmore", None),
    ],
    ids=["list", "markdown", "marked", "numbers", "long"],
)
def test_a_text_files_first_lines(read, body, title) -> None:
    facts = read(body, "text/plain")
    assert facts.title == title
    assert facts.text


def test_a_text_file_with_tags_is_not_read_as_a_page(read) -> None:
    facts = read("Notes\n<script>alert(1)</script><b>bold</b> words that are long enough", "text/plain")
    assert facts.title == "Notes"
    assert facts.text == "Notes\nbold words that are long enough"


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b"\x00" * 1000, b"\xff" * 1000, b"<", b"<!--", b"<html></html>", bytes(range(256)) * 40],
    ids=["empty", "blank", "nul", "ff", "lt", "comment", "html", "all"],
)
@pytest.mark.parametrize("mime", ["text/html", "text/plain", "application/pdf", "image/png", ""])
def test_what_is_no_page_has_no_title(read, body, mime) -> None:
    facts = read(body, mime)
    assert isinstance(facts, PageFacts)
    assert facts.description is None
