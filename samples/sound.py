"""A voice note: an Ogg stream of Opus packets that decode to silence, written page by page (RFC 3533, RFC 7845)."""

import struct
from typing import Final

_SERIAL: Final = 0x14
_SILENT_PACKET: Final = b"\xf8\xff\xfe"
"""20 ms of mono full-band CELT silence: one byte of contents table, two bytes that the range coder reads as silence."""
_PACKET_SAMPLES: Final = 960
_PRE_SKIP: Final = 312
_PER_PAGE: Final = 50


def silence(seconds: int) -> bytes:
    """A complete ``.opus`` file of that length. Deterministic."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, _PRE_SKIP, 16000, 0, 0)
    vendor = b"sample"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    pages = [_page([head], 0, 0, first=True), _page([tags], 1, 0)]
    packets = seconds * 48000 // _PACKET_SAMPLES
    for done in range(0, packets, _PER_PAGE):
        count = min(_PER_PAGE, packets - done)
        last = done + count == packets
        pages.append(
            _page([_SILENT_PACKET] * count, len(pages), (done + count) * _PACKET_SAMPLES, last=last),
        )
    return b"".join(pages)


def _page(packets: list[bytes], number: int, granule: int, *, first: bool = False, last: bool = False) -> bytes:
    """One Ogg page of whole packets, each under 255 bytes, so that one lacing value says its length."""
    flags = (2 if first else 0) | (4 if last else 0)
    lacing = bytes(len(packet) for packet in packets)
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, _SERIAL, number, 0, len(packets)) + lacing
    body = header + b"".join(packets)
    return body[:22] + struct.pack("<I", checksum(body)) + body[26:]


def checksum(page: bytes) -> int:
    """Ogg's CRC-32: polynomial 0x04c11db7, not reflected, from 0, over the page with a zero checksum field."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value
