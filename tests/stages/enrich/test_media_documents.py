"""Titles of documents: read from their properties, cleaned, and never at the price of the machine."""

import io
import logging
import random
import struct
import tracemalloc
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, NameObject, StreamObject

from stages.enrich.documents import TITLED, document_title
from stages.enrich.kinds import EXTENSIONS

PDF = "application/pdf"
DOCX = EXTENSIONS["docx"].mime
EPUB = EXTENSIONS["epub"].mime
DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def zipped(files: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def core(title: str, before: str = "") -> str:
    namespace = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
    head = f'<?xml version="1.0" encoding="UTF-8"?>{before}<cp:coreProperties xmlns:cp="{namespace}" {DC}>'
    return f"{head}<dc:creator>Maria</dc:creator><dc:title>{title}</dc:title></cp:coreProperties>"


def office(title: str, before: str = "") -> bytes:
    return zipped(
        {"[Content_Types].xml": "<a/>", "docProps/core.xml": core(title, before), "word/document.xml": "<b/>"}
    )


def opendocument(title: str) -> bytes:
    namespace = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    meta = (
        f'<o:document-meta xmlns:o="{namespace}" {DC}><o:meta><dc:title>{title}</dc:title></o:meta></o:document-meta>'
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "meta.xml": meta})


def epub_files(title: str, path: str = "OEBPS/content.opf") -> dict[str, str | bytes]:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        f'<rootfile full-path="{path}" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    metadata = f"<metadata {DC}><dc:title>{title}</dc:title></metadata>"
    package = f'<package xmlns="http://www.idpf.org/2007/opf">{metadata}</package>'
    return {"mimetype": EPUB, "META-INF/container.xml": container, "OEBPS/content.opf": package}


def epub(title: str, path: str = "OEBPS/content.opf") -> bytes:
    return zipped(epub_files(title, path))


def pdf(title: str | None, *, xmp: str | bytes | None = None, password: str | None = None, packed: int = 0) -> bytes:
    """``packed``: how often the packet ``xmp`` is packed already."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    if title is not None:
        writer.add_metadata({"/Title": title, "/Author": "Maria"})
    if xmp is not None:
        stream = StreamObject()
        stream.set_data(xmp.encode() if isinstance(xmp, str) else xmp)
        if packed:
            stream[NameObject("/Filter")] = ArrayObject([NameObject("/FlateDecode")] * packed)
        writer.root_object[NameObject("/Metadata")] = writer._add_object(stream)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def xmp(title: str) -> str:
    return (
        '<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        f'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description {DC}><dc:title><rdf:Alt>'
        f'<rdf:li xml:lang="x-default"> </rdf:li><rdf:li xml:lang="pt">{title}</rdf:li><rdf:li>other</rdf:li></rdf:Alt>'
        '</dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def title(data: bytes, mime: str) -> str | None:
    return document_title(io.BytesIO(data), mime)


TITLE = "Relatório da festa – maio & junho"
ESCAPED = TITLE.replace("&", "&amp;")
KINDS = {
    "pdf": (pdf(TITLE), PDF),
    "pdf by its packet": (pdf(None, xmp=xmp(ESCAPED)), PDF),
    "pdf that anybody may open": (pdf(TITLE, password=""), PDF),
    "pdf after some junk": (b"junk\n" + pdf(TITLE), PDF),
    "docx": (office(ESCAPED), DOCX),
    "xlsx": (office(ESCAPED), EXTENSIONS["xlsx"].mime),
    "pptx": (office(ESCAPED), EXTENSIONS["pptx"].mime),
    "odt": (opendocument(ESCAPED), EXTENSIONS["odt"].mime),
    "ods": (opendocument(ESCAPED), EXTENSIONS["ods"].mime),
    "odp": (opendocument(ESCAPED), EXTENSIONS["odp"].mime),
    "epub": (epub(ESCAPED), EPUB),
    "docx that is named pdf": (office(ESCAPED), PDF),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_says_its_title(tmp_path: Path, kind: str) -> None:
    data, mime = KINDS[kind]
    assert title(data, mime) == TITLE
    (tmp_path / "file").write_bytes(data)
    assert document_title(tmp_path / "file", mime) == TITLE
    with zipfile.ZipFile(io.BytesIO(zipped({"inside": data}))) as export, export.open("inside") as stream:
        assert document_title(stream, mime) == TITLE  # type: ignore[arg-type]


SEEN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Signs of numbers and verses that Unicode calls formats although they are seen."""


@given(st.text(max_size=1_200))
@settings(max_examples=60, deadline=None)
def test_no_title_is_long_or_hides_anything(written: str) -> None:
    allowed = "".join(
        char for char in written if char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff"
    )
    told = title(office(allowed.replace("&", "&amp;").replace("<", "&lt;")), DOCX)
    if told is not None:
        assert 0 < len(told) <= 200
        assert told == " ".join(told.split())
        # joiners are of Persian and of emoji, and what Python does not know yet may be an emoji
        hidden = {unicodedata.category(char) for char in told if char not in "\u200c\u200d" + SEEN} - {"Cn"}
        assert not any(category.startswith("C") for category in hidden)


