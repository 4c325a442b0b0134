"""How long sound and film last, from containers made by hand; and that no file of a stranger stops the reading."""

import io
import os
import struct
import wave
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.lengths import media_seconds


def box(name: bytes, *inside: bytes, wide: bool = False) -> bytes:
    body = b"".join(inside)
    if wide:
        return struct.pack(">I4sQ", 1, name, 16 + len(body)) + body
    return struct.pack(">I4s", 8 + len(body), name) + body


def mvhd(scale: int, length: int, version: int = 0) -> bytes:
    times = struct.pack(">BxxxQQIQ" if version else ">BxxxIIII", version, 0, 0, scale, length)
    return box(b"mvhd", times, bytes(80))


def movie(*, scale: int = 600, length: int = 25_200, version: int = 0, last: bool = False, wide: bool = False) -> bytes:
    head = box(b"ftyp", b"isom\0\0\2\0isomiso2")
    moov = box(b"moov", box(b"udta", bytes(30)), mvhd(scale, length, version), box(b"trak", bytes(50)), wide=wide)
    mdat = box(b"mdat", bytes(3_000), wide=wide)
    return head + (mdat + moov if last else moov + mdat)


def element(ident: str, body: bytes, size: int | None = None) -> bytes:
    stated = len(body) if size is None else size
    return bytes.fromhex(ident) + struct.pack(">Q", stated | 1 << 56) + body


def matroska(length: bytes | None, scale: int | None = 1_000_000, *, endless: bool = False) -> bytes:
    info = element("2AD7B1", scale.to_bytes(4, "big")) if scale is not None else b""
    info += element("4489", length) if length is not None else b""
    inside = element("EC", bytes(20)) + element("1549A966", info) + element("1F43B675", bytes(900))
    head = element("1A45DFA3", element("4282", b"webm"))
    return head + (
        bytes.fromhex("18538067") + b"\x01" + b"\xff" * 7 + inside if endless else element("18538067", inside)
    )


def ogg_page(granule: int, body: bytes, serial: int = 7, flags: int = 0) -> bytes:
    sizes = [255] * (len(body) // 255) + [len(body) % 255]
    return struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, 0, 0, len(sizes)) + bytes(sizes) + body


def ogg(head: bytes, last: int, *, other: bool = False) -> bytes:
    pages = [
        ogg_page(0, head, flags=2),
        ogg_page(0, b"tags"),
        ogg_page(last // 2, b"x" * 4_000),
        ogg_page(last, b"y" * 900, flags=4),
    ]
    return b"".join(pages) + (ogg_page(10**9, b"z", serial=8) if other else b"")


OPUS = b"OpusHead\x01\x01" + struct.pack("<HIhB", 312, 16_000, 0, 0)
VORBIS = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 2, 44_100, 0, 128_000, 0, 0xB8, 1)
SPEEX = b"Speex   " + b"1.2".ljust(20, b"\0") + struct.pack("<iiiiiiiiiii", 1, 80, 16_000, 1, 4, 1, -1, 320, 0, 1, 0)


def flac(samples: int, rate: int = 48_000) -> bytes:
    info = bytes(10) + (rate << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8, "big") + bytes(16)
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + bytes(500)


def wav(seconds: float, *, stated: int | None = None, cut: int = 0) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(16_000 * seconds)))
    data = buffer.getvalue()
    if stated is not None:
        data = data[:40] + struct.pack("<I", stated) + data[44:]
    return data[: len(data) - cut]


