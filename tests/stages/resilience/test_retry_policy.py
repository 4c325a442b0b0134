"""Waits between tries: full jitter under an exponential cap, Retry-After up to the cap, none after the last try."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.resilience.errors import CallError, PermanentError, RefusedError, ThrottledError, TransientError
from stages.resilience.retry import RetryPolicy, retrying

FAST = RetryPolicy(4, 0.001, 0.002)


@given(
    tries=st.integers(1, 200),
    initial=st.floats(0, 60),
    most=st.floats(0, 600),
    seed=st.integers(0, 2**32),
)
def test_a_wait_lies_between_nothing_and_the_backoff(tries: int, initial: float, most: float, seed: int) -> None:
    wait = RetryPolicy(20, initial, most).wait(tries, TransientError("x"), random.Random(seed).uniform)
    assert 0 <= wait <= most
    if tries < 50:
        assert wait <= initial * 2 ** (tries - 1)


def test_the_whole_range_is_drawn_from() -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    policy = RetryPolicy(9, 0.5, 5)
    waits = [policy.wait(tries, TransientError("x"), draw) for tries in range(1, 7)]
    assert waits == [0.5, 1, 2, 4, 5, 5]
    assert {low for low, _ in drawn} == {0.0}


@given(asked=st.floats(0, 10_000), most=st.floats(0, 600))
def test_retry_after_is_honoured_up_to_the_cap(asked: float, most: float) -> None:
    assert RetryPolicy(3, 0.5, most).wait(1, ThrottledError("x", asked)) == min(asked, most)


@pytest.mark.parametrize(
    ("error", "tries"),
    [(TransientError, 4), (ThrottledError, 4), (PermanentError, 1), (RefusedError, 1), (ValueError, 1)],
)
def test_only_what_may_pass_is_tried_again(error: type[Exception], tries: int) -> None:
    count = 0

    async def call() -> None:
        nonlocal count
        count += 1
        raise error("x")

    with pytest.raises(error):
        asyncio.run(retrying(call, FAST))
    assert count == tries


def test_the_first_success_ends_it_and_the_last_error_is_raised() -> None:
    errors: list[CallError] = [TransientError("one"), ThrottledError("two", 0.0)]

    async def call() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    assert asyncio.run(retrying(call, FAST)) == "done"
    errors = [TransientError(str(number)) for number in range(4)]
    with pytest.raises(TransientError, match="3"):
        asyncio.run(retrying(call, FAST))
