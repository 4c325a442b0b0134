"""Gates against plain models of them: any order of coming, leaving and being cancelled; in one loop and in many."""

import asyncio
import random
import threading
from collections import Counter, deque
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.resilience.errors import OutOfTimeError
from stages.resilience.gates import ConcurrencyGate, PaceGate, RateGate
from stages.resilience.window import SlidingWindow

KEYS = ("a", "b")
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["come", "leave", "cancel", "turn"]), st.sampled_from(KEYS), st.integers(0, 5)),
    max_size=60,
)


@given(limit=st.integers(1, 3), actions=ACTIONS)
@settings(max_examples=150, deadline=None)
def test_places_go_to_whoever_came_first(limit: int, actions: list[tuple[str, str, int]]) -> None:
    """The model: a list of who is inside and a queue of who waits, a key."""

    async def main() -> None:
        gate = ConcurrencyGate(limit)
        inside: dict[str, list[int]] = {key: [] for key in KEYS}
        waiting: dict[str, deque[int]] = {key: deque() for key in KEYS}
        seen: dict[str, set[int]] = {key: set() for key in KEYS}
        tasks: dict[int, asyncio.Task[None]] = {}
        doors: dict[int, asyncio.Event] = {}

        async def visit(who: int, key: str) -> None:
            async with gate.hold(key):
                seen[key].add(who)
                try:
                    await doors[who].wait()
                finally:
                    seen[key].discard(who)

        def gone(key: str) -> None:
            if waiting[key]:
                inside[key].append(waiting[key].popleft())

        for n, (action, key, pick) in enumerate(actions):
            if action == "come":
                doors[n] = asyncio.Event()
                tasks[n] = asyncio.create_task(visit(n, key))
                (inside[key].append if len(inside[key]) < limit else waiting[key].append)(n)
            elif action == "leave" and inside[key]:
                who = inside[key].pop(pick % len(inside[key]))
                doors[who].set()
                gone(key)
            elif action == "cancel" and (known := [*inside[key], *waiting[key]]):
                who = known[pick % len(known)]
                tasks[who].cancel()
                if who in inside[key]:
                    inside[key].remove(who)
                    gone(key)
                else:
                    waiting[key].remove(who)
            for _ in range(4):
                await asyncio.sleep(0)
            for each in KEYS:
                assert seen[each] == set(inside[each])
                assert (gate.taken(each), gate.waiting(each)) == (len(inside[each]), len(waiting[each]))
            assert gate.keys == sum(bool(inside[each]) for each in KEYS)
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert gate.keys == 0

    asyncio.run(main())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_cancelled_in_the_same_breath_as_being_let_in(seed: int) -> None:
    draw = random.Random(seed)

    async def main() -> None:
        gate = ConcurrencyGate(2)
        most = 0

        async def visit() -> None:
            nonlocal most
            async with gate.hold():
                most = max(most, gate.taken())
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(visit()) for _ in range(60)]
        while not all(task.done() for task in tasks):
            for task in draw.sample(tasks, 5):
                task.cancel()
            for _ in range(draw.randrange(3)):
                await asyncio.sleep(0)
        assert (gate.keys, most <= 2) == (0, True)

    asyncio.run(main())


