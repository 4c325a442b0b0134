"""Where fields and rows of a CSV end: the fast way, the lenient way and the standard library agree."""

import csv
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.ingest.table.csv_rows import CsvRows, blocks
from stages.ingest.table.csv_split import Dialect, lenient, split

COMMA = Dialect(ord(","))
CELLS = st.text(alphabet='ab ,"\n\r\\;é', max_size=6).filter(lambda cell: "\r" not in cell.replace("\r\n", ""))


def _cells(raw: bytes, width: int, dialect: Dialect = COMMA, block: int = 1 << 20) -> list[tuple[str | None, ...]]:
    reader = CsvRows(dialect, width, width, 0, block)
    found = []
    for rows in reader.read(io.BytesIO(raw), range(width)):
        found += list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    return found


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3).filter(lambda row: any(map(str.strip, row))), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_what_the_standard_library_writes_is_read_back(
    rows: list[list[str]], end: str, quoting: int, block: int
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    assert _cells(out.getvalue().encode(), 3, block=block) == [tuple(row) for row in rows]


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet='a,"\n \\', max_size=60), st.booleans())
def test_the_fast_way_and_the_lenient_way_agree_on_any_bytes(text: str, escaped: bool) -> None:
    raw = text.encode() + b"\n"
    dialect = Dialect(ord(","), escaped=escaped)
    found = split(raw, dialect, final=True)
    (stops, ends, broken), after = lenient(raw, 0, len(raw), dialect, final=True)
    assert found.used == after == len(raw)
    assert found.stops.tolist() == stops.tolist()
    assert found.rows.tolist() == np.flatnonzero(ends).tolist()
    assert found.broken.tolist() == broken[ends].tolist()


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet='a,"\n', max_size=80), st.integers(1, 20))
def test_rows_do_not_depend_on_the_size_of_blocks(text: str, size: int) -> None:
    raw = text.encode()

    def lengths(block: int) -> list[tuple[int, bool]]:
        found = []
        for part, places in blocks(io.BytesIO(raw), COMMA, block):
            ends = places.stops[places.rows]
            found += list(zip(np.diff(ends, prepend=-1).tolist(), places.broken.tolist(), strict=True))
            assert int(ends[-1]) + 1 == len(part)
        return found

    assert lengths(size) == lengths(1 << 20)


def test_a_quote_that_is_never_closed_costs_its_own_row() -> None:
    raw = b'1,"a, b"\n2,"oops\n3,"c, d"\n4,"e"\n'
    assert _cells(raw, 2) == [("1", "a, b"), ("3", "c, d"), ("4", "e")]
    assert _cells(b'1,"a, b"\n2,"oops\n3,c\n', 2) == [("1", "a, b"), ("3", "c")]


def test_stray_quotes_are_kept_as_they_stand() -> None:
    raw = b'1,5" screen\n2,"he said "hi" to me"\n3, "a, b"\n'
    assert _cells(raw, 2) == [("1", '5" screen'), ("2", 'he said "hi" to me'), ("3", "a, b")]


def test_backslashes_escape_where_the_file_does_so() -> None:
    raw = rb'1,"he said \"hi\", \\o/"' + b'\n2,"C:\\\\"\n3,plain\n'
    assert _cells(raw, 2, Dialect(ord(","), escaped=True)) == [
        ("1", 'he said "hi", \\o/'),
        ("2", "C:\\"),
        ("3", "plain"),
    ]
