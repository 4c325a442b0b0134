"""Files of strangers, read within bounds: a reader of theirs can be led around a file, and not for ever."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

_CALLS: Final = 1 << 20
"""Most calls of ``read``, so that empty ones come to an end as well: some five seconds."""


class TooMuchError(Exception):
    """More was read of a file than what it is worth."""


class Bounded(io.RawIOBase):
    """A file of ``size`` bytes of which ``budget`` may be read in all, ``at_once`` by one of its ``calls``.

    Raises :class:`TooMuchError` beyond any of these. Reads past the end are cut short there and cost what they give.
    """

    def __init__(self, stream: BinaryIO, budget: int, calls: int = _CALLS) -> None:
        self._stream = stream
        self._left = self.at_once = budget
        self._calls = calls
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, n: int | None = -1) -> bytes:
        wanted = self.size - self._stream.tell() if n is None or n < 0 else n
        wanted = max(0, min(wanted, self.size - self._stream.tell()))
        self._left -= wanted
        self._calls -= 1
        if self._left < 0 or self._calls < 0 or wanted > self.at_once:
            raise TooMuchError
        return self._stream.read(wanted)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset < 0:
            raise OSError("before the beginning")
        if whence == io.SEEK_SET:
            offset = min(offset, self.size)  # beyond 63 bits a seek fails in ways of its own
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


@contextmanager
def bounded(
    source: BinaryIO | Path | str, budget: int, *, memory: int | None = None, calls: int = _CALLS
) -> Iterator[Bounded]:
    """A stream or a regular file from its beginning. What cannot seek, as the entry of a ZIP, is read into memory.

    Raises :class:`TooMuchError` where that takes more than ``memory`` bytes (as many as ``budget``, where nothing is
    said), :class:`OSError` for what is no file.
    """
    memory = budget if memory is None else memory
    if isinstance(source, Path | str):
        path = Path(source)
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError
        with path.open("rb") as file:
            yield Bounded(file, budget, calls)
        return
    if isinstance(source, io.BytesIO) or _on_disk(source):
        yield Bounded(source, budget, calls)
        return
    with suppress(OSError, ValueError):
        source.seek(0)
    data = source.read(memory + 1)
    if len(data) > memory:
        raise TooMuchError
    yield Bounded(io.BytesIO(data), budget, calls)


def _on_disk(stream: BinaryIO) -> bool:
    # an entry of a ZIP can seek too, by reading all that lies before once more
    try:
        stream.fileno()
        return stream.seekable()
    except (OSError, ValueError, AttributeError):
        return False
