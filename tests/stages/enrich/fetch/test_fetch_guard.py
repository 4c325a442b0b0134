"""No connection to an address that is not public, however it is spelled, named or reached."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.enrich.fetch.addresses import AddressGuard, is_public, unwrapped
from stages.enrich.fetch.connections import guarded_socket
from stages.enrich.fetch.links import Link, join, read_link
from stages.resilience.errors import PermanentError
from tests.servers.pages import PageServer, page, redirect
from tests.stages.enrich.fetch.conftest import Fetching

HERE = (
    "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "2130706433", "0x7f000001",
    "017700000001", "127.0.0.1.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]",
    "１２７.０.０.１", "①②⑦.0.0.1", "127。0。0。1", "localhost", "localhost.", "LOCALHOST",
)  # fmt: skip


@pytest.mark.parametrize("host", HERE)
def test_this_machine_in_every_spelling(server: PageServer, fetching: Fetching, host: str) -> None:
    server.otherwise(page())
    url = f"http://{host}:{server.sites[0].rpartition(':')[2]}/"
    sentence = fetching.settings(allow_networks=[]).error(url, PermanentError)
    assert "not public" in sentence
    assert (server.connections, fetching.usage.requests, fetching.usage.retries) == (0, 0, 0)
    # the same spellings lead there where they may
    assert fetching.settings(allow_networks=["127.0.0.0/8", "::1/128"]).one(url).status == 200


NEVER = (
    "http://[::1]/", "http://[::]/", "http://0/", "http://0.0.0.0/", "http://10.0.0.1/", "http://10.1/",
    "http://172.31.255.255/", "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data", "http://100.100.100.200/",
    "http://192.0.0.192/", "http://168.63.129.16/", "http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/",
    "http://[fe80::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[fec0::1]/", "http://[ff0e::1]/",
    "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::]/", "http://[2001:0:53aa:64c:0:fffe:80ff:fffe]/", "http://[2001:db8::1]/", "http://[3fff::1]/",
    "http://[::127.0.0.1]/", "http://[4000::1]/", "http://[5f00::1]/", "http://198.18.0.1/", "http://192.88.99.1/",
)  # fmt: skip


@pytest.mark.parametrize("url", NEVER)
def test_addresses_that_are_not_public(fetching: Fetching, url: str) -> None:
    assert "not public" in fetching.settings(allow_networks=["127.0.0.2/32"]).error(url, PermanentError)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "193.0.14.129", "2001:4860:4860::8888", "64:ff9b::808:808", "2620:fe::fe"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))


BAD = {
    "file": "file:///etc/passwd", "gopher": "gopher://127.0.0.1:70/_x", "ftp": "ftp://example.com/",
    "none": "example.com/a", "data": "data:text/html,x", "script": "javascript:alert(1)",
    "relative": "//example.com/", "no-host": "http:///etc", "empty": "", "user": "http://user@example.com/",
    "password": "http://a:b@127.0.0.1/", "two-ats": "http://a@b@c.com/", "space": "http://exa mple.com/",
    "tab": "http://exam\tple.com/", "newline": "http://example.com/\r\nHost: x", "nul": "http://example.com/\0",
    "zone": "http://[fe80::1%25eth0]/", "zone-raw": "http://[fe80::1%eth0]/", "percent-host": "http://127%2e0.0.1/",
    "open-bracket": "http://[::1/", "behind-bracket": "http://[::1]x/", "port-large": "http://example.com:65536/",
    "port-long": "http://example.com:999999999999/", "port-zero": "http://a.com:0/",
    "port-smtp": "http://example.com:25/", "port-ssh": "https://example.com:22/",
    "port-words": "http://example.com:x/", "port-sign": "http://example.com:-80/",
    "port-twice": "http://example.com:80:80/", "long": "http://a.com/" + "x" * 8_000, "numbers": "http://1.2.3.4.5/",
    "number-large": "http://4294967296/", "part-large": "http://256.1.1.1/", "octal": "http://08.1.1.1/",
    "last-number": "http://example.1/", "dots": "http://a..b/", "dot": "http://./",
    "label": "http://" + "a" * 64 + ".com/", "name": "http://" + "a." * 130 + "com/", "hyphen": "http://-a.com/",
    "star": "http://*.com/", "back": "http:\\\\example.com\\", "surrogate": "http://\udcff.com/",
}  # fmt: skip


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_what_is_no_link(fetching: Fetching, url: str) -> None:
    fetching.error(url, PermanentError)
    assert fetching.usage.requests == 0


GOOD = {
    "http://example.com": "http://example.com/",
    "HTTPS://EXAMPLE.com:443/A?b#c": "https://example.com/A?b",
    "http://example.com:8080?x": "http://example.com:8080/?x",
    "www.Example.com/a": "http://www.example.com/a",
    "https://münchen.de/straße?q=ü": "https://xn--mnchen-3ya.de/stra%C3%9Fe?q=%C3%BC",
    "http://日本語。jp": "http://xn--wgv71a119e.jp/",
    "https://en.wikipedia.org/wiki/A_(b)?x=[1]|2": "https://en.wikipedia.org/wiki/A_(b)?x=[1]%7C2",
    "https://a.com/a%2Fb%20c?sig=a%2Bb+c==&d=%7E": "https://a.com/a%2Fb%20c?sig=a%2Bb+c==&d=%7E",
    "http://good.com\\@127.0.0.1/": "http://good.com/@127.0.0.1/",
    "http://8.8.2056": "http://8.8.8.8/",
    "http://[2001:4860:4860:0::8888]:81/": "http://[2001:4860:4860::8888]:81/",
    " http://example.com/ ": "http://example.com/",
    "http://ex_ample.com/a b": "http://ex_ample.com/a%20b",
}


@pytest.mark.parametrize(("written", "sent"), GOOD.items(), ids=list(map(str, range(len(GOOD)))))
def test_links_as_people_write_them(written: str, sent: str) -> None:
    assert read_link(written).url == sent


@given(
    st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 4]), st.lists(st.sampled_from("dox"), min_size=4, max_size=4)
)
def test_every_spelling_of_a_number_is_its_address(value: int, parts: int, bases: list[str]) -> None:
    numbers = [value >> (24 - 8 * n) & 0xFF for n in range(parts - 1)] + [value & (1 << 8 * (5 - parts)) - 1]
    write: dict[str, Callable[[int], str]] = {"d": str, "o": lambda n: f"0{n:o}", "x": lambda n: f"0x{n:X}"}
    host = ".".join(write[base](number) for number, base in zip(numbers, bases, strict=False))
    link = read_link(f"http://{host}/")
    assert link.address == IPv4Address(value)
    # as the system's own resolver reads it
    assert socket.inet_aton(host) == IPv4Address(value).packed


@given(st.text(max_size=60), st.sampled_from(["http://", "https://", "http://a.com/", "http://[", ""]))
def test_any_text_is_a_link_or_is_refused(text: str, before: str) -> None:
    try:
        link = read_link(before + text)
    except PermanentError:
        return
    from yarl import URL

    url = URL(link.url, encoded=True)
    assert link.url.isascii()
    assert (url.scheme, url.raw_host, url.port, url.user, url.raw_fragment) == (
        link.scheme,
        link.host,
        link.port,
        None,
        "",
    )
    assert read_link(link.url) == link


@given(st.integers(0, 2**128 - 1), st.sampled_from(["::ffff:0:0", "64:ff9b::", "2002::", "2000::", "::"]))
def test_a_public_address_is_global_in_all_that_it_carries(value: int, prefix: str) -> None:
    address = IPv6Address(int(IPv6Address(prefix)) | value & (1 << 112 if prefix == "2002::" else 1 << 32) - 1)
    inner = unwrapped(address)
    if is_public(inner):
        assert inner.is_global
        assert not inner.is_multicast
        assert not inner.is_private
        if prefix in ("::ffff:0:0", "64:ff9b::"):
            assert IPv4Address(int(address) & 0xFFFFFFFF).is_global
    assert AddressGuard(()).admits(inner) == is_public(inner)


def test_what_is_allowed_is_allowed_exactly(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(page())
    port = server.sites[0].rpartition(":")[2]
    fetching.settings(allow_networks=["127.0.0.1/32"])
    assert fetching.one(server.url("/")).status == 200
    fetching.error(f"http://127.0.0.2:{port}/", PermanentError)
    fetching.error(f"http://[::1]:{port}/", PermanentError)
    fetching.error(f"http://[64:ff9b::127.0.0.1]:{port}/", PermanentError)


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.2:{port}/",
        "http://0x7f000002:{port}/",
        "//127.0.0.2:{port}/",
        "http://user@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://[::ffff:127.0.0.2]:{port}/",
        "http://[",
    ],
)
def test_every_redirect_is_judged(server: PageServer, fetching: Fetching, to: str) -> None:
    server.otherwise(page())
    server.put("/x", redirect(to.format(port=server.sites[0].rpartition(":")[2])))
    fetching.settings(allow_networks=["127.0.0.1/32"]).error(server.url("/x"), PermanentError)
    assert server.paths == ["/x"]


class World:
    """The name system, played: what each name is found to be, in turn; counts who asks for what."""

    def __init__(self, **names: Sequence[str | OSError]) -> None:
        self.names = {name.replace("__", "."): list(answers) for name, answers in names.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: object, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(now, OSError):
            raise now
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in now.split()]


@pytest.mark.parametrize(
    "addresses", ["127.0.0.2", "127.0.0.1 127.0.0.2", "8.8.8.8 10.0.0.1", "fe80::1%1", "::ffff:10.0.0.1"]
)
def test_every_address_of_a_name_must_be_public(server: PageServer, fetching: Fetching, addresses: str) -> None:
    fetching.more["lookup"] = World(site__com=[addresses])
    url = server.url("/").replace("127.0.0.1", "site.com")
    fetching.settings(allow_networks=["127.0.0.1/32"]).error(url, PermanentError)
    assert server.connections == 0


def test_a_name_is_resolved_once_and_that_address_is_used(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(page())
    fetching.more["lookup"] = world = World(site__com=["127.0.0.1", "127.0.0.2"])
    url = server.url("/").replace("127.0.0.1", "site.com")
    fetched = fetching.settings(allow_networks=["127.0.0.1/32"]).one(url)
    assert fetched.final_url == url
    assert world.asked == ["site.com"]
    assert server.requests[0].headers["Host"] == url[7:-1]
    # it has another address by now, which may not be connected to
    fetching.error(url, PermanentError)
    assert world.asked == ["site.com"] * 2
    assert server.connections == 1


def test_a_redirect_to_a_name_that_is_not_public(server: PageServer, fetching: Fetching) -> None:
    fetching.more["lookup"] = world = World(good__com=["127.0.0.1"], evil__com=["127.0.0.2"])
    url = server.url("/x").replace("127.0.0.1", "good.com")
    server.put("/x", redirect(server.url("/y").replace("127.0.0.1", "evil.com")))
    fetching.settings(allow_networks=["127.0.0.1/32"]).error(url, PermanentError)
    assert world.asked == ["good.com", "evil.com"]
    assert server.paths == ["/x"]


def test_the_last_check_stands_where_sockets_are_made() -> None:
    for address in ("127.0.0.1", "::1", "fe80::1", "nonsense"):
        with pytest.raises(OSError, match="not a public address"):
            guarded_socket(AddressGuard(()), (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)))


def test_a_join_keeps_to_the_web() -> None:
    base = Link("https", "a.com", 443, "/b/c", None)
    assert join(base, "../d?e#f").url == "https://a.com/d?e"
    assert join(base, "http://a.com/").url == "http://a.com/"
