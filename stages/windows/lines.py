"""The lines of each window of a plan, as the bytes that a prompt takes."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from stages.windows.read import read_windows
from stages.windows.render import join_lines, render_lines


def read_lines(source: Any, plan: pa.Table) -> Iterator[tuple[int, bytes | memoryview]]:
    """Each window of ``plan`` with its lines in UTF-8, in order: (window_index, lines).

    The lines are those that the plan weighs: their length is the window's ``n_bytes``. ``source`` and ``plan`` as for
    :func:`stages.windows.read.read_windows`; reads ``seq``, ``ts``, ``author`` and ``text``.
    """
    for index, messages in read_windows(source, plan):
        yield index, join_lines(render_lines(messages)).encode()
