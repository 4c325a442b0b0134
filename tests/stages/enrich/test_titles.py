"""One rule for the titles of documents, whether a chat sent them or a link led to them."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.documents import document_title
from stages.enrich.kinds import EXTENSIONS
from stages.enrich.pages.read import read_page
from stages.enrich.titles import own_title
from tests.stages.enrich.test_media_documents import office, pdf, xmp

PDF = "application/pdf"


def told(written: str) -> list[str | None]:
    """The title by each of the ways on which one is read."""
    data = pdf(written)
    return [
        document_title(io.BytesIO(data), PDF),
        read_page(data, PDF, None, "https://site.example/a.pdf").title,
    ]


@pytest.mark.parametrize(
    "written",
    ["Microsoft Word - Document1", "microsoft word - Documento1.docx", "Document1", "Untitled", "untitled-1",
     "untitled.pdf", "PowerPoint Presentation", "Apresentação do PowerPoint", "Présentation PowerPoint",
     "PowerPoint-Präsentation", "Book1", "Pasta1", "Livro 2", "Sem título", "Sem título 3", "Sans titre", "Slide 1",
     "Documento sem título", "Untitled document", "Title", "Título", "(anonymous)", "about:blank",
     "Microsoft Word Document", "...", "–", " ", "", "C:\\Users\\Maria\\plan.doc", "file:///home/maria/x.odt",
     "/home/maria/plan.odt", "\\\\server\\Maria\\x", "Layout 1", "job 4711", "PT-sem título", "null", "none", "print",
     "Scan_2024-03-07_12.30", "Scanned Document (3)", "Scan0001.pdf", "20240307_1230", "0000123456", "2024-03-07"],
)  # fmt: skip
def test_what_a_program_put_there_is_no_title(written: str) -> None:
    assert told(written) == [None, None]
    assert document_title(io.BytesIO(office(written)), EXTENSIONS["docx"].mime) is None


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Microsoft Word - Plano da festa.docx", "Plano da festa"),
        ("Microsoft PowerPoint - Aula 3.pptx.pdf", "Aula 3"),
        ("Document of Peace", "Document of Peace"),
        ("Scanner manual", "Scanner manual"),
        ("Bookkeeping 2024", "Bookkeeping 2024"),
        ("1984", "1984"),
        ("7 de 9", "7 de 9"),
        ("report_final.pdf", "report_final"),
        ("How to open a .docx", "How to open a .docx"),
        ("one\r\n\ttwo\x00\x1b three", "one two three"),
        ("safe\u202etxt.exe\u200b\u2066", "safetxt.exe"),
        ("Cafe\u0301", "Café"),
        ("説明書.pdf", "説明書"),
    ],
    ids=range(13),
)
def test_a_title_is_one_clean_line(written: str, title: str) -> None:
    assert told(written) == [title, title]


def test_where_a_program_wrote_one_title_the_other_is_told() -> None:
    data = pdf("Microsoft Word - Document1", xmp=xmp("Plano da festa"))
    assert document_title(io.BytesIO(data), PDF) == "Plano da festa"
    assert read_page(data, PDF, None, "https://site.example/a.pdf").title == "Plano da festa"


def test_a_document_shows_signs_as_they_stand_and_a_page_has_no_tags() -> None:
    assert told("<b>bold</b>") == ["<b>bold</b>", "bold"]


@given(st.text(max_size=900), st.integers(1, 300))
@settings(max_examples=150, deadline=None)
def test_a_title_is_never_long_or_blank(written: str, limit: int) -> None:
    title = own_title(written, limit)
    if title is not None:
        assert 0 < len(title) <= limit
        assert title.strip() == title
        assert any(char.isalnum() for char in title)


@pytest.mark.parametrize("piece", ["doc 1", "doc.", "1 ", "word - ", "a.pdf", "scan_1-", "(1)", " "])
def test_no_title_keeps_anyone_waiting(piece: str) -> None:
    for limit in (200, 20_000):
        own_title(piece * 20_000, limit)
