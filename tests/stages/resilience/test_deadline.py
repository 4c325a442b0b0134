"""Deadlines: of a run, of its parts, and of what still runs when the time is over."""

import asyncio
import math

import pytest

from stages.resilience.deadline import Deadline
from stages.resilience.errors import OutOfTimeError


def test_it_passes_when_its_time_is_over() -> None:
    now = [100.0]
    run = Deadline(10, clock=lambda: now[0])
    batch, longer = run.within(4), run.within(60)
    assert (run.remaining, batch.remaining, longer.remaining) == (10, 4, 10)
    now[0] = 104
    assert (run.passed, batch.passed) == (False, True)
    run.check()
    with pytest.raises(OutOfTimeError):
        batch.check()
    assert run.within(None).remaining == 6
    now[0] = 200
    assert (run.remaining, run.passed) == (0, True)


def test_there_may_be_none() -> None:
    never = Deadline(None)
    assert (never.remaining, never.passed) == (math.inf, False)
    assert never.within(5).remaining <= 5


def test_what_still_runs_is_given_up() -> None:
    ended: list[str] = []

    async def work(deadline: Deadline) -> None:
        async with deadline.kept():
            ended.append("began")
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("cleaned up")

    async def main() -> None:
        for seconds in (0.02, 0):
            with pytest.raises(OutOfTimeError):
                await work(Deadline(seconds))
        async with Deadline(None).kept(), Deadline(60).kept():
            ended.append("done")

    asyncio.run(main())
    assert ended == ["began", "cleaned up", "done"]


def test_other_time_outs_and_cancellations_pass_through() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with Deadline(60).kept(), asyncio.timeout(0.01):
                await asyncio.sleep(60)

        async def work() -> None:
            async with Deadline(60).kept():
                await asyncio.sleep(60)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
