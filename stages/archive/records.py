"""The small records that travel between stages: frozen, hashable where they can be, and free of raw names."""

from dataclasses import dataclass, field
from typing import Final

USER: Final = "user"
"""The kind of a record that holds the alias of a source's own user, under the MAC of the user's id."""


@dataclass(frozen=True)
class Attachment:
    """A file of an export: its name with people's names replaced, and where its bytes are.

    ``member`` is the position in the ZIP's central directory (never a path: names of an archive name no file).
    """

    name: str
    export: str
    member: int
    size: int


@dataclass(frozen=True)
class NameRecord:
    """A name, number or address that was seen, kept as keyed MAC only (hex).

    ``kind`` is name | phone | email, or user for a source's own id of a person; ``words`` counts the words of the
    n-gram that the MAC covers;
    ``common`` marks a name that is also a common word and is replaced only as an author or a mention;
    ``alias`` is the pseudonym where the record stands for a whole author, else None.
    ``head`` is the MAC of its first word alone, so that a scan looks at one word before it tries n-grams.
    """

    mac: str
    head: str
    words: int
    kind: str
    common: bool
    alias: str | None = None


@dataclass(frozen=True)
class Enrichment:
    """What was learnt about a candidate. ``files`` are names under the archive's ``media/``, largest first."""

    key: str
    kind: str
    value: str
    title: str | None = None
    text: str | None = None
    alt: str | None = None
    transcript: str | None = None
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    files: tuple[str, ...] = field(default=())
    fetched: bool = False


@dataclass(frozen=True)
class Failure:
    """One item that could not be done: ``error_class`` is transient | throttled | permanent."""

    key: str
    error_class: str
    reason: str
