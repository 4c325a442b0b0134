"""Batches of one run that ask models about files: against a real model's server, several batches at a time."""

import asyncio
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages.archive.records import Attachment, Enrichment, Failure
from stages.enrich.batch import BatchResult, enrich_batch, slots_of
from stages.enrich.kinds import file_kind
from stages.enrich.once import KnownWords, Words
from stages.enrich.outcomes import Outcome
from stages.enrich.store import Task
from stages.enrich.teller import Teller
from stages.settings import Settings
from stages.write.batch import CostLimit
from tests.stages.enrich.pictures import encoded, photograph
from tests.stages.llm.model_server import Answer, ModelServer

SEEN = "A dog runs along a beach."
PICTURES = {f"{seed}.jpg": encoded(photograph(seed, (64, 48))) for seed in range(4)}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    running = ModelServer()
    running.answers = [Answer(SEEN)]
    yield running
    running.close()


@pytest.fixture
def teller(server: ModelServer, tmp_path: Path) -> Callable[..., Teller]:
    def make(known: tuple[KnownWords, ...] = (), stopped: threading.Event | None = None, **llm: Any) -> Teller:
        models = {"vision_model": "openai/eyes", "transcription_model": "openai/ears", "api_base": server.base}
        retry = {"attempts": 2, "wait_initial_seconds": 0.001, "wait_max_seconds": 0.01}
        settings = Settings.model_validate({"llm": models | llm, "retry": retry})
        media, doors = tmp_path / "archive" / "media", CostLimit(None)
        return Teller(settings, media_dir=media, conceal=str, doors=doors, known=known, stopped=stopped)

    return make


@pytest.fixture
def batch(tmp_path: Path) -> Callable[..., BatchResult]:
    """``batch(teller, files, known)``: enrich files whose bytes lie in a ZIP of their own."""

    def go(teller: Teller, files: Mapping[str, bytes], known: Mapping[str, Enrichment] | None = None) -> BatchResult:
        export = tmp_path / f"{threading.get_ident()}.zip"
        attachments = {}
        with zipfile.ZipFile(export, "w") as archive:
            for member, (name, data) in enumerate(files.items()):
                archive.writestr(f"{member}.bin", data)
                attachments[name] = Attachment(name, "export", member, len(data))
        return enrich_batch(
            [task(name) for name in files],
            media_dir=teller.media,
            attachments=attachments,
            exports={"export": export},
            settings=teller.settings.enrich,
            teller=teller,
            known=known or {},
        )

    return go


def task(name: str, known: bool = False) -> Task:
    return Task(name, file_kind(name).kind, name, 0, 1, 1, known=known)


def test_batches_that_ask_about_one_picture_at_a_time_share_one_call(server: ModelServer, teller, batch) -> None:
    server.answers = [Answer(SEEN, delay=0.3)]
    run = teller()
    begin = threading.Barrier(4)

    def ask(number: int) -> BatchResult:
        begin.wait()
        return batch(run, {f"{number}.jpg": PICTURES["1.jpg"]})

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(ask, range(4)))
    assert [[(one.alt, one.told_by) for one in result.done] for result in results] == [[(SEEN, "openai/eyes")]] * 4
    assert len(server.requests) == sum(result.calls for result in results) == 1
    assert (run.usage.pictures, run.usage.copies) == (1, 3)


def test_copies_share_a_failure_too(server: ModelServer, teller, batch) -> None:
    server.answers = [Answer(status=400, body='{"error": {"code": "content_filter"}}')]
    run = teller()
    first = batch(run, {"a.jpg": PICTURES["1.jpg"], "b.jpg": PICTURES["1.jpg"]})
    second = batch(run, {"c.jpg": PICTURES["1.jpg"]})
    assert len(server.requests) == 1
    failed = [*first.failed, *second.failed]
    assert [failure.key for failure in failed] == ["a.jpg", "b.jpg", "c.jpg"]
    assert {failure.error_class for failure in failed} == {"permanent"}
    assert all(failure.known and failure.known.files and failure.known.alt == "Picture" for failure in failed)


