"""Archives that are damaged, cut off, or made to deceive: read right, or refused in one sentence with exit 2."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits
from stages.ingest.zips import ZipReader, list_members

Parse = Callable[..., Any]
SAID = ["hello", "IMG-20240313-WA0001.jpg (file attached)", "nice"]
EMPTY_END = b"PK\x05\x06" + bytes(18)
FIXTURES = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def said(parsed: Any) -> list[str]:
    return [text for _, _, text in parsed.said]


@pytest.fixture
def read(parse_file: Parse) -> Callable[..., list[str]]:
    """The texts of a WhatsApp export."""
    return lambda path, **options: said(parse_file(path, platform="whatsapp", **options))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (EMPTY_END, "empty"),
        (b"PK\x03\x04", "end is missing"),
        (b"PK\x03\x04" + b"13/03/2024, 10:00 - Ana: hello\n" * 50, "end is missing"),
        (b"PK\x05\x06", "end is missing"),
        (b"PK\x05\x06" + bytes(17), "end is missing"),
        (b"PK\x07\x08PK\x03\x04" + bytes(500), "one part of a ZIP in several"),
        (b"PK\x05\x06\1\0\1\0\1\0\1\0" + bytes(10), "one part of a ZIP in several"),
        (b"PK\x05\x06" + b"\xff" * 18, "ZIP"),
        (b"PK\x05\x06" * 9_000, "ZIP"),
    ],
)
def test_what_has_the_sign_of_a_zip_and_no_content(
    raw_zip: Any, refused: Callable[..., str], data: bytes, words: str
) -> None:
    assert words in refused(raw_zip(data))


@pytest.mark.parametrize(
    "kept",
    [
        {"flags": 1},
        {"flags": 0x801},
        {"flags": 1, "method": 99, "extra": b"\x01\x99\x07\x00\x02\x00AE\x03\x08\x00"},
        {"flags": 0x41},
        {"flags": 0x2001},
    ],
)
def test_an_encrypted_zip(raw_zip: Any, entry: Any, refused: Callable[..., str], kept: dict[str, Any]) -> None:
    body = entry().body
    assert "encrypted" in refused(raw_zip([entry(data=bytes(12) + body, **kept)]))


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (93, "Zstandard"), (98, "PPMd"), (1, "method 1")])
def test_a_packing_that_is_not_read(
    raw_zip: Any, entry: Any, refused: Callable[..., str], method: int, name: str
) -> None:
    assert name in refused(raw_zip([entry(method=method)]))


def whole_export(zip_bytes: Any, entry: Any, **options: Any) -> bytes:
    picture = bytes(range(256)) * 4
    data: bytes = zip_bytes(
        [
            entry(name=b"IMG-20240313-WA0001.jpg", body=picture, method=0),
            entry(name=b"WhatsApp Chat with Ana.txt"),
            entry(name=b"list.txt", body=b"milk\neggs\n"),
        ],
        **options,
    )
    return data


def test_cut_off_at_every_place_it_is_refused_or_whole(raw_zip: Any, zip_bytes: Any, entry: Any, read: Any) -> None:
    data = whole_export(zip_bytes, entry, comment=b"twelve bytes")
    for cut in range(len(data) - 250, len(data)):
        path = raw_zip(data[:cut])
        if cut >= len(data) - 12:
            assert read(path) == SAID
            continue
        with pytest.raises(BadInput):
            read(path)


@FIXTURES
@given(cut=st.integers(4, 10_000))
def test_cut_off_anywhere_it_is_refused(raw_zip: Any, zip_bytes: Any, entry: Any, read: Any, cut: int) -> None:
    data = whole_export(zip_bytes, entry)
    with pytest.raises(BadInput) as refusal:
        read(raw_zip(data[: cut % len(data)] if cut % len(data) > 4 else data[:4]))
    assert "\n" not in str(refusal.value)


@FIXTURES
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_never_changes_what_was_said(
    raw_zip: Any, zip_bytes: Any, entry: Any, read: Any, at: int, bit: int
) -> None:
    data = bytearray(whole_export(zip_bytes, entry))
    data[at % len(data)] ^= 1 << bit
    with suppress(BadInput):
        assert read(raw_zip(bytes(data))) == SAID


@FIXTURES
@given(noise=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12))
def test_overwritten_bytes_never_crash(raw_zip: Any, zip_bytes: Any, entry: Any, noise: list[tuple[int, int]]) -> None:
    data = bytearray(whole_export(zip_bytes, entry))
    for at, value in noise:
        # the records are where damage is interesting: the last fifth of the file
        data[-1 - at % (len(data) // 5)] = value
    with suppress(BadInput), ZipReader(raw_zip(bytes(data))) as reader:
        for member in reader.members:
            with reader.open(member.position) as stream:
                assert len(stream.read()) == member.size


def test_a_wrong_checksum_of_the_chat(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    assert "checksum" in refused(raw_zip([entry(crc=5)]))


def test_a_damaged_picture_does_not_cost_the_chat(raw_zip: Any, entry: Any, read: Any) -> None:
    assert read(raw_zip([entry(name=b"a.jpg", crc=1), entry()])) == SAID


@pytest.mark.parametrize("size", [0, 10, 100_000, 0xFFFF_FFFE])
def test_a_chat_that_lies_about_its_size(raw_zip: Any, entry: Any, refused: Callable[..., str], size: int) -> None:
    refused(raw_zip([entry(size=size)]))


def test_a_bomb_that_states_a_small_size_takes_no_memory(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    path = raw_zip([entry(body=b"13/03/2024, 10:00 - Ana: " + b"a" * (60 << 20), size=1_000)])
    tracemalloc.start()
    try:
        assert "more than it states" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_is_refused_unread(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    path = raw_zip([entry(body=b"13/03/2024, 10:00 - Ana: " + b"a" * (20 << 20))])
    assert "bomb" in refused(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ZIP_MAX_ENTRIES", "1"), ("ZIP_MAX_RATIO", "20"), ("ZIP_MAX_MB", "2"), ("CHAT_MAX_MB", "2")],
)
def test_limits_are_settings(
    raw_zip: Any, entry: Any, refused: Callable[..., str], read: Any, name: str, value: str
) -> None:
    path = raw_zip([entry(body=entry().body + b" and so on" * 300_000), entry(name=b"a.jpg")])
    assert len(read(path)) == 3
    refused(path, **{f"STREAMLINER_INGEST__{name}": value})


@pytest.mark.parametrize("count", [0, 1, 3, 65_535])
def test_a_directory_that_lies_about_its_number(
    raw_zip: Any, entry: Any, refused: Callable[..., str], count: int
) -> None:
    refused(raw_zip([entry(), entry(name=b"a.jpg")], count=count))


@pytest.mark.parametrize("stated", [{"length": 10}, {"length": 0}, {"offset": 0}, {"offset": 10**6}, {"length": 2**31}])
def test_a_directory_that_lies_about_its_place(
    raw_zip: Any, entry: Any, refused: Callable[..., str], stated: dict[str, int]
) -> None:
    refused(raw_zip([entry(), entry(name=b"a.jpg")], **stated))


def test_a_million_entries_are_refused_before_they_are_looked_at(raw_zip: Any, refused: Callable[..., str]) -> None:
    head = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = head * 1_000_000
    narrow = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *[1_000_000 & 0xFFFF] * 2, len(directory), 0, 0)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *[1_000_000] * 2, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    path = raw_zip(b"PK\x03\x04")
    for end, most in ((wide + locator + narrow, 1 << 20), (narrow, 64 << 20)):
        path.write_bytes(directory + end)
        tracemalloc.start()
        try:
            with pytest.raises(BadInput, match="entries or more"):
                list_members(path)
            assert tracemalloc.get_traced_memory()[1] < most
        finally:
            tracemalloc.stop()
    path.write_bytes(b"PK\x03\x04" + directory + narrow)
    assert "200000" in refused(path)


def test_a_directory_of_endless_names_is_refused_unread(tmp_path: Path) -> None:
    name = b"n" * 60_000
    head = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), *[0] * 6)
    directory = (head + name) * 100
    path = tmp_path / "a.zip"
    path.write_bytes(directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 100, 100, len(directory), 0, 0))
    with pytest.raises(BadInput, match="zip_max_entries"):
        list_members(path, ZipLimits(max_entries=5_000))


@pytest.mark.parametrize("wide", [True, False])
def test_more_entries_than_sixteen_bits_count(raw_zip: Any, zip_bytes: Any, entry: Any, read: Any, wide: bool) -> None:
    entries = [entry()] + [entry(name=b"%d.jpg" % number, body=b"", method=0) for number in range(65_540)]
    data = zip_bytes(entries)  # as older writers do: the number wraps
    if wide:
        at = len(data) - 22
        length, offset = struct.unpack_from("<2L", data, at + 12)
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *[len(entries)] * 2, length, offset)
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0)
        data = data[:at] + record + locator + end
    path = raw_zip(data)
    with zipfile.ZipFile(path) as theirs:
        assert len(theirs.infolist()) == len(list_members(path)) == 65_541
    assert read(path) == SAID


def test_entries_that_share_their_data(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    bomb = [entry()] + [entry(name=b"_chat.txt", at=0, data=b"") for _ in range(50)]
    assert "share" in refused(raw_zip(bomb))


def test_entries_that_quote_each_other(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    inner = entry(name=b"inner.txt")
    first = entry(name=b"_chat.txt", packed=400, size=400, method=0, body=bytes(10))
    assert "share" in refused(raw_zip([first, inner, entry(name=b"c.jpg", body=bytes(900), method=0)]))


def test_data_that_reaches_into_the_directory(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    refused(raw_zip([entry(method=0, packed=len(entry().body) + 60, size=len(entry().body) + 60)]))


def test_two_names_for_one_entry(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    assert "name" in refused(raw_zip([entry(local_name=b"other.jpg")]))


@pytest.mark.parametrize(
    "comment",
    [b"PK\x05\x06", b"see PK\x05\x06 and more", b"PK\x05\x06" * 200, EMPTY_END, b"\0" * 65_535, EMPTY_END + b"x"],
)
def test_a_comment_that_looks_like_an_end(raw_zip: Any, entry: Any, read: Any, comment: bytes) -> None:
    assert read(raw_zip([entry()], comment=comment)) == SAID


def test_two_directories_are_one_too_many(
    raw_zip: Any, zip_bytes: Any, entry: Any, refused: Callable[..., str]
) -> None:
    other = zip_bytes([entry(body=b"13/03/2024, 10:00 - Ana: something else\n")])
    assert "deceive" in refused(raw_zip([entry()], comment=other))


@pytest.mark.parametrize("prefix", [b"MZ" + bytes(3_000), b"PK\x03\x04" + bytes(90), b"#!/bin/sh\n"])
@pytest.mark.parametrize("suffix", [b"", b"\r\n", b"\0" * 900])
def test_bytes_before_and_after_the_archive(raw_zip: Any, entry: Any, read: Any, prefix: bytes, suffix: bytes) -> None:
    path = raw_zip([entry()], prefix=prefix, suffix=suffix)
    (member,) = list_members(path)
    with ZipReader(path).open(member.position) as stream:
        assert stream.read() == entry().body
    if prefix.startswith(b"PK"):
        assert read(path) == SAID


@pytest.mark.parametrize("disk", [1, 7])
def test_a_part_of_a_split_archive(raw_zip: Any, entry: Any, refused: Callable[..., str], disk: int) -> None:
    assert "one part" in refused(raw_zip([entry()], disk=disk))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_packing_of_the_standard_library_is_read(tmp_path: Path, read: Any, entry: Any, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("_chat.txt", entry().body)
    assert read(path) == SAID


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bombs_of_other_packings_take_no_memory(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("_chat.txt", bytes(50 << 20))
    reader = ZipReader(path, ZipLimits(max_ratio=10**9))
    tracemalloc.start()
    try:
        with reader.open(0) as stream:
            while stream.read(1 << 16):
                pass
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_an_lzma_dictionary_of_four_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("_chat.txt", b"hello")
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, 30 + len("_chat.txt") + 5, 0xFFFF_FFFF)
    path.write_bytes(data)
    with pytest.raises(BadInput, match="memory"):
        ZipReader(path).open(0)


def test_a_zip_in_a_zip(make_zip: Any, refused: Callable[..., str], entry: Any) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("_chat.txt", entry().body)
    assert "another ZIP" in refused(make_zip([("WhatsApp Chat - Ana.zip", inner.getvalue())]))


def test_two_chats_in_one_zip(make_zip: Any, refused: Callable[..., str], entry: Any) -> None:
    path = make_zip([(f"{name}/_chat.txt", entry().body) for name in ("Ana", "Rui")])
    assert "2 chats" in refused(path)
    path = make_zip([(f"WhatsApp Chat with {name}.txt", entry().body) for name in ("Ana", "Rui")])
    assert "2 chats" in refused(path)


def test_two_chats_under_any_names_are_never_one_in_silence(
    make_zip: Any, refused: Callable[..., str], read: Any, entry: Any
) -> None:
    other = "13/03/2024, 10:00 - Zoe: other\n" * 5
    assert "2 chats" in refused(make_zip([("Ana.txt", entry().body), ("Zoe.txt", other)]))
    notes = "13/03/2024, 10:00 - meeting\n" + "minutes of it\n" * 30
    assert read(make_zip([("minutes.txt", notes), ("Ana.txt", entry().body)])) == SAID


def test_documents_and_system_files_beside_the_chat(make_zip: Any, read: Any, entry: Any) -> None:
    other_chat = b"[1/2/19, 10:00:00] Zoe: another chat as a document\n" * 90
    path = make_zip(
        [
            ("__MACOSX/._WhatsApp Chat with Ana.txt", b"\0\5\x16\7\0\2\0\0Mac OS X"),
            ("__MACOSX/sub/_chat.txt", other_chat),
            (".DS_Store", b"\0\0\0\1Bud1"),
            ("a document.txt", other_chat),
            ("notes.txt", b"milk\n"),
            ("empty.txt", b""),
            ("binary.txt", bytes(range(256)) * 20),
            ("WhatsApp Chat with Ana.txt", entry().body),
        ]
    )
    assert read(path) == SAID


def test_a_link_a_device_and_a_folder_called_chat(raw_zip: Any, entry: Any, refused: Callable[..., str]) -> None:
    for mode in (0o120777, 0o020666, 0o010666, 0o040755):
        assert "no chat" in refused(raw_zip([entry(mode=mode)]))
    assert "no chat" in refused(raw_zip([entry(name=b"_chat.txt/")]))
