"""The Parquet file depends on the messages alone: not on blocks, nor on how many processes read them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stages.ingest.export import ParseOptions, parse_export

KEY = bytes(range(32))
PEOPLE = ("Ana", "Rui Costa", "Zoë – Böhm")


def android(*, jumps: bool) -> str:
    lines = []
    for number in range(45_000):
        minute = number - 90 if jumps and number % 1_000 == 999 else number
        day, hour = 1 + minute // 1_440 % 28, minute // 60 % 24
        text = "long " * 4_000 if number % 5_000 == 7 else f"message {number} of Rui Costa"
        lines.append(
            f"{day:02}/{1 + minute // 40_320:02}/2024, {hour:02}:{minute % 60:02} - {PEOPLE[number % 3]}: {text}"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("jumps", [False, True], ids=["in order", "out of order"])
def test_blocks_and_processes_leave_no_trace_in_the_file(tmp_path: Path, jumps: bool) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_text(android(jumps=jumps), encoding="utf-8")
    found = []
    for block, processes in ((100_000, 1), (1 << 20, 2), (4 << 20, 1)):
        out = tmp_path / "out.parquet"
        parse_export(chat, out, key=KEY, options=ParseOptions(block_bytes=block, processes=processes))
        found.append(out.read_bytes())
    assert found[0] == found[1] == found[2]
    assert pq.read_table(tmp_path / "out.parquet", columns=["seq"]).column(0).to_pylist() == list(range(45_000))


def test_few_long_messages_do_not_wait_for_many(tmp_path: Path) -> None:
    rows = [{"ts": 1_700_000_000 + at, "author": "Ana", "text": f"{at} " + "long " * 40_000} for at in range(200)]
    source, out = tmp_path / "chat.jsonl", tmp_path / "out.parquet"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    parse_export(source, out, key=KEY)
    groups = pq.ParquetFile(out).metadata
    assert groups.num_rows == 200
    assert all(groups.row_group(at).total_byte_size < 16 << 20 for at in range(groups.num_row_groups))
    assert groups.num_row_groups >= 4
