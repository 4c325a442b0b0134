"""The lines of a window are those that its plan weighs, from every kind of source."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.windows.lines import read_lines
from stages.windows.plan import plan_windows
from stages.windows.render import render_lines
from stages.windows.spec import WindowSpec

Make = Callable[..., pa.Table]


@pytest.fixture
def chat(messages: Make) -> pa.Table:
    times = [i // 5 * 60_000_000 - 10**15 for i in range(400)]
    texts = ["olá 🙂\nand more" * (i % 4) for i in range(400)]
    return messages(times, texts, [("Élan", "", None)[i % 3] for i in range(400)])


@pytest.fixture(params=["table", "reader", "parquet", "duckdb"])
def source(request: pytest.FixtureRequest, chat: pa.Table, tmp_path: Path) -> Any:
    if request.param == "table":
        return chat
    if request.param == "reader":
        return chat.to_reader(max_chunksize=33)
    if request.param == "parquet":
        pq.write_table(chat, tmp_path / "chat.parquet", row_group_size=100)
        return tmp_path / "chat.parquet"
    return ibis.duckdb.connect().create_table("messages", chat)


def test_a_windows_lines_are_those_that_its_plan_weighs(chat: pa.Table, source: Any) -> None:
    plan = plan_windows(chat, WindowSpec("bytes", 900, 0.3))
    whole = render_lines(chat).to_pylist()
    lines = dict(read_lines(source, plan))
    assert list(lines) == plan["window_index"].to_pylist()
    for row in plan.to_pylist():
        expected = "".join(whole[row["start_seq"] : row["end_seq"]]).encode()
        assert lines[row["window_index"]] == expected
        assert len(expected) == row["n_bytes"]
