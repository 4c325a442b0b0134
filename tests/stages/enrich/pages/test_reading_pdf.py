"""PDF: titles and first texts, and files made to break or to burden whoever reads them."""

import zlib

import pytest

from stages.enrich.pages.facts import NOTHING


def test_title_and_text(read, pdf) -> None:
    facts = read(
        pdf(["The bridge was closed for the winter and opens in April.", "Second page"], "Bridge report"),
        "application/pdf",
    )
    assert facts.title == "Bridge report"
    assert facts.text == "The bridge was closed for the winter and opens in April.\nSecond page"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Microsoft Word - Relatório anual.docx", "Relatório anual"),
        ("report_final.pdf", "report_final"),
        ("untitled", None),
        ("Document1", None),
        ("PowerPoint Presentation", None),
        ("---", None),
        ("", None),
        ("<b>Bold</b>\x00 title\u202e", "Bold title"),
    ],
    ids=range(8),
)
def test_titles_that_programs_wrote_are_mended_or_left_out(read, pdf, written, title) -> None:
    assert read(pdf(["Words on a page."], written), "application/pdf").title == title


def test_it_is_known_by_its_first_bytes(read, pdf) -> None:
    assert read(pdf(["Words on a page."], "A title"), "text/html").title == "A title"


def test_encrypted(read, pdf) -> None:
    assert read(pdf(["Secret words."], "Secret", password="secret"), "application/pdf") == NOTHING
    assert read(pdf(["Open words for all."], "Open", password=""), "application/pdf").text == "Open words for all."


def test_only_the_first_pages_are_read(read, pdf) -> None:
    facts = read(pdf([f"Text of page number {page}." for page in range(40)]), "application/pdf")
    assert "page number 4." in facts.text
    assert "page number 5." not in facts.text


def _file(*objects: bytes) -> bytes:
    """A PDF by hand: objects numbered from 1, the first of them the root."""
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        size, table, size, len(body),
    )  # fmt: skip


def _stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


_ROOT = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R /Resources << >> >>"
_BOMB = zlib.compress(zlib.compress(b"\x00" * 100_000_000, 9), 9)


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7",
        b"%PDF-1.7\n" + b"garbage " * 10_000,
        _file(_ROOT, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"),
        _file(_ROOT, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", b"<< /Type /Pages /Kids [2 0 R] >>"),
        _file(
            _ROOT, b"<< /Type /Pages /Kids [" + b"3 0 R " * 300_000 + b"] /Count 300000 >>", _PAGE, _stream(b"BT ET")
        ),
        _file(_ROOT, *(b"<< /Type /Pages /Kids [%d 0 R %d 0 R] >>" % (n, n) for n in range(3, 200))),
        _file(
            _ROOT,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            _PAGE,
            _stream(_BOMB, b"/Filter [/FlateDecode /FlateDecode]"),
        ),
        _file(_ROOT, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", _PAGE, _stream(b"[" * 100_000)),
        _file(_ROOT, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", _PAGE, _stream(b"<<" * 50_000)),
        _file(_ROOT, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", _PAGE, _stream(b"q " * 1_000_000)),
        _file(_ROOT, b"[" * 50_000),
        _file(_ROOT, b"null"),
        _file(b"<< >>"),
    ],
    ids=[
        "head",
        "garbage",
        "self",
        "circle",
        "wide",
        "doubling",
        "bomb",
        "arrays",
        "dicts",
        "operators",
        "nested",
        "null",
        "no-pages",
    ],
)
def test_a_broken_or_hostile_file_has_no_text_and_ends(read, body) -> None:
    assert read(body, "application/pdf").text in (None, "")
