"""Small pages of the tests' own, as sites send them."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.enrich.pages.facts import PageFacts
from stages.enrich.pages.read import read_page

SAMPLES = Path(__file__).with_name("samples")


@pytest.fixture
def sample() -> Callable[..., bytes]:
    """``sample(name, encoding="utf-8")``: a page's bytes."""

    def make(name: str, encoding: str = "utf-8") -> bytes:
        return (SAMPLES / f"{name}.html").read_text(encoding="utf-8").encode(encoding)

    return make


@pytest.fixture
def read() -> Callable[..., PageFacts]:
    """``read(body, mime="text/html", charset=None, url=…)``; text is taken as UTF-8."""

    def make(
        body: str | bytes,
        mime: str = "text/html",
        charset: str | None = None,
        url: str = "https://site.example/dir/page",
    ) -> PageFacts:
        return read_page(body.encode() if isinstance(body, str) else body, mime, charset, url)

    return make


@pytest.fixture
def pdf() -> Callable[..., bytes]:
    """``pdf(texts, title=None, password=None)``: a file of one page a text."""

    def make(texts: list[str], title: str | None = None, password: str | None = None) -> bytes:
        from pypdf import PdfWriter
        from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

        writer = PdfWriter()
        for text in texts:
            page = writer.add_blank_page(300, 300)
            content = DecodedStreamObject()
            content.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode("latin-1"))
            font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
            named = DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()})
            fonts = DictionaryObject({NameObject("/F1"): writer._add_object(named)})
            page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
            page[NameObject("/Contents")] = writer._add_object(content)
        if title is not None:
            writer.add_metadata({"/Title": title})
        if password is not None:
            writer.encrypt(password, algorithm="RC4-128")
        file = io.BytesIO()
        writer.write(file)
        return file.getvalue()

    return make
