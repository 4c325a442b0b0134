"""A model's answer is believed in nothing: it becomes posts only where every id, quote and name can be checked."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pydantic import ValidationError

from stages.write.schema import (
    AnsweredParagraph,
    AnsweredPost,
    AnsweredStatement,
    Link,
    Paragraph,
    Picture,
    Post,
    Quote,
    Section,
    Statement,
    WindowAnswer,
)
from stages.write.window import RenderedWindow

MAX_ANSWER: Final = 400_000
"""Most characters of an answer that are looked at."""
_FENCE: Final = re.compile(r"```[a-zA-Z]*\s*\n(.*?)\n\s*```", re.S)
_MARKUP: Final = re.compile(r"<(?:[a-zA-Z/!?][^<>]*>?)")
_ADDRESS: Final = re.compile(r"(?:[a-z][a-z0-9+.\-]*:)?//[^\s]+|\b(?:javascript|data|vbscript):\S+|\bwww\.[^\s]+", re.I)
_CAPTION: Final = 300


class BadAnswer(Exception):  # it is an answer, and the exception carries what to say to the model
    """An answer that cannot be used; the sentence tells the model what to mend."""


def read_answer(text: str, window: RenderedWindow) -> list[Post]:
    """The posts of an answer, checked, with message ids. Raises :class:`BadAnswer`.

    Linear in the answer and in the texts of the messages that it quotes.
    """
    answer = _parse(text)
    check = _Check(window)
    return [check.post(post, answer.language) for post in answer.posts]


def _parse(text: str) -> WindowAnswer:
    if not text.strip():
        raise BadAnswer("It is empty.")
    if len(text) > MAX_ANSWER:
        raise BadAnswer(f"It is longer than {MAX_ANSWER} characters.")
    value = _json(text)
    if isinstance(value, dict) and "posts" not in value and "sections" in value:
        value = {"posts": [value], "language": value.get("language", "")}
    if not isinstance(value, dict):
        raise BadAnswer('It is not a JSON object with the field "posts".')
    try:
        return WindowAnswer.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadAnswer(f"The field {where}: {first['msg']}.") from None


def _json(text: str) -> Any:
    """The JSON of an answer: alone, in a fence, or between its first and its last brace."""
    fenced = _FENCE.search(text)
    first, last = text.find("{"), text.rfind("}")
    candidates = [text, *([fenced.group(1)] if fenced else []), *([text[first : last + 1]] if first < last else [])]
    for candidate in candidates:
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    raise BadAnswer("It is not valid JSON, or it was cut off before its end.")


class _Check:
    """Checks one answer against the window that it was asked for."""

    def __init__(self, window: RenderedWindow) -> None:
        self._window = window

    def post(self, post: AnsweredPost, language: str) -> Post:
        sections = tuple(
            Section(
                heading=self._plain("a heading", section.heading),
                paragraphs=tuple(self._paragraph(paragraph) for paragraph in section.paragraphs),
            )
            for section in post.sections
        )
        made = Post(
            title=self._plain("the title", post.title),
            dek=self._plain("the dek", post.dek),
            sections=sections,
            decisions=self._statements("a decision", post.decisions),
            open_questions=self._statements("an open question", post.open_questions),
            tags=tuple(dict.fromkeys(filter(None, (self._tag(tag) for tag in post.tags))))[:12],
            language=language[:2].lower() if re.fullmatch(r"[a-zA-Z]{2}(?:-.*)?", language) else "en",
        )
        return made.model_copy(update={"people": self._people(post.people, made)})

    def _paragraph(self, paragraph: AnsweredParagraph) -> Paragraph:
        text = self._plain("a paragraph", paragraph.text, paragraph.sources)
        sources = self._ids(paragraph.sources)
        return Paragraph(
            text=text,
            sources=sources,
            quotes=tuple(self._quote(quote.text, quote.source, quote.author) for quote in paragraph.quotes),
            pictures=tuple(self._picture(ident) for ident in dict.fromkeys(paragraph.pictures)),
            links=tuple(self._link(ident) for ident in dict.fromkeys(paragraph.links)),
        )

    def _statements(self, what: str, statements: Sequence[AnsweredStatement]) -> tuple[Statement, ...]:
        return tuple(
            Statement(text=self._plain(what, s.text, s.sources), sources=self._ids(s.sources)) for s in statements
        )

    def _ids(self, idents: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._line(ident).message_id for ident in idents))

    def _line(self, ident: str) -> Any:
        line = self._window.lines.get(ident)
        if line is None:
            raise BadAnswer(f"It names the message {_short(ident)}, which was not given.")
        if not line.own:
            raise BadAnswer(f"It cites {ident}, which is context: cite ids that begin with m.")
        return line

    def _quote(self, text: str, source: str, author: str | None) -> Quote:
        line = self._line(source)
        words = " ".join(text.split())
        if not words or words not in line.said:
            words = words.strip("\"'“”„«»‘’ ")
        if not words or words not in line.said:
            raise BadAnswer(f"A quote from {source} does not stand in that message word for word.")
        if line.author is None:
            raise BadAnswer(f"It quotes {source}, which nobody wrote.")
        if author and author.strip() != line.author:
            raise BadAnswer(f"The quote from {source} is by {line.author}.")
        return Quote(author=line.author, text=words, source=line.message_id, clock=line.clock)

    def _picture(self, ident: str) -> Picture:
        shown = self._window.shown.get(ident)
        if shown is None or shown.picture is None:
            raise BadAnswer(f"It uses the picture {_short(ident)}, which was not given.")
        line = self._line(shown.source)
        picture = shown.picture
        caption = line.said if len(line.said) <= _CAPTION else ""
        return Picture(
            file=picture.files[0],
            alt=picture.alt or picture.title or "Picture",
            source=line.message_id,
            author=line.author or "",
            caption=caption,
        )

    def _link(self, ident: str) -> Link:
        shown = self._window.shown.get(ident)
        if shown is None or not shown.url:
            raise BadAnswer(f"It uses the link {_short(ident)}, which was not given.")
        line = self._line(shown.source)
        url = shown.url if "://" in shown.url[:9] else f"https://{shown.url}"
        return Link(url=url, title=shown.title, source=line.message_id, author=line.author or "", text=shown.text)

    def _people(self, people: Sequence[str], post: Post) -> tuple[str, ...]:
        roster = set(self._window.people)
        for name in people:
            if name not in roster:
                raise BadAnswer(f"It names {_short(name)} among the people, who did not write in this window.")
        return tuple(people) or self._writers(post)

    def _writers(self, post: Post) -> tuple[str, ...]:
        """Who wrote the messages that the post rests on."""
        by_id = {line.message_id: line.author for line in self._window.lines.values()}
        return tuple(dict.fromkeys(author for source in post.sources if (author := by_id.get(source))))

    def _tag(self, tag: str) -> str:
        return self._plain("a tag", tag.strip().lstrip("#"))[:60]

    def _plain(self, what: str, text: str, sources: Sequence[str] = ()) -> str:
        """Text of the model's own: no markup, and no address but those that its sources hold."""
        words = " ".join(text.split())
        if _MARKUP.search(words):
            raise BadAnswer(f"There is markup in {what}; write plain text.")
        for match in _ADDRESS.finditer(words):
            address = match.group().rstrip(".,;:!?'\"”»)]…")
            if not any(address in self._line(ident).said for ident in sources):
                raise BadAnswer(f"There is an address in {what} that does not stand in its sources.")
        return words


def _short(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:40] + "…")
