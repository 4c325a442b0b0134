"""The lines of each window, as the bytes that a prompt takes.

Lines are built once a batch, however many windows share them; a window is a slice of the batch's bytes. Building them
in the engine was measured and is slower: its functions for text cost more than Arrow's join of columns already here.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stages.windows.blocks import in_order, stored
from stages.windows.columns import TableError
from stages.windows.read import hand_out, windows_of
from stages.windows.render import line_slices, lines_of

Lines = tuple[NDArray[np.int32], memoryview]
"""Where each line starts, and the last one ends, in these bytes."""


def read_lines(source: Any, plan: pa.Table) -> Iterator[tuple[int, bytes]]:
    """Each window of ``plan`` with its lines in UTF-8, in order: (window_index, lines).

    The lines are those that the plan weighs: their length is the window's ``n_bytes``. ``source`` and ``plan``, the
    queries, the errors and what they mean are those of :func:`stages.windows.read.read_windows`; ``ts``, ``text`` and,
    where it is there, ``author`` are read. Linear in the bytes of the text: one copy into the batch's lines and one
    into each window, no Python object per message. Memory is one window and one batch, of which at most 16 MB of text
    are rendered at once.
    """
    wanted = windows_of(plan)
    messages = stored(source, coded=("author",))
    for name in ("ts", "text"):
        if name not in messages.names:
            raise TableError(f"The table has no column {name}: a line cannot be written without it.")
    if not wanted.numbers:
        return
    names = [name for name in ("seq", "ts", "author", "text") if name in messages.names]
    batches = in_order(messages, names, wanted.starts[0], wanted.ends[-1])
    slices = ((low + start, piece) for low, batch in batches for start, piece in line_slices(batch))
    for index, pieces in hand_out(slices, wanted, _held, _bytes):
        yield index, b"".join(pieces)


def _held(batch: pa.RecordBatch) -> Lines:
    _, offsets, data = lines_of(batch).buffers()
    return np.frombuffer(offsets, np.int32), memoryview(data)


def _bytes(lines: Lines, start: int, end: int) -> memoryview:
    offsets, data = lines
    return data[offsets[start] : offsets[end]]
