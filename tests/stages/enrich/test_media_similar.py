"""Groups of pictures that look the same: against the plain way, and what every group promises."""

import itertools
import random
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.similar import FARTHEST, Group, near_duplicates

BITS = st.integers(0, 2**64 - 1)


def plain(hashes: list[str | None], pixels: list[int], distance: int) -> list[Group]:
    """One picture after the other, the largest first, each compared with all."""
    numbers = [int(value or "0", 16) for value in hashes]
    order = sorted((at for at, value in enumerate(hashes) if value is not None), key=lambda at: (-pixels[at], at))
    leader: dict[int, int] = {}
    for one in order:
        if one in leader:
            continue
        for other in order:
            if other not in leader and (numbers[one] ^ numbers[other]).bit_count() <= distance:
                leader[other] = one
    groups = [
        Group(one, tuple(sorted(other for other in leader if leader[other] == one)))
        for one in sorted(set(leader.values()))
    ]
    return [group for group in groups if len(group.members) > 1]


def apart(hashes: list[str | None], one: int, other: int) -> int:
    return (int(hashes[one] or "", 16) ^ int(hashes[other] or "", 16)).bit_count()


@st.composite
def albums(draw: st.DrawFn) -> tuple[list[str | None], list[int]]:
    """Hashes that crowd about a few, with chains among them, and sizes that are often equal."""
    centres = draw(st.lists(BITS, min_size=1, max_size=4))
    hashes: list[str | None] = []
    for _ in range(draw(st.integers(0, 60))):
        value = draw(st.sampled_from(centres))
        for bit in draw(st.lists(st.integers(0, 63), max_size=9)):
            value ^= 1 << bit
        hashes.append(draw(st.sampled_from([f"{value:016x}"] * 9 + [None])))
        if draw(st.booleans()):
            centres.append(value)
    return hashes, [draw(st.integers(1, 4)) for _ in hashes]


@settings(max_examples=100, deadline=None)
@given(album=albums(), distance=st.integers(0, FARTHEST))
def test_groups_are_those_of_the_plain_way(album: tuple[list[str | None], list[int]], distance: int) -> None:
    hashes, pixels = album
    assert near_duplicates(hashes, pixels, distance=distance) == plain(hashes, pixels, distance)


def unrelated(choose: random.Random) -> int:
    return choose.getrandbits(64)


def one_of_many(choose: random.Random) -> int:
    """Near one of a thousand."""
    return random.Random(choose.randrange(1_000)).getrandbits(64) ^ (1 << choose.randrange(64))


def one_of_few(choose: random.Random) -> int:
    return (
        random.Random(choose.randrange(5)).getrandbits(64) ^ (1 << choose.randrange(64)) ^ (1 << choose.randrange(64))
    )


def sparse(choose: random.Random) -> int:
    """Few bits each: many lie at about the distance that is asked for from many others."""
    return sum(1 << bit for bit in choose.sample(range(64), choose.choice((4, 7))))


def in_two_bands(choose: random.Random) -> int:
    """Every other pair of bits is never set, whichever way the bits are parted into bands."""
    return choose.getrandbits(64) & 0x3333_3333_3333_3333


def a_code(choose: random.Random) -> int:
    """Words of a Reed-Muller code: eight bits apart each, just too far, and the same in half of the bits."""
    points = range(32)
    rows = [[1] * 32, *([point >> bit & 1 for point in points] for bit in range(5))]
    rows += [
        [one * other for one, other in zip(rows[a], rows[b], strict=True)] for a in range(1, 6) for b in range(1, a)
    ]
    chosen = [row for row in rows if choose.getrandbits(1)]
    return sum((sum(row[point] for row in chosen) % 2) << 2 * point for point in points)


@pytest.mark.parametrize("distance", [0, 3, 7, 12])
@pytest.mark.parametrize("draw", [unrelated, one_of_many, one_of_few, sparse, in_two_bands, a_code])
def test_many_are_grouped_as_few_are(draw: Callable[[random.Random], int], distance: int) -> None:
    choose = random.Random(distance)
    hashes: list[str | None] = [f"{draw(choose):016x}" for _ in range(1_200)]
    pixels = [choose.randint(1, 3) for _ in hashes]
    assert near_duplicates(hashes, pixels, distance=distance) == plain(hashes, pixels, distance)


