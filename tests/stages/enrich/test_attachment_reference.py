"""Attachments from an export to candidates, with names of any script, against a plain count of what was sent."""

import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.candidates import find_candidates
from stages.ingest.export import ParseOptions, parse_export

KINDS = {"jpg": "image", "WEBP": "image", "mp4": "video", "opus": "audio", "pdf": "document", "xyz": "document"}
LETTERS = (
    "aZéñçöß", "αβγώ", "дёЖи", "տունՄ", "שלום", "مرحبا", "नमस्ते", "বাংলা", "ภาษา", "ქართ", "ひらカナー", "文件资料",
    "한국어", "தமிழ்",
)  # fmt: skip


@st.composite
def file_names(draw: st.DrawFn) -> str:
    """Letters of one script with blanks, digits and marks as phones leave them in a name."""
    letters = draw(st.sampled_from(LETTERS))
    words = st.text(st.sampled_from(letters + "0189"), min_size=1, max_size=6)
    stem = draw(words) + "".join(draw(st.lists(st.tuples(st.sampled_from(" -_.,&+'"), words).map("".join), max_size=3)))
    stem += draw(st.sampled_from(["", " (1)", " (copy)", "-WA0001", " v1.2.3"]))
    return unicodedata.normalize("NFC", stem) + "." + draw(st.sampled_from(sorted(KINDS)))


def member(name: str, form: str) -> str:
    """The name as a ZIP of another system lists it."""
    return unicodedata.normalize("NFD" if form == "NFD" else "NFC", f"media/{name}" if form == "folder" else name)


def spelling(name: str) -> str:
    """Names that one file system may take for another stay apart."""
    return unicodedata.normalize("NFKD", name).casefold()


@settings(max_examples=15, deadline=None)
@given(
    names=st.lists(file_names(), min_size=1, max_size=8, unique_by=spelling),
    forms=st.lists(st.sampled_from(["NFC", "NFD", "folder"]), min_size=8, max_size=8),
    sent=st.lists(st.integers(0, 7), min_size=1, max_size=14),
)
def test_files_of_any_name_are_found_once_each_as_the_chat_writes_them(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], forms: list[str], sent: list[int]
) -> None:
    said = [names[n % len(names)] for n in sent]
    lines = [f"13/03/2026 {9 + n // 60:02}:{n % 60:02} - Tobias: {name} (file attached)" for n, name in enumerate(said)]
    folder = tmp_path_factory.mktemp("files")
    with zipfile.ZipFile(folder / "chat.zip", "w") as export:
        export.writestr("WhatsApp Chat with Tobias.txt", "\n".join(lines) + "\n")
        for name, form in zip(names, forms, strict=False):
            export.writestr(member(name, form), name.encode())
    out: Path = folder / "m.parquet"
    parse_export(folder / "chat.zip", out, key=bytes(32), options=ParseOptions(raw_authors=True))
    assert pq.read_table(out)["media"].to_pylist() == [[name] for name in said]
    found = {row["value"]: row for row in find_candidates(out).to_pylist()}
    assert {name: row["n_messages"] for name, row in found.items()} == Counter(said)
    for name, row in found.items():
        assert row["kind"] == KINDS[name.rpartition(".")[2]]
        assert row["first_seq"] == said.index(name)
        assert row["key"] == name
