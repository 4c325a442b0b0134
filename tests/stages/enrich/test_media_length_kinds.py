"""Lengths to the sample: frames of changing size, films in fragments, packed WAV, AVI, CAF and WMA, made by hand."""

import io
import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.kinds import EXTENSIONS
from stages.enrich.lengths import media_seconds
from tests.stages.enrich.test_media_lengths import ID3, OPUS, VORBIS, adts, box, flac, movie, mvhd, ogg, wav

KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def seconds(data: bytes, ending: str) -> float | None:
    return media_seconds(io.BytesIO(data), EXTENSIONS[ending].mime)


def mp3_frame(kbits: int, padding: int = 0, body: bytes = b"") -> bytes:
    """MPEG 1, layer III, 44.1 kHz, two channels: 1,152 samples."""
    size = 144_000 * kbits // 44_100 + padding
    head = bytes((0xFF, 0xFB, (KBITS.index(kbits) + 1) << 4 | padding << 1, 0x44))
    return head + body + bytes(size - 4 - len(body))


def xing(frames: int | None, *, silence: tuple[int, int] = (0, 0), name: bytes = b"Xing") -> bytes:
    """The first frame of an MP3, in which its encoder says how many follow."""
    fields = struct.pack(">I", frames) + bytes(4 + 100 + 4) if frames is not None else b""
    encoder = b"LAME3.100" + bytes(12) + (silence[0] << 12 | silence[1]).to_bytes(3, "big")
    flags = 15 if frames is not None else 0
    return mp3_frame(160, body=bytes(32) + name + struct.pack(">I", flags) + fields + encoder)


def vbri(frames: int) -> bytes:
    return mp3_frame(160, body=bytes(32) + b"VBRI" + struct.pack(">HHHII", 1, 0, 75, 9_999, frames))


def varying(frames: int, seed: int = 1) -> bytes:
    choose = random.Random(seed)
    return b"".join(mp3_frame(choose.choice(KBITS), choose.randint(0, 1)) for _ in range(frames))


MP3 = 1_152 / 44_100


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (varying(500), 500 * MP3),
        (varying(1) + varying(1), 2 * MP3),
        (ID3 + varying(500), 500 * MP3),
        (ID3 + ID3 + bytes(700) + varying(500), 500 * MP3),
        (varying(300) + ID3 + varying(200, 2), 500 * MP3),
        (varying(500) + b"TAG" + bytes(125), 500 * MP3),
        (varying(500) + b"APETAGEX" + b"x" * 400, 500 * MP3),
        (varying(500) + bytes(3_000), 500 * MP3),
        ((varying(499) + mp3_frame(320))[:-9], 499 * MP3),
        (varying(500) + b"\xff\xfb", 500 * MP3),
        (xing(400) + varying(9), 400 * MP3),
        (xing(400, name=b"Info") + varying(9), 400 * MP3),
        (xing(400, silence=(576, 1_000)) + varying(9), 400 * MP3 - 1_576 / 44_100),
        (xing(None) + varying(400), 400 * MP3),
        (xing(0) + varying(400), 400 * MP3),
        (vbri(400) + varying(9), 400 * MP3),
        (varying(500) + b"some words" * 9_000, None),
        (varying(500)[:-1_000] + b"?" * 1_000 + varying(500), None),
        (b"\xff\xfb\x04\x44" + bytes(413), None),
        (mp3_frame(128) + b"\xff\xfb\x98\x44" + bytes(400), None),
    ],
    ids=[
        "no-header", "two", "tag", "tags-and-blank", "tag-within", "tag-at-the-end", "ape", "never-written", "cut",
        "cut-in-a-head", "xing", "info", "silence", "xing-without-number", "xing-of-nothing", "vbri", "words-after",
        "words-within", "free-format", "two-rates",
    ],
)  # fmt: skip
def test_an_mp3_lasts_as_long_as_its_frames(data: bytes, length: float | None) -> None:
    assert seconds(data, "mp3") == (None if length is None else pytest.approx(length))


