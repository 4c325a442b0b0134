"""MP4, M4A, MOV and 3GP, which are made of boxes (ISO/IEC 14496-12)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from stages.enrich.bounded import Bounded

_MOST: Final = 10_000
"""Boxes of one level that are looked at."""
_SMALLEST: Final = 8
_HEADER_LARGEST: Final = 32
_RUN_LARGEST: Final = 1 << 20


@dataclass
class _Track:
    """``scale`` ticks make a second; ``default``: ticks of a sample that does not say; ``first``, ``end``: of what was
    seen of it in fragments."""

    scale: int = 0
    default: int = 0
    first: int | None = None
    end: int = 0


@dataclass
class _Movie:
    """``length`` in ticks, ``scale`` of them a second; ``tracks`` by their number, of a film in fragments alone."""

    scale: int = 0
    length: int = 0
    extended: int | None = None
    tracks: dict[int, _Track] = field(default_factory=dict)

    def seconds(self) -> float | None:
        stated = self.length / self.scale if self.scale else 0.0
        seen = [track for track in self.tracks.values() if track.scale and track.first is not None]
        if not seen:
            return stated or None
        # what was recorded from the midst of a broadcast begins at the broadcast's own time
        start = 0.0 if stated else min((track.first or 0) / track.scale for track in seen)
        return max(stated, max(track.end / track.scale for track in seen) - start) or None


def movie_seconds(file: Bounded) -> float | None:
    """Seconds by the movie header, wherever in the file that stands; jumps over the rest.

    A film in fragments has its length in the header of the extension, or where its last fragment ends; None where
    there are more than 5,000 of them. Cost: a few reads, and some ten a fragment.
    """
    movie: _Movie | None = None
    last = 0
    for name, start, end in _boxes(file, 0, file.size):
        last = end
        if name == b"moov" and movie is None:
            movie = _movie(file, start, end)
            if movie.extended is None:
                return movie.seconds()
            if movie.extended:
                movie.length = max(movie.length, movie.extended)
                return movie.seconds()
        elif name == b"moof" and movie is not None:
            _add_fragment(file, start, end, movie.tracks)
    return movie.seconds() if movie is not None and file.size - last < _SMALLEST else None


def _movie(file: Bounded, start: int, end: int) -> _Movie:
    movie = _Movie()
    tracks = []
    for name, inner, inner_end in _boxes(file, start, end):
        if name == b"mvhd":
            movie.scale, movie.length = _header(file, inner)
        elif name == b"trak":
            tracks.append((inner, inner_end))
        elif name == b"mvex":
            movie.extended = 0
            for part, part_start, _ in _boxes(file, inner, inner_end):
                if part == b"mehd":
                    body = _body(file, part_start)
                    movie.extended = int.from_bytes(body[4:12] if body[:1] == b"\x01" else body[4:8], "big")
                elif part == b"trex":
                    number, default = struct.unpack_from(">I4xI", _body(file, part_start), 4)
                    movie.tracks.setdefault(number, _Track()).default = default
    if movie.tracks:
        for inner, inner_end in tracks:
            _add_track(file, inner, inner_end, movie.tracks)
    return movie


def _add_track(file: Bounded, start: int, end: int, tracks: dict[int, _Track]) -> None:
    number = scale = 0
    for name, inner, inner_end in _boxes(file, start, end):
        if name == b"tkhd":
            body = _body(file, inner)
            number = struct.unpack_from(">I", body, 20 if body[:1] == b"\x01" else 12)[0]
        elif name == b"mdia":
            for part, part_start, _ in _boxes(file, inner, inner_end):
                if part == b"mdhd":
                    scale = _header(file, part_start)[0]
    if number in tracks:
        tracks[number].scale = scale


def _add_fragment(file: Bounded, start: int, end: int, tracks: dict[int, _Track]) -> None:
    for name, inner, inner_end in _boxes(file, start, end):
        if name != b"traf":
            continue
        track, default = _Track(), 0
        for part, part_start, part_end in _boxes(file, inner, inner_end):
            if part == b"tfhd":
                body = _body(file, part_start)
                flags, number = struct.unpack_from(">II", body)
                track = tracks.get(number, track)
                # the offset of the data (8 bytes) and the description (4) stand before it, each where a flag says so
                at = 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
                default = int.from_bytes(body[at : at + 4], "big") if flags & 8 else track.default
            elif part == b"tfdt":
                body = _body(file, part_start)
                track.end = int.from_bytes(body[4:12] if body[:1] == b"\x01" else body[4:8], "big")
            elif part == b"trun":
                track.first = track.end if track.first is None else track.first
                track.end += _run(file, part_start, part_end, default)


def _run(file: Bounded, start: int, end: int, default: int) -> int:
    """Ticks of a run of samples."""
    file.seek(start)
    flags, samples = struct.unpack(">II", file.read(8))
    if not flags & 0x100:
        return int(samples * default)
    fields = (flags >> 8 & 15).bit_count()
    size = 4 * fields * samples
    file.seek(start + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0))
    if size > min(_RUN_LARGEST, end - file.tell()):
        raise OSError("a run that is longer than its box")
    return int(np.frombuffer(file.read(size), ">u4").reshape(samples, fields)[:, 0].sum(dtype=np.uint64))


def _header(file: Bounded, start: int) -> tuple[int, int]:
    """(ticks a second, ticks) of the header of a movie or of a track's media; 0 ticks where it does not know."""
    body = _body(file, start)
    if body[:1] == b"\x01":
        scale, length = struct.unpack_from(">IQ", body, 20)
        return scale, 0 if length == 0xFFFF_FFFF_FFFF_FFFF else length
    scale, length = struct.unpack_from(">II", body, 12)
    return scale, 0 if length == 0xFFFF_FFFF else length


def _body(file: Bounded, start: int) -> bytes:
    file.seek(start)
    return file.read(_HEADER_LARGEST)


def _boxes(file: Bounded, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, where it ends) of each box; ends at the first that cannot be."""
    for _ in range(_MOST):
        file.seek(start)
        head = file.read(8)
        if len(head) < 8 or start + 8 > end:
            return
        size, content = int.from_bytes(head[:4], "big"), start + 8
        if size == 1:
            size, content = int.from_bytes(file.read(8), "big"), start + 16
        elif size == 0:
            size = end - start
        if size < content - start:
            return
        yield head[4:], content, min(start + size, end)
        start += size