def bomb(size: int) -> bytes:
    return zipped({"docProps/core.xml": core("a" * size)})


def lying_bomb() -> bytes:
    """A member of 50 MB that states to have 4 KB."""
    data = bytearray(bomb(50 << 20))
    for sign, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.index(sign) + place
        data[at : at + 4] = (4_096).to_bytes(4, "little")
    return bytes(data)


def entities() -> str:
    return "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(9)
    ) + "]>"  # fmt: skip


def giant_directory() -> bytes:
    """400,000 entries in 19 MB, of which the usual record tells 46 bytes and the one of 64 bits all."""
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    n, directory = 400_000, entry * 400_000
    head = b"PK\x03\x04" + bytes(27)
    end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, n, n, len(directory), len(head))
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(head) + len(directory), 1)
    usual = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 46, 0xFFFF_FFFF, 0)
    return head + directory + end + locator + usual


def pdf_bomb() -> bytes:
    """A packet of 200 MB, packed twice into a few KB."""
    return pdf(None, xmp=zlib.compress(zlib.compress(bytes(200 << 20))), packed=2)


def blown_up() -> str:
    """One entity of 30,000 characters, a thousand times: no depth that a parser could count."""
    return f"<!DOCTYPE x [<!ENTITY a '{'ha' * 15_000}'>]>"


HOSTILE = {
    "bomb": (bomb(50 << 20), DOCX),
    "lying bomb": (lying_bomb(), DOCX),
    "a billion laughs": (office("&j;", entities()), DOCX),
    "one laugh, often": (office("&a;" * 1_000, blown_up()), DOCX),
    "laughs in a package": (zipped(epub_files("x") | {"OEBPS/content.opf": entities() + "<a>&j;</a>"}), EPUB),
    "laughs before a package": (zipped(epub_files("x") | {"META-INF/container.xml": entities() + "<a>&j;</a>"}), EPUB),
    "laughs in an open document": (zipped({"meta.xml": entities() + "<a>&j;</a>"}), EXTENSIONS["odt"].mime),
    "laughs in a pdf": (pdf(None, xmp=entities() + "<a>&j;</a>"), PDF),
    "an attribute of 4 MB": (zipped({"docProps/core.xml": f"<a b='{'x' * (4 << 20)}'/>"}), DOCX),
    "a package in two alphabets": (zipped({"docProps/core.xml": core("x").encode("utf-16")[:-3]}), DOCX),
    "a directory of giant size in secret": (giant_directory(), DOCX),
    "a bomb in a pdf": (pdf_bomb(), PDF),
    "a file of this machine": (office("&e;", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'), DOCX),
    "a page elsewhere": (office("x", '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'), DOCX),
    "deeper than deep": (zipped({"docProps/core.xml": "<a>" * 100_000 + "<dc"}), DOCX),
    "bzip2": (zipped({"docProps/core.xml": core("x")}, zipfile.ZIP_BZIP2), DOCX),
    "a directory of giant size": (zipped({f"{n}" * 30: "" for n in range(40_000)}), DOCX),
    "a package that leads elsewhere": (epub("x", "../../etc/passwd"), EPUB),
    "any zip": (zipped({"a.txt": "x"}), DOCX),
    "locked pdf": (pdf("Secret", password="x"), PDF),
    "words": (b"no document at all", PDF),
    "empty": (b"", PDF),
    "a pdf of nothing": (b"%PDF-1.7\n%%EOF", PDF),
    "cut pdf": (pdf("x" * 50)[:-300], PDF),
    "picture": (b"\xff\xd8\xff\xe0" + bytes(900), DOCX),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_document_has_no_title(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    data, mime = HOSTILE[kind]
    tracemalloc.start()
    try:
        with caplog.at_level(logging.DEBUG):
            assert title(data, mime) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 48 << 20
    assert not caplog.records


@pytest.mark.parametrize("mime", ["text/plain", "application/zip", "application/octet-stream", "image/jpeg", ""])
def test_other_kinds_are_not_opened(mime: str) -> None:
    assert mime not in TITLED
    assert title(pdf("Plan"), mime) is None


@pytest.mark.parametrize("kind", ["pdf", "pdf by its packet", "docx", "odt", "epub"])
def test_damage_never_raises_and_tells_nothing_to_logs(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    data, mime = KINDS[kind]
    choose = random.Random(kind)
    with caplog.at_level(logging.DEBUG):
        for _ in range(150):
            damaged = bytearray(data)
            for _ in range(choose.randint(1, 6)):
                damaged[choose.randrange(len(damaged))] = choose.randrange(256)
            cut = choose.choice((len(damaged), len(damaged), choose.randrange(len(damaged))))
            told = title(bytes(damaged[:cut]), mime)
            assert told is None or 0 < len(told) <= 200
    assert not caplog.records


def test_what_is_no_file_has_no_title(tmp_path: Path) -> None:
    assert document_title(tmp_path, PDF) is None
    assert document_title(tmp_path / "none.pdf", PDF) is None
