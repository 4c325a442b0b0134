"""The chat's text as blocks of whole messages: offsets into the block's bytes, never an object per message.

A block ends where a message begins, so every message is whole in one block, whatever its length; what a block finds
does not depend on its size. Bytes that are no UTF-8, and NULs, become U+FFFD and are counted.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa

from stages.ingest.columns import Bytes, Ints, Mask
from stages.ingest.whatsapp.layouts import Matcher
from stages.ingest.whatsapp.scan import positions, without
from stages.ingest.whatsapp.shape import Shape
from stages.ingest.whatsapp.tokens import PADDING, mark_width

LF: Final = 10
CR: Final = 13
Validity = Callable[[int, Ints], Mask]
"""Which dates of a shape (its index, fields 3 x n) exist; lines whose date does not are no headers."""


@dataclass
class Block:
    """``n`` messages of one block. Positions are byte offsets into ``data``.

    ``raw`` are the bytes without the padding of ``data``; ``heads`` where the message's line begins, ``bodies`` where
    the header ends, ``stops`` where its first line ends, ``ends`` where its text ends. ``lines`` are 1-based line
    numbers in the file, ``shapes`` indices of shapes, ``fields`` (3 x n) the date as written, ``clock`` seconds of the
    day. ``others`` are starts of lines that are no header although they begin like one (only when asked for),
    ``other_after`` the number of messages before each.
    """

    data: Bytes
    size: int
    heads: Ints
    bodies: Ints
    stops: Ints
    ends: Ints
    lines: Ints
    shapes: Ints
    fields: Ints
    clock: Ints
    others: Ints
    other_lines: Ints
    other_after: Ints
    raw: bytes

    def __len__(self) -> int:
        return len(self.heads)

    def strings(self, starts: Ints, ends: Ints) -> pa.StringArray:
        """The texts between positions that never overlap and never decrease. One copy of their bytes."""
        n = len(starts)
        if not n:
            return pa.array([], pa.string())
        offsets = np.empty(2 * n, np.int32)
        offsets[0::2] = starts
        offsets[1::2] = ends
        both = pa.StringArray.from_buffers(2 * n - 1, pa.py_buffer(offsets), pa.py_buffer(self.data))
        return both.take(pa.array(np.arange(0, 2 * n - 1, 2, dtype=np.int64)))

    def line_text(self, start: int) -> str:
        """The line that begins at a position. For the few lines that are looked at one by one."""
        return self.raw[start : start + 512].partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")


@dataclass
class Reading:
    """What was met on the way: bytes replaced, lines before the first header, lines in all, and where."""

    replaced: int = 0
    replaced_line: int | None = None
    preamble: int = 0
    lines: int = 0
    bytes: int = 0
    first_lines: list[str] = field(default_factory=list)


def ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks, each found while the one before it is in use: that needs no interpreter most of the time."""
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(next, blocks, None)
        while (block := pending.result()) is not None:
            pending = pool.submit(next, blocks, None)
            yield block


def read_blocks(
    stream: BinaryIO,
    shapes: Sequence[Shape],
    *,
    block_bytes: int,
    valid: Validity | None = None,
    with_others: bool = False,
    reading: Reading | None = None,
    sound: bool = False,
) -> Iterator[Block]:
    """Blocks of whole messages in file order. ``sound`` says that the bytes are known to be UTF-8 without NUL.

    Memory: a few times ``block_bytes``, or of the longest message where that is longer.
    """
    reading = reading if reading is not None else Reading()
    matchers = [Matcher(shape) for shape in shapes]
    carry = b""
    line = 1
    want = block_bytes
    begun = False
    while True:
        fresh = stream.read(want)
        final = not fresh
        reading.bytes += len(fresh)
        text = carry + fresh
        cut = len(text) if final else text.rfind(b"\n") + 1
        if not final and not cut:
            carry, want = text, want * 2
            continue
        whole, tail = text[:cut], text[cut:]
        if not whole:
            break
        whole = whole if sound else _repaired(whole, line, reading)
        found = _parse(whole, line, matchers, valid, with_others)
        count = len(found.heads)
        if not begun:
            # what stands before the first header belongs to no message
            first = int(found.lines[0]) if count else line + whole.count(b"\n")
            reading.preamble += first - line
            begun = bool(count)
            if not count:
                if with_others and len(found.others):
                    yield found
                carry, line = tail, first
                if final:
                    break
                continue
        keep = count if final else count - 1
        if keep > 0:
            yield _first(found, keep)
        if final:
            reading.lines = line + whole.count(b"\n") - (1 if whole.endswith(b"\n") else 0)
            break
        last = int(found.heads[-1])
        carry = whole[last:] + tail
        line = int(found.lines[-1])
        # a message longer than a block is read in growing steps, else its beginning would be read again and again
        want = max(block_bytes, len(carry)) if keep == 0 else block_bytes
    stream.close()


