"""Which addresses may be connected to: public ones, and those of the networks that the settings allow.

``ipaddress.is_global`` alone does not do: it calls multicast, NAT64 of loopback, and in older Pythons 192.0.0.0/24
and 6to4 of private networks global. An address that carries another one is judged by that one as well.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own platform service, on a public-looking address
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_UNICAST_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")


def unwrapped(address: Address) -> Address:
    """The IPv4 address where an IPv6 one only stands for it (``::ffff:127.0.0.1``): that is where it connects."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet could connect to it. ``address`` is unwrapped."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:  # how names look behind DNS64, as many mobile networks have it
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address in _6TO4:
        return is_public(IPv4Address((int(address) >> 80) & 0xFFFFFFFF))
    return address in _UNICAST_6 and address.is_global and not any(address in network for network in _NOT_PUBLIC_6)


class AddressGuard:
    """The rule for one run: public addresses, and those of ``allowed``, exactly."""

    def __init__(self, allowed: Iterable[Network]) -> None:
        self._allowed = tuple(allowed)

    @property
    def allows_some(self) -> bool:
        """Whether there are networks that are allowed although they are not public."""
        return bool(self._allowed)

    def admits(self, address: Address) -> bool:
        """``address`` is unwrapped. A scoped address (``fe80::1%eth0``) is never admitted."""
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        return any(address in network for network in self._allowed) or is_public(address)

    def admits_text(self, text: str) -> bool:
        """The same for an address as a socket writes it; False for what is none."""
        try:
            return self.admits(unwrapped(ip_address(text)))
        except ValueError:
            return False
