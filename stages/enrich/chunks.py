"""Containers made of chunks with a name and a size: RIFF (WAV, AVI), CAF, and ASF (WMA, WMV)."""

import struct
from collections.abc import Iterator
from typing import Final

from stages.enrich.bounded import Bounded

_MOST: Final = 1_000
"""Chunks of one level that are looked at; what is asked for stands among the first."""
_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BROADCAST: Final = 1


def wav_seconds(file: Bounded) -> float | None:
    """Seconds of a WAV by its bytes; one that was never closed, and states too many, has those that are there.

    What is packed states its samples, or has no length.
    """
    rate = per_second = block = samples = 0
    for name, start, end in _chunks(file, 12, file.size):
        file.seek(start)
        if name == b"fmt ":
            rate, per_second, block = struct.unpack_from("<IIH", file.read(min(end - start, 16)), 4)
        elif name == b"fact":
            samples = struct.unpack("<I", file.read(4))[0]
        elif name == b"data":
            if rate * block == per_second:
                return (end - start) / per_second if per_second else None
            return samples / rate if rate and samples else None
    return None


def avi_seconds(file: Bounded) -> float | None:
    """Seconds of an AVI by the longest of its streams, as its header states them."""
    for name, start, end in _chunks(file, 12, file.size):
        if name == b"LIST":
            file.seek(start)
            return max(_streams(file, start + 4, end), default=None) if file.read(4) == b"hdrl" else None
    return None


def _streams(file: Bounded, start: int, end: int) -> Iterator[float]:
    for name, inner, inner_end in _chunks(file, start, end):
        if name != b"LIST":
            continue
        for part, part_start, _ in _chunks(file, inner + 4, inner_end):
            if part == b"strh":
                file.seek(part_start)
                scale, rate, _, length = struct.unpack_from("<IIII", file.read(36), 20)
                if scale and rate and length:
                    yield length * scale / rate


def _chunks(file: Bounded, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, where it ends) of each."""
    for _ in range(_MOST):
        file.seek(start)
        head = file.read(8)
        if len(head) < 8 or start + 8 > end:
            return
        size = int.from_bytes(head[4:], "little")
        yield head[:4], start + 8, min(start + 8 + size, end)
        start += 8 + size + size % 2


def caf_seconds(file: Bounded) -> float | None:
    """Seconds of a CAF by the frames that it states, or by its bytes where all packets are of one size."""
    start, rate, packet, frames = 8, 0.0, 0, 0
    sound = None
    for _ in range(_MOST):
        file.seek(start)
        head = file.read(12)
        if len(head) < 12:
            break
        name, size = struct.unpack(">4sq", head)
        start += 12
        if name == b"desc":
            rate, packet, frames = struct.unpack(">d8xII", file.read(24))
        elif name == b"pakt":
            return float(struct.unpack(">8xq", file.read(16))[0] / rate) if rate > 0 else None
        elif name == b"data":
            # -1: as far as the file goes; four bytes count its versions
            sound = file.size - start - 4 if size < 0 else min(size, file.size - start) - 4
        if size < 0:
            break
        start += size
    return sound // packet * frames / rate if sound and packet and frames and rate > 0 else None


def asf_seconds(file: Bounded) -> float | None:
    """Seconds of a WMA or WMV by its properties; None for what was broadcast, whose length nobody knew."""
    at = 30
    for _ in range(_MOST):
        file.seek(at)
        head = file.read(24)
        if len(head) < 24:
            return None
        size = int.from_bytes(head[16:], "little")
        if head[:16] == _PROPERTIES:
            length, before, flags = struct.unpack_from("<Q8xQI", file.read(68), 40)
            return None if flags & _BROADCAST else length / 1e7 - before / 1e3
        if size < 24:
            return None
        at += size
    return None
