"""WebM and Matroska, which are made of elements (RFC 8794, RFC 9559)."""

import struct
from collections.abc import Iterator
from typing import Final

from stages.enrich.bounded import Bounded

_MOST: Final = 10_000
"""Elements of one level that are looked at; what a recorder cuts into more pieces says its length first."""

_SEGMENT: Final = 0x18538067
_INFO: Final = 0x1549A966
_CLUSTER: Final = 0x1F43B675
_SCALE: Final = 0x2AD7B1
_DURATION: Final = 0x4489
_INFO_LARGEST: Final = 1 << 16


def matroska_seconds(file: Bounded) -> float | None:
    """Seconds of a WebM or Matroska file by its segment's information, which stands before the film itself.

    None where there is none, as in what a browser recorded.
    """
    for ident, start, end in _elements(file, 0, file.size):
        if ident == _SEGMENT:
            for inner, inner_start, inner_end in _elements(file, start, end):
                if inner == _INFO:
                    return _information(file, inner_start, inner_end)
                if inner == _CLUSTER:
                    return None
            return None
    return None


def _information(file: Bounded, start: int, end: int) -> float | None:
    if end - start > _INFO_LARGEST:
        return None
    scale, length = 1_000_000, None
    for ident, inner, inner_end in _elements(file, start, end):
        file.seek(inner)
        if ident == _SCALE:
            scale = int.from_bytes(file.read(min(8, inner_end - inner)), "big")
        elif ident == _DURATION and inner_end - inner in (4, 8):
            length = struct.unpack(">f" if inner_end - inner == 4 else ">d", file.read(inner_end - inner))[0]
    return length * scale / 1e9 if length is not None else None


def _elements(file: Bounded, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(identifier, where its content begins, where it ends); one of unknown size ends where its parent does."""
    for _ in range(_MOST):
        file.seek(start)
        head = file.read(12)
        if start >= end or not head:
            return
        n = 9 - head[0].bit_length()
        if n > 4 or len(head) <= n:
            return
        m = 9 - head[n].bit_length()
        if m > 8 or len(head) < n + m:
            return
        size = int.from_bytes(head[n : n + m], "big") & (1 << 7 * m) - 1
        content = start + n + m
        after = end if size == (1 << 7 * m) - 1 else content + size
        yield int.from_bytes(head[:n], "big"), content, min(after, end)
        start = after
