"""A post as a Markdown file: front matter, then text in which nothing that people wrote is markup.

Front matter is YAML whose values are JSON, so any YAML reader reads it and this module needs none. A statement ends
with marks that link to ``message:<id>``; pictures are ``media:<file>``.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from stages.write.schema import Link, Paragraph, Picture, Post, Quote, Statement

_ACTIVE: Final = re.compile(r"([\\`*_\[\]<>&~|#$^@{}])")
"""What can open or close a span, an entity, a link, a table cell or a mail address, anywhere in a line."""
_START: Final = re.compile(r"^(?:([+\-=:])|(\d{1,9})([.)]))")
_ADDRESS: Final = re.compile(r"(?<=:)//|(?<=www)\.", re.I)
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_YAML_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_ENTITY: Final = re.compile(r"&(?=[#\w]+;)")
_SUPERSCRIPT: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "pt": ("O que ficou decidido", "Perguntas em aberto"),
    "en": ("What was decided", "Open questions"),
    "es": ("Lo que se decidió", "Preguntas abiertas"),
    "de": ("Was beschlossen wurde", "Offene Fragen"),
    "fr": ("Ce qui a été décidé", "Questions ouvertes"),
    "it": ("Che cosa si è deciso", "Domande aperte"),
}


def to_markdown(
    post: Post,
    *,
    date: datetime,
    window: tuple[datetime, datetime],
    model: str,
    signature: str,
    title: str | None = None,
) -> str:
    """The whole file. ``date`` is the time of the post's first own message, ``window`` those of the window's ends, all
    aware; ``title`` replaces the post's own where it had to be made unique.

    The same post gives the same bytes.
    """
    front = {
        "title": title or post.title,
        "dek": post.dek,
        "date": date.isoformat(),
        "window": [window[0].isoformat(), window[1].isoformat()],
        "tags": list(post.tags),
        "people": list(post.people),
        "language": post.language,
        "model": model,
        "signature": signature,
        "sources": list(post.sources),
    }
    lines = [f"{name}: {_yaml(value)}" for name, value in front.items()]
    return "---\n" + "\n".join(lines) + "\n---\n\n" + body_markdown(post)


def body_markdown(post: Post) -> str:
    """The text under the front matter, blocks set apart by blank lines, ending in one line feed."""
    marks = _Marks(post.sources)
    blocks: list[str] = []
    if post.note:
        blocks.append(f"*{escape_markdown(post.note)}*")
    for section in post.sections:
        if section.heading:
            blocks.append(f"## {escape_markdown(section.heading)}")
        for paragraph in section.paragraphs:
            blocks += _paragraph(paragraph, marks)
    decided, asked = _HEADINGS.get(post.language, _HEADINGS["en"])
    for heading, statements in ((decided, post.decisions), (asked, post.open_questions)):
        if statements:
            blocks += [f"## {heading}", "\n".join(_item(statement, marks) for statement in statements)]
    return "\n\n".join(blocks) + "\n"


def parse_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """(front matter, body) of a file made by :func:`to_markdown`. ``ValueError`` where it is not one."""
    begin, separator, body = text.partition("\n---\n")
    if not separator or not begin.startswith("---\n"):
        raise ValueError("the file does not begin with front matter between two lines of ---")
    front: dict[str, Any] = {}
    for line in begin[4:].split("\n"):
        name, colon, value = line.partition(": ")
        if not colon:
            raise ValueError("a line of the front matter has no value")
        front[name] = json.loads(value)
    return front, body.lstrip("\n")


def escape_markdown(text: str) -> str:
    r"""Text as one line of Markdown that shows exactly its words: blanks united, controls dropped, marks escaped.

    >>> escape_markdown("1. *hi* <b>")
    '1\\. \\*hi\\* \\<b\\>'
    """
    words = " ".join(_CONTROL.sub("", text).split())
    escaped = _ADDRESS.sub(lambda match: "".join(f"\\{sign}" for sign in match.group()), _ACTIVE.sub(r"\\\1", words))
    return _START.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", escaped)


class _Marks:
    """Numbers of sources in the order in which the post comes to them, as links set above the line."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._marks = {
            source: f"[{str(number).translate(_SUPERSCRIPT)}](message:{_path(source)})"
            for number, source in enumerate(sources, 1)
        }

    def of(self, sources: Iterable[str]) -> str:
        return " ".join(self._marks[source] for source in sources)


def _paragraph(paragraph: Paragraph, marks: _Marks) -> list[str]:
    blocks = [f"{escape_markdown(paragraph.text)} {marks.of(paragraph.sources)}"]
    blocks += [_quote(quoted, marks) for quoted in paragraph.quotes]
    blocks += [_picture(picture, marks) for picture in paragraph.pictures]
    if paragraph.links:
        blocks.append("\n".join(_link(link, marks) for link in paragraph.links))
    return blocks


def _quote(quoted: Quote, marks: _Marks) -> str:
    speaker = ", ".join(part for part in (quoted.author, quoted.clock) if part)
    return (
        f"> {escape_markdown(quoted.text)} {marks.of([quoted.source])}\n>\n"
        f"> — [{escape_markdown(speaker)}](message:{_path(quoted.source)})"
    )


def _picture(picture: Picture, marks: _Marks) -> str:
    said = f"“{picture.caption}” — {picture.author}" if picture.caption and picture.author else picture.author
    caption = f" {escape_markdown(said)}" if said else ""
    return f"![{escape_markdown(picture.alt)}](media:{_path(picture.file)}){caption} {marks.of([picture.source])}"


def _link(link: Link, marks: _Marks) -> str:
    title = f"[{escape_markdown(link.title)}](<{_url(link.url)}>)"
    by = f" — {escape_markdown(link.author)}" if link.author else ""
    says = f"  \n  {escape_markdown(link.text)}" if link.text else ""
    return f"- {title}{by} {marks.of([link.source])}{says}"


def _item(statement: Statement, marks: _Marks) -> str:
    return f"- {escape_markdown(statement.text)} {marks.of(statement.sources)}"


def _path(name: str) -> str:
    return quote(name, safe="-._~")


def _url(url: str) -> str:
    """An address between angle brackets; what could end it, and every blank, is percent-encoded."""
    return _ENTITY.sub("&amp;", quote(url, safe="!#$%&'()*+,/:;=?@[]_.~-"))


def _yaml(value: Any) -> str:
    """JSON, which is YAML, with what YAML does not print written as escapes."""
    written = json.dumps(value, ensure_ascii=False)
    return _YAML_ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", written)
