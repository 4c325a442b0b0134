"""How long a voice note lasts, read from the pages of its Ogg container (RFC 3533, RFC 7845), without decoding."""

import struct
from typing import Final

_RATE: Final = 48_000
"""Granule positions of Opus count samples at 48 kHz, whatever the input's rate was."""

_HEADER: Final = struct.Struct("<4sBBqIIIB")
_NO_POSITION: Final = -1


def opus_seconds(data: bytes) -> float | None:
    """Seconds of an Ogg/Opus file, or None where it is something else, cut off, or a chain of several streams.

    Walks the page headers: the position of the last page minus the pre-skip of the first. Linear in the pages.
    """
    position, at, serial, skip, ended = 0, 0, None, 0, False
    while at < len(data):
        if ended or len(data) - at < _HEADER.size:
            return None
        magic, version, flags, granule, page_serial, _, _, n_segments = _HEADER.unpack_from(data, at)
        body = at + _HEADER.size + n_segments
        at = body + sum(data[body - n_segments : body])
        if magic != b"OggS" or version != 0 or at > len(data):
            return None
        if serial is None:
            if data[body : body + 8] != b"OpusHead" or at - body < 19:
                return None
            serial = page_serial
            (skip,) = struct.unpack_from("<H", data, body + 10)
        elif page_serial != serial:
            return None
        if granule != _NO_POSITION:
            position = granule
        ended = bool(flags & 4)
    return (position - skip) / _RATE if position > skip else None
