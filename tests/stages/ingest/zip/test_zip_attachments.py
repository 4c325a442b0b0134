"""Attachments: what the chat writes against what archivers and phones made of it."""

import unicodedata
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.files import attachments, folded
from stages.ingest.names import fold, loose, split_extension
from stages.ingest.zips import Member, list_members


def members(*paths: str) -> list[Member]:
    return [Member(at, path.rpartition("/")[2], path, at, at, False) for at, path in enumerate(paths)]


def resolve(paths: list[str], written: list[str]) -> tuple[dict[str, int], list[str]]:
    """{name: position} and the names that no member has."""
    found, missing = attachments(members(*paths), written, str)
    return {item.name: item.member for item in found if item.name in written}, missing


LONG = "Relatório anual da associação de moradores " * 8 + ".pdf"

GARBLED = {
    "exact": ("IMG-20240102-WA0001.jpg", "IMG-20240102-WA0001.jpg"),
    "decomposed": ("relatório.pdf", unicodedata.normalize("NFD", "relatório.pdf")),
    "composed": (unicodedata.normalize("NFD", "relatório.pdf"), "relatório.pdf"),
    "utf-8 as cp437": ("relatório ção.pdf", "relatório ção.pdf".encode().decode("cp437")),
    "utf-8 as latin-1": ("relatório.pdf", "relatório.pdf".encode().decode("latin-1")),
    "utf-8 as cp1252": ("preço €.pdf", "preço €.pdf".encode().decode("cp1252")),
    "latin-1 as cp437": ("relatório.pdf", "relatório.pdf".encode("latin-1").decode("cp437")),
    "cp850 as cp437": ("coração.pdf", "coração.pdf".encode("cp850").decode("cp437")),
    "cyrillic as cp437": ("смета.pdf", "смета.pdf".encode("cp866").decode("cp437")),
    "cp1251 as cp437": ("смета.pdf", "смета.pdf".encode("cp1251").decode("cp437")),
    "japanese as cp437": ("写真.jpg", "写真.jpg".encode("cp932").decode("cp437")),
    "chinese as cp437": ("照片.jpg", "照片.jpg".encode("gb18030").decode("cp437")),
    "hebrew utf-8 as cp437": ("תמונה.jpg", "תמונה.jpg".encode().decode("cp437")),
    "decomposed utf-8 as cp437": ("ação.pdf", unicodedata.normalize("NFD", "ação.pdf").encode().decode("cp437")),
    "placeholders": ("relatório ção.pdf", "relat?rio ??o.pdf"),
    "a placeholder a byte": ("relatório.pdf", "relat__rio.pdf"),
    "case": ("Foto.JPG", "foto.jpg"),
    "bidi marks": ("\u200eIMG\u202c-1.jpg", "IMG-1.jpg"),
    "bidi marks in the zip": ("صورة.jpg", "\u202bصورة\u202c.jpg"),
    "narrow space": ("Screenshot 10.00.00 PM.png", "Screenshot 10.00.00\u202fPM.png"),
    "forbidden signs": ("10:30 plan?.pdf", "10_30 plan_.pdf"),
    "cut to 255 bytes": (LONG, LONG.encode()[:240].decode(errors="ignore") + ".pdf"),
    "no extension in the chat": ("orçamento final", "orçamento final.docx"),
    "no extension in the zip": ("orçamento final.docx", "orçamento final"),
    "in a folder": ("a.heic", "Photos/2024/a.heic"),
    "a path": ("photos/photo_1@01.jpg", "ChatExport_2024/photos/photo_1@01.jpg"),
    "emoji": ("festa 🎉.opus", "festa 🎉.opus"),
}


@pytest.mark.parametrize("case", sorted(GARBLED))
def test_a_name_is_found_whatever_happened_to_it(case: str) -> None:
    written, kept = GARBLED[case]
    found, missing = resolve(["other.jpg", kept, "third.pdf", "смородина.jpg"], [written, "not exported.pdf"])
    assert found == {written: 1}
    assert missing == ["not exported.pdf"]


@pytest.mark.parametrize(
    ("paths", "written"),
    [
        (["照片.jpg"], ["фото.jpg"]),
        (["A.jpg", "a.JPG"], ["a.jpg"]),
        (["relat?rio.pdf", "relat_rio.pdf"], ["relatório.pdf"]),
        (["relat?rio.pdf"], ["relatório.pdf", "relatário.pdf"]),
        (["plan.pdf", "plan.docx"], ["plan"]),
        (["plan.pdf"], ["plan.docx"]),
        (["IMG-1.jpg"], ["IMG-2.jpg"]),
        (["x/photo.jpg", "y/photo.jpg"], ["z/photo.jpg"]),
    ],
)
def test_what_could_be_another_file_is_missing(paths: list[str], written: list[str]) -> None:
    assert resolve(paths, written) == ({}, sorted(written))


def test_a_repeated_name_is_that_of_the_first_and_nothing_is_lost() -> None:
    found, missing = attachments(
        members("a.jpg", "x/a.jpg", "a (2).jpg", "y/a.jpg", "b"), ["a.jpg", "a (2).jpg", "b"], str
    )
    assert missing == []
    assert [(item.name, item.member) for item in found] == [
        ("a.jpg", 0), ("a (3).jpg", 1), ("a (2).jpg", 2), ("a (4).jpg", 3), ("b", 4)
    ]  # fmt: skip


def test_each_spelling_of_the_chat_finds_the_file() -> None:
    spellings = ["relatório.pdf", unicodedata.normalize("NFD", "relatório.pdf"), "\u200erelatório.pdf"]
    found, missing = resolve(["relatório.pdf"], spellings)
    assert found == dict.fromkeys(spellings, 0)
    assert missing == []


