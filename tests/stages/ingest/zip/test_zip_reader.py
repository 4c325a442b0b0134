"""One reader for a ZIP: the same bytes as :mod:`zipfile` gives, whatever made the archive, from any thread."""

import io
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits
from stages.ingest.zips import ZipReader, list_members, open_known_member, open_member

BODIES = st.one_of(
    st.binary(max_size=300),
    st.binary(min_size=1, max_size=40).flatmap(lambda part: st.integers(1, 9_000).map(lambda times: part * times)),
    st.integers(0, 2**32).flatmap(lambda seed: st.integers(0, 300_000).map(lambda size: noise(seed, size))),
)
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0/\\"), min_size=1, max_size=20
)
ENTRIES = st.lists(st.tuples(NAMES, BODIES, METHODS, st.integers(1, 9)), max_size=8)


def noise(seed: int, size: int) -> bytes:
    """Bytes that do not shrink, the same each time."""
    block = zlib.compress(struct.pack("<Q", seed) * 3)
    grown = bytearray(block)
    state = seed or 1
    while len(grown) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        grown += struct.pack("<Q", state ^ (state >> 29))
    return bytes(grown[:size])


class Unseekable(io.RawIOBase):
    """What cannot go back, so that :mod:`zipfile` writes data descriptors."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += bytes(data)
        return len(bytes(data))


def made(
    entries: Sequence[tuple[str, bytes, int, int]],
    *,
    streamed: bool = False,
    wide: bool = False,
    prefix: bytes = b"",
    comment: bytes = b"",
) -> bytes:
    """A ZIP, with data descriptors where ``streamed``, 64-bit sizes where ``wide``."""
    target: Any = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, body, method, level in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info._compresslevel = level if method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2) else None  # type: ignore[attr-defined]
            with archive.open(info, "w", force_zip64=wide) as file:
                file.write(body)
        archive.comment = comment
    return prefix + bytes(target.written if streamed else target.getvalue())


# zipfile itself does not read a ZIP whose comment holds the sign of its end; ours does, as the hostile ones show
COMMENTS = st.binary(max_size=60).filter(lambda comment: b"PK\5\6" not in comment)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=120, deadline=None)
@given(
    entries=ENTRIES, streamed=st.booleans(), wide=st.booleans(), prefix=st.binary(max_size=50),
    comment=COMMENTS, ahead=st.booleans(), step=st.sampled_from([1_000, 1 << 16, 1 << 20, -1]),
)  # fmt: skip
def test_every_member_has_the_bytes_that_zipfile_reads(
    tmp_path_factory: pytest.TempPathFactory, entries: Any, streamed: bool, wide: bool, prefix: bytes, comment: bytes,
    ahead: bool, step: int,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    path.write_bytes(made(entries, streamed=streamed, wide=wide, prefix=prefix, comment=comment))
    with zipfile.ZipFile(path) as theirs, ZipReader(path) as ours:
        infos = theirs.infolist()
        assert [(m.size, m.packed) for m in ours.members] == [
            (info.file_size, info.compress_size)
            for at, info in enumerate(infos)
            if at in {member.position for member in ours.members}
        ]
        for position, info in enumerate(infos):
            if position not in {member.position for member in ours.members}:
                assert info.filename in (".DS_Store", "Thumbs.db", "desktop.ini") or info.filename.startswith("._")
                continue
            with ours.open(position, read_ahead=ahead) as stream:
                parts = []
                while part := stream.read(step):
                    parts.append(part)
            assert b"".join(parts) == theirs.read(info)


def test_members_are_read_by_many_threads_at_once(tmp_path: Path) -> None:
    bodies = [noise(number, 200_000 + number) * (1 + number % 3) for number in range(12)]
    path = tmp_path / "a.zip"
    path.write_bytes(made([(f"{at}.bin", body, 8 if at % 2 else 0, 6) for at, body in enumerate(bodies)]))
    reader = ZipReader(path)

    def read(position: int) -> bytes:
        with reader.open(position, read_ahead=position % 3 == 0) as stream:
            return b"".join(iter(lambda: stream.read(7_777), b""))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, list(range(12)) * 5)) == bodies * 5


def test_interleaved_streams_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made([("a", b"a" * 50_000, 8, 6), ("b", b"b" * 50_000, 0, 6)]))
    with ZipReader(path) as reader:
        one, other = reader.open(0), reader.open(1)
        read = [(one.read(999), other.read(999)) for _ in range(60)]
    assert b"".join(a for a, _ in read) == b"a" * 50_000
    assert b"".join(b for _, b in read) == b"b" * 50_000


def test_closing_the_reader_closes_what_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made([("a", noise(1, 40 << 20), 0, 6)]))
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
    threads = threading.active_count()
    with ZipReader(path) as reader:
        stream, ahead = reader.open(0), reader.open(0, read_ahead=True)
        assert stream.read(10) == ahead.read(10)
    assert stream.closed
    assert ahead.closed
    assert threading.active_count() == threads
    after = set(os.listdir("/proc/self/fd")) if before else set()
    assert len(after) == len(before)


def test_a_stream_that_is_forgotten_ends_its_thread(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made([("a", noise(1, 20 << 20), 0, 6)]))
    threads = threading.active_count()
    reader = ZipReader(path)
    for _ in range(3):
        assert len(reader.open(0, read_ahead=True).read(100)) == 100
    assert threading.active_count() == threads


def test_reading_ahead_hands_on_what_went_wrong_after_the_bytes_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    body = noise(1, 9 << 20)
    data = bytearray(made([("a", body, 0, 6)]))
    struct.pack_into("<L", data, data.rfind(b"PK\x01\x02") + 16, zlib.crc32(body) ^ 1)
    path.write_bytes(data)
    with ZipReader(path).open(0, read_ahead=True) as stream:
        assert stream.read(5 << 20) == body[: 5 << 20]
        with pytest.raises(BadInput, match="checksum"):
            stream.read()
        with pytest.raises(BadInput, match="checksum"):
            stream.read(1)


def test_the_directory_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made([(str(number), b"x" * number, 8, 6) for number in range(3_000)]))
    reader = ZipReader(path)
    opened = 0

    class Counting(type(path)):  # type: ignore[misc]
        def open(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal opened
            opened += 1
            return super().open(*args, **kwargs)

    reader.path = Counting(path)
    for member in reader.members:
        with reader.open(member.position) as stream:
            assert len(stream.read()) == member.size
    assert opened == 3_000


def test_known_members_are_read_again_when_the_file_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for body in (b"one", b"three"):
        path.write_bytes(made([("a", body, 8, 6)]))
        for _ in range(2):
            with open_known_member(path, 0, limit=10) as stream:
                assert stream.read() == body
    path.unlink()
    with pytest.raises(BadInput):
        open_known_member(path, 0, limit=10)


def test_a_zip_that_changes_under_the_reader_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made([("a", b"1" * 100, 0, 6)]))
    reader = ZipReader(path)
    path.write_bytes(made([("a", b"2" * 200, 0, 6)]))
    with pytest.raises(BadInput, match="changed"):
        reader.open(0)
    path.unlink()
    with pytest.raises(BadInput):
        reader.open(0)


def test_the_convenience_functions_are_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made([("x/a.txt", b"hello", 8, 6)]))
    assert list_members(path) == list(ZipReader(path).members)
    with open_member(path, 0, limit=5, limits=ZipLimits()) as stream:
        assert stream.read() == b"hello"
    with pytest.raises(BadInput, match="limit"):
        open_member(path, 0, limit=4)