def _parse(whole: bytes, line: int, matchers: Sequence[Matcher], valid: Validity | None, with_others: bool) -> Block:
    size = len(whole)
    data = np.frombuffer(whole + b"\0" * PADDING, np.uint8)
    feeds = positions(data[:size], LF)
    starts = np.concatenate((np.zeros(1, np.int64), feeds + 1))
    if starts[-1] >= size:
        starts = starts[:-1]
    line_ends = feeds if len(feeds) == len(starts) else np.append(feeds, size)
    parts = []
    # a header begins with a digit, a bracket, a mark or a letter beyond ASCII; with others where a shape says so
    opening = np.zeros(256, np.bool_)
    opening[0x30:0x3A] = opening[0x5B] = opening[0x80:] = True
    for matcher in matchers:
        opening[list(matcher.shape.opening())] = True
    left = np.flatnonzero(opening[data[starts]])
    hopeful = left
    for index, matcher in enumerate(matchers):
        matched = matcher.match(data, starts[left])
        if valid is not None and not (good := valid(index, matched.fields)).all():
            matched = matched.only(np.flatnonzero(good))
        at = left[matched.rows]
        parts.append((at, matched.body, np.full(len(at), index), matched.fields, matched.clock))
        left = without(left, at, len(starts))
    if len(parts) == 1:
        rows, bodies, kinds, fields, clock = parts[0]
    else:
        rows = np.concatenate([part[0] for part in parts])
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        bodies = np.concatenate([part[1] for part in parts])[order]
        kinds = np.concatenate([part[2] for part in parts])[order]
        fields = np.concatenate([part[3] for part in parts], axis=1)[:, order]
        clock = np.concatenate([part[4] for part in parts])[order]
    heads = starts[rows]
    ends = np.append(heads[1:] - 1, _last_end(whole)) if len(heads) else heads
    stops = line_ends[rows]
    if b"\r" in whole:
        ends, stops = _before_feed(data, ends), _before_feed(data, stops)
    others = other_rows = np.zeros(0, np.int64)
    if with_others:
        other_rows = without(hopeful, rows, len(starts))
        others = starts[other_rows]
        likely = _begins_with_number(data, others)
        others, other_rows = others[likely], other_rows[likely]
    return Block(
        data=data, size=size, heads=heads, bodies=np.minimum(bodies, stops), stops=stops, ends=np.maximum(ends, stops),
        lines=rows + line, shapes=kinds, fields=fields, clock=clock, others=others, other_lines=other_rows + line,
        other_after=np.searchsorted(rows, other_rows), raw=whole,
    )  # fmt: skip


def _last_end(whole: bytes) -> int:
    return len(whole) - 1 if whole.endswith(b"\n") else len(whole)


def _before_feed(data: Bytes, ends: Ints) -> Ints:
    """Ends of lines without the carriage return that may stand before the line feed."""
    return np.asarray(ends - ((data[np.maximum(ends - 1, 0)] == CR) & (ends > 0)), np.int64)


def _begins_with_number(data: Bytes, at: Ints) -> Mask:
    """Whether a line begins with a number and a sign of dates or times, past brackets and marks; or in brackets with
    a word, which may be one for a part of the day."""
    at = at + mark_width(data, at)
    bracket = data[at] == 0x5B
    at = at + bracket
    at = at + mark_width(data, at)
    lower = data[at] | 0x20
    beyond = (data[at] >= 0x80) | (bracket & (lower >= 0x61) & (lower <= 0x7A))
    good = np.zeros(len(at), np.bool_)
    for width in (1, 2, 4):
        digits = np.ones(len(at), np.bool_)
        for place in range(width):
            digits &= (data[at + place] - np.uint8(0x30)) < 10
        sign = data[at + width]
        good |= digits & ((sign == 0x2F) | (sign == 0x2E) | (sign == 0x2D) | (sign == 0x3A) | (sign >= 0x80))
    return np.asarray(good | beyond, np.bool_)


def _first(block: Block, count: int) -> Block:
    if count == len(block):
        return block
    near = block.other_after < count
    return Block(
        block.data, block.size, block.heads[:count], block.bodies[:count], block.stops[:count], block.ends[:count],
        block.lines[:count], block.shapes[:count], block.fields[:, :count], block.clock[:count],
        block.others[near | (block.other_after == count)], block.other_lines[near | (block.other_after == count)],
        block.other_after[near | (block.other_after == count)], block.raw,
    )  # fmt: skip


def _repaired(whole: bytes, line: int, reading: Reading) -> bytes:
    """The bytes as valid UTF-8 without NUL."""
    replaced = 0
    where = None
    if b"\0" in whole:
        replaced, where = whole.count(b"\0"), line + whole[: whole.find(b"\0")].count(b"\n")
        whole = whole.replace(b"\0", "\ufffd".encode())
    offsets = np.array([0, len(whole)], np.int64)
    array = pa.LargeStringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(whole))
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        had = whole.count("\ufffd".encode())
        text = whole.decode("utf-8", "replace")
        try:
            whole.decode("utf-8")
        except UnicodeDecodeError as error:
            at = line + whole[: error.start].count(b"\n")
            where = at if where is None else min(where, at)
        replaced += text.count("\ufffd") - had
        whole = text.encode()
    if replaced:
        reading.replaced += replaced
        reading.replaced_line = reading.replaced_line or where
    return whole
