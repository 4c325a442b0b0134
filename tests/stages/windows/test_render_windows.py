"""A message's line is what the rules say, and weighs what planning reckons."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.windows.plan import plan_windows
from stages.windows.read import read_windows
from stages.windows.render import join_lines, line_weights, render_lines
from stages.windows.spec import WindowSpec

Make = Callable[..., pa.Table]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# the years that planning takes
TIMES = st.integers(-30_610_224_000_000_000, 221_845_391_999_999_999)
ROWS = st.lists(
    st.tuples(TIMES, st.none() | st.sampled_from(["", "Quiet Heron", "Élan", "🙂"]), st.text(max_size=20)), max_size=12
)


def written(time: int, author: str | None, text: str) -> str:
    moment = EPOCH + timedelta(microseconds=time)
    return f"{moment:%Y-%m-%d %H:%M} {author or '*'}: {text}\n"


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, doubled=st.booleans(), coded=st.booleans())
def test_lines_are_written_as_the_rules_say(
    rows: list[tuple[int, str | None, str]], doubled: bool, coded: bool
) -> None:
    rows = sorted(rows * (2 if doubled else 1), key=lambda row: row[0])
    author = pa.array([row[1] for row in rows], pa.string())
    table = pa.table(
        {
            "ts": pa.array([row[0] for row in rows], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "author": author.dictionary_encode() if coded else author,
            "text": pa.array([row[2] for row in rows], pa.string()),
        }
    )
    expected = [written(*row) for row in rows]
    assert render_lines(table).to_pylist() == expected
    assert join_lines(render_lines(table)) == "".join(expected)
    assert line_weights(table).tolist() == [len(line.encode()) for line in expected]
    assert line_weights(table, "tokens").tolist() == [-(-len(line.encode()) // 4) for line in expected]


def test_a_slice_is_rendered_as_its_rows(messages: Make) -> None:
    chat = messages([i * 30_000_000 for i in range(50)], [f"número {i}" for i in range(50)])
    whole = render_lines(chat).to_pylist()
    assert render_lines(chat.slice(7, 20)).to_pylist() == whole[7:27]
    assert join_lines(render_lines(chat).slice(7, 20)) == "".join(whole[7:27])
    assert join_lines(render_lines(chat).chunk(0).slice(7, 0)) == ""
    assert render_lines(chat.slice(0, 0)).to_pylist() == []
    assert render_lines(chat.to_batches()[0].slice(0, 0)).type == pa.string()
    assert join_lines(render_lines(chat.slice(0, 0))) == join_lines(pa.array([], pa.string())) == ""
    assert render_lines(chat.to_batches()[0]).to_pylist() == whole


def test_a_message_without_text_or_author_has_a_line(messages: Make) -> None:
    chat = messages([0], [""], [None]).set_column(3, "text", pa.array([None], pa.string()))
    assert render_lines(chat).to_pylist() == ["1970-01-01 00:00 *: \n"]
    assert render_lines(chat.drop_columns(["author"])).to_pylist() == ["1970-01-01 00:00 *: \n"]
    assert line_weights(chat).tolist() == [21]


@pytest.mark.parametrize("unit", ["bytes", "tokens", "messages"])
def test_a_windows_bytes_are_those_of_its_lines(messages: Make, unit: str) -> None:
    chat = messages([i // 3 * 60_000_000 for i in range(300)], ["olá 🙂" * (i % 7) for i in range(300)])
    plan = plan_windows(chat, WindowSpec(unit, 120))  # type: ignore[arg-type]
    sizes = [len(join_lines(render_lines(window)).encode()) for _, window in read_windows(chat, plan)]
    assert sizes == plan["n_bytes"].to_pylist()


def test_lines_are_built_in_slices_of_bounded_rows(messages: Make) -> None:
    count = 70_000
    chat = messages([i * 1_000_000 for i in range(count)])
    lines = render_lines(chat)
    assert [len(chunk) for chunk in lines.chunks] == [32_768, 32_768, 4_464]
    assert lines[count - 1].as_py() == written((count - 1) * 1_000_000, "Quiet Heron", "x")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_lines_are_built_in_slices_of_bounded_bytes(messages: Make, kind: pa.DataType) -> None:
    quarter = 4_194_304
    sizes = [1, 0, 4 * quarter, 1, quarter, quarter, 2 * quarter, 0, 1, 5 * quarter, 3, 4]
    chat = messages([0] * len(sizes), ["x" * size for size in sizes])
    chat = chat.set_column(3, "text", chat["text"].cast(kind))
    lines = render_lines(chat)
    # 16 MiB of text fit a slice, and a byte more does not; what is larger stands alone
    assert [len(chunk) for chunk in lines.chunks] == [2, 1, 3, 3, 1, 2]
    assert pc.binary_length(lines).to_pylist() == [31 + size for size in sizes]


def test_lines_of_several_chunks_are_joined_without_a_seam() -> None:
    lines = pa.chunked_array([["a\n", "é\n"], [], ["🙂\n"]], pa.string())
    assert join_lines(lines) == "a\né\n🙂\n"
    assert join_lines(lines.slice(1)) == "é\n🙂\n"