def test_names_that_become_one_when_people_are_hidden_stay_apart() -> None:
    found, _ = attachments(
        members("Ana.pdf", "Rui.pdf", "c.pdf"),
        ["Ana.pdf", "Rui.pdf"],
        lambda name: name.replace("Ana", "Person").replace("Rui", "Person"),
    )
    assert [(item.name, item.member) for item in found] == [("Person.pdf", 0), ("Person (2).pdf", 1), ("c.pdf", 2)]


def test_without_a_zip_every_name_is_missing() -> None:
    assert attachments([], ["b", "a"], str) == ([], ["a", "b"])


def test_a_hundred_thousand_members_of_one_name() -> None:
    found, missing = attachments(members(*["x/a.jpg"] * 100_000), ["a.jpg"], str)
    assert missing == []
    assert found[0].name == "a.jpg"
    assert found[-1].name == "a (100000).jpg"
    assert len({item.name for item in found}) == 100_000


def test_thirty_thousand_garbled_names() -> None:
    written = [f"relatório {number}.pdf" for number in range(15_000)] + [f"{number}.jpg" for number in range(15_000)]
    kept = [name.encode().decode("cp437") for name in written]
    calls = 0

    def rename(name: str) -> str:
        nonlocal calls
        calls += 1
        return name

    found, missing = attachments(members(*kept), written, rename)
    assert missing == []
    assert {item.name: item.member for item in found} == {name: at for at, name in enumerate(written)}
    assert calls == 30_000


NAMES = st.text(st.sampled_from("aA1 é.ñ_?:\u200e"), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(paths=st.lists(NAMES, max_size=8), written=st.lists(NAMES, max_size=6))
def test_every_member_stays_once_and_a_name_is_only_that_of_a_file_like_it(
    paths: list[str], written: list[str]
) -> None:
    found, missing = attachments(members(*paths), written, str)
    assert {item.member for item in found} == set(range(len(paths)))
    assert len({item.name for item in found}) == len(found)
    owners = {item.name: item.member for item in found}
    for name in set(written):
        # the naive rule: the first whose name is the same, and nobody where none is even like it
        exact = [at for at, path in enumerate(paths) if fold(path) == fold(name)]
        if exact:
            assert owners[name] == exact[0]
        elif not any(bare(path) == bare(name) for path in paths):
            assert name in missing
    assert set(missing) <= set(written)


def bare(name: str) -> str:
    """The letters and digits of ASCII before the extension, in any case: what no change of a name takes away."""
    return "".join(sign for sign in split_extension(loose(name))[0] if sign.isascii() and sign.isalnum())


def test_garbled_names_are_known_to_the_chat_as_well() -> None:
    known = folded(members("relatório.pdf".encode().decode("cp437"), "a.jpg"))
    assert known[fold("relatório.pdf")].position == 0
    assert known["a.jpg"].position == 1


@pytest.mark.parametrize("flags", [0, 0x800])
@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"a\xc3\xa9.jpg", "aé.jpg"),
        (b"ae\xcc\x81.jpg", "aé.jpg"),
        (b"dir\\sub\\a.jpg", "a.jpg"),
        (b"/etc/passwd", "passwd"),
        (b"../../evil.jpg", "evil.jpg"),
        (b"evil.jpg\0.txt", "evil.jpg"),
        ("写真.jpg".encode(), "写真.jpg"),
        (b"n" * 70_0 + b".jpg", "n" * 700 + ".jpg"),
    ],
)
def test_labels_of_members(raw_zip: Any, entry: Any, flags: int, raw: bytes, name: str) -> None:
    assert [member.name for member in list_members(raw_zip([entry(name=raw, flags=flags)]))] == [name]


def test_names_that_are_no_utf8_are_labels_all_the_same(raw_zip: Any, entry: Any) -> None:
    path = raw_zip([entry(name=b"relat\xf3rio.pdf"), entry(name=b"relat\xf3rio.pdf", flags=0x800)])
    assert [member.name for member in list_members(path)] == ["relat≤rio.pdf", "relat\ufffdrio.pdf"]


def test_the_unicode_name_beside_the_other_one_is_taken(raw_zip: Any, entry: Any) -> None:
    import struct
    import zlib

    meant = "смета.pdf".encode()
    extra = struct.pack("<2HBL", 0x7075, 5 + len(meant), 1, zlib.crc32(b"?????.pdf")) + meant
    path = raw_zip([entry(name=b"?????.pdf", extra=extra), entry(name=b"????.pdf", extra=extra)])
    assert [member.name for member in list_members(path)] == ["смета.pdf", "????.pdf"]


def test_from_the_chat_to_the_bytes(make_zip: Callable[..., Any], parse_file: Callable[..., Any]) -> None:
    names = ["foto çã.heic", "voz.opus", "plano.pdf"]
    chat = "".join(f"13/03/2024, 10:0{at} - Ana: {name} (arquivo anexado)\n" for at, name in enumerate(names))
    path = make_zip(
        [
            ("x/voz.opus", b"2"),
            ("_chat.txt", chat),
            (unicodedata.normalize("NFD", names[0]).encode().decode("cp437"), b"1"),
            ("y/PLANO.pdf", b"3"),
        ]
    )
    parsed = parse_file(path, platform="whatsapp")
    assert [row["media"] for row in parsed.rows] == [[name] for name in names]
    assert parsed.report.warnings == []
    with zipfile.ZipFile(path) as archive:
        bodies = {item.name: archive.read(archive.infolist()[item.member]) for item in parsed.report.attachments}
    assert bodies == {names[0]: b"1", names[1]: b"2", names[2]: b"3"}
