"""What stands in pictures and among other bytes that a person can read."""

import io
import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import numpy as np

_SHORT_PASSAGE: Final = 6
_EXIF_FOLDERS: Final = (0x8769, 0x8825, 0xA005)


def passages(data: bytes) -> list[tuple[int, int]]:
    """Spans of six bytes or more that are printable characters as UTF-8. Cost: about 5 ms a MB."""
    octets = np.frombuffer(data, np.uint8)
    follows = np.concatenate(((octets & 0xC0) == 0x80, [False] * 3))
    second, third, fourth = follows[1:-2], follows[2:-1], follows[3:]
    four = (octets >= 0xF0) & (octets <= 0xF4) & second & third & fourth
    three = four | ((octets >= 0xE0) & (octets <= 0xEF) & second & third)
    two = three | ((octets >= 0xC2) & (octets <= 0xDF) & second)
    printable = two | ((octets >= 0x20) & (octets <= 0x7E))
    for distance, leads in ((1, two), (2, three), (3, four)):
        printable[distance:] |= leads[:-distance]
    edges = np.diff(np.concatenate(([0], printable.view(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = ends - starts >= _SHORT_PASSAGE
    return list(zip(starts[long].tolist(), ends[long].tolist(), strict=True))


def told_by_picture(file: BinaryIO) -> list[str]:
    """What a picture says about itself; nothing where the bytes are no picture, or a broken one."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as picture:
            return list(_told(picture))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error):
        return []


def _told(picture: Any) -> Iterator[str]:
    values: list[Any] = list(picture.info.items())
    values += [getattr(picture, "text", {})]
    exif = picture.getexif()
    values += [dict(exif), *(dict(exif.get_ifd(folder)) for folder in _EXIF_FOLDERS)]
    profile = picture.info.get("icc_profile")
    if profile:
        values += _profile(profile)
    for value in values:
        yield from _spelt(value)


def _profile(data: bytes) -> list[str]:
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data)).profile
    except (OSError, ImageCms.PyCMSError):
        return []
    fields = (profile.profile_description, profile.copyright, profile.manufacturer, profile.model)
    return [field for field in fields if field]


def _spelt(value: Any) -> Iterator[str]:
    """The texts in a field: strings, bytes in the encodings that cameras use, and whatever holds them."""
    if isinstance(value, str):
        yield value
        try:
            yield value.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return
    elif isinstance(value, bytes):
        for first, last in passages(value):
            yield value[first:last].decode("utf-8", "replace")
        if len(value) <= 1 << 16:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                yield value.decode(encoding, "replace").strip("\0")
    elif isinstance(value, dict):
        for item in value.items():
            yield from _spelt(item)
    elif isinstance(value, (tuple, list)):
        if value and all(isinstance(item, int) and 0 <= item < 256 for item in value):
            yield from _spelt(bytes(value))
        else:
            for item in value:
                yield from _spelt(item)


def end_of_picture(file: BinaryIO) -> int | None:
    """The byte past a PNG, WebP or JPEG; None where it is none or is cut short."""
    file.seek(0)
    head = file.read(12)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        place = 8
        while True:
            file.seek(place)
            chunk = file.read(8)
            if len(chunk) < 8:
                return None
            place += 12 + int.from_bytes(chunk[:4], "big")
            if chunk[4:] == b"IEND":
                return place
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return 8 + int.from_bytes(head[4:8], "little")
    return _end_of_jpeg(file) if head[:2] == b"\xff\xd8" else None


def _end_of_jpeg(file: BinaryIO) -> int | None:
    place = 2
    while True:
        file.seek(place)
        marker = file.read(4)
        if len(marker) < 2 or marker[0] != 0xFF:
            return None
        if marker[1] == 0xD9:
            return place + 2
        if marker[1] == 0xFF or 0xD0 <= marker[1] <= 0xD7 or marker[1] == 0x01:
            place += 1 if marker[1] == 0xFF else 2
            continue
        if len(marker) < 4:
            return None
        place += 2 + int.from_bytes(marker[2:4], "big")
        if marker[1] == 0xDA:
            scanned = _end_of_scan(file, place)
            if scanned is None:
                return None
            place = scanned


def _end_of_scan(file: BinaryIO, place: int) -> int | None:
    """The next marker after a JPEG's compressed pixels, which hold 0xFF only before 0x00 or a restart."""
    file.seek(place)
    before = b""
    while data := file.read(1 << 20):
        block = before + data
        match = re.search(rb"\xff[^\x00\xd0-\xd7\xff]", block)
        if match:
            return place - len(before) + match.start()
        place += len(data)
        before = block[-1:] if block.endswith(b"\xff") else b""
    return None