def test_calls_of_a_run_are_bounded_over_its_batches_and_models(server: ModelServer, teller, batch) -> None:
    def answer(asked: dict[str, Any]) -> Answer:
        return Answer(SEEN, delay=0.1) if "messages" in asked else Answer(body=json.dumps({"text": "x"}), delay=0.1)

    server.answers = [answer]
    run = teller(concurrency=3)
    sounds = {f"{number}.opus": b"OggS" + bytes([number]) * 50 for number in range(4)}
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda files: batch(run, files), (PICTURES, sounds)))
    assert (server.peak, len(server.requests)) == (3, 8)
    assert [result.calls for result in results] == [4, 4]
    assert [result.cost_usd for result in results] == [None, None]


def test_a_run_that_is_stopped_asks_nothing_more_and_keeps_what_is_stored(server: ModelServer, teller, batch) -> None:
    stopped = threading.Event()

    def answer(_: dict[str, Any]) -> Answer:
        stopped.set()
        return Answer(SEEN)

    server.answers = [answer]
    result = batch(teller(stopped=stopped, concurrency=1), PICTURES)
    assert (len(server.requests), len(result.done), len(result.failed)) == (1, 1, 3)
    assert {failure.error_class for failure in result.failed} == {"refused"}
    assert all(failure.known for failure in result.failed)


def test_where_a_batch_ends_early_copies_in_others_wait(server: ModelServer, teller, batch) -> None:
    (stored,) = batch(teller(vision_model=None), {"a.jpg": PICTURES["1.jpg"]}).done
    asked = threading.Event()

    def answer(_: dict[str, Any]) -> Answer:
        asked.set()
        return Answer(SEEN, delay=5)

    server.answers = [answer]
    run = teller()

    async def ask() -> Outcome:
        first = asyncio.create_task(run.begin().tell(task("a.jpg"), stored))
        await asyncio.to_thread(asked.wait)
        second = asyncio.create_task(run.begin().tell(task("b.jpg"), replace(stored, key="b.jpg")))
        await asyncio.sleep(0.01)
        first.cancel()
        return await second

    outcome = asyncio.run(ask())
    assert isinstance(outcome, Failure)
    assert (outcome.key, outcome.error_class, len(server.requests)) == ("b.jpg", "refused", 1)


def test_what_is_known_is_not_asked_and_what_is_stored_is_not_made_again(server: ModelServer, teller, batch) -> None:
    first = batch(teller(), {"a.jpg": PICTURES["1.jpg"], "a.opus": b"OggS sound"}).done
    assert len(server.requests) == 3, "the second is an invalid transcript, which is asked for twice"
    known = tuple(KnownWords(one.sha256 or "", one.look, Words("Seen before.", "openai/old")) for one in first)
    server.requests.clear()
    stored = {"b.jpg": replace(first[0], key="b.jpg", alt="Picture", told_by=None)}
    result = batch(teller(known), {"b.jpg": b"no picture"}, stored)
    assert [(one.alt, one.told_by) for one in result.done] == [("Seen before.", "openai/old")]
    assert (server.requests, result.calls, result.cost_usd) == ([], 0, 0.0)


def test_a_batch_holds_as_many_slots_as_it_has_calls_in_flight(teller) -> None:
    pictures = [task(f"{number}.jpg") for number in range(3)]
    links = [Task(f"https://a.example/{number}", "url", "x", 0, 1, 1) for number in range(3)]
    others = [task("a.pdf"), task("b.docx")]
    run = teller(concurrency=4)
    assert slots_of([*pictures, *others], teller=run) == 3
    assert slots_of([*pictures, *links], teller=run) == 3, "the offline writer describes no pages"
    assert slots_of([*pictures, *links], teller=teller(concurrency=4, model="openai/words")) == 4
    assert slots_of([*links, *others], teller=run) == 0
    assert slots_of(pictures, teller=teller(vision_model=None)) == 0
    assert slots_of(pictures) == 0
