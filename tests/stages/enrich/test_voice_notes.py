"""How long a voice note lasts, from the pages of its container."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.enrich.voice import opus_seconds


def page(granule: int, body: bytes, *, flags: int = 0, serial: int = 7, number: int = 0) -> bytes:
    full, rest = divmod(len(body), 255)
    lacing = b"\xff" * full + bytes([rest])
    return struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, number, 0, len(lacing)) + lacing + body


def voice_note(seconds: float, *, skip: int = 312, pages: int = 5) -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, skip, 16_000, 0, 0)
    last = round(seconds * 48_000) + skip
    # a page that ends no packet has position -1; one holds the letters of a header in its sound
    sound = [page(last * n // pages, b"OggS not a header" * 9, number=n + 2) for n in range(pages)]
    return b"".join(
        [
            page(0, head, flags=2),
            page(0, b"OpusTags....", number=1),
            *sound,
            page(-1, b"x" * 255),
            page(last, b"y", flags=4),
        ]
    )


@given(seconds=st.floats(0.01, 3 * 3600), skip=st.integers(0, 65_535), pages=st.integers(0, 40))
def test_the_length_is_the_last_position_less_what_is_skipped(seconds: float, skip: int, pages: int) -> None:
    assert opus_seconds(voice_note(seconds, skip=skip, pages=pages)) == pytest.approx(seconds, abs=1e-4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OggS",
        b"ID3 not ogg" * 10,
        voice_note(3)[:-1],
        voice_note(3)[: len(voice_note(3)) // 2],
        voice_note(3) + voice_note(4),
        voice_note(3) + b"junk",
        page(0, b"OpusHead", flags=2) + page(48_000, b"y", flags=4),
        page(0, b"\x01vorbis" + bytes(30), flags=2) + page(48_000, b"y", flags=4),
        voice_note(3).replace(b"OpusTags", b"OpusTags", 1)[:28],
        page(0, b"OpusHead" + bytes(11), flags=2) + page(48_000, b"y", flags=4, serial=8),
        voice_note(0),
    ],
)
def test_what_does_not_say_its_length_has_none(data: bytes) -> None:
    assert opus_seconds(data) is None


@given(data=st.binary(max_size=400), cut=st.integers(0, 300))
def test_no_bytes_are_too_strange(data: bytes, cut: int) -> None:
    opus_seconds(data)
    note = voice_note(2)
    opus_seconds(note[:cut] + data + note[cut:])
