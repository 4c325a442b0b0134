"""A post's Markdown as safe HTML: sources are links into the transcript, pictures figures, pages that were read cards.

Two walls: the Markdown reader knows no HTML and hands over tokens, of which only known links and pictures survive;
then nh3 keeps what is on a list of elements and attributes. Nothing here trusts what a model wrote.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Final

from stages.site.bubbles import time_of
from stages.site.cards import Cards
from stages.site.copies import Copies, media_name, pictures_of
from stages.site.media import PREVIEW, Media
from stages.site.text import REL, clean, web_address
from stages.site.transcript import Index, page_name
from stages.site.words import Words, day_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

CITATION: Final = re.compile(r"\(\s*<?message:([0-9A-Za-z_-]+)>?(?:\s[^)]*)?\)")
"""A link to a message in Markdown; group 1 is its id."""

_SHORT_LABEL: Final = 3
"""A source's label up to this length is a mark set above the line, a longer one a link in the line."""

_SOURCE: Final = "message:"
_PLAIN_DIGITS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_TAGS: Final = {
    "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "em", "strong", "s", "code", "pre", "hr", "br",
    "a", "sup", "img", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "div", "span", "bdi", "i",
    "time",
}  # fmt: skip
_ATTRIBUTES: Final = {
    "a": {"href", "rel", "class", "title", "aria-label"},
    "img": {"src", "srcset", "sizes", "width", "height", "alt", "loading", "class", "aria-hidden"},
    "p": {"class", "dir"}, "blockquote": {"class", "dir"}, "li": {"class", "dir"}, "div": {"class", "tabindex"},
    "h2": {"dir"}, "h3": {"dir"}, "h4": {"dir"}, "h5": {"dir"}, "h6": {"dir"}, "ol": {"start"}, "sup": {"class"},
    "figcaption": {"dir"}, "span": {"class", "dir", "lang"}, "time": {"datetime"},
}  # fmt: skip
_WITHIN: Final = re.compile(r"(?:\.\./)*[A-Za-z0-9%][^:\\\s\"'<>]*(?:, (?:\.\./)*[A-Za-z0-9%][^:\\\s\"'<>]*| \d+w)*")
"""A path inside the site, or several with their widths."""
_DIRECTED: Final = {"paragraph_open", "blockquote_open", "heading_open", "list_item_open"}


