"""JSON that nests without end: a parser that tells where in the tree it is takes the square of the depth."""

import re
from typing import BinaryIO, Final

import ijson
import numpy as np

_DEEPEST: Final = 4_096
_SLICE: Final = 1 << 14
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def refuse_depth(piece: bytes) -> bytes:
    """The piece itself. Raises ``ijson.JSONError`` where objects and lists nest deeper in it than in any chat.

    Cost: four scans for a byte; more only where very much is opened at once.
    """
    depth = 0
    for at in range(0, len(piece), _SLICE):
        part = piece[at : at + _SLICE]
        opened = part.count(b"{") + part.count(b"[")
        if depth + opened > _DEEPEST and _depth(piece) > _DEEPEST:
            raise ijson.JSONError("nested without end")
        depth = max(depth + opened - part.count(b"}") - part.count(b"]"), 0)
    return piece


def _depth(piece: bytes) -> int:
    """How deep a piece nests, but for what stands in its strings."""
    signs = np.frombuffer(_STRING.sub(b"", piece), np.uint8)
    if not len(signs):
        return 0
    opened = (signs == ord("{")) | (signs == ord("["))
    closed = (signs == ord("}")) | (signs == ord("]"))
    return int(np.cumsum(opened.astype(np.int64) - closed).max())


class Shallow:
    """A stream that is read in pieces, each looked at by :func:`refuse_depth`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return refuse_depth(self._stream.read(size))
