"""Pages read in processes of their own: hostile ones end, and cost nobody but themselves."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stages.enrich.pages.facts import NOTHING
from stages.enrich.pages.readers import PageReaders

ROOT = Path(__file__).parents[4]
MEGABYTE = 1 << 20
URL = "https://site.example/"


def page(number: int) -> bytes:
    return f"<title>Page {number}</title><p>Words of the page with the number {number}, and enough of them.".encode()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def pids(readers: PageReaders) -> list[int]:
    return [worker._process.pid for worker in readers._all if worker._process is not None]


PATHOLOGICAL = {
    "nested": "<div>" * MEGABYTE,
    "links": "<a>" * MEGABYTE,
    "paragraphs": "<p>hello world" * (MEGABYTE // 28),
    "attributes": "<div " + "".join(f"a{number}=b " for number in range(200_000)) + ">",
    "quoted": "<div " + "".join(f"a{number}='>' " for number in range(200_000)) + ">",
    "unclosed": "<a " * (2 * MEGABYTE // 3),
    "quotes": "<a '" * MEGABYTE,
    "one-tag": f"<div class='{'x' * 8 * MEGABYTE}'>",
    "entities": "&amp;" * (2 * MEGABYTE // 5),
    "ampersands": "&" * (2 * MEGABYTE),
    "opened": "<" * (2 * MEGABYTE),
    "comments": "<!--" * MEGABYTE,
    "scripts": "<script>" * MEGABYTE,
    "tables": "<table><tr><td>" * (2 * MEGABYTE // 15),
    "nested-often": ("<div>a" * 100 + "</div>" * 100) * 60,
    "metas": "<meta name=description content=x>" * 60_000,
    "nuls": "\x00" * (2 * MEGABYTE),
    "json": "<script type=application/ld+json>" + "[" * 100_000 + "</script>",
    "one-word": "a" * (8 * MEGABYTE),
    "one-blank": " " * (2 * MEGABYTE),
}


def test_pathological_pages_end_within_their_time_and_keep_their_titles() -> None:
    head = "<html><head><title>A title</title></head><body>"

    async def run():
        async with PageReaders(2, seconds=60) as readers:
            bodies = [(head + body).encode() for body in PATHOLOGICAL.values()]
            found = await asyncio.gather(*(readers.read(body, "text/html", None, URL) for body in bodies))
            return found, readers.usage

    found, usage = asyncio.run(run())
    assert [facts.title for facts in found] == ["A title"] * len(PATHOLOGICAL)
    assert (usage.read, usage.late, usage.broken, usage.started) == (len(PATHOLOGICAL), 0, 0, 2)


def test_many_pages_come_back_each_with_its_own_facts() -> None:
    async def run():
        async with PageReaders(2) as readers:
            return await asyncio.gather(*(readers.read(page(n), "text/html", None, URL) for n in range(60)))

    assert [facts.title for facts in asyncio.run(run())] == [f"Page {number}" for number in range(60)]


def test_no_process_is_started_before_a_page_comes() -> None:
    async def run():
        async with PageReaders(2) as readers:
            return readers.usage.started

    assert asyncio.run(run()) == 0


def test_a_process_that_dies_or_hangs_costs_its_page_alone() -> None:
    async def run():
        async with PageReaders(1, seconds=2) as readers:
            first = await readers.read(page(1), "text/html", None, URL)
            [pid] = pids(readers)
            os.kill(pid, signal.SIGSTOP)
            hung = await readers.read(page(2), "text/html", None, URL)
            gone = alive(pid)
            third = await readers.read(page(3), "text/html", None, URL)
            os.kill(*pids(readers), signal.SIGKILL)
            died = await readers.read(page(4), "text/html", None, URL)
            last = await readers.read(page(5), "text/html", None, URL)
            return [first, hung, third, died, last], gone, readers.usage

    found, gone, usage = asyncio.run(run())
    assert [facts.title for facts in found] == ["Page 1", None, "Page 3", None, "Page 5"]
    assert found[1] == NOTHING
    assert not gone
    assert (usage.read, usage.late, usage.broken, usage.started) == (3, 1, 1, 3)


def test_a_page_that_takes_too_much_memory_has_no_facts_and_the_next_is_read() -> None:
    async def run():
        async with PageReaders(1, memory_mb=500) as readers:
            large = b"\xff" * (150 * MEGABYTE)
            return [
                await readers.read(large, "text/html", "utf-8", URL),
                await readers.read(page(2), "text/html", None, URL),
            ]

    large, after = asyncio.run(run())
    assert large == NOTHING
    assert after.title == "Page 2"


@pytest.mark.parametrize("moment", ["at-once", "as-they-start", "as-they-read"])
def test_cancelling_leaves_no_process(moment: float) -> None:
    async def run():
        readers = PageReaders(2)
        started: list[int] = []

        async def work():
            async with readers:
                while True:
                    await asyncio.gather(*(readers.read(page(n), "text/html", None, URL) for n in range(4)))
                    started.extend(pids(readers))

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        while (moment == "as-they-start" and not pids(readers)) or (
            moment == "as-they-read" and readers.usage.read < 3
        ):
            await asyncio.sleep(0.01)
        started.extend(pids(readers))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return set(started)

    found = asyncio.run(run())
    assert bool(found) == (moment != "at-once")
    assert not [pid for pid in found if alive(pid)]


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio
from stages.enrich.pages.readers import PageReaders
async def main():
    async with PageReaders(1) as readers:
        await readers.read({page(1)!r}, "text/html", None, "{URL}")
        print(*[worker._process.pid for worker in readers._all], flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not alive(pid):
            break
        signal.sigtimedwait([], 0.05)
    assert not alive(pid)


def test_closed_readers_read_no_more() -> None:
    async def run():
        readers = PageReaders(1)
        async with readers:
            pass
        with pytest.raises(RuntimeError):
            await readers.read(page(1), "text/html", None, URL)

    asyncio.run(run())
