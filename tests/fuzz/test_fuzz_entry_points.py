"""Every entry point of the fuzzers keeps its promise on noise and on exports that were tampered with."""

import importlib.util
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

specification = importlib.util.spec_from_file_location("fuzz_ingest", Path(__file__).with_name("fuzz_ingest.py"))
assert specification is not None
assert specification.loader is not None
fuzz_ingest = importlib.util.module_from_spec(specification)
specification.loader.exec_module(fuzz_ingest)

ENTRY_POINTS: dict[str, Callable[[bytes], None]] = fuzz_ingest.ENTRY_POINTS
TOKENS = [
    b"", b"\0", b"\n", b"\r\n", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"-1", b"1e999",
    b"NaN",
    b"99999999999999999999", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b'"id"',
    b"[" * 3_000, b'{"a":' * 3_000, b"\xe2\x80\x8e", b"PK\x03\x04", b"0001-01-01T00:00:00", b"9999-12-31T23:59:59",
    b'"text":5',
    b'"messages":{}', b'"from":[]', b"<@U1|", b"&#x0;", b"a" * 5_000, b"- ", b": ",
]  # fmt: skip
EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 60), st.one_of(st.sampled_from(TOKENS), st.binary(max_size=12))),
    min_size=1,
    max_size=4,
)
BOUNDED = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """``data`` with pieces of it replaced."""
    for at, length, new in edits:
        start = at % (len(data) + 1)
        data = data[:start] + new + data[start + length :]
    return data


def edited_inside(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """The ZIP with one of its members edited, or the file itself where it is none."""
    if not data.startswith(b"PK"):
        return edited(data, edits)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    chosen = sorted(files)[edits[0][0] % len(files)]
    files[chosen] = edited(files[chosen], edits)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


@pytest.mark.parametrize("name", sorted(ENTRY_POINTS))
def test_the_seeds_are_read(name: str, seeds: dict[str, list[bytes]]) -> None:
    for seed in seeds[name]:
        ENTRY_POINTS[name](seed)


@pytest.mark.parametrize("name", sorted(ENTRY_POINTS))
def test_noise(name: str) -> None:
    @BOUNDED
    @given(data=st.binary(max_size=400))
    def run(data: bytes) -> None:
        ENTRY_POINTS[name](data)

    run()


@pytest.mark.parametrize("name", sorted(ENTRY_POINTS))
def test_tampered_exports(name: str, seeds: dict[str, list[bytes]]) -> None:
    @BOUNDED
    @given(which=st.integers(0, 100), edits=EDITS, inside=st.booleans())
    def run(which: int, edits: Any, inside: bool) -> None:
        seed = seeds[name][which % len(seeds[name])]
        ENTRY_POINTS[name]((edited_inside if inside else edited)(seed, edits))

    run()


@pytest.mark.parametrize("name", sorted(ENTRY_POINTS))
def test_cut_off_exports(name: str, seeds: dict[str, list[bytes]]) -> None:
    for seed in seeds[name]:
        for cut in range(1, len(seed), max(1, len(seed) // 6)):
            ENTRY_POINTS[name](seed[:cut])
