"""Texts of a block as they are kept: one kind of line end, no direction marks. Only rows that need it are touched."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.ingest.columns import Bytes, Ints, Mask
from stages.ingest.whatsapp.blocks import CR, Block
from stages.ingest.whatsapp.scan import ends_of, positions
from stages.ingest.whatsapp.tokens import mark_width

_DIRECTION: Final = "[\u200e\u200f\u202a-\u202e\u061c]"
_ISOLATES: Final = "[\u2066-\u2069]"
PLACES: Final = ((b"https://maps.google.com/?q=", 26), (b"foursquare.com/v/", 10))
"""What is in the address of a place, and where its rarest byte stands."""


@dataclass(frozen=True)
class Texts:
    """``clean`` without any mark; ``isolated`` with the isolates that frame mentions (the same array where none are).

    ``line_marked``, ``body_marked`` and ``inner_mark`` tell where marks stood: before the header, at the text's
    beginning, further inside. ``first`` and ``last`` are the text's first and last byte (0 where it is empty),
    ``angle`` and ``round`` whether it has a closing bracket of that kind, ``headed`` whether its first line ends with
    a colon and others follow, ``placed`` whether it may hold the address of a place.
    """

    clean: pa.StringArray
    isolated: pa.StringArray
    line_marked: Mask
    body_marked: Mask
    inner_mark: Mask
    first: Bytes
    last: Bytes
    angle: Mask
    round: Mask
    headed: Mask
    placed: Mask


def clean_texts(block: Block, starts: Ints) -> Texts:
    """The texts of a block from ``starts`` to the messages' ends. Cost: a scan of the bytes for marks."""
    n = len(block)
    texts = block.strings(starts, block.ends)
    data = block.data[: block.size]
    feeds = positions(data, CR)
    if len(feeds):
        rows = _rows(starts, block.ends, feeds)
        texts = _replaced(texts, rows, lambda part: pc.replace_substring(part, "\r\n", "\n"))
    marks = _marks(block)
    kinds = _mark_kinds(block, marks)
    directions = np.unique(_rows(starts, block.ends, marks[kinds == 1]))
    isolates = np.unique(_rows(starts, block.ends, marks[kinds == 2]))
    isolated = texts
    if len(directions):
        isolated = _replaced(texts, directions, lambda part: pc.replace_substring_regex(part, _DIRECTION, ""))
    clean = isolated
    if len(isolates):
        clean = _replaced(isolated, isolates, lambda part: pc.replace_substring_regex(part, _ISOLATES, ""))
    body_marked = np.zeros(n, np.bool_)
    inner = np.zeros(n, np.bool_)
    if len(marks):
        strong = marks[_is_strong(block, marks)]
        rows = _rows(starts, block.ends, strong, keep=True)
        inside = rows >= 0
        at_start = strong[inside] == starts[rows[inside]]
        body_marked[rows[inside][at_start]] = True
        inner[rows[inside][~at_start]] = True
    full = block.ends > starts
    line_end = data[np.maximum(block.stops - 1, 0)] if n else data[:0]
    return Texts(
        clean,
        isolated,
        line_marked=mark_width(block.data, block.heads) > 0,
        body_marked=body_marked,
        inner_mark=inner,
        first=np.where(full, block.data[starts], 0).astype(np.uint8),
        last=np.where(full, block.data[np.maximum(block.ends - 1, 0)], 0).astype(np.uint8),
        angle=_with(block, starts, positions(data, 0x3E)),
        round=_with(block, starts, positions(data, 0x29)),
        headed=(block.ends > block.stops) & ((line_end == 0x3A) | (line_end == 0x20)),
        placed=_placed(block, starts),
    )


def _with(block: Block, starts: Ints, at: Ints) -> Mask:
    mask = np.zeros(len(block), np.bool_)
    mask[_rows(starts, block.ends, at)] = True
    return mask


def _placed(block: Block, starts: Ints) -> Mask:
    data = block.data[: block.size]
    return _with(block, starts, np.concatenate([ends_of(data, part, sign) for part, sign in PLACES]))


def _marks(block: Block) -> Ints:
    data = block.data[: block.size]
    at = positions(data, 0xE2, 0xD8)
    return at[mark_width(block.data, at) > 0] if len(at) else at


def _mark_kinds(block: Block, marks: Ints) -> Ints:
    """1 for direction marks, 2 for isolates."""
    return np.where((block.data[marks] == 0xE2) & (block.data[marks + 1] == 0x81), 2, 1)


def _is_strong(block: Block, marks: Ints) -> Mask:
    third = block.data[marks + 2]
    strong: Mask = (block.data[marks + 1] == 0x80) & ((third == 0x8E) | (third == 0x8F))
    return strong


def _rows(starts: Ints, ends: Ints, positions: Ints, *, keep: bool = False) -> Ints:
    """The message whose text holds each position; positions outside texts are left out, or -1 with ``keep``."""
    rows = np.searchsorted(starts, positions, side="right") - 1
    inside = (rows >= 0) & (positions < ends[np.maximum(rows, 0)]) if len(ends) else np.zeros(len(rows), np.bool_)
    return np.where(inside, rows, -1) if keep else rows[inside]


def _replaced(texts: pa.StringArray, rows: Ints, change: object) -> pa.StringArray:
    rows = np.unique(rows)
    if not len(rows):
        return texts
    mask = np.zeros(len(texts), np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), change(texts.take(pa.array(rows))))  # type: ignore[operator]
