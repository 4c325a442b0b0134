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
    """What was learnt about a candidate. ``files`` are names under the archive's ``media/``, largest first.

    Of a page: ``site`` is its name, ``published`` an ISO date, ``language`` a code, ``text`` its description, and
    ``files`` its card's picture; ``fetched`` says that it was read. Of a picture: ``sizes`` are (width, height) of each
    file, ``preview`` a ``data:`` address of at most 600 characters, ``look`` 16 hex digits that its copies share but
    for a few bits. Of sound and film: ``seconds``. ``told_by`` is the model that made ``text``, ``alt`` or
    ``transcript``, None where no model did.
    """

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
    site: str | None = None
    published: str | None = None
    language: str | None = None
    seconds: float | None = None
    preview: str | None = None
    look: str | None = None
    sizes: tuple[tuple[int, int], ...] = field(default=())
    told_by: str | None = None


@dataclass(frozen=True)
class Failure:
    """One item that could not be done: ``error_class`` is transient | throttled | permanent, or refused where it was
    not tried. ``known``: what was learnt of it all the same, such as a page whose description no model gave."""

    key: str
    error_class: str
    reason: str
    known: Enrichment | None = None
