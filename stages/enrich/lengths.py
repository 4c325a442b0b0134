"""How long sound and film last, as their files state it, without decoding them."""

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from stages.enrich.bounded import Bounded, TooMuchError, bounded
from stages.enrich.boxes import movie_seconds
from stages.enrich.chunks import asf_seconds, avi_seconds, caf_seconds, wav_seconds
from stages.enrich.elements import matroska_seconds
from stages.enrich.frames import adts_seconds, after_tags, amr_seconds, mpeg_seconds

_BUDGET: Final = 256 << 20
_MEMORY: Final = 32 << 20
_CALLS: Final = 1 << 17
"""Reads of a file: what looks at so many pieces was made to be slow."""
_LONGEST: Final = 31 * 86_400.0
_TAIL: Final = 1 << 17
"""An Ogg page has 65,307 bytes at most, so the last whole one begins in the last 128 KiB."""
_BEGINS: Final = 2
"""The flag of an Ogg page on which a stream begins."""

_PAGE: Final = struct.Struct("<4sBBqIIIB")
_FRAMED: Final = ("audio/mpeg", "audio/mp3", "audio/aac")


def media_seconds(source: BinaryIO | Path | str, mime: str) -> float | None:
    """Seconds of a sound or film; None where its file does not say, is none, or says what cannot be.

    The bytes decide what it is, and ``mime`` only whether MP3 and AAC are looked for, which have no beginning of
    their own. Exact for MP3 (by what its first frame states, else by all frames), AAC, AMR, Ogg with Opus, Vorbis,
    Speex or FLAC, FLAC, WAV, CAF, WMA, MP4 and its kin (M4A, MOV, 3GP), also in fragments, WebM or Matroska, AVI and
    WMV. A file that was cut off lasts as long as it states, or, where it states nothing (MP3, AAC, AMR, Ogg), as long
    as what is there. None for what a browser recorded as WebM, for MPEG streams, and for several Ogg files in one.

    Never raises for what a file holds. Cost: a few reads; of MP3 without a stated length and of AAC each frame is
    looked at, 1 us a frame and 0.2 s an hour; at most 256 MiB are read, in two seconds or so for the worst file.
    Memory: that of an AMR file, 40 MB at most; a stream that is no file is read into memory up to 32 MiB.
    """
    try:
        with bounded(source, _BUDGET, memory=_MEMORY, calls=_CALLS) as file:
            start = after_tags(file)
            file.seek(start)
            reader = _reader(file.read(64), mime, tagged=start > 0)
            if reader is None:
                return None
            file.seek(start if reader is _flac else 0)
            seconds = reader(file)
    except MemoryError:
        raise
    except (TooMuchError, OSError, struct.error, ArithmeticError, LookupError):
        return None
    if seconds is None or not math.isfinite(seconds) or not 0 < seconds <= _LONGEST:
        return None
    return float(seconds)


def _reader(head: bytes, mime: str, *, tagged: bool) -> Callable[[Bounded], float | None] | None:
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return movie_seconds
    if head[:4] in _BY_MAGIC:
        return _BY_MAGIC[head[:4]]
    if tagged or mime in _FRAMED:
        # what stands before the first frame, if anything does, says nothing; then the name does
        is_aac = head[1] & 0xF6 == 0xF0 if head[:1] == b"\xff" and len(head) > 1 else mime == "audio/aac"
        return adts_seconds if is_aac else mpeg_seconds
    return None


def _riff(file: Bounded) -> float | None:
    kind = file.read(12)[8:]
    return wav_seconds(file) if kind == b"WAVE" else avi_seconds(file) if kind == b"AVI " else None


def _flac(file: Bounded) -> float | None:
    # the first block is always the one about the stream
    head = file.read(26)
    rate, samples = int.from_bytes(head[18:21], "big") >> 4, int.from_bytes(head[21:26], "big") & (1 << 36) - 1
    return samples / rate if len(head) == 26 and head[4] & 0x7F == 0 and rate else None


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
    """The position of the stream's last whole page on which a packet ends; None where another file follows it."""
    file.seek(max(0, file.size - _TAIL))
    tail = file.read(_TAIL)
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        if len(tail) - at < _PAGE.size:
            continue
        _, version, flags, position, of, _, _, n_segments = _PAGE.unpack_from(tail, at)
        body = at + _PAGE.size + n_segments
        whole = body + sum(tail[at + _PAGE.size : body]) <= len(tail)
        if not whole or version != 0:
            continue
        if of == serial and position >= 0:
            return int(position)
        if flags & _BEGINS and of != serial:
            return None
    return None


_BY_MAGIC: Final = {
    b"\x1a\x45\xdf\xa3": matroska_seconds,
    b"fLaC": _flac,
    b"OggS": _ogg,
    b"RIFF": _riff,
    b"caff": caf_seconds,
    b"#!AM": amr_seconds,
    b"\x30\x26\xb2\x75": asf_seconds,
}
