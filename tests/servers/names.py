"""A name server on UDP that says what it is told to, for a network namespace whose resolver asks it."""

import socket
import struct
import threading
from collections.abc import Sequence
from ipaddress import ip_address

NXDOMAIN, SERVFAIL = 3, 2


class NameServer:
    """``names`` gives each name its addresses in turn (the last stays), a response code, or None for silence.

    Several addresses of one turn have blanks between them. Who asks for IPv6 gets those of the turn that comes next,
    without ending it. A name that is not there gets ``otherwise``.
    """

    def __init__(self, names: dict[str, Sequence[str] | int | None], otherwise: int | None = NXDOMAIN) -> None:
        self._names = {name: list(what) if isinstance(what, list | tuple) else what for name, what in names.items()}
        self._otherwise = otherwise
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(2048)
            reply = self._reply(query)
            if reply is not None:
                self._socket.sendto(reply, client)

    def _reply(self, query: bytes) -> bytes | None:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += query[at] + 1
        question = query[12 : at + 5]
        name, kind = ".".join(labels), struct.unpack(">H", query[at + 1 : at + 3])[0]
        what = self._names.get(name, self._otherwise)
        if kind == 1:
            self.asked.append(name)
        if what is None:
            return None
        code = what if isinstance(what, int) else 0
        records: list[bytes] = []
        if isinstance(what, list):
            now = what.pop(0) if kind == 1 and len(what) > 1 else what[0]
            addresses = [ip_address(text).packed for text in now.split()]
            size = {1: 4, 28: 16}.get(kind)
            records = [
                b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, size) + address
                for address in addresses
                if len(address) == size
            ]
        return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0) + question + b"".join(records)
