"""The bytes of one entry: unpacked in blocks, counted, and checked against the size and the CRC-32 that are stated."""

import bz2
import io
import lzma
import struct
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol, cast

from isal import isal_zlib

from stages.errors import BadInput
from stages.ingest.zipped.directory import Entry

_STORED: Final = 0
_LZMA: Final = 14
_LOCAL: Final = struct.Struct("<4s2B4HL2L2H")
_INPUT: Final = 1 << 17
_LARGEST_DICTIONARY: Final = 64 << 20
# isal's own stub calls the class an instance
_INFLATE_ERROR: Final = cast(type[Exception], isal_zlib.error)
_OTHER_METHODS: Final = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 97: "WavPack", 98: "PPMd"}


class _Decompressor(Protocol):
    """What bz2 and lzma objects offer: input is kept until it is used, output is as much as was asked for."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Inflate:
    """Deflate by isal behind that interface."""

    def __init__(self) -> None:
        self._inner = isal_zlib.decompressobj(-15)
        self._kept = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self._kept

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        out = self._inner.decompress(self._kept or data, max_length)
        self._kept = self._inner.unconsumed_tail
        return out


class EntryStream(io.RawIOBase):
    """An entry's bytes from the start, once; owns ``source`` and closes it.

    Memory: a block. Raises :class:`BadInput` while reading, before the last bytes are handed out, for what is
    damaged, cut off, longer or shorter than stated, or has another checksum. One thread at a time.
    """

    def __init__(self, source: BinaryIO, entry: Entry) -> None:
        self._source = source
        self._entry = entry
        self._packed = entry.packed
        self._left = entry.size
        self._crc = 0
        self._checked = False
        try:
            self._seek_to_data()
            self._decompressor = self._start()
        except lzma.LZMAError:
            raise self._damaged() from None
        except OSError as error:
            raise self._unreadable(error.strerror or "it cannot be read") from None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self.block(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def block(self, most: int) -> bytes:
        """The next bytes, ``most`` of them at most, without a copy; none at the end."""
        most = min(most, self._left)
        try:
            data = self._next(most) if most else b""
            self._crc = isal_zlib.crc32(data, self._crc)
            self._left -= len(data)
            if not self._left and not self._checked:
                self._check_end()
        except (_INFLATE_ERROR, lzma.LZMAError, EOFError):
            raise self._damaged() from None
        except OSError as error:
            # bz2 says that data is invalid by an OSError without a number
            raise (self._unreadable(error.strerror) if error.strerror else self._damaged()) from None
        return data

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def _seek_to_data(self) -> None:
        entry = self._entry
        self._source.seek(entry.offset)
        head = self._source.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            raise self._damaged()
        *_, n_name, n_extra = _LOCAL.unpack(head)
        if entry.offset + _LOCAL.size + n_name + n_extra + entry.packed > entry.end:
            raise self._damaged()
        if self._source.read(n_name) != entry.raw_name:
            raise self._unreadable("its name is not the one that the directory states")
        self._source.seek(n_extra, io.SEEK_CUR)

    def _start(self) -> _Decompressor | None:
        make = _DECOMPRESSORS.get(self._entry.method)
        if self._entry.method == _STORED:
            if self._entry.packed != self._entry.size:
                raise self._damaged()
            return None
        if make is not None:
            return make()
        if self._entry.method == _LZMA:
            return self._lzma()
        name = _OTHER_METHODS.get(self._entry.method, f"method {self._entry.method}")
        raise self._unreadable(f"it is packed with {name}, so unpack the ZIP and pack it again as an ordinary one")

    def _lzma(self) -> _Decompressor:
        """APPNOTE 5.8.8: version, length of the properties, and the five bytes of LZMA1."""
        head = self._source.read(9)
        self._packed -= 9
        if len(head) < 9 or self._packed < 0 or head[2:4] != b"\x05\x00" or head[4] >= 225:
            raise self._damaged()
        (dictionary,) = struct.unpack_from("<L", head, 5)
        if dictionary > _LARGEST_DICTIONARY:
            raise self._unreadable(f"it needs {dictionary >> 20} MB of memory to be unpacked")
        rest, lc = divmod(head[4], 9)
        pb, lp = divmod(rest, 5)
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}]
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)

    def _next(self, most: int) -> bytes:
        """At least one byte of the entry."""
        unpacking = self._decompressor
        data = self._source.read(most) if unpacking is None else self._unpacked(unpacking, most)
        if not data:
            raise EOFError
        return data

    def _unpacked(self, decompressor: _Decompressor, most: int) -> bytes:
        """One to ``most`` bytes, or none where there are no more."""
        while not decompressor.eof:
            fed = decompressor.needs_input
            block = self._source.read(min(_INPUT, self._packed)) if fed else b""
            self._packed -= len(block)
            data = decompressor.decompress(block, most)
            if data or (fed and not block):
                return data
        return b""

    def _check_end(self) -> None:
        self._checked = True
        if self._decompressor is not None and self._unpacked(self._decompressor, 1):
            raise BadInput(f"Entry {self._entry.position} of the ZIP holds more than it states and was not read.")
        if self._crc != self._entry.crc:
            raise self._unreadable("its checksum is wrong")

    def _damaged(self) -> BadInput:
        return self._unreadable("it is damaged or cut off")

    def _unreadable(self, reason: str) -> BadInput:
        return BadInput(f"Entry {self._entry.position} of the ZIP cannot be read: {reason}; export the chat again.")


_DECOMPRESSORS: Final[dict[int, Callable[[], _Decompressor]]] = {
    8: _Inflate,
    12: bz2.BZ2Decompressor,
}