@pytest.mark.parametrize(
    ("head", "size", "samples", "rate"),
    [
        (b"\xff\xfb\x92\x00", 418, 1_152, 44_100), (b"\xff\xf3\x90\x00", 261, 576, 22_050),
        (b"\xff\xe3\x18\x00", 72, 576, 8_000), (b"\xff\xfd\x84\x00", 384, 1_152, 48_000),
        (b"\xff\xff\x58\x00", 160 * 12_000 // 32_000 * 4, 384, 32_000), (b"\xff\xf5\x44\x00", 192, 1_152, 24_000),
        (b"\xff\xf7\x44\x00", 64 * 12_000 // 24_000 * 4, 384, 24_000),
    ],
    ids=["1-III", "2-III", "2.5-III", "1-II", "1-I", "2-II", "2-I"],
)  # fmt: skip
def test_every_version_and_layer_of_mpeg(head: bytes, size: int, samples: int, rate: int) -> None:
    frame = head + bytes(size - 4)
    assert seconds(frame * 90, "mp3") == pytest.approx(90 * samples / rate)


def adts_frame(size: int, blocks: int = 1) -> bytes:
    head = (0xFF, 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 0xFF, (size & 7) << 5 | 0x1F, 0xFC | blocks - 1)
    return bytes(head) + bytes(size - 7)


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(st.tuples(st.integers(7, 900), st.integers(1, 4)), min_size=2, max_size=60),
       tagged=st.booleans(), cut=st.integers(0, 6))  # fmt: skip
def test_aac_lasts_as_long_as_its_frames(frames: list[tuple[int, int]], tagged: bool, cut: int) -> None:
    data = b"".join(adts_frame(*frame) for frame in frames)
    blocks = sum(blocks for _, blocks in (frames[:-1] if cut else frames))
    whole = (ID3 if tagged else b"") + data[: len(data) - cut]
    expected = None if cut and len(frames) == 2 and frames[1][0] - cut < 7 else pytest.approx(blocks * 1_024 / 44_100)
    assert seconds(whole, "aac") == expected


MUTUAL = {
    "an mp3 named aac": (varying(50), "aac", 50 * MP3),
    "aac named mp3": (adts(50), "mp3", 50 * 1_024 / 44_100),
    "a film named mp3": (movie(length=36_000), "mp3", 60.0),
    "a wav named aac": (wav(3), "aac", 3.0),
    "opus named mp3": (ogg(OPUS, 48_000 * 9 + 312), "mp3", 9.0),
    "flac after a tag": (ID3 + flac(48_000 * 7), "flac", 7.0),
    "an mp3 after a tag named mp4": (ID3 + varying(50), "mp4", 50 * MP3),
}


@pytest.mark.parametrize("case", MUTUAL)
def test_a_wrong_name_changes_nothing(case: str) -> None:
    data, ending, length = MUTUAL[case]
    assert seconds(data, ending) == pytest.approx(length)


def test_an_ogg_that_was_cut_off_lasts_as_long_as_its_whole_pages() -> None:
    whole = ogg(VORBIS, 44_100 * 60)
    assert seconds(whole[:-1], "ogg") == pytest.approx(30.0)
    assert seconds(whole[: -27 - 4 - 900], "ogg") == pytest.approx(30.0)


def test_of_two_ogg_files_in_one_nothing_is_said() -> None:
    second = ogg(OPUS, 48_000).replace(struct.pack("<I", 7), struct.pack("<I", 9))
    assert seconds(ogg(OPUS, 48_000 * 60) + second, "ogg") is None


def full(name: bytes, flags: int, *fields: int, form: str = "I") -> bytes:
    return box(name, struct.pack(">I", flags), *(struct.pack(f">{form}", field) for field in fields))


def fragmented(*fragments: bytes, stated: int = 0, mehd: int | None = None) -> bytes:
    """Two tracks: number 1 with 1,000 ticks a second and 40 a sample, number 2 with 48,000 and none by default."""
    tracks = [
        box(b"trak", full(b"tkhd", 0, 0, 0, number), box(b"mdia", full(b"mdhd", 0, 0, 0, scale, 0)))
        for number, scale in ((1, 1_000), (2, 48_000))
    ]
    extended = [full(b"mehd", 0, mehd)] if mehd is not None else []
    defaults = [full(b"trex", 0, number, 1, ticks, 0, 0) for number, ticks in ((1, 40), (2, 0))]
    moov = box(b"moov", mvhd(1_000, stated), *tracks, box(b"mvex", *extended, *defaults))
    return box(b"ftyp", b"iso5") + moov + b"".join(moof + box(b"mdat", bytes(50)) for moof in fragments)


def moof(*tracks: bytes) -> bytes:
    return box(b"moof", full(b"mfhd", 0, 1), *tracks)


def traf(number: int, *runs: bytes, ticks: int | None = None, at: int | None = None, offsets: bool = False) -> bytes:
    """``ticks`` of a sample that does not say, ``at``: where the fragment begins."""
    header = [8 << 32 >> 32] * 2 + [1] if offsets else []
    flags = (3 if offsets else 0) | (8 if ticks is not None else 0)
    tfhd = full(b"tfhd", flags, number, *header, *([ticks] if ticks is not None else []))
    begins = full(b"tfdt", 1 << 24, at, form="Q") if at is not None else b""
    return box(b"traf", tfhd, begins, *runs)


def trun(*ticks: int, more: int = 0) -> bytes:
    """A run of samples that state their ticks, and ``more`` fields besides."""
    fields = [field for each in ticks for field in (each, *range(more))]
    return full(b"trun", 0x105 | (2**more - 1) << 9, len(ticks), 0, 0, *fields)


def samples(number: int) -> bytes:
    return full(b"trun", 0, number)


FRAGMENTS = {
    "by the default of the track": (fragmented(moof(traf(1, samples(25))), moof(traf(1, samples(50)))), 3.0),
    "by the default of the fragment": (fragmented(moof(traf(2, samples(100), ticks=960))), 2.0),
    "by samples": (fragmented(moof(traf(2, trun(48_000, 24_000), trun(24_000, more=3)))), 2.0),
    "after other fields": (fragmented(moof(traf(1, samples(5), ticks=100, offsets=True))), 0.5),
    "by where they begin": (fragmented(moof(traf(1, samples(25), at=0)), moof(traf(1, samples(25), at=9_000))), 10.0),
    "of a broadcast": (fragmented(moof(traf(1, samples(25), at=90_000)), moof(traf(1, samples(25), at=91_000))), 2.0),
    "by the longer of two": (fragmented(moof(traf(1, samples(25)), traf(2, samples(1), ticks=96_000))), 2.0),
    "after a film": (fragmented(moof(traf(1, samples(25), at=4_000)), stated=4_000), 5.0),
    "by the extension": (fragmented(moof(traf(1, samples(25))), mehd=60_000), 60.0),
    "by an extension of nothing": (fragmented(moof(traf(1, samples(25))), mehd=0), 1.0),
    "cut off": (fragmented(moof(traf(1, samples(25))), moof(traf(1, samples(25))))[:-20], 2.0),
    "none": (fragmented(), None),
    "of no known track": (fragmented(moof(traf(3, samples(25)))), None),
    "of no ticks": (fragmented(moof(traf(2, samples(25)))), None),
    "a run longer than its box": (fragmented(moof(traf(1, full(b"trun", 0x100, 99)))), None),
    "too many": (fragmented(*[moof(traf(1, samples(25)))] * 5_100), None),
    "many": (fragmented(*[moof(traf(1, samples(25)))] * 4_900), 4_900.0),
}


@pytest.mark.parametrize("case", FRAGMENTS)
def test_a_film_in_fragments(case: str) -> None:
    data, length = FRAGMENTS[case]
    assert seconds(data, "mp4") == (None if length is None else pytest.approx(length))


def riff(name: bytes, *chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + name + b"".join(chunks)


def chunk(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def stream(kind: bytes, scale: int, rate: int, length: int) -> bytes:
    return chunk(
        b"LIST", b"strl", chunk(b"strh", kind, bytes(16), struct.pack("<IIII", scale, rate, 0, length), bytes(20))
    )


def avi(*streams: bytes) -> bytes:
    head = chunk(b"LIST", b"hdrl", chunk(b"avih", bytes(56)), *streams)
    return riff(b"AVI ", head, chunk(b"LIST", b"movi", bytes(4_000)))


def packed_wav(samples: int | None, rate: int = 16_000) -> bytes:
    form = struct.pack("<HHIIHH", 2, 1, rate, 8_110, 256, 4)
    fact = [chunk(b"fact", struct.pack("<I", samples))] if samples is not None else []
    return riff(b"WAVE", chunk(b"fmt ", form, bytes(2)), *fact, chunk(b"data", bytes(8_001)))


def caf(*chunks: bytes, packet: int = 4, frames: int = 1, rate: float = 8_000.0) -> bytes:
    desc = struct.pack(">d4sIIIII", rate, b"lpcm", 0, packet, frames, 2, 16)
    return b"caff\0\1\0\0" + caf_chunk(b"desc", desc) + b"".join(chunks)


def caf_chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack(">q", len(body) if size is None else size) + body


def asf(length: int, before: int, flags: int = 2, *, first: bytes = b"") -> bytes:
    properties = bytes(16 + 24) + struct.pack("<QQQI", length, length, before, flags) + bytes(12)
    named = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365") + struct.pack("<Q", 24 + len(properties)) + properties
    head = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIH", 54 + len(named), 2, 0x201)
    return head + first + named + bytes(500)


OTHERS = {
    "avi": (avi(stream(b"vids", 1_001, 30_000, 900), stream(b"auds", 1, 8_000, 8_000)), "avi", 30.03),
    "avi of unknown length": (avi(stream(b"vids", 1, 25, 0)), "avi", None),
    "avi without streams": (avi(), "avi", None),
    "avi of no speed": (avi(stream(b"vids", 1, 0, 5)), "avi", None),
    "riff of something": (riff(b"ACON", bytes(90)), "avi", None),
    "packed wav": (packed_wav(40_000), "wav", 2.5),
    "packed wav that does not say": (packed_wav(None), "wav", None),
    "packed wav without rate": (packed_wav(40_000, 0), "wav", None),
    "caf": (caf(caf_chunk(b"data", bytes(4 + 80_000))), "caf", 2.5),
    "caf while recorded": (caf(caf_chunk(b"data", bytes(4 + 80_000), -1)), "caf", 2.5),
    "caf cut off": (caf(caf_chunk(b"data", bytes(4 + 32_000), 4 + 80_000)), "caf", 1.0),
    "packed caf": (
        caf(caf_chunk(b"data", bytes(500)), caf_chunk(b"pakt", struct.pack(">qqii", 9, 36_000, 0, 0)), packet=0),
        "caf",
        4.5,
    ),
    "packed caf that does not say": (caf(caf_chunk(b"data", bytes(500)), packet=0), "caf", None),
    "caf of no rate": (caf(caf_chunk(b"data", bytes(500)), rate=0.0), "caf", None),
    "caf of no number": (caf(caf_chunk(b"data", bytes(500)), rate=float("nan")), "caf", None),
    "wma": (asf(125_000_000, 3_000), "wma", 9.5),
    "wmv after another object": (asf(125_000_000, 0, first=bytes(16) + struct.pack("<Q", 40) + bytes(16)), "wmv", 12.5),
    "wma of a broadcast": (asf(125_000_000, 0, 1), "wma", None),
    "wma of nothing": (asf(0, 3_000), "wma", None),
    "wma with an object of no size": (asf(9, 0, first=bytes(24)), "wma", None),
    "film of mpeg": (b"\0\0\1\xba" + bytes(900), "mpg", None),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_containers(case: str) -> None:
    data, ending, length = OTHERS[case]
    assert seconds(data, ending) == (None if length is None else pytest.approx(length))


WHOLE = {
    "mp3": (xing(400) + varying(20), "mp3"),
    "mp3-walked": (varying(40), "mp3"),
    "aac": (adts(40), "aac"),
    "fragments": (FRAGMENTS["by samples"][0], "mp4"),
    "avi": (OTHERS["avi"][0], "avi"),
    "wav": (OTHERS["packed wav"][0], "wav"),
    "caf": (OTHERS["packed caf"][0], "caf"),
    "wma": (OTHERS["wma"][0], "wma"),
}


@pytest.mark.parametrize("case", WHOLE)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_raises(case: str, data: Any) -> None:
    whole, ending = WHOLE[case]
    damaged = bytearray(whole)
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=8)):
        damaged[place % len(damaged)] = value
    told = seconds(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]), ending)
    assert told is None or 0 < told <= 31 * 86_400


