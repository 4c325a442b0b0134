"""Pictures that look the same: a hash of what is seen, and groups of hashes that hardly differ.

A forwarded picture is recompressed and scaled down, so its bytes differ each time while its coarse shapes stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

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
_HEADS: Final = 16
_ACROSS: Final = 4_096
"""Pairs of hashes that are compared at once: half a megabyte, which stays near the processor."""


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

    Cost: what is in no group is compared with every representative before it, at 1 to 2 ns a pair, whatever the
    hashes are and however they were made: n that are all apart cost n * n / 2 pairs, copies are compared no more once
    they are found. 1,000 take 5 ms, 10,000 take 0.1 s, 100,000 take 5 to 10 s; memory is some 100 bytes a hash.

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
    left = np.arange(len(values))
    size = 1  # where all pictures are alike, the first takes them all in, and nothing is left to compare
    while len(left):
        block, left = left[:size], left[size:]
        heads = _settled(values, block, distance, leaders)
        left = left[_not_taken(values, heads, left, distance, leaders)]
        size = min(2 * size, _HEADS)
    return leaders


def _settled(values: "Words", block: "Places", distance: int, leaders: "Places") -> "Places":
    """Give those of a block that have no leader yet theirs, one after the other; those that lead others or none."""
    near = np.bitwise_count(values[block][:, None] ^ values[block]) <= distance
    for row, place in zip(near, block.tolist(), strict=True):
        if leaders[place] < 0:
            followers = block[row]
            leaders[followers[leaders[followers] < 0]] = place
    heads: Places = block[leaders[block] == block]
    return heads


def _not_taken(values: "Words", heads: "Places", left: "Places", distance: int, leaders: "Places") -> "Places":
    """Give each place that is near a head the first such as leader; which are near none, by their place in ``left``."""
    stays = np.ones(len(left), np.bool_)
    asked = values[heads][:, None]
    for at in range(0, len(left), _ACROSS):
        places = left[at : at + _ACROSS]
        differ = np.bitwise_count(asked ^ values[places])
        near = np.flatnonzero(differ.min(axis=0) <= distance)
        if len(near):
            leaders[places[near]] = heads[(differ[:, near] <= distance).argmax(axis=0)]
            stays[at + near] = False
    return np.flatnonzero(stays)
