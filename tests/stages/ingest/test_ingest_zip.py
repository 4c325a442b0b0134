"""ZIPs: the chat is found, everything else is left where it is, and nothing hostile gets through."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits
from stages.ingest.zips import list_members, open_member

CHAT = "13/03/2024, 10:00 - Ana: hi\n13/03/2024, 10:01 - Rui: \u200erelatório.pdf (arquivo anexado)\n"
DOCUMENT = "shopping list\nmilk\neggs\n" * 50

Parse = Callable[..., Any]


@pytest.mark.parametrize(
    "name",
    [
        "_chat.txt", "WhatsApp Chat with Alice.txt", "Conversa do WhatsApp com Teste.txt", "与X的 WhatsApp 聊天.txt",
        "Чат WhatsApp с контактом X.txt", "any name.TXT", "folder/_chat.txt",
    ],
)  # fmt: skip
def test_the_chat_is_found_among_documents(make_zip: Any, parse_file: Parse, name: str) -> None:
    path = make_zip(
        [("a.txt", DOCUMENT), ("__MACOSX/._chat.txt", b"\0\5\x16\7" * 9), (name, CHAT), ("z.txt", "13 things\n")]
    )
    assert [text for _, _, text in parse_file(path).said] == ["hi", "relatório.pdf (arquivo anexado)"]


def test_a_zip_and_its_text_give_the_same_messages(make_zip: Any, parse: Parse, parse_file: Parse) -> None:
    assert parse_file(make_zip([("_chat.txt", CHAT)])).rows == parse(CHAT).rows


def test_attachments_are_named_as_the_chat_writes_them(make_zip: Any, parse_file: Parse) -> None:
    garbled = "relatório.pdf".encode().decode("cp437")
    path = make_zip([("_chat.txt", CHAT), ("a.jpg", b"1"), ("x/a.jpg", b"22"), (garbled, b"333")])
    parsed = parse_file(path)
    assert parsed.rows[1]["media"] == ["relatório.pdf"]
    found = {(item.name, item.member, item.size) for item in parsed.report.attachments}
    assert found == {("a.jpg", 1, 1), ("a (2).jpg", 2, 2), ("relatório.pdf", 3, 3)}
    for item in parsed.report.attachments:
        with open_member(path, item.member, limit=100) as file:
            assert len(file.read()) == item.size


def test_a_decomposed_name_is_the_same_name(make_zip: Any, parse_file: Parse) -> None:
    parsed = parse_file(make_zip([("_chat.txt", CHAT), ("relato\u0301rio.pdf", b"333")]))
    assert [item.name for item in parsed.report.attachments] == ["relatório.pdf"]
    assert parsed.report.warnings == []


def test_a_name_known_from_the_zip_makes_an_attachment_without_any_phrase(make_zip: Any, parse_file: Parse) -> None:
    chat = (
        "13/03/2024, 10:00 - Ana: plan.xyz (words of no list)\n13/03/2024, 10:00 - Ana: other.xyz (words of no list)\n"
    )
    parsed = parse_file(make_zip([("_chat.txt", chat), ("plan.xyz", b"1")]))
    assert parsed.column("kind") == ["media", "text"]


def test_attachments_that_are_missing_are_said(make_zip: Any, parse_file: Parse) -> None:
    assert any(
        "hold 1 of the files" in warning for warning in parse_file(make_zip([("_chat.txt", CHAT)])).report.warnings
    )


def test_hostile_names_are_only_labels(make_zip: Any, parse_file: Parse, tmp_path: Path) -> None:
    before = {path for path in tmp_path.parent.rglob("*") if "evil" in path.name}
    path = make_zip(
        [
            ("_chat.txt", CHAT),
            ("../../evil.jpg", b"1"),
            ("/etc/evil", b"1"),
            ("C:\\evil.exe", b"1"),
            ("evil\0.jpg", b"1"),
        ]
    )
    names = [item.name for item in parse_file(path).report.attachments]
    assert len(names) == 4
    assert all("/" not in name and "\\" not in name and ".." not in name.split(".")[0] for name in names)
    assert {path for path in tmp_path.parent.rglob("*") if "evil" in path.name} == before


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "empty"),
        ([("a.jpg", b"1"), ("b.txt", "no chat here\n")], "no chat"),
        ([("inner.zip", b"PK\x03\x04")], "another ZIP"),
        ([("users.json", "[]"), ("channels.json", "[]")], "Slack"),
        ([("a/_chat.txt", CHAT), ("b/_chat.txt", CHAT)], "2 chats"),
        ([("WhatsApp Chat with A.txt", CHAT), ("WhatsApp Chat with B.txt", CHAT)], "2 chats"),
    ],
)
def test_zips_without_one_chat_are_refused(make_zip: Any, parse_file: Parse, entries: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse_file(make_zip(entries))


def test_an_encrypted_zip_is_refused(make_zip: Any, parse_file: Parse) -> None:
    path = make_zip([("_chat.txt", CHAT)])
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature) + offset
        data[at] |= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match="encrypted"):
        parse_file(path)


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.98])
def test_a_truncated_zip_is_refused(make_zip: Any, parse_file: Parse, keep: float) -> None:
    path = make_zip([("_chat.txt", CHAT * 50), ("a.bin", bytes(range(256)) * 40)])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(BadInput, match="ZIP"):
        parse_file(path)


def test_a_wrong_checksum_is_refused(make_zip: Any, parse_file: Parse) -> None:
    path = make_zip([("_chat.txt", CHAT)])
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02") + 16
    data[at] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BadInput, match="checksum"):
        parse_file(path)


def test_a_bomb_is_refused_while_it_is_read(make_zip: Any, parse_file: Parse) -> None:
    path = make_zip([("_chat.txt", CHAT.encode() + b"\n" * (20 << 20))])
    with pytest.raises(BadInput, match="bomb"):
        parse_file(path, limits=ZipLimits(max_ratio=100))
    with pytest.raises(BadInput, match="limit"):
        parse_file(path, limits=ZipLimits(chat_bytes=1 << 20))
    with pytest.raises(BadInput, match="limit"):
        parse_file(path, limits=ZipLimits(max_bytes=1 << 20))


def test_a_member_that_states_too_small_a_size_is_refused(make_zip: Any) -> None:
    path = make_zip([("a.bin", bytes(100_000))])
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.find(b"PK\x01\x02") + 24, 10)
    path.write_bytes(data)
    with pytest.raises(BadInput), open_member(path, 0, limit=1_000) as file:
        file.read()


def test_too_many_entries_are_refused_before_they_are_listed(make_zip: Any) -> None:
    path = make_zip([(f"{number}.jpg", b"") for number in range(50)])
    with pytest.raises(BadInput, match="50 entries"):
        list_members(path, ZipLimits(max_entries=49))


def test_links_and_folders_are_no_members(tmp_path: Path) -> None:
    path = tmp_path / "links.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.mkdir("folder")
        archive.writestr("a.jpg", "1")
    assert [(member.name, member.position) for member in list_members(path)] == [("a.jpg", 2)]
    with pytest.raises(BadInput):
        open_member(path, 0, limit=100)
    with pytest.raises(BadInput):
        open_member(path, 9, limit=100)


def test_a_large_directory_record_is_read_as_zip64(tmp_path: Path, parse_file: Parse) -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", allowZip64=True) as archive,
        archive.open("_chat.txt", "w", force_zip64=True) as file,
    ):
        file.write(CHAT.encode())
    path = tmp_path / "big.zip"
    path.write_bytes(buffer.getvalue())
    assert parse_file(path).report.counts["entries"] == 2
