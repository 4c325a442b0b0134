"""How long sound and film last, as their files state it, without decoding them."""

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from stages.enrich.bounded import Bounded, TooMuchError, bounded
from stages.enrich.containers import matroska_seconds, movie_seconds

_BUDGET: Final = 32 << 20
_LONGEST: Final = 31 * 86_400.0
_MOST_FRAMES: Final = 50 * 3_600 * 6
"""Six hours of AMR, whose frames are walked one by one."""
_TAIL: Final = 1 << 17
"""An Ogg page has 65,307 bytes at most, so the last whole one begins in the last 128 KiB."""

_PAGE: Final = struct.Struct("<4sBBqIIIB")
_RIFF: Final = struct.Struct("<4sI")
_AMR: Final = {
    b"#!AMR\n": (12, 13, 15, 17, 19, 20, 26, 31, 5, None, None, None, None, None, None, 0),
    b"#!AMR-WB\n": (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, None, None, None, None, 0, 0),
}
"""Bytes of a frame of 20 ms after its first, by its type (RFC 4867)."""


def media_seconds(source: BinaryIO | Path | str, mime: str) -> float | None:
    """Seconds of a sound or film; None where its file does not say, is none, or says what cannot be.

    The bytes decide what it is, and ``mime`` only for MPEG audio, which has no beginning of its own. Read are MP3,
    AAC and WMA (by mutagen), Ogg with Opus, Vorbis, Speex or FLAC, FLAC, WAV, AMR, MP4 and its kin (M4A, MOV, 3GP)
    and WebM or Matroska. A cut-off file of which the length is stated first lasts as long as it states.

    Never raises for what a file holds. Cost: a few reads, at most 32 MiB, of which AMR takes all; a stream that is
    no file is read into memory up to that size.
    """
    try:
        with bounded(source, _BUDGET) as file:
            reader = _reader(file.read(64), mime)
            if reader is None:
                return None
            file.seek(0)
            seconds = reader(file)
    except MemoryError:
        raise
    except (TooMuchError, OSError):
        return None
    except Exception:  # noqa: BLE001 - broken files make mutagen's readers raise whatever they stumble on
        return None
    if seconds is None or not math.isfinite(seconds) or not 0 < seconds <= _LONGEST:
        return None
    return float(seconds)


def _reader(head: bytes, mime: str) -> Callable[[Bounded], float | None] | None:
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return movie_seconds
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return matroska_seconds
    if head[:4] == b"OggS":
        return _ogg
    if head[:4] == b"fLaC":
        return _flac
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _wav
    if head[:5] == b"#!AMR":
        return _amr
    if head[:4] == b"\x30\x26\xb2\x75":
        return _asf
    if mime == "audio/aac" and (head[:3] == b"ID3" or head[:1] == b"\xff" or head[:4] == b"ADIF"):
        return _aac
    if mime in ("audio/mpeg", "audio/mp3") or head[:3] == b"ID3":
        return _mpeg
    return None


def _mpeg(file: Bounded) -> float | None:
    from mutagen.mp3 import MPEGInfo

    info = MPEGInfo(file)
    return None if info.sketchy else info.length


def _aac(file: Bounded) -> float | None:
    from mutagen.aac import AACInfo

    length: float = AACInfo(file).length
    return length


def _asf(file: Bounded) -> float | None:
    from mutagen import asf

    read: Any = asf.ASF
    length: float = read(file).info.length
    return length


def _flac(file: Bounded) -> float | None:
    # the first block is always the one about the stream
    head = file.read(26)
    rate, samples = int.from_bytes(head[18:21], "big") >> 4, int.from_bytes(head[21:26], "big") & (1 << 36) - 1
    return samples / rate if len(head) == 26 and head[4] & 0x7F == 0 and rate else None


def _wav(file: Bounded) -> float | None:
    file.seek(12)
    per_second = 0
    for _ in range(1_000):
        header = file.read(_RIFF.size)
        if len(header) < _RIFF.size:
            return None
        name, size = _RIFF.unpack(header)
        start = file.tell()
        if name == b"fmt ":
            fields = file.read(min(size, 16))
            per_second = struct.unpack_from("<I", fields, 8)[0]
        elif name == b"data":
            # one that was written while it was recorded states the largest size there is
            return min(size, file.size - start) / per_second if per_second else None
        file.seek(start + size + size % 2)
    return None


def _ogg(file: Bounded) -> float | None:
    first = file.read(_PAGE.size + 255 + 64)
    _, _, _, _, serial, _, _, n_segments = _PAGE.unpack_from(first)
    head = first[_PAGE.size + n_segments :]
    skip = 0
    if head[:8] == b"OpusHead":
        # positions count samples at 48 kHz, whatever the input's rate was
        skip, rate = struct.unpack_from("<H", head, 10)[0], 48_000
    elif head[:7] == b"\x01vorbis":
        rate = struct.unpack_from("<I", head, 12)[0]
    elif head[:8] == b"Speex   ":
        rate = struct.unpack_from("<I", head, 36)[0]
    elif head[:5] == b"\x7fFLAC":
        rate = int.from_bytes(head[27:30], "big") >> 4
    else:
        return None
    position = _last_position(file, serial)
    return (position - skip) / rate if position is not None and rate else None


def _last_position(file: Bounded, serial: int) -> int | None:
    """The position of the stream's last whole page on which a packet ends."""
    file.seek(max(0, file.size - _TAIL))
    tail = file.read(_TAIL)
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        if len(tail) - at < _PAGE.size:
            continue
        _, version, _, position, of, _, _, n_segments = _PAGE.unpack_from(tail, at)
        body = at + _PAGE.size + n_segments
        whole = body + sum(tail[at + _PAGE.size : body]) <= len(tail)
        if whole and version == 0 and of == serial and position >= 0:
            return int(position)
    return None


def _amr(file: Bounded) -> float | None:
    data = file.read()
    magic = next((magic for magic in _AMR if data.startswith(magic)), None)
    if magic is None:
        return None
    sizes = _AMR[magic]
    at, frames = len(magic), 0
    while at < len(data):
        size = sizes[data[at] >> 3 & 15]
        if size is None or frames > _MOST_FRAMES:
            return None
        at += 1 + size
        frames += at <= len(data)
    return frames / 50
