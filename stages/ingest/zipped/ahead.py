"""Reading ahead: one thread unpacks while another one uses what is unpacked already."""

import io
import queue
import threading
from typing import Final

from stages.ingest.zipped.stream import EntryStream

BLOCK: Final = 1 << 20
_BLOCKS_AHEAD: Final = 4


class ReadAhead(io.RawIOBase):
    """An entry, unpacked by a thread of its own up to four blocks of 1 MiB ahead; owns ``stream``.

    What reading raises is raised here, after the bytes before it. Closing ends the thread at once, wherever it is.
    """

    def __init__(self, stream: EntryStream) -> None:
        self._blocks: queue.Queue[bytes | BaseException] = queue.Queue(_BLOCKS_AHEAD)
        self._stop = threading.Event()
        self._block = memoryview(b"")
        self._end: BaseException | bool = False
        # the thread does not know this object, so one that is forgotten is collected, and that stops the thread
        self._thread = threading.Thread(target=_read, args=(stream, self._blocks, self._stop), daemon=True)
        self._thread.start()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._block and not self._end:
            self._next()
        if not self._block and isinstance(self._end, BaseException):
            raise self._end
        n = min(len(buffer), len(self._block))
        buffer[:n] = self._block[:n]
        self._block = self._block[n:]
        return n

    def close(self) -> None:
        if not self.closed:
            self._stop.set()
            while self._thread.is_alive():
                try:
                    self._blocks.get(timeout=0.01)
                except queue.Empty:
                    continue
            self._thread.join()
        super().close()

    def _next(self) -> None:
        got = self._blocks.get()
        if isinstance(got, BaseException):
            self._end = got
        elif got:
            self._block = memoryview(got)
        else:
            self._end = True


def _read(stream: EntryStream, blocks: "queue.Queue[bytes | BaseException]", stop: threading.Event) -> None:
    try:
        with stream:
            while not stop.is_set():
                block = stream.block(BLOCK)
                blocks.put(block)
                if not block:
                    break
    except BaseException as error:  # noqa: BLE001 - it is raised where the bytes are read
        blocks.put(error)
