"""How long a voice note lasts, read from the pages of its Ogg container (RFC 3533, RFC 7845), without decoding."""

import struct
from typing import Final

_RATE: Final = 48_000
"""Granule positions of Opus count samples at 48 kHz, whatever the input's rate was."""

_HEADER: Final = struct.Struct("<4sBBqIIIB")
_NO_POSITION: Final = -1


def opus_seconds(data: bytes) -> float | None:
    """Seconds of an Ogg/Opus file, or None where it is something else, cut off, or a chain of several streams."""
    length = OpusLength()
    length.feed(data)
    return length.seconds()


class OpusLength:
    """The length of an Ogg/Opus file that arrives in blocks: the position of the last page minus the pre-skip of the
    first. Walks the page headers; keeps a page at most (64 KiB).
    """

    def __init__(self) -> None:
        self._rest = b""
        self._serial: int | None = None
        self._position = 0
        self._skip = 0
        self._ended = False
        self._broken = False

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file."""
        if self._broken:
            return
        data = self._rest + block
        at = 0
        while not self._broken and (end := _page_end(data, at)) is not None:
            self._page(data, at, end)
            at = end
        self._rest = b"" if self._broken else data[at:]

    def seconds(self) -> float | None:
        """Seconds of what was fed, or None where it is not one whole Ogg/Opus stream."""
        if self._broken or self._rest or self._position <= self._skip:
            return None
        return (self._position - self._skip) / _RATE

    def _page(self, data: bytes, at: int, end: int) -> None:
        magic, version, flags, granule, serial, _, _, n_segments = _HEADER.unpack_from(data, at)
        if self._ended or magic != b"OggS" or version != 0:
            self._broken = True
            return
        if self._serial is None:
            body = at + _HEADER.size + n_segments
            if data[body : body + 8] != b"OpusHead" or end - body < 19:
                self._broken = True
                return
            self._serial = serial
            (self._skip,) = struct.unpack_from("<H", data, body + 10)
        elif serial != self._serial:
            self._broken = True
            return
        if granule != _NO_POSITION:
            self._position = granule
        self._ended = bool(flags & 4)


def _page_end(data: bytes, at: int) -> int | None:
    """Where the page at ``at`` ends, or None where more bytes are needed to tell."""
    if len(data) - at < _HEADER.size:
        return None
    body = at + _HEADER.size + data[at + _HEADER.size - 1]
    if body > len(data):
        return None
    end = body + sum(data[at + _HEADER.size : body])
    return end if end <= len(data) else None
