"""A window's signature changes with all that its post depends on, and with nothing else."""

import itertools

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.write.writer import signature

IDS = [f"{n:032x}" for n in range(40)]
GIVEN = ("digest", "openai/x", {"temperature": 0.2, "max_tokens": 100})


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 40), max_size=5), low=st.integers(0, 39))
def test_only_the_ids_count_not_how_arrow_holds_them(cuts: list[int], low: int) -> None:
    edges = sorted({low, 40, *(cut for cut in cuts if cut >= low)})
    whole = pa.array(IDS)
    chunked = pa.chunked_array([whole.slice(a, b - a) for a, b in itertools.pairwise(edges)], pa.string())
    assert signature(chunked, *GIVEN) == signature(IDS[low:], *GIVEN) == signature(whole.slice(low), *GIVEN)


def test_everything_that_a_post_depends_on_counts() -> None:
    made = [
        signature(IDS, *GIVEN),
        signature(IDS[:-1], *GIVEN),
        signature(IDS[::-1], *GIVEN),
        signature(["".join(IDS[:2]), *IDS[2:]], *GIVEN),
        signature(IDS, "other", *GIVEN[1:]),
        signature(IDS, "digest", "openai/y", GIVEN[2]),
        signature(IDS, "digest", "local/extractive", GIVEN[2]),
        signature(IDS, "digest", "openai/x", {"temperature": 0.3, "max_tokens": 100}),
        signature([], *GIVEN),
    ]
    assert len(set(made)) == len(made)
    assert all(len(value) == 32 for value in made)
    assert signature(IDS, "digest", "openai/x", {"max_tokens": 100, "temperature": 0.2}) == made[0]