def mp3(frames: int, tag: bytes = b"") -> bytes:
    # MPEG 1, layer III, 128 kbit/s, 44.1 kHz: 417 bytes and 1,152 samples a frame
    return tag + (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def adts(frames: int) -> bytes:
    size = 200
    head = bytes((0xFF, 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 0xFF, (size & 7) << 5 | 0x1F, 0xFC))
    return (head + bytes(size - 7)) * frames


EXTENDED = box(b"mvex", box(b"mehd", bytes(4), struct.pack(">I", 60_000)))
ID3 = b"ID3\x04\x00\x00\x00\x00\x07\x76" + bytes(1_014)
MINUTE = [
    ("mp4", "video/mp4", movie(length=36_000)),
    ("mp4-moov-last", "video/mp4", movie(length=36_000, last=True)),
    ("mp4-64-bit-header", "video/mp4", movie(length=36_000, version=1)),
    ("mp4-64-bit-boxes", "video/mp4", movie(length=36_000, wide=True, last=True)),
    ("mov-without-ftyp", "video/quicktime", movie(length=36_000, last=True)[24:]),
    ("m4a", "audio/mp4", movie(scale=44_100, length=44_100 * 60)),
    ("3gp", "video/3gpp", movie(length=36_000)),
    ("mp4-fragments", "video/mp4", box(b"ftyp", b"iso5") + box(b"moov", mvhd(1_000, 0), EXTENDED)),
    ("webm-double", "video/webm", matroska(struct.pack(">d", 60_000.0))),
    ("mkv-float", "video/x-matroska", matroska(struct.pack(">f", 60_000.0), None)),
    ("mkv-scaled", "video/x-matroska", matroska(struct.pack(">d", 6_000_000.0), 10_000)),
    ("webm-endless-segment", "video/webm", matroska(struct.pack(">d", 60_000.0), endless=True)),
    ("opus", "audio/ogg", ogg(OPUS, 48_000 * 60 + 312)),
    ("vorbis", "audio/ogg", ogg(VORBIS, 44_100 * 60)),
    ("speex", "audio/ogg", ogg(SPEEX, 16_000 * 60)),
    ("ogg-with-another-stream", "audio/ogg", ogg(VORBIS, 44_100 * 60, other=True)),
    ("flac", "audio/flac", flac(48_000 * 60)),
    ("wav", "audio/wav", wav(60)),
    ("wav-while-recorded", "audio/wav", wav(60, stated=0xFFFF_FFFF)),
    ("mp3", "audio/mpeg", mp3(2_297)),
    ("mp3-with-a-tag", "audio/mpeg", mp3(2_297, ID3)),
    ("aac", "audio/aac", adts(2_584)),
    ("amr", "audio/amr", b"#!AMR\n" + (b"\x3c" + bytes(31)) * 3_000),
    ("amr-wide", "audio/amr", b"#!AMR-WB\n" + (b"\x44" + bytes(60)) * 2_000 + b"\x7c" * 1_000),
]  # fmt: skip


@pytest.mark.parametrize(("mime", "data"), [case[1:] for case in MINUTE], ids=[case[0] for case in MINUTE])
def test_a_minute_lasts_a_minute(tmp_path: Path, mime: str, data: bytes) -> None:
    assert media_seconds(io.BytesIO(data), mime) == pytest.approx(60, abs=0.2)  # MP3 is guessed by its rate
    (tmp_path / "file").write_bytes(data)
    assert media_seconds(tmp_path / "file", mime) == media_seconds(io.BytesIO(data), mime)


@pytest.mark.parametrize("case", MINUTE, ids=[case[0] for case in MINUTE])
def test_the_bytes_say_what_it_is_and_not_the_name(case: tuple[str, str, bytes]) -> None:
    name, mime, data = case
    if mime not in ("audio/aac",) and name != "mp3":
        assert media_seconds(io.BytesIO(data), "application/octet-stream") == media_seconds(io.BytesIO(data), mime)


@pytest.mark.parametrize(
    ("mime", "data"),
    {
        "empty": ("video/mp4", b""),
        "words": ("audio/mpeg", b"this is no sound at all " * 500),
        "a page": ("video/mp4", b"<html>" + bytes(2_000)),
        "zero timescale": ("video/mp4", movie(scale=0)),
        "no length": ("video/mp4", movie(length=0)),
        "unknown length": ("video/mp4", movie(length=0xFFFF_FFFF)),
        "unknown length of 64 bits": ("video/mp4", movie(length=0xFFFF_FFFF_FFFF_FFFF, version=1)),
        "longer than a month": ("video/mp4", movie(scale=1, length=10**8)),
        "no moov": ("video/mp4", box(b"ftyp", b"isom") + box(b"mdat", bytes(100))),
        "moov cut off": ("video/mp4", movie(last=True)[:-190]),
        "a box of no size": ("video/mp4", box(b"ftyp", b"isom") + b"\0\0\0\3free" + bytes(100)),
        "a box of giant size": ("video/mp4", box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"free", 2**64 - 1)),
        "a moov in itself": ("video/mp4", box(b"ftyp", b"isom") + box(b"moov", box(b"moov", mvhd(600, 600)))),
        "a hundred thousand boxes": ("video/mp4", box(b"ftyp", b"isom") + box(b"free") * 100_000 + movie()),
        "no duration": ("video/webm", matroska(None)),
        "endless": ("video/webm", matroska(struct.pack(">d", float("inf")))),
        "not a number": ("video/webm", matroska(struct.pack(">d", float("nan")))),
        "backwards": ("video/webm", matroska(struct.pack(">d", -5.0))),
        "scale of nothing": ("video/webm", matroska(struct.pack(">d", 60_000.0), 0)),
        "an odd number": ("video/webm", matroska(b"\1\2\3")),
        "rate of nothing": ("audio/ogg", ogg(VORBIS[:12] + bytes(18), 44_100)),
        "another codec": ("audio/ogg", ogg(b"\x80theora" + bytes(40), 44_100)),
        "flac of unknown length": ("audio/flac", flac(0)),
        "flac without rate": ("audio/flac", flac(48_000, 0)),
        "wav without data": ("audio/wav", wav(1)[:36]),
        "wav of no speed": ("audio/wav", wav(1)[:28] + bytes(4) + wav(1)[32:]),
        "amr of unknown frames": ("audio/amr", b"#!AMR\n" + b"\x4c" * 200),
        "amr of nothing": ("audio/amr", b"#!AMR\n"),
        "amr of six hours and more": ("audio/amr", b"#!AMR\n" + b"\x7c" * 1_100_000),
        "one frame of mp3": ("audio/mpeg", mp3(1)),
        "a tag of giant size": ("audio/mpeg", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(500)),
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_says_no_length_has_none(mime: str, data: tuple[str, bytes]) -> None:
    assert media_seconds(io.BytesIO(data[1]), data[0]) is None


@pytest.mark.parametrize("case", MINUTE, ids=[case[0] for case in MINUTE])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_damage_raises(case: tuple[str, str, bytes], data: Any) -> None:
    _, mime, whole = case
    damaged = bytearray(whole[:6_000] + whole[-6_000:])
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=6)):
        damaged[place % len(damaged)] = value
    cut = data.draw(st.integers(0, len(damaged)))
    seconds = media_seconds(io.BytesIO(bytes(damaged[:cut])), mime)
    assert seconds is None or 0 < seconds <= 31 * 86_400