class Bodies:
    """Renders bodies against one transcript and one set of media. ``unknown`` counts sources that are not there."""

    def __init__(self, words: Words, media: Media, cards: Cards, index: Index) -> None:
        self._words, self._media, self._cards, self._index = words, media, cards, index
        self.unknown = 0

    def render(self, body: str, root: str, *, plain: bool = False) -> str:
        """HTML of a body on a page that is ``root`` (``../`` repeated) below the site's root.

        ``plain`` is for readers without the site's style sheet: no previews, and links where cards would stand.
        """
        import nh3

        reader = _reader()
        tokens = reader.parse(clean(body))
        page = _Page(root, plain, pictures_of(tokens, self._media))
        html = str(reader.renderer.render(self._arrange(tokens, page), reader.options, {}))
        return str(
            nh3.clean(
                html,
                tags=_TAGS,
                attributes=_ATTRIBUTES,
                attribute_filter=_allowed,
                url_schemes={"http", "https", "mailto", "data"},
                link_rel=None,
            )
        )

    def plain(self, body: str) -> str:
        """The words of a body without the marks of its sources, for the search index and for counting."""
        words: list[str] = []
        for token in _reader().parse(clean(body)):
            if token.type == "inline":
                words.append(_plain(_without_marks(token.children or [])))
            elif token.type in ("fence", "code_block"):
                words.append(token.content)
        return " · ".join(filter(None, (" ".join(part.split()) for part in words)))

    def picture(self, body: str) -> tuple[str, str] | None:
        """(file, alt) of the first picture of a body that is there to be shown."""
        for token in _reader().parse(clean(body)):
            for child in token.children or []:
                name = media_name(child) if child.type == "image" else None
                if name and self._media.picture(name, "", "") is not None:
                    return name, child.content
        return None

    def _arrange(self, tokens: "list[Token]", page: "_Page") -> "list[Token]":
        """Headings below the page's own, a direction for each block, figures, notes, and only links that may stay."""
        level = min((int(token.tag[1]) for token in tokens if token.type == "heading_open"), default=2)
        for place, token in enumerate(tokens):
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{min(6, int(token.tag[1]) - level + 2)}"
            if token.type in _DIRECTED:
                token.attrSet("dir", "auto")
            if token.type != "inline" or token.children is None:
                continue
            card = self._card(tokens, place, page)
            token.children = self._links(token.children or [], page.root)
            if card:
                token.children = [_html(card), *_byline(token.children)]
            elif tokens[place - 1].type == "paragraph_open" and not tokens[place - 1].hidden:
                self._paragraph(tokens, place, page)
            token.children = [self._image(child, page) for child in token.children]
        return tokens

    def _card(self, tokens: "list[Token]", place: int, page: "_Page") -> str | None:
        """The card of an item of a list that begins with a link to a page that was read, once on a page. Its words take
        the place of the link, and of what the item says of the page after a line's end."""
        children = tokens[place].children or []
        if place < 2 or tokens[place - 2].type != "list_item_open" or page.plain:
            return None
        if not children or children[0].type != "link_open":
            return None
        href = str(children[0].attrGet("href") or "")
        known = self._cards.page(href)
        card = self._cards.card(href, page.root)
        if known is None or card is None:
            return None
        end = next((at for at, child in enumerate(children) if child.type == "hardbreak"), len(children))
        if known.key in page.told:
            tokens[place].children = children[:end]
            return None
        page.told.add(known.key)
        tokens[place].children = children[_closing(children, 0) + 1 : end]
        tokens[place - 2].attrSet("class", "page")
        return card

    def _paragraph(self, tokens: "list[Token]", place: int, page: "_Page") -> None:
        """A paragraph that begins with a picture is a figure, what follows its caption; one all in italics is a note;
        one in a quote that begins with a dash names the speaker."""
        children = tokens[place].children or []
        opening, closing = tokens[place - 1], tokens[place + 1]
        solid = [
            child for child in children if child.type != "softbreak" and (child.type != "text" or child.content.strip())
        ]
        if solid and solid[0].type == "image":
            caption = children[children.index(solid[0]) + 1 :]
            while caption and (caption[0].type == "softbreak" or not _content(caption[0])):
                caption.pop(0)
            if not caption and (title := str(solid[0].attrGet("title") or "")):
                caption = [_text(title)]
            copies = page.copies.get(media_name(solid[0]) or "")
            if copies and copies.shown:
                opening.attrSet("class", "again")
                tokens[place].children = [_text(f"{self._words['again']} "), *caption]
                return
            picture = self._image(solid[0], page, copies)
            if picture.type != "html_inline":
                return
            if copies and copies.messages > 1:
                often = self._words["sent_often"].format(self._words.number(copies.messages))
                caption = [*caption, _html(f' <span class="often">{often}</span>')]
            opening.tag = closing.tag = "figure"
            opening.attrs = {}
            if caption:
                caption = [_html('<figcaption dir="auto">'), *caption, _html("</figcaption>")]
            tokens[place].children = [picture, *caption]
        elif solid and solid[0].type == "em_open" and solid[-1].type == "em_close" and _one_span(solid):
            opening.attrSet("class", "note")
        elif opening.level > 0 and _plain(children).startswith(("—", "– ", "― ")):
            opening.attrSet("class", "by")

    def _links(self, children: "list[Token]", root: str) -> "list[Token]":
        """Sources as links into the transcript, safe links out with ``rel``; of all others the text alone is kept."""
        result: list[Token] = []
        closings: list[str] = []
        mark_end = -1
        for place, child in enumerate(children):
            if place <= mark_end:
                continue
            if child.type == "link_open":
                label = _label(children, place)
                opening = self._opening(str(child.attrGet("href") or ""), label, root)
                if opening and _is_mark(child, label):
                    if result and result[-1].type == "text":
                        result[-1].content = result[-1].content.rstrip(" ")  # a mark stands at its word
                    result.append(
                        _html(f'<sup class="ref">{opening}{escape(label.translate(_PLAIN_DIGITS) or "•")}</a></sup>')
                    )
                    mark_end = _closing(children, place)
                    continue
                closings.append("</a>" if opening else "")
                result += [_html(opening)] if opening else []
            elif child.type == "link_close":
                closing = closings.pop()
                result += [_html(closing)] if closing else []
            else:
                result.append(child)
        return result

    def _opening(self, href: str, label: str, root: str) -> str:
        """The tag that opens a link, or nothing where there is to be none."""
        if not href.startswith(_SOURCE):
            address = web_address(href, mail=True)
            return f'<a href="{escape(address)}" rel="{REL}">' if address else ""
        identity = href.removeprefix(_SOURCE)
        position = self._index.positions.get(identity)
        if position is None:
            self.unknown += 1
            return ""
        author = escape(clean(position.author or ""))
        when = f"{self._words.day(day_of(position.day))}, {time_of(position.minute)}"
        said = ": ".join(filter(None, (author, escape(position.excerpt))))
        spoken = f' aria-label="{self._words["source"]}: {author}, {when}"' if len(label) <= _SHORT_LABEL else ""
        target = f"{root}{page_name(position.page)}#m-{identity}"
        return f'<a class="src" href="{target}" title="{when} — {said}"{spoken}>'

    def _image(self, child: "Token", page: "_Page", copies: Copies | None = None) -> "Token":
        """A picture, or the best of its copies."""
        if child.type != "image":
            return child
        name = copies.best if copies else media_name(child)
        html = self._media.picture(name, child.content, page.root, preview=not page.plain) if name else None
        if copies and html:
            copies.shown = True
        return _html(html) if html is not None else _text(child.content)


