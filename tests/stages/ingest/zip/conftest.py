"""ZIPs byte by byte, for those that no archiver would write; and the command line as a person sees it."""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main

CHAT = (
    "13/03/2024, 10:00 - Ana: hello\n"
    "13/03/2024, 10:01 - Rui: IMG-20240313-WA0001.jpg (file attached)\n"
    "13/03/2024, 10:02 - Ana: nice\n"
)


@dataclass
class Entry:
    """An entry as it is to be stated, whatever is true; None stands for the truth."""

    name: bytes = b"_chat.txt"
    body: bytes = CHAT.encode()
    method: int = 8
    flags: int = 0
    crc: int | None = None
    size: int | None = None
    packed: int | None = None
    at: int | None = None
    mode: int = 0
    extra: bytes = b""
    data: bytes | None = None
    local_name: bytes | None = None
    disk: int = 0


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def build(
    entries: Sequence[Entry],
    *,
    count: int | None = None,
    length: int | None = None,
    offset: int | None = None,
    disk: int = 0,
    prefix: bytes = b"",
    comment: bytes = b"",
    suffix: bytes = b"",
) -> bytes:
    """The bytes of a ZIP with these entries, and an end record that states what it is told to."""
    files, directory = bytearray(), bytearray()
    for entry in entries:
        data = entry.data if entry.data is not None else deflated(entry.body) if entry.method == 8 else entry.body
        crc = zlib.crc32(entry.body) if entry.crc is None else entry.crc
        size = len(entry.body) if entry.size is None else entry.size
        packed = len(data) if entry.packed is None else entry.packed
        at = len(files) if entry.at is None else entry.at
        name = entry.name if entry.local_name is None else entry.local_name
        files += struct.pack(
            "<4s5H3L2H", b"PK\x03\x04", 20, entry.flags, entry.method, 0, 33, crc, packed, size, len(name), 0
        )
        files += name + data
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 3 << 8 | 20, 20, entry.flags, entry.method, 0, 33, crc, packed, size,
            len(entry.name), len(entry.extra), 0, entry.disk, 0, entry.mode << 16, at,
        )  # fmt: skip
        directory += entry.name + entry.extra
    stated = (len(entries) if count is None else count) & 0xFFFF
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", disk, disk, stated, stated, len(directory) if length is None else length,
        len(files) if offset is None else offset, len(comment),
    )  # fmt: skip
    return prefix + bytes(files) + bytes(directory) + end + comment + suffix


@pytest.fixture
def raw_zip(tmp_path: Path) -> Callable[..., Path]:
    """``raw_zip([Entry(...), …], **what the end record states)``."""

    def make(entries: Sequence[Entry] | bytes, **stated: Any) -> Path:
        path = tmp_path / "export.zip"
        path.write_bytes(entries if isinstance(entries, bytes) else build(entries, **stated))
        return path

    return make


@pytest.fixture
def entry() -> type[Entry]:
    return Entry


@pytest.fixture
def zip_bytes() -> Callable[..., bytes]:
    return build


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give a file to ``streamliner parse``: exit 2, nothing on standard output, one sentence, no output file."""

    def run(path: Path, **environment: str) -> str:
        monkeypatch.setenv("STREAMLINER_PRIVACY__KEY", "5a" * 32)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        out = tmp_path / "refused.parquet"
        with pytest.raises(SystemExit) as stopped:
            main(["parse", str(path), "--out", str(out), "--format", "whatsapp", "--json"])
        said = capsys.readouterr()
        assert stopped.value.code == 2, said.err
        assert said.out == ""
        assert said.err.startswith("streamliner: ")
        assert said.err.count("\n") == 1
        assert "Traceback" not in said.err
        assert not out.exists()
        return said.err

    return run
