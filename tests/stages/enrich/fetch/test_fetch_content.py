"""Decompression, types and robots.txt on any bytes: what fits is whole, what does not is an error of ours."""

import asyncio
import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.fetch.addresses import AddressGuard
from stages.enrich.fetch.answers import retry_after
from stages.enrich.fetch.content import PAGE, PICTURE, actual_type, declared, decoder
from stages.enrich.fetch.links import read_link
from stages.enrich.fetch.robots import Robots, Rules
from stages.resilience.errors import CallError, PermanentError


def decoded(encoding: str, data: bytes, cuts: list[int]) -> bytes:
    decode = decoder(encoding)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [piece for start, end in pairwise(edges) for piece in decode.feed(data[start:end])]
    decode.finish()
    assert all(len(piece) <= 2**18 for piece in pieces if encoding != "identity")
    return b"".join(pieces)


PACK = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
    "x-gzip": lambda data: gzip.compress(data[: len(data) // 2]) + b"\0\0" + gzip.compress(data[len(data) // 2 :]),
}


@given(
    st.sampled_from(sorted(PACK)),
    st.binary(max_size=300)
    | st.builds(lambda byte, n: byte * n, st.binary(min_size=1, max_size=3), st.integers(0, 400_000)),
    st.lists(st.integers(0, 10**6), max_size=6),
)
@settings(max_examples=150, deadline=None)
def test_however_it_is_cut_it_comes_out_whole(encoding: str, data: bytes, cuts: list[int]) -> None:
    assert decoded(encoding, PACK[encoding](data), cuts) == data


@given(st.sampled_from(["gzip", "deflate"]), st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_any_bytes_are_decoded_or_refused(encoding: str, data: bytes, cuts: list[int]) -> None:
    for start in (b"", b"\x1f\x8b\x08\0\0\0\0\0\0\0", b"\x78\x9c"):
        try:
            decoded(encoding, start + data, cuts)
        except CallError:
            continue


@given(st.binary(max_size=100), st.text(max_size=40))
def test_any_head_has_a_type_or_is_refused(body: bytes, header: str) -> None:
    for wanted in (PAGE, PICTURE):
        try:
            assert actual_type("", body, wanted) in wanted.types
        except PermanentError:
            continue
    mime, charset = declared(header)
    assert mime == mime.lower()
    assert charset is None or charset.isascii()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7), ("0", 0), (" 12 ", 12), ("", None), ("-5", None), ("1.5", None), ("soon", None), ("٣", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90), ("Thu, 01 Jan 1970 00:00:01 GMT", 0), ("Thu, 32 Jan 1970", None),
    ],
)  # fmt: skip
def test_how_long_a_server_asks_to_wait(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, now=10.0) == seconds


@given(
    st.lists(
        st.sampled_from(["User-agent: *", "User-agent: Streamliner", "Disallow:", "Allow", "Crawl-delay: ", "Sitemap:"])
        | st.text(max_size=30),
        max_size=12,
    ),
    st.text(max_size=30),
)
@settings(deadline=None)
def test_any_file_is_rules(lines: list[str], path: str) -> None:
    async def main() -> None:
        async def load(_: object) -> bytes:
            return "\n".join(lines).encode("utf-8", "surrogatepass")

        robots = Robots(load)
        try:
            link = read_link("http://a.com/" + path)
        except PermanentError:
            return
        rules = await robots.rules(link)
        assert isinstance(rules, Rules)
        assert await rules.allows(link) in (True, False)
        assert 0 <= rules.delay <= 60

    asyncio.run(main())


def test_nothing_is_allowed_that_is_no_address() -> None:
    assert not AddressGuard(()).admits_text("example.com")
