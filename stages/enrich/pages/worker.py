"""A process that reads pages, one after another, for :class:`stages.enrich.pages.readers.PageReaders`.

It is fed by its standard input and ends with it, so it outlives nobody; what a page makes it do wrong stays in it. It
has a limit of memory, and a clock in the kernel that ends it in the midst of any page, whether or not anyone still
watches. Answers are JSON: nothing that a page could have got hold of is run by who reads them.
"""

import os
import signal
import struct
import sys
from contextlib import suppress
from typing import BinaryIO, Final

import orjson

from stages.enrich.pages.read import read_page, read_steps

HEAD: Final = struct.Struct(">cII")
"""Kind, bytes of JSON, bytes after it. Kinds: ``R`` ready, ``P`` a page to read, ``C`` its card, ``F`` its facts."""
_GRACE: Final = 2.0
"""Seconds beyond the time for a page after which the process ends itself: first it is for the parent to do so."""


def main() -> None:
    """Serve until the input ends. Arguments: seconds a page, bytes of memory (0: as much as there is)."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the parent to act upon, which ends this process
    _limit_memory(memory)
    _warm()
    _send(answers, b"R", {})
    while (asked := _receive(sys.stdin.buffer)) is not None:
        page, body = asked
        _alarm(seconds + _GRACE)
        facts = None
        for facts in read_steps(body, page["mime"], page["charset"], page["url"]):
            _send(answers, b"C", facts.as_dict())
        _alarm(0)
        _send(answers, b"F", {})


def _receive(stream: BinaryIO) -> tuple[dict[str, str], bytes] | None:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    _, told, size = HEAD.unpack(head)
    asked, body = stream.read(told), stream.read(size)
    return (orjson.loads(asked), body) if len(body) == size else None


def _send(stream: BinaryIO, kind: bytes, value: object) -> None:
    told = orjson.dumps(value)
    stream.write(HEAD.pack(kind, len(told), 0) + told)
    stream.flush()


def _warm() -> None:
    """Import what the first page would else wait for."""
    page = "<html><body><p>" + "A sentence with words enough to be read as one. " * 5 + "</p></body></html>"
    read_page(page.encode(), "text/html", "utf-8", "https://example.org/")


def _limit_memory(size: int) -> None:
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limit, macOS does not keep to it
        import resource

        if size:
            resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core holds pages


def _alarm(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