def test_words_of_a_code_are_no_copies_and_those_beside_them_are() -> None:
    """More than one block of either kind, and each follower near several representatives, of which the first has it."""
    choose = random.Random(1)
    words = sorted({a_code(choose) for _ in range(6_000)})
    assert min((one ^ other).bit_count() for one, other in itertools.pairwise(words)) == 8
    assert near_duplicates([f"{word:016x}" for word in words]) == []
    between = [one ^ ((one ^ other) & 0xFFFF_FFFF) for one, other in itertools.pairwise(words)]
    hashes: list[str | None] = [f"{value:016x}" for value in [*words[:600], *between[:600]]]
    assert near_duplicates(hashes, distance=4) == plain(hashes, [1] * 1_200, 4)


@settings(max_examples=60, deadline=None)
@given(album=albums(), distance=st.integers(0, FARTHEST))
def test_what_a_group_promises(album: tuple[list[str | None], list[int]], distance: int) -> None:
    hashes, pixels = album
    groups = near_duplicates(hashes, pixels, distance=distance)
    members = [place for group in groups for place in group.members]
    assert len(members) == len(set(members))
    for group in groups:
        best = group.representative
        assert best in group.members
        assert all(apart(hashes, best, place) <= distance for place in group.members)
        assert (-pixels[best], best) == min((-pixels[place], place) for place in group.members)
    heads = [group.representative for group in groups]
    assert heads == sorted(heads)
    assert all(apart(hashes, one, other) > distance for at, one in enumerate(heads) for other in heads[:at])


def test_a_chain_does_not_join_its_ends() -> None:
    chain: list[str | None] = [f"{(1 << 4 * n) - 1:016x}" for n in range(10)]  # four bits further each
    groups = near_duplicates(chain, distance=4)
    assert [group.members for group in groups] == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]


def test_the_largest_stands_for_the_rest_and_then_the_earliest() -> None:
    same: list[str | None] = ["00000000000000ff"] * 4
    assert near_duplicates(same, [5, 9, 9, 1]) == [Group(1, (0, 1, 2, 3))]
    assert near_duplicates(same) == [Group(0, (0, 1, 2, 3))]


def test_pictures_without_a_hash_are_nobodys_copies() -> None:
    assert near_duplicates([None] * 50) == []
    assert near_duplicates([]) == []
    assert near_duplicates([None, "0" * 16, None, "0" * 16]) == [Group(1, (1, 3))]


def test_copies_are_found_among_twenty_thousand() -> None:
    choose = random.Random(1)
    hashes: list[str | None] = [f"{choose.getrandbits(64):016x}" for _ in range(20_000)]
    for at in range(0, 20_000, 200):
        hashes[(at + 10_007) % 20_000] = f"{int(hashes[at] or '', 16) ^ 0b1010101:016x}"
    groups = {group.members for group in near_duplicates(hashes)}
    assert groups == {tuple(sorted((at, (at + 10_007) % 20_000))) for at in range(0, 20_000, 200)}


def test_a_hundred_thousand_of_one_look_take_little_memory() -> None:
    choose = random.Random(1)
    hashes: list[str | None] = [f"{1 << choose.randrange(64) | 1 << choose.randrange(64):016x}" for _ in range(100_000)]
    tracemalloc.start()
    try:
        (group,) = near_duplicates(hashes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(group.members) == 100_000
    assert peak < 60 << 20


@pytest.mark.parametrize("distance", [-1, FARTHEST + 1])
def test_a_distance_that_says_nothing_is_refused(distance: int) -> None:
    with pytest.raises(ValueError, match="distance"):
        near_duplicates([], distance=distance)


@pytest.mark.parametrize("value", ["", "00", "0" * 17, "x" * 16])
def test_what_is_no_hash_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="hashes"):
        near_duplicates([value])


def test_sizes_must_be_as_many_as_hashes() -> None:
    with pytest.raises(ValueError, match="pixels"):
        near_duplicates(["0" * 16], [1, 2])