@settings(max_examples=200, deadline=None)
@given(
    head=st.sampled_from(
        [b"", b"OggS", b"fLaC", b"RIFF\0\0\0\0WAVE", b"\x1a\x45\xdf\xa3", b"\0\0\0\x10ftyp", b"ID3", b"0&\xb2\x75"]
    ),
    data=st.binary(max_size=600),
    mime=st.sampled_from(["audio/mpeg", "audio/aac", "video/mp4", "x"]),
)  # fmt: skip
def test_no_bytes_raise(head: bytes, data: bytes, mime: str) -> None:
    media_seconds(io.BytesIO(head + data), mime)


@given(seconds=st.floats(0.1, 3_600))
def test_a_voice_note_lasts_as_long_as_by_its_pages(seconds: float) -> None:
    ticks = round(seconds * 48_000)
    assert media_seconds(io.BytesIO(ogg(OPUS, ticks + 312)), "audio/ogg") == pytest.approx(ticks / 48_000)


class Stream(io.RawIOBase):
    """Bytes that come once, as an entry of a ZIP does, and are counted."""

    def __init__(self, size: int, head: bytes = b"") -> None:
        self._head, self._left, self.taken = head, size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n = min(len(buffer), self._left)
        self._left -= n
        self.taken += n
        buffer[: min(n, len(self._head))] = self._head[:n]
        self._head = self._head[n:]
        return n


def test_a_stream_is_read_within_bounds() -> None:
    whole = movie(length=36_000, last=True)
    assert media_seconds(io.BufferedReader(Stream(len(whole), whole)), "video/mp4") == 60  # type: ignore[arg-type]
    endless = Stream(10**10, whole[:20])
    assert media_seconds(io.BufferedReader(endless), "video/mp4") is None  # type: ignore[arg-type]
    assert endless.taken < 34 << 20


def test_a_long_film_is_not_read_but_jumped_over(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.write(box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 16 + (5 << 30)))
        file.truncate(12 + 16 + (5 << 30))
        file.seek(0, os.SEEK_END)
        file.write(box(b"moov", mvhd(600, 36_000)))
    assert media_seconds(path, "video/mp4") == 60


def test_what_is_no_file_has_no_length(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe"):
        assert media_seconds(path, "video/mp4") is None
