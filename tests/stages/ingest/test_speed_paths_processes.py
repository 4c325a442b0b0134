"""The result depends neither on how many processes read an export nor on the size of their pieces."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from stages.errors import StreamlinerError
from stages.ingest.aside import Aside, Setup, is_worth_it
from stages.ingest.conceal import Concealer, Open
from stages.ingest.export import ParseOptions, parse_export
from stages.privacy.guard import Guard

KEY = bytes(range(32))
PEOPLE = ["Ana Souza", "Rui", "Zoë 😂", "+55 11 98888-7777", "~\u202fPaulo", "Мария"]
SAID = [
    "oi Ana", "ok", "rui, viste?", "@\u2068Zoë 😂\u2069 vem", "@5511977776666 oi", "liga +44 20 7946 0958",
    "x@example.com",
    "Мария пришла", "https://example.org/rui?id=55119888877770", "linha\n\noutra ana",
    "IMG-20240301-WA0001.jpg (file attached)",
    "", "<Media omitted>", "a\u200eb", "é\u0301", "Paulo's",
]  # fmt: skip


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(7)
    lines = []
    for minute in range(1500):
        shown = max(0, minute - rng.choice([0, 0, 0, 0, 3]))
        stamp = f"{1 + shown // 1440:02}/03/2024, {shown // 60 % 24:02}:{shown % 60:02} - "
        lines.append(f"{stamp}{rng.choice(PEOPLE)}: {rng.choice(SAID)} {rng.choice(SAID)}")
    path = tmp_path_factory.mktemp("chat") / "chat.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path: Path, out: Path, **options: Any) -> tuple[Any, dict[str, Any], list[Any]]:
    report = parse_export(path, out, key=KEY, options=ParseOptions(**options))
    said = report.as_json()
    del said["seconds"], said["peak_rss_mb"]
    return pq.read_table(out), said, report.names


@pytest.mark.parametrize("raw", [False, True], ids=["hidden", "raw"])
def test_two_processes_give_what_one_gives(chat: Path, tmp_path: Path, raw: bool) -> None:
    one = read(chat, tmp_path / "one.parquet", processes=1, raw_authors=raw)
    two = read(chat, tmp_path / "two.parquet", processes=2, raw_authors=raw, block_bytes=4_000)
    assert one[0].equals(two[0])
    assert one[1:] == two[1:]
    assert one[0].num_rows == 1500


def test_the_second_process_answers_as_the_first_would(chat: Path) -> None:
    import numpy as np
    import pyarrow as pa

    setup = Setup(KEY, "chat", True, PEOPLE, Guard.build(KEY, ["Teresa"]).records(), "BR")
    here = Concealer(setup.privacy(), KEY, "chat")
    messages = Open(
        "7",
        np.arange(len(SAID)),
        pa.array(["Rui"] * len(SAID)),
        pa.array(SAID),
        pa.array([f"{said} Teresa" for said in SAID]),
    )
    aside = Aside()
    try:
        aside.begin(setup)
        futures = [aside.conceal(messages), aside.conceal(messages)]
        for future in futures:
            there, expected = future.result(), here.conceal(messages)
            assert there.digests == expected.digests
            assert there.rows.tolist() == expected.rows.tolist()
            assert there.texts.equals(expected.texts)
        learnt = aside.finish()
        assert learnt.peak_rss_mb > 0
        assert any(row.alias for row in learnt.records)
    finally:
        aside.close()


def test_a_second_process_that_is_killed_is_an_error_and_leaves_nothing(chat: Path, tmp_path: Path) -> None:
    aside = Aside()
    try:
        aside.begin(Setup(KEY, "", True, PEOPLE, (), None))
        [child] = [found for found in psutil.Process().children() if found.pid == aside._child.pid]
        os.kill(child.pid, signal.SIGKILL)
        child.wait(5)
        with pytest.raises(StreamlinerError, match="ended unexpectedly"):
            aside.finish()
    finally:
        aside.close()
    assert not psutil.pid_exists(child.pid)


def test_a_process_that_is_left_alone_ends_by_itself(chat: Path) -> None:
    aside = Aside()
    aside.begin(Setup(KEY, "", False, (), (), None))
    aside._into.close()
    deadline = time.monotonic() + 20
    while aside._child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert aside._child.poll() == 0
    aside.close()


def test_a_small_export_is_not_worth_a_process() -> None:
    assert not is_worth_it(1 << 20)


def test_two_who_point_at_one_alias_are_seen() -> None:
    one, other = Guard.build(KEY, ["Ana"]), Guard.build(KEY, ["Ana"])
    assert one.text("@5511977776666 oi") != one.text("@5511977775555 oi")
    assert other.absorb(one.records(), one.late())
    mac = next(iter(one.late()))
    assert not other.absorb([], {mac: "Quiet Heron", "other": "Quiet Heron"})
