"""Pictures that look the same: a hash of what is seen, and groups of hashes that hardly differ.

A forwarded picture is recompressed and scaled down, so its bytes differ each time while its coarse shapes stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image

    Words = npt.NDArray[np.uint64]
    Places = npt.NDArray[np.int64]

DISTANCE: Final = 7
"""Bits of 64 in which copies of one picture may differ; among 100,000 unrelated hashes 0.2 pairs are this close."""
SIDE: Final = 64
"""Pixels along each side of what is hashed."""
ENOUGH: Final = 96
"""Pixels along each side to which a picture may be reduced before without another hash of it."""
FARTHEST: Final = 15
"""The largest distance that can be asked for: beyond it unrelated pictures are the rule."""

_FIRST, _LAST = 2, 10
_DETAIL: Final = 2.5
_BANDS: Final = 4
_BAND_BITS: Final = 16
_BLOCK: Final = 1_024
_CELLS: Final = 1 << 21
_FEW: Final = 1 << 17
"""Pairs that are compared sooner than an index is made and asked."""


def coarse(image: "Image") -> "Image":
    """The picture as RGB or RGBA in 64 x 64 pixels, whatever its shape."""
    from PIL import Image

    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.size == (SIDE, SIDE):
        return image
    # lines of writing beat with pixels that are merely averaged
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)


def picture_hash(image: "Image") -> str | None:
    """64 bits of what a picture shows, as 16 hex digits; None where it shows too little to be told from another.

    The signs of 8 x 8 coefficients of the cosine transform of its brightness at 64 x 64, from the third frequency
    on in both directions: lower ones say how a page is laid out and not what is written there, higher ones are lost
    when a picture is compressed again. A plain colour, a smooth gradient and an empty page have no hash. Cost: one
    reduction of the picture.
    """
    from PIL import Image

    small = coarse(image)
    if small.mode == "RGBA":
        grey = Image.new("RGBA", small.size, (128, 128, 128, 255))
        grey.alpha_composite(small)
        small = grey
    waves = _waves()
    seen = (waves @ np.asarray(small.convert("L"), np.float64) @ waves.T).ravel()
    if float(np.median(np.abs(seen))) < _DETAIL:
        return None
    return np.packbits(seen > 0).tobytes().hex()


@cache
def _waves() -> "npt.NDArray[np.float64]":
    """Rows of the orthonormal DCT-II matrix, those of the frequencies that are looked at."""
    at, frequency = np.arange(SIDE), np.arange(_FIRST, _LAST)
    waves: npt.NDArray[np.float64] = np.cos(np.pi * (2 * at[None] + 1) * frequency[:, None] / (2 * SIDE))
    return waves * float(np.sqrt(2 / SIDE))


@dataclass(frozen=True)
class Group:
    """Pictures of one look, by their places in what was given, in order; ``representative`` is one of them."""

    representative: int
    members: tuple[int, ...]


def near_duplicates(
    hashes: Sequence[str | None], pixels: Sequence[int] | None = None, *, distance: int = DISTANCE
) -> list[Group]:
    """Groups of two or more pictures whose hashes differ from their representative's in at most ``distance`` bits.

    Pictures are taken by size (``pixels``, most first), then as given: each that is in no group yet represents one
    and takes in all that are near it and in none. So every member is near its representative, however long a chain
    of pictures would lead on, no two representatives are near each other, and a group's best picture stands for it.
    Those without a hash are in no group. Groups come in the order of their representatives' places.

    Cost: an index of four bands of 16 bits. 100,000 unrelated hashes take 1 to 3 seconds at a distance of 4 to 7 and
    ten times as long at 12; copies are dropped as they are found; where bands tell nothing apart, hashes are compared
    pair by pair with the representatives in blocks of 16 MB: a minute for 100,000 that were made to defeat the index.

    Raises :class:`ValueError` for a distance outside 0..15, for what is no hash, and for unequal lengths.
    """
    if not 0 <= distance <= FARTHEST:
        raise ValueError(f"distance: must be from 0 to {FARTHEST}")
    if pixels is not None and len(pixels) != len(hashes):
        raise ValueError("pixels: must be as many as the hashes")
    places = [place for place, value in enumerate(hashes) if value is not None]
    if pixels is not None:
        places.sort(key=lambda place: -pixels[place])  # a stable sort: equals stay as given
    nodes: dict[int, list[int]] = {}
    for place in places:
        nodes.setdefault(_number(hashes[place]), []).append(place)
    leaders = _leaders(np.fromiter(nodes, np.uint64, len(nodes)), distance)
    groups: dict[int, list[int]] = {}
    for leader, copies in zip(leaders.tolist(), nodes.values(), strict=True):
        groups.setdefault(leader, []).extend(copies)
    found = [Group(copies[0], tuple(sorted(copies))) for copies in groups.values() if len(copies) > 1]
    return sorted(found, key=lambda group: group.representative)


def _number(value: str | None) -> int:
    try:
        number = bytes.fromhex(value or "")
    except ValueError:
        number = b""
    if len(number) != 8:
        raise ValueError("hashes: each must have 16 hex digits")
    return int.from_bytes(number, "big")


def _leaders(values: "Words", distance: int) -> "Places":
    """For each of the distinct values, the place of the first value that is near it and has itself as leader."""
    leaders = np.full(len(values), -1, np.int64)
    index = _Index(values, np.arange(len(values)), distance)
    start, size = 0, 1
    # the first block is small: where all pictures are alike it takes them all in, and nothing is left to compare
    while start < len(values):
        end = start + size
        block = start + np.flatnonzero(leaders[start:end] < 0)
        _settle(values[block], block, distance, leaders)
        heads = block[leaders[block] == block]
        ones, others = index.near(values[heads])
        free = leaders[others] < 0
        ones, others = ones[free], others[free]
        order = np.argsort(-ones, kind="stable")
        leaders[others[order]] = heads[ones[order]]  # the last one written is the first of the leaders
        rest = end + np.flatnonzero(leaders[end:] < 0)
        if 2 * len(rest) < len(index.places):
            index = _Index(values, rest, distance)
        start, size = end, min(2 * size, _BLOCK)
    return leaders


def _settle(block: "Words", places: "Places", distance: int, leaders: "Places") -> None:
    """Leaders and followers among the values of one block."""
    ones, others = _compared(block, block, distance)
    for one, other in zip(places[ones].tolist(), places[others].tolist(), strict=True):  # in order of the first
        if leaders[one] < 0:
            leaders[one] = one
        if leaders[one] == one and leaders[other] < 0:
            leaders[other] = one


class _Index:
    """Values by four bands of their bits; two that differ in n bits differ in at most n / 4 in one of the bands."""

    def __init__(self, values: "Words", places: "Places", distance: int) -> None:
        self.places = places
        self._values = values[places]
        self._distance = distance
        self._masks = _masks(distance // _BANDS)

    @cached_property
    def _buckets(self) -> list[tuple["Places", "Places"]]:
        return [_buckets(band) for band in _bands(self._values)]

    def near(self, asked: "Words") -> tuple["Places", "Places"]:
        """Pairs (place in ``asked``, place of a value that is near it), some more than once."""
        if len(asked) * len(self._values) <= _FEW:
            ones, others = _compared(asked, self._values, self._distance)
            return ones, self.places[others]
        bands = _bands(asked)
        candidates = 0
        for band, (_, edges) in zip(bands, self._buckets, strict=True):
            counts = np.diff(edges)
            candidates += sum(int(counts[band ^ mask].sum()) for mask in self._masks)
        # to read a candidate out of its bucket costs about as much as four comparisons in a row
        if 4 * candidates > len(asked) * len(self._values):
            ones, others = _compared(asked, self._values, self._distance)
            return ones, self.places[others]
        found = [
            self._read(asked, band ^ mask, order, edges)
            for band, (order, edges) in zip(bands, self._buckets, strict=True)
            for mask in self._masks
        ]
        return np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])

    def _read(self, asked: "Words", wanted: "Places", order: "Places", edges: "Places") -> tuple["Places", "Places"]:
        first, n = edges[wanted], edges[wanted + 1] - edges[wanted]
        ones = np.repeat(np.arange(len(asked)), n)
        others = order[np.arange(len(ones)) + np.repeat(first - np.cumsum(n) + n, n)]
        near = np.bitwise_count(asked[ones] ^ self._values[others]) <= self._distance
        return ones[near], self.places[others[near]]


def _buckets(band: "Places") -> tuple["Places", "Places"]:
    """Places in the order of their band's value, and where each value's stretch begins and ends."""
    edges = np.zeros((1 << _BAND_BITS) + 1, np.int64)
    np.cumsum(np.bincount(band, minlength=1 << _BAND_BITS), out=edges[1:])
    return np.argsort(band, kind="stable"), edges


def _compared(some: "Words", others: "Words", distance: int) -> tuple["Places", "Places"]:
    """All pairs that are near, by places in the two, in the order of the first; 16 MB at a time."""
    rows = max(1, _CELLS // max(1, len(others)))
    found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for at in range(0, len(some), rows):
        near = np.bitwise_count(some[at : at + rows, None] ^ others[None]) <= distance
        first, second = np.nonzero(near)
        found.append((first + at, second))
    return np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])


def _bands(values: "Words") -> list[Any]:
    """Each value's bits 0, 4, 8, ... then 1, 5, 9, ... and so on: neighbours in a picture depend on each other."""
    bits = np.unpackbits(values.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    return [np.packbits(bits[:, band::_BANDS], axis=1).view(">u2").ravel().astype(np.int64) for band in range(_BANDS)]


def _masks(radius: int) -> list[int]:
    """Every pattern of at most ``radius`` of the 16 bits."""
    masks = [0]
    for _ in range(radius):
        masks = list(dict.fromkeys([*masks, *(mask | 1 << bit for mask in masks for bit in range(_BAND_BITS))]))
    return masks