class Counted(io.BytesIO):
    """How often and how much is read of it."""

    reads = taken = most = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.reads += 1
        self.taken += len(data)
        self.most = max(self.most, len(data))
        return data


EXTENDED = fragmented()
SMALL = box(b"free")
SLOW = {
    "boxes in boxes": (lambda: EXTENDED + box(b"moof", box(b"traf", SMALL * 2_000) * 9) * 100, "mp4"),
    "long runs": (lambda: EXTENDED + moof(traf(2, *[trun(*[9] * 50_000)] * 20)) * 10, "mp4"),
    "frames of mp3": (lambda: (b"\xff\xf3\x14\x00" + bytes(20)) * 1_100_000, "mp3"),
    "frames of aac": (lambda: adts_frame(7) * 1_100_000, "aac"),
    "tags in an mp3": (lambda: varying(3) + ID3[:6] + bytes(4) + (b"ID3\4\0\0" + bytes(4)) * 300_000, "mp3"),
    "what is nearly a frame": (lambda: ID3 + b"\xff\xfb\x90" * 1_000_000 + b"?", "mp3"),
    "ones": (lambda: b"\xff" * 3_000_000, "mp3"),
    "pages that are none": (lambda: ogg(OPUS, 99_999) + b"OggS\0" * 100_000, "ogg"),
    "elements": (lambda: bytes.fromhex("1a45dfa3801853806701ffffffffffffff") + b"\xec\x80" * 500_000, "webm"),
    "chunks": (lambda: b"RIFF\0\0\0\0WAVE" + chunk(b"junk") * 200_000, "wav"),
    "lists": (lambda: avi(*[chunk(b"LIST", b"strl", chunk(b"junk") * 1_000)] * 900), "avi"),
    "pieces": (lambda: b"caff\0\1\0\0" + caf_chunk(b"free", b"") * 200_000, "caf"),
    "objects": (lambda: asf(9, 0, first=(bytes(16) + struct.pack("<Q", 24)) * 200_000), "wma"),
}  # fmt: skip


@pytest.mark.parametrize("case", SLOW)
def test_a_file_that_was_made_to_be_slow_is_given_up(case: str) -> None:
    make, ending = SLOW[case]
    file = Counted(make())
    told = media_seconds(file, EXTENSIONS[ending].mime)
    assert told is None or case in ("long runs", "what is nearly a frame", "pages that are none")
    assert file.reads <= 1 << 17
    assert file.taken <= 2 * file.getbuffer().nbytes + (1 << 20)
    assert file.most <= 1 << 20
