"""A link taken apart, once and strictly, so that what is judged is what is connected to.

Hosts are read as browsers read them: a host whose last label is a number is an IPv4 address in any of its spellings
(``127.1``, ``0x7f.1``, ``2130706433``), an international name is mapped first. What is rebuilt here is what is sent;
no other parser sees the link as it was written.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urljoin

from stages.enrich.fetch.addresses import Address, unwrapped
from stages.resilience.errors import PermanentError

LONGEST: Final = 8_000
"""The longest link that is followed, in characters."""

_PARTS: Final = re.compile(r"(https?)://([^/?#\\]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_PORT: Final = re.compile(r"(.*?)(?::([0-9]*))?", re.DOTALL)
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# all that may stand in a path or a query stays as it is, % included: many a link is signed by its spelling
_QUOTED: Final = re.compile(r"[^!$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~%]+")
_NUMBER: Final = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# ports of other protocols, which a request could be made to speak; browsers refuse the same ones
_OTHER_PROTOCOLS: Final = frozenset(
    (
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515),
        *(526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049),
        *(3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)


@dataclass(frozen=True)
class Link:
    """``host`` is in ASCII and lower case, without a closing dot; ``address`` is set where it is no name."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @cached_property
    def site(self) -> str:
        """Host and port: what limits, breakers and paces count as one server."""
        return f"{self._host}:{self.port}"

    @cached_property
    def origin(self) -> str:
        return f"{self.scheme}://{self.site}"

    @cached_property
    def url(self) -> str:
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self._host}{port}{self.path}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host


def read_link(text: str) -> Link:
    """Take a link apart; ``www.`` without a scheme is read as http. Raises :class:`PermanentError`."""
    text = text.strip()
    if text[:4].lower() == "www.":
        text = f"http://{text}"
    if len(text) > LONGEST:
        raise PermanentError(f"The link is longer than {LONGEST} characters.")
    if _CONTROL.search(text):
        raise PermanentError("The link has control characters in it.")
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise PermanentError("The link does not begin with http:// or https://.")
    scheme, authority, path, query = parts[1].lower(), parts[2], parts[3], parts[4] or ""
    if "@" in authority:
        raise PermanentError("The link carries a user name or password, which are sent to nobody.")
    host, address, port = _host_and_port(authority, _DEFAULT_PORTS[scheme])
    if port in _OTHER_PROTOCOLS or port > 65_535:
        raise PermanentError("The link names a port that is not for web pages.")
    if path[:1] != "/":  # what browsers read as a slash: a back slash
        path = "/" + path[1:]
    return Link(scheme, host, port, _quoted(path + query), address)


def join(base: Link, location: str) -> Link:
    """Where a redirect leads. Raises :class:`PermanentError` as :func:`read_link` does."""
    try:
        target = urljoin(base.url, location.strip())
    except ValueError:
        raise PermanentError("The page redirects to something that is no address.") from None
    if not target[:8].lower().startswith(("http://", "https://")):
        raise PermanentError("The page redirects to something that is not http or https.")
    return read_link(target)


@lru_cache(4_096)
def _host_and_port(authority: str, default: int) -> tuple[str, Address | None, int]:
    if authority.startswith("["):
        inside, closed, rest = authority[1:].partition("]")
        if not closed or (rest and not re.fullmatch(r":[0-9]*", rest)):
            raise _no_host()
        try:
            address: Address = unwrapped(IPv6Address(inside))
        except ValueError:
            raise _no_host() from None
        if "%" in inside:
            raise PermanentError("The link names an interface of this machine.")
        return str(address), address, _number(rest[1:], default)
    match = _PORT.fullmatch(authority)
    if match is None:
        raise _no_host()
    host = _ascii(match[1])
    port = _number(match[2] or "", default)
    number = _ipv4(host)
    return (str(number), number, port) if number is not None else (host, None, port)


def _number(digits: str, default: int) -> int:
    return int(digits[:6]) if digits else default


def _ascii(host: str) -> str:
    if not host.isascii():
        from yarl import URL

        try:
            # maps as browsers do, full-width digits and dots to plain ones included
            host = URL.build(scheme="http", host=host).raw_host or ""
        except ValueError:
            raise _no_host() from None
    host = host.lower()
    if host.endswith("."):
        host = host[:-1]
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise _no_host()
    return host


def _ipv4(host: str) -> IPv4Address | None:
    """The address that a host of numbers means, None for a name. Raises PermanentError for numbers that are none."""
    labels = host.split(".")
    if not labels[-1][0].isdigit():
        return None
    if not _NUMBER.fullmatch(labels[-1]):
        return None
    numbers = []
    for label in labels:
        if not _NUMBER.fullmatch(label):
            raise _no_host()
        base = 16 if label[:2].lower() == "0x" else 8 if label[0] == "0" and len(label) > 1 else 10
        digits = label[2:] if base == 16 else label
        try:
            numbers.append(int(digits, base) if digits else 0)
        except ValueError:
            raise _no_host() from None
    *leading, last = numbers
    if len(numbers) > 4 or any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        raise _no_host()
    value = last
    for place, number in enumerate(leading):
        value += number << (24 - 8 * place)
    return IPv4Address(value)


def _quoted(path: str) -> str:
    # bytes of a Location header that are not UTF-8 come as surrogates
    return _QUOTED.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape")), path
    )


def _no_host() -> PermanentError:
    return PermanentError("The link names no host that can exist.")
