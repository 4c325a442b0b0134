"""What a platform has to offer so that its exports can be read: one small interface, for ours and for plug-ins.

A plug-in is an object (mostly a module) with ``PLATFORM``, ``matches`` and ``open_reader`` as in :class:`Platform`,
named in the entry-point group ``streamliner.readers``.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from stages.ingest.draft import Draft
from stages.ingest.limits import ZipLimits
from stages.ingest.zips import Member
from stages.ingest.zone import LocalTimes


@dataclass(frozen=True)
class Source:
    """A file that may be an export. ``head`` are its first 64 KiB as they are; ``members`` the files of a ZIP, None
    where it is no ZIP. ``open()`` streams the file itself, ``open(member)`` one member of the ZIP, raw bytes from the
    start, any number of times; both raise :class:`BadInput` while reading for what is damaged or beyond the limits.
    """

    path: Path
    size: int
    head: bytes
    members: tuple[Member, ...] | None
    open: Callable[..., BinaryIO]
    limits: ZipLimits = field(default_factory=ZipLimits)


@dataclass(frozen=True)
class ReadOptions:
    """How an export is to be read.

    ``zone`` turns local times without a zone into UTC. ``chat`` picks one of several chats by its number in the
    export (1, 2, …), its id or its name; None takes all. ``mapping`` is column -> column of the source for tables.
    """

    zone: LocalTimes
    date_order: str = "auto"
    chat: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    direct_messages: bool = False
    block_bytes: int = 2 << 20
    raw: bool = False
    """Nothing will be hidden: who is named in texts need not be known."""


@dataclass(frozen=True)
class Chat:
    """One chat of an export. ``number`` counts from 1 in the export's order; ``kind`` in words of the platform."""

    number: int
    id: str
    name: str
    kind: str
    entries: int


@dataclass(frozen=True)
class Unparsed:
    """What looked like a message and was not read: how many, and where the first one stands ("line 12")."""

    count: int
    where: str
    looks_like: str


@dataclass
class Summary:
    """What a reader saw; complete once its drafts are used up. Sentences name no person and quote no message."""

    format: str
    evidence: str
    ambiguous: bool = False
    date_order: str | None = None
    warnings: list[str] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    unparsed: Unparsed | None = None


class Reader(Protocol):
    """One export that is being read. Called in this order, each once."""

    def names(self) -> Collection[str]:
        """Everybody whose name must be hidden: authors, and people whom events and mentions name. Raw."""

    def drafts(self) -> Iterator[Draft]:
        """The messages in the order of the source, in batches of some ten thousand; memory does not grow with it."""

    def summary(self) -> Summary:
        """What was seen; after the last draft."""


class Platform(Protocol):
    """A platform's module."""

    PLATFORM: str

    def matches(self, source: Source) -> bool:
        """Whether a file is an export of this platform, from its content and never from its name. Cheap."""

    def open_reader(self, source: Source, options: ReadOptions) -> Reader:
        """A reader of the export. Raises :class:`BadInput` in one sentence: what, where, what to do."""