def test_one_gate_for_the_loops_of_many_threads() -> None:
    gate = ConcurrencyGate(3)
    lock = threading.Lock()
    inside = most = done = 0

    async def visit() -> None:
        nonlocal inside, most, done
        async with gate.hold("site"):
            with lock:
                inside += 1
                most = max(most, inside)
            try:
                await asyncio.sleep(0.0005)
            finally:
                with lock:
                    inside -= 1
                    done += 1

    async def main(seed: int) -> None:
        draw = random.Random(seed)
        tasks = [asyncio.create_task(visit()) for _ in range(150)]
        victims = draw.sample(tasks, 40)
        for victim in victims:
            await asyncio.sleep(0.0002)
            victim.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    threads = [threading.Thread(target=asyncio.run, args=(main(seed),)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3
    assert 6 * 110 <= done <= 6 * 150
    assert gate.keys == 0


def test_whoever_waits_in_a_loop_that_is_closed_keeps_nobody_waiting() -> None:
    gate = ConcurrencyGate(1)

    async def hold_for_good() -> None:
        await gate.take()

    asyncio.run(hold_for_good())
    loop = asyncio.new_event_loop()
    lost = loop.create_task(gate.take())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    async def next_one() -> None:
        waiting = asyncio.create_task(gate.take())
        await asyncio.sleep(0)
        gate.give()
        await waiting

    asyncio.run(next_one())
    assert gate.taken() == 1
    lost._log_destroy_pending = False  # type: ignore[attr-defined]


CALLS = st.lists(st.tuples(st.floats(0, 40), st.integers(0, 120)), max_size=60)


@given(requests=st.none() | st.integers(1, 6), tokens=st.none() | st.integers(1, 100), calls=CALLS)
def test_no_period_ever_holds_more_than_the_limits(
    requests: int | None, tokens: int | None, calls: list[tuple[float, int]]
) -> None:
    window = SlidingWindow(requests, tokens, 60)
    now = 0.0
    sent: list[tuple[float, int]] = []
    for pause, size in calls:
        now += pause
        waits = 0
        while wait := window.wait(now, size):
            # it never lets wait for longer than it takes until everything is forgotten, nor for ever
            assert 0 < wait <= 60.001
            now += wait
            waits += 1
            assert waits < 200
        window.add(now, size)
        sent.append((now, size))
        last = [(time, weight) for time, weight in sent if now - time < 60]
        assert requests is None or len(last) <= requests
        assert (
            tokens is None
            or sum(weight for _, weight in last) <= tokens
            or len(last) - sum(not weight for _, weight in last) == 1
        )


@given(calls=CALLS)
def test_who_may_go_goes_at_once(calls: list[tuple[float, int]]) -> None:
    window = SlidingWindow(3, 100, 60)
    now = 0.0
    sent: list[tuple[float, int]] = []
    for pause, size in calls:
        now += pause
        last = [(time, weight) for time, weight in sent if now - time < 60]
        used = sum(weight for _, weight in last)
        free = len(last) < 3 and (used + size <= 100 or not used)
        assert (window.wait(now, size) == 0) == free
        if free:
            window.add(now, size)
            sent.append((now, size))


def test_an_estimate_is_corrected() -> None:
    window = SlidingWindow(None, 100, 60)
    ticket = window.add(0, 90)
    assert window.wait(1, 20) > 0
    window.correct(ticket, 30)
    assert window.wait(1, 20) == 0
    late = window.add(2, 70)
    assert window.wait(70, 100) == 0
    window.correct(late, 10)
    assert window.wait(70, 100) == 0


def test_calls_pass_in_order_and_no_faster_than_allowed() -> None:
    async def main() -> tuple[list[int], list[float]]:
        gate = RateGate(5, period=0.2)
        order: list[int] = []
        times: list[float] = []

        async def call(n: int) -> None:
            await gate.take()
            order.append(n)
            times.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(call(n) for n in range(17)))
        return order, times

    order, times = asyncio.run(main())
    assert order == list(range(17))
    assert all(later - earlier >= 0.19 for earlier, later in zip(times, times[5:], strict=False))


def test_a_call_that_is_cancelled_is_not_counted() -> None:
    async def main() -> None:
        gate = RateGate(1, 100, period=0.3)
        ticket = await gate.take(50)
        tasks = [asyncio.create_task(gate.take(50)) for _ in range(20)]
        await asyncio.sleep(0.01)
        for task in tasks[:-1]:
            task.cancel()
        async with asyncio.timeout(2):
            await tasks[-1]
        gate.correct(ticket, 1)

    asyncio.run(main())


def test_a_call_larger_than_the_limit_passes_alone() -> None:
    async def main() -> None:
        gate = RateGate(None, 10, period=0.1)
        async with asyncio.timeout(5):
            for _ in range(3):
                await gate.take(500)

    asyncio.run(main())


def test_a_pace_is_kept_and_those_who_cannot_be_reached_go_at_once() -> None:
    async def main() -> None:
        gate = PaceGate()
        loop = asyncio.get_running_loop()
        times: list[float] = []

        async def call() -> None:
            await gate.turn("site", 0.05, patience=0.22)
            times.append(loop.time())

        outcomes = await asyncio.gather(*(call() for _ in range(10)), return_exceptions=True)
        assert Counter(type(outcome).__name__ for outcome in outcomes) == {"NoneType": 5, "OutOfTimeError": 5}
        assert all(later - earlier >= 0.049 for earlier, later in pairwise(times))
        await gate.turn("other", 0, patience=0)

    asyncio.run(main())


def test_whoever_gives_up_leaves_the_turn_to_the_next() -> None:
    async def main() -> None:
        gate = PaceGate()
        await gate.turn("site", 0.1, patience=9)
        tasks = [asyncio.create_task(gate.turn("site", 0.1, patience=9)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks[:-1]:
            task.cancel()
        async with asyncio.timeout(1):
            await tasks[-1]

    asyncio.run(main())


def test_a_pause_holds_for_all() -> None:
    async def main() -> None:
        gate = PaceGate()
        gate.pause("site", 0.1)
        started = asyncio.get_running_loop().time()
        await gate.turn("site", 0, patience=1)
        assert asyncio.get_running_loop().time() - started >= 0.09
        gate.pause("site", 10)
        with pytest.raises(OutOfTimeError):
            await gate.turn("site", 0, patience=1)

    asyncio.run(main())


def test_paces_of_the_past_are_forgotten() -> None:
    now = [0.0]
    gate = PaceGate(clock=lambda: now[0])

    async def main() -> None:
        for n in range(5_000):
            now[0] += 10
            await gate.turn(f"site{n}", 1, patience=0)

    asyncio.run(main())
    assert len(gate._paces) <= 1_025
