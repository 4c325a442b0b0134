"""Reading pages: processor time a page, and what an event loop notices of it when other processes do it."""

import asyncio
import random
import statistics
import time
from typing import Final

from benchmarks.chats import WORDS
from benchmarks.measure import say

_MOST_MS: Final = 23.0
_LAG_MS: Final = 25.0
_STEP: Final = 0.005


def page(characters: int, seed: int = 3) -> bytes:
    """An article of so many characters of text in a page as sites make them: navigation, scripts, cards, notes."""
    rng = random.Random(seed)

    def words(number: int) -> str:
        return " ".join(rng.choices(WORDS, k=number)).capitalize()

    paragraphs, size = [], 0
    while size < characters:
        paragraph = ". ".join(words(rng.randrange(8, 20)) for _ in range(5))
        size += len(paragraph)
        paragraphs.append(f'<p class="body">{paragraph}, <a href="/{rng.randrange(999)}">{words(2)}</a>.</p>')
    rows = "".join(f'<li class="item"><a href="/{n}"><span>{words(2)}</span></a></li>' for n in range(60))
    script = f"<script>window.__data = {{'words': '{words(800)}'}};</script>"
    return (
        f'<!doctype html><html lang="en"><head><title>{words(6)}</title><meta property="og:title" content="{words(6)}">'
        f'<meta property="og:description" content="{words(20)}"><meta name="author" content="Somebody">{script}</head>'
        f"<body><header><nav><ul>{rows}</ul></nav></header><main><article><h1>{words(6)}</h1>{''.join(paragraphs)}"
        f"</article><aside><ul>{rows}</ul></aside></main><footer>{words(50)}</footer>{script}</body></html>"
    ).encode()


def reading(pages: int) -> None:
    """Print what ``pages`` pages of two lengths take, here and in processes beside a loop."""
    from stages.enrich.pages.read import read_page

    for name, characters in (("small page", 1_500), ("article", 11_000)):
        body = page(characters)
        took = []
        for n in range(pages // 4 + 2):
            cpu = time.process_time()
            facts = read_page(body, "text/html", "utf-8", f"https://example.org/{n}")
            took.append(1_000 * (time.process_time() - cpu))
            assert facts.text
            assert facts.title
        least, median = min(took[2:]), statistics.median(took[2:])
        say(
            f"Reading, {name} of {len(body) // 1_000} KB",
            f"processor, median {median:.1f} ms", f"{least:.1f} ms", f"{_MOST_MS:.0f} ms", least <= _MOST_MS,
        )  # fmt: skip
    seconds, cpu, lags = asyncio.run(_beside(pages, page(11_000)))
    late = sorted(late for late, _ in lags)[int(len(lags) * 0.99)]
    busy = sorted(busy for _, busy in lags)[int(len(lags) * 0.99)]
    say(
        f"Reading, {pages} articles beside a loop",
        f"{1_000 * seconds / pages:.1f} ms a page by the clock, {1_000 * cpu / pages:.2f} ms of the loop's processor; "
        f"lag p99, what of it is work: {1_000 * busy:.1f} ms",
        f"{1_000 * late:.1f} ms", f"{_LAG_MS:.0f} ms", 1_000 * late < _LAG_MS,
    )  # fmt: skip


async def _beside(pages: int, body: bytes) -> tuple[float, float, list[tuple[float, float]]]:
    """Seconds, the loop's processor seconds, and its lags (by the clock, by the processor)."""
    from stages.enrich.pages.readers import PageReaders

    lags: list[tuple[float, float]] = []

    async def watch() -> None:
        while True:
            due, busy = time.perf_counter() + _STEP, time.thread_time()
            await asyncio.sleep(_STEP)
            lags.append((max(0.0, time.perf_counter() - due), time.thread_time() - busy))

    async with PageReaders(2) as readers:
        warm = (readers.read(body, "text/html", "utf-8", "https://example.org/") for _ in range(4))
        await asyncio.gather(*warm)
        watching = asyncio.create_task(watch())
        started, cpu = time.perf_counter(), time.thread_time()
        read = (readers.read(body, "text/html", "utf-8", f"https://example.org/{n}") for n in range(pages))
        found = await asyncio.gather(*read)
        seconds, cpu = time.perf_counter() - started, time.thread_time() - cpu
        watching.cancel()
        assert all(facts.text for facts in found)
        assert readers.usage.read == pages + 4
    return seconds, cpu, lags
