"""A post, twice: as a model answers it (ids of the prompt), and as it is kept (message ids, checked).

A kept post holds only what was checked against its messages, so whatever reads it later needs no messages.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_POSTS = 3
"""Most posts that one window gives."""


def _one_or_many(value: Any) -> Any:
    """Models write a lone id where a list is asked."""
    return [value] if isinstance(value, str) else value


def _nothing(value: Any) -> Any:
    """Models write null where a list is empty."""
    return [] if value is None else value


Ids = Annotated[list[str], BeforeValidator(_one_or_many), Field(max_length=40)]


class Answer(BaseModel):
    """What a model writes; unknown fields are dropped, lengths and counts are bounded."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class AnsweredQuote(Answer):
    """``source`` is an id of the prompt; ``text`` stands in that message word for word."""

    text: str = Field(min_length=1, max_length=1_500)
    source: str
    author: str | None = None


class AnsweredParagraph(Answer):
    text: str = Field(min_length=1, max_length=4_000)
    sources: Ids = Field(min_length=1)
    quotes: Annotated[list[AnsweredQuote], BeforeValidator(_nothing)] = Field(default_factory=list, max_length=12)
    pictures: Annotated[Ids, BeforeValidator(_nothing)] = Field(default_factory=list)
    links: Annotated[Ids, BeforeValidator(_nothing)] = Field(default_factory=list)


class AnsweredSection(Answer):
    heading: str = Field(default="", max_length=160)
    paragraphs: list[AnsweredParagraph] = Field(min_length=1, max_length=40)


class AnsweredStatement(Answer):
    text: str = Field(min_length=1, max_length=1_000)
    sources: Ids = Field(min_length=1)


Statements = Annotated[list[AnsweredStatement], BeforeValidator(_nothing), Field(max_length=20)]
Words = Annotated[list[str], BeforeValidator(_nothing), Field(max_length=40)]


class AnsweredPost(Answer):
    title: str = Field(min_length=1, max_length=160)
    dek: str = Field(min_length=1, max_length=600)
    sections: list[AnsweredSection] = Field(min_length=1, max_length=12)
    decisions: Statements = Field(default_factory=list)
    open_questions: Statements = Field(default_factory=list)
    tags: Words = Field(default_factory=list)
    people: Words = Field(default_factory=list)


class WindowAnswer(Answer):
    """The whole answer for one window: no post where there is nothing to tell, never more than three."""

    posts: list[AnsweredPost] = Field(max_length=MAX_POSTS)
    language: str = Field(default="", max_length=20)


class Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Quote(Kept):
    """Words of a message; ``clock`` is its local time as HH:MM."""

    author: str
    text: str
    source: str
    clock: str = ""


class Picture(Kept):
    """``file`` is a name under the archive's ``media/``; ``caption`` are the message's own words."""

    file: str
    alt: str
    source: str
    author: str = ""
    caption: str = ""


class Link(Kept):
    """An address out of a message; ``title`` is what is known of the page, or its host, ``text`` what it says of
    itself."""

    url: str
    title: str
    source: str
    author: str = ""
    text: str = ""


class Paragraph(Kept):
    """A statement with the messages it rests on, and what stands right after it."""

    text: str
    sources: tuple[str, ...]
    quotes: tuple[Quote, ...] = ()
    pictures: tuple[Picture, ...] = ()
    links: tuple[Link, ...] = ()


class Section(Kept):
    heading: str
    paragraphs: tuple[Paragraph, ...]


class Statement(Kept):
    text: str
    sources: tuple[str, ...]


class Post(Kept):
    """One post. ``people`` are aliases; ``note`` is said about the post itself; ``language`` is an ISO 639-1 code."""

    title: str
    dek: str
    sections: tuple[Section, ...]
    decisions: tuple[Statement, ...] = ()
    open_questions: tuple[Statement, ...] = ()
    tags: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    language: str = "en"
    note: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Every message that the post rests on, each once, in the order in which the post comes to them."""
        return tuple(dict.fromkeys(self._sources()))

    def _sources(self) -> Iterator[str]:
        for section in self.sections:
            for paragraph in section.paragraphs:
                yield from paragraph.sources
                yield from (quote.source for quote in paragraph.quotes)
                yield from (picture.source for picture in paragraph.pictures)
                yield from (link.source for link in paragraph.links)
        for statement in (*self.decisions, *self.open_questions):
            yield from statement.sources
