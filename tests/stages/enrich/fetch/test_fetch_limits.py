"""Limits that hold, seen by the server; breakers; deadlines; and tasks that are cancelled at any moment."""

import asyncio
import gc
import random
import threading
import time
from collections.abc import Sequence

import pytest

from stages.enrich.fetch.turns import ANSWERED, BEGIN, SEND, Turns
from stages.resilience.deadline import Deadline
from stages.resilience.errors import BreakerOpenError, CallError, OutOfTimeError, PermanentError, TransientError
from stages.settings import BreakerSettings, RetrySettings
from tests.servers.pages import PageServer, answer, drip, hang_up, page, reset, silence, status
from tests.stages.enrich.fetch.conftest import Fetching

HOSTS = [f"127.0.0.{n}" for n in range(1, 6)]


def test_the_server_never_sees_more_than_the_limits(fetching: Fetching) -> None:
    fetching.settings(connections=20, connections_per_host=6, total_timeout_seconds=10)
    with PageServer(HOSTS) as server:
        server.otherwise(page(delay=0.005))
        outcomes = fetching.all(*(server.url(f"/{n}", site=n // 50 % 5) for n in range(1_000)))
        assert not any(isinstance(outcome, CallError) for outcome in outcomes)
        assert len(server.requests) == 1_000
        assert server.peak <= 20
        assert max(server.peaks.values()) == 6
        # connections are kept and used again
        assert server.connections <= 5 * 6


def test_a_busy_site_keeps_no_other_waiting(fetching: Fetching) -> None:
    fetching.settings(connections=4, connections_per_host=2)
    with PageServer(HOSTS[:2]) as server:
        server.otherwise(page())
        for n in range(40):
            server.put(f"/slow{n}", page(delay=0.05))
        order: list[int] = []

        async def main() -> None:
            async with fetching.fetcher() as fetcher:

                async def fetch(site: int, path: str) -> None:
                    await fetcher.page(server.url(path, site))
                    order.append(site)

                await asyncio.gather(
                    *(fetch(0, f"/slow{n}") for n in range(40)), *(fetch(1, f"/{n}") for n in range(10))
                )

        asyncio.run(main())
        assert order.index(1) <= 3
        assert max(n for n, site in enumerate(order) if site == 1) < 25


def test_fetchers_in_several_threads_share_the_limits(fetching: Fetching) -> None:
    fetching.settings(connections=8, connections_per_host=5)
    with PageServer(HOSTS[:3]) as server:
        server.otherwise(page(delay=0.005))

        async def main(part: int) -> None:
            async with fetching.fetcher() as fetcher:
                await asyncio.gather(*(fetcher.page(server.url(f"/{part}/{n}", site=n % 3)) for n in range(150)))

        threads = [threading.Thread(target=asyncio.run, args=(main(part),)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 600
        assert server.peak <= 8
        assert max(server.peaks.values()) <= 5


@pytest.mark.parametrize("play", [reset(), hang_up(), status(500)], ids=["reset", "hang-up", "500"])
def test_five_failures_in_a_row_open_the_breaker(server: PageServer, fetching: Fetching, play: object) -> None:
    server.otherwise(play)  # type: ignore[arg-type]
    fetching.breaker = BreakerSettings()
    fetching.settings(connections_per_host=1)
    outcomes = fetching.all(*(server.url(f"/{n}") for n in range(100)))
    assert len(server.paths) == 5
    assert {type(outcome) for outcome in outcomes} <= {BreakerOpenError, TransientError}
    assert sum(isinstance(outcome, BreakerOpenError) for outcome in outcomes) >= 99
    assert fetching.usage.breakers == {server.sites[0]: "open"}
    # another fetcher of the process finds it open
    assert isinstance(fetching.all(server.url("/again"))[0], BreakerOpenError)
    assert len(server.paths) == 5


def test_a_silent_site_is_left_alone_too(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(silence())
    fetching.breaker = BreakerSettings(failures=3)
    fetching.settings(connections_per_host=1, total_timeout_seconds=0.5)
    outcomes = fetching.all(*(server.url(f"/{n}") for n in range(60)))
    assert [type(o) for o in outcomes if not isinstance(o, BreakerOpenError)] == [type(outcomes[0])] * 3
    assert isinstance(outcomes[0], PermanentError)
    assert len(server.paths) == 3


def test_what_is_not_a_failing_server_opens_nothing(server: PageServer, fetching: Fetching) -> None:
    server.put("/429", status(429))
    server.put("/404", status(404))
    server.put("/zip", answer(200, b"PK", mime="application/zip"))
    server.put("/bad", answer(200, b"x", {"Content-Encoding": "gzip"}))
    server.put("/slow", drip())
    server.put("/good", page())
    fetching.breaker = BreakerSettings(failures=1)
    fetching.settings(total_timeout_seconds=1)
    for path in ("/429", "/404", "/zip", "/bad", "/slow", "/good"):
        fetching.all(server.url(path))
        assert fetching.usage.breakers == {server.sites[0]: "closed"}
    assert server.count("/429") == 4


def test_one_probe_closes_the_breaker(server: PageServer, fetching: Fetching) -> None:
    server.put("/x", status(500), status(500), page())
    fetching.breaker = BreakerSettings(failures=2, reset_seconds=0.1)
    assert isinstance(fetching.all(server.url("/x"))[0], BreakerOpenError)
    assert server.count("/x") == 2
    time.sleep(0.12)
    fetching.one(server.url("/x"))
    assert fetching.usage.breakers == {server.sites[0]: "closed"}


def test_a_host_is_host_and_port(fetching: Fetching) -> None:
    fetching.breaker = BreakerSettings(failures=1)
    with PageServer(["127.0.0.1", "127.0.0.1"]) as server:
        server.put("/x", status(500))
        server.put("/y", page())
        assert isinstance(fetching.all(server.url("/x"))[0], BreakerOpenError)
        fetching.one(server.url("/y", site=1))
        assert isinstance(fetching.all(server.url("/y"))[0], BreakerOpenError)


def test_all_sites_down_ends_in_bounded_time(fetching: Fetching) -> None:
    fetching.breaker = BreakerSettings()
    with PageServer(HOSTS) as server:
        server.otherwise(status(503))
        outcomes = fetching.settings(connections_per_host=1).all(*(server.url(f"/{n}", n % 5) for n in range(500)))
        assert all(isinstance(outcome, CallError) for outcome in outcomes)
        assert len(server.requests) == 5 * 5
    assert fetching.usage.errors["refused"] + fetching.usage.errors["transient"] == 500


def test_a_kept_connection_that_ended_says_nothing_of_the_server(server: PageServer, fetching: Fetching) -> None:
    server.put("/a", page())
    server.put("/b", reset(), page())
    fetching.breaker = BreakerSettings(failures=1)

    async def main() -> None:
        async with fetching.fetcher() as fetcher:
            await fetcher.page(server.url("/a"))
            await fetcher.page(server.url("/b"))

    asyncio.run(main())
    # no request is ever repeated but by us: one that failed, one that came right
    assert server.paths == ["/a", "/b", "/b"]


def test_patience_for_429_is_the_whole_site_s(server: PageServer, fetching: Fetching) -> None:
    server.put("/x", status(429, "1"), page())
    server.put("/y", page())
    fetching.retry = RetrySettings(attempts=2, wait_initial_seconds=0, wait_max_seconds=0.3)

    async def main() -> float:
        async with fetching.fetcher() as fetcher:
            throttled = asyncio.create_task(fetcher.page(server.url("/x")))
            while not server.count("/x"):
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
            started = time.monotonic()
            await fetcher.page(server.url("/y"))
            await throttled
            return time.monotonic() - started

    assert asyncio.run(main()) >= 0.2
    assert server.count("/x") == 2


def test_a_deadline_leaves_the_rest_waiting(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(page(delay=0.1))
    fetching.settings(connections_per_host=2)
    fetching.more["deadline"] = Deadline(0.35)
    started = time.monotonic()
    outcomes = fetching.all(*(server.url(f"/{n}") for n in range(100)))
    assert time.monotonic() - started < 5
    late = [outcome for outcome in outcomes if isinstance(outcome, CallError)]
    assert {type(outcome) for outcome in late} == {OutOfTimeError}
    assert len(late) >= 100 - 2 * 4
    assert len(server.paths) <= 2 * 4
    assert fetching.usage.refused == len(late)


def test_no_try_is_begun_after_the_deadline(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(page())
    fetching.more["deadline"] = Deadline(0)
    assert isinstance(fetching.all(server.url("/x"))[0], OutOfTimeError)
    assert server.connections == 0


@pytest.mark.parametrize("seed", range(3))
def test_tasks_cancelled_at_any_moment_leave_no_place_taken(fetching: Fetching, seed: int) -> None:
    draw = random.Random(seed)
    fetching.settings(connections=5, connections_per_host=3, robots=True, total_timeout_seconds=0.2)
    with PageServer(HOSTS[:3]) as server, PageServer(HOSTS[:3]) as later:
        server.otherwise(page(delay=0.003))
        later.otherwise(page(delay=0.02))
        for n in range(0, 400, 9):
            server.put(f"/{n}", draw.choice([reset(), status(503), status(429, "0"), drip(), hang_up()]))

        async def main() -> None:
            async with fetching.fetcher() as fetcher:
                tasks = [asyncio.create_task(fetcher.page(server.url(f"/{n}", n % 3))) for n in range(400)]
                while pending := [task for task in tasks if not task.done()]:
                    for task in draw.sample(pending, min(len(pending), 20)):
                        task.cancel()
                    await asyncio.sleep(draw.uniform(0, 0.006))
                await asyncio.gather(*tasks, return_exceptions=True)
                in_all, site = fetching.shared.gate("all", 5), fetching.shared.gate("site", 3)
                assert (in_all.keys, site.keys) == (0, 0)
                # all places are there, and no more (another server: this one learns late of what was given up)
                await asyncio.gather(*(fetcher.page(later.url(f"/{n}", n // 20)) for n in range(60)))

        asyncio.run(main())
        assert later.peak == 5
        assert max(later.peaks.values()) == 3


def test_memory_does_not_grow_with_what_was_fetched(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(page("x" * 20_000))

    async def main() -> int:
        async with fetching.fetcher() as fetcher:

            async def things_after(rounds: range) -> int:
                for n in rounds:
                    await asyncio.gather(*(fetcher.page(server.url(f"/{n}/{i}")) for i in range(100)))
                server.forget()
                return _things()

            return -await things_after(range(3)) + await things_after(range(3, 20))

    assert asyncio.run(main()) < 500


def _things() -> int:
    gc.collect()
    return len(gc.get_objects())


def test_a_fetcher_is_used_in_a_block(fetching: Fetching) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        asyncio.run(fetching.fetcher().page("http://127.0.0.1:1234/"))


@pytest.mark.parametrize("cancelled", [(), range(0, 100, 3), range(100)], ids=["none", "some", "all"])
def test_links_share_the_turns_of_the_loop(cancelled: Sequence[int]) -> None:
    """A few pass in each turn, in order, and who is cancelled leaves the rest to pass."""

    async def main() -> list[list[int]]:
        turns, passed = Turns(16), []

        async def pass_by(n: int) -> None:
            await turns.wait()
            passed.append(n)

        tasks = [asyncio.create_task(pass_by(n)) for n in range(100)]
        await asyncio.sleep(0)
        for n in cancelled:
            tasks[n].cancel()
        by_turn = [list(passed)]
        while not all(task.done() for task in tasks):
            before = len(passed)
            await asyncio.sleep(0)
            by_turn.append(passed[before:])
        await asyncio.wait_for(turns.wait(), 1)
        return by_turn

    by_turn = asyncio.run(main())
    assert max(map(len, by_turn)) <= 16
    flat = [n for turn in by_turn for n in turn]
    assert flat == sorted(flat)
    assert set(flat) >= set(range(100)) - set(cancelled)


def test_who_holds_a_connection_goes_before_who_begins() -> None:
    """By rank, in order within each."""

    async def main() -> list[tuple[int, int]]:
        turns, passed = Turns(4), []

        async def pass_by(rank: int, n: int) -> None:
            await turns.wait(rank)
            passed.append((rank, n))

        ranks = [BEGIN] * 20 + [ANSWERED] * 6 + [SEND] * 6
        await asyncio.gather(*(pass_by(rank, n) for n, rank in enumerate(ranks)))
        return passed

    passed = asyncio.run(main())
    assert passed[:4] == [(BEGIN, n) for n in range(4)], "nobody waited when these came"
    assert passed[4:] == sorted(passed[4:])
