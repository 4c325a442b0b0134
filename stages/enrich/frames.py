"""Sound that is nothing but frames, one after the other: MP3 and its elder layers, AAC in ADTS, and AMR.

Their number is their length, whatever the rate of each, so they are walked from head to head.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from stages.enrich.bounded import Bounded

_MOST: Final = 1_000_000
"""Frames that are walked: more than six hours."""
_JUNK: Final = 1 << 16
"""Bytes before the first frame that are looked through."""
_HEAD: Final = 7
_WINDOW: Final = 1 << 14
_TAGS: Final = 20
_TRAILERS: Final = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"3DI")

_RATES: Final = (44_100, 48_000, 32_000)
_KBITS: Final = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By version (2 for 2.5 as well) and layer."""
_AAC_RATES: Final = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
)  # fmt: skip
_AMR: Final = {
    b"#!AMR\n": (12, 13, 15, 17, 19, 20, 26, 31, 5, None, None, None, None, None, None, 0),
    b"#!AMR-WB\n": (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, None, None, None, None, 0, 0),
}
"""Bytes of a frame of 20 ms after its first, by its type (RFC 4867)."""
_AMR_LARGEST: Final = 40_000_000


class _Frame(NamedTuple):
    """``size`` in bytes, ``samples`` of each channel, ``rate`` of them in a second."""

    size: int
    samples: int
    rate: int


_Read: TypeAlias = Callable[[bytes], _Frame | None]


def after_tags(file: Bounded) -> int:
    """Where the sound begins: after the ID3 tags that stand first, if any."""
    at = 0
    for _ in range(_TAGS):
        size = _tag(file, at)
        if not size:
            break
        at += size
    return at


def mpeg_seconds(file: Bounded) -> float | None:
    """Seconds of MP3: by the number of frames that its first one states, else by walking them all.

    None for frames of no stated size and where they break off in the midst. Cost: a few reads, or 1 us a frame.
    """
    found = _first(file, _mpeg)
    if found is None:
        return None
    at, frame = found
    file.seek(at)
    head = file.read(min(frame.size, 256))
    if stated := _stated(head):
        return (stated * frame.samples - _silence(head)) / frame.rate
    # the frame that would state the number and does not is no sound either
    return _walked(file, at + frame.size if _xing(head) else at, _mpeg)


def adts_seconds(file: Bounded) -> float | None:
    """Seconds of AAC, whose frames state their size and nothing of the whole. Cost: 1 us a frame."""
    found = _first(file, _adts)
    return _walked(file, found[0], _adts) if found else None


def amr_seconds(file: Bounded) -> float | None:
    """Seconds of AMR, narrow or wide; None beyond 40 MB, which is more than six hours. Memory: that of the file."""
    data = file.read(_AMR_LARGEST + 1)
    if len(data) > _AMR_LARGEST:
        return None
    magic = next((magic for magic in _AMR if data.startswith(magic)), None)
    if magic is None:
        return None
    sizes = _AMR[magic]
    at, frames = len(magic), 0
    while at < len(data):
        size = sizes[data[at] >> 3 & 15]
        if size is None or frames > _MOST:
            return None
        at += 1 + size
        frames += at <= len(data)
    return frames / 50


def _first(file: Bounded, read: _Read) -> tuple[int, _Frame] | None:
    """The first frame that another one of its rate follows."""
    start = after_tags(file)
    file.seek(start)
    window = file.read(_JUNK)
    at = -1
    for _ in range(1_000):  # noise holds such bytes too
        at = window.find(b"\xff", at + 1)
        if at < 0:
            return None
        frame = read(window[at : at + _HEAD])
        if frame is not None:
            file.seek(start + at + frame.size)
            following = read(file.read(_HEAD))
            if following is not None and following.rate == frame.rate:
                return start + at, frame
    return None


def _walked(file: Bounded, at: int, read: _Read) -> float | None:
    samples: dict[int, int] = {}
    base, window = at, b""
    for _ in range(_MOST):
        if at - base + _HEAD > len(window):
            file.seek(at)
            base, window = at, file.read(_WINDOW)
        frame = read(window[at - base : at - base + _HEAD])
        if frame is None:
            size = _tag(file, at)
            if not size:
                return sum(number / rate for rate, number in samples.items()) if _ends(file, at) else None
            at += size
        elif at + frame.size <= file.size:
            samples[frame.rate] = samples.get(frame.rate, 0) + frame.samples
            at += frame.size
        else:
            at = file.size  # the last one is cut off
    return None


def _ends(file: Bounded, at: int) -> bool:
    """Whether nothing of the sound follows: the end, the rest of a head, a tag, or what was never written."""
    file.seek(at)
    rest = file.read(_JUNK)
    return not rest.strip(b"\0") or rest.startswith(_TRAILERS) or (len(rest) < _HEAD and rest[0] == 0xFF)


def _tag(file: Bounded, at: int) -> int:
    """Bytes of the ID3 tag that stands there, or 0."""
    file.seek(at)
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) > 127:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _mpeg(head: bytes) -> _Frame | None:
    return _mpeg_head(head[:4])


@lru_cache(4_096)  # most heads of a file are the same
def _mpeg_head(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bits, rate_at = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or not 0 < bits < 15 or rate_at == 3:
        return None
    rate = _RATES[rate_at] >> (2, 0, 1, 0)[version]
    kbits = _KBITS[1 if version == 3 else 2, layer][bits - 1]
    padding = head[2] >> 1 & 1
    if layer == 1:
        return _Frame((12_000 * kbits // rate + padding) * 4, 384, rate)
    samples = 576 if layer == 3 and version != 3 else 1_152
    return _Frame(samples // 8 * 1_000 * kbits // rate + padding, samples, rate)


@lru_cache(4_096)
def _adts(head: bytes) -> _Frame | None:
    if len(head) < _HEAD or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate_at, size = head[2] >> 2 & 15, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate_at >= len(_AAC_RATES) or size < _HEAD:
        return None
    return _Frame(size, 1_024 * (1 + (head[6] & 3)), _AAC_RATES[rate_at])


def _xing(head: bytes) -> int:
    """Where in the first frame the encoder's words about the whole stand, or 0."""
    one_channel = head[3] >> 6 == 3
    at = 4 + ((17 if one_channel else 32) if head[1] >> 3 & 1 else (9 if one_channel else 17))
    return at if head[at : at + 4] in (b"Xing", b"Info") else 36 if head[36:40] == b"VBRI" else 0


def _stated(head: bytes) -> int:
    """The number of frames that the first one states, or 0."""
    at = _xing(head)
    if not at:
        return 0
    if head[at : at + 4] == b"VBRI":
        return int.from_bytes(head[at + 14 : at + 18], "big")
    return int.from_bytes(head[at + 8 : at + 12], "big") if head[at + 7] & 1 else 0


def _silence(head: bytes) -> int:
    """Samples that the encoder put before and after the sound, where it says so."""
    at = _xing(head)
    if head[at + 7 : at + 8] != b"\x0f" or head[at + 120 : at + 123] not in (b"LAM", b"Lav"):
        return 0
    both = int.from_bytes(head[at + 141 : at + 144], "big")
    return (both >> 12) + (both & 0xFFF)