@dataclass
class _Page:
    """Where a body is rendered, and what it showed already: ``told`` are the pages that had their card."""

    root: str
    plain: bool
    copies: Mapping[str, Copies]
    told: set[str] = field(default_factory=set)


def _allowed(tag: str, name: str, value: str) -> str | None:
    """The second wall for addresses: out by http, https and mail, in by paths, and ``data:`` for previews alone."""
    if name == "src" and tag == "img" and PREVIEW.fullmatch(value):
        return value
    if name in ("src", "srcset"):
        return value if _WITHIN.fullmatch(value) else None
    if name == "href":
        return value if _WITHIN.fullmatch(value) or web_address(value, mail=True) else None
    return value


def _byline(rest: "list[Token]") -> "list[Token]":
    """What an item says beside its link: who shared it, and the source."""
    if rest and rest[0].type == "text":
        rest[0].content = rest[0].content.lstrip(" —")
    return [_html('<span class="by">'), *rest, _html("</span>")] if rest else []


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    reader.enable(["table", "strikethrough"])
    # addresses are judged by `_link` and `_image`, which know the two schemes of our own
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    return reader


def minutes_to_read(words: str) -> int:
    """At 220 words a minute, at least one."""
    return max(1, round(len(words.split()) / 220))


def _label(children: "list[Token]", place: int) -> str:
    """The text between a link's opening and its closing."""
    return _plain(children[place + 1 : _closing(children, place)]).strip()


def _closing(children: "list[Token]", place: int) -> int:
    """Where the link closes that opens at ``place``; links do not nest."""
    return next((at for at in range(place, len(children)) if children[at].type == "link_close"), len(children))


def _is_mark(child: "Token", label: str) -> bool:
    return len(label) <= _SHORT_LABEL and str(child.attrGet("href") or "").startswith(_SOURCE)


def _without_marks(children: "list[Token]") -> "list[Token]":
    """Without the links to messages whose label is only a mark."""
    kept: list[Token] = []
    skipping = False
    for place, child in enumerate(children):
        if child.type == "link_open":
            skipping = _is_mark(child, _label(children, place))
        if not skipping:
            kept.append(child)
        skipping = skipping and child.type != "link_close"
    return kept


def _plain(children: "Sequence[Token]") -> str:
    breaks = ("softbreak", "hardbreak")
    return "".join(" " if child.type in breaks else child.content for child in children if child.type != "html_inline")


def _content(child: "Token") -> bool:
    return child.type != "text" or bool(child.content.strip())


def _one_span(children: "list[Token]") -> bool:
    depth = 0
    for child in children[:-1]:
        depth += child.nesting if child.type in ("em_open", "em_close") else 0
        if depth == 0:
            return False
    return True


def _html(content: str) -> "Token":
    """Markup of our own making; the reader itself never makes this kind of token, since HTML is off."""
    from markdown_it.token import Token

    return Token("html_inline", "", 0, content=content)


def _text(content: str) -> "Token":
    from markdown_it.token import Token

    return Token("text", "", 0, content=content)
