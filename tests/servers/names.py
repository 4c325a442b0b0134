"""A name server on UDP that says what it is told to, for a network namespace whose resolver asks it."""

import socket
import struct
import threading
from collections.abc import Sequence

NXDOMAIN, SERVFAIL = 3, 2


class NameServer:
    """``names`` gives each name its addresses in turn (the last stays), a response code, or None for silence.

    A name that is not there gets ``otherwise``. IPv6 is always empty: the name is there and has none.
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
        address = b""
        if isinstance(what, list) and kind == 1:
            text = what.pop(0) if len(what) > 1 else what[0]
            address = b"\xc0\x0c\x00\x01\x00\x01" + struct.pack(">IH", 1, 4) + socket.inet_aton(text)
        return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, bool(address), 0, 0) + question + address
