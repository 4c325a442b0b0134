"""Posts as Markdown: whatever people wrote shows as they wrote it, and none of it does anything."""

import json
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from stages.write.markdown import body_markdown, escape_markdown, parse_front_matter, to_markdown
from stages.write.schema import Link, Paragraph, Picture, Post, Quote, Section, Statement

HOSTILE = [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](http://evil.example/x.png)", "# heading", "- item",
    "1. item", "1) item", "+ item", "= = =", "---", "***bold***", "_em_", "__b__", "~~s~~", "`code`", "```fence", "~~~",
    "> quote", "| a | b |\n|---|---|", "&lt;b&gt; &amp; &#60;", "<https://evil.example>", "a\\", "\\*", "    code",
    "\tcode", "[ref]: http://evil.example", "[^1]", "foo  \nbar", "Setext\n===", "www.evil.example",
    "https://evil.example/a_b_c",
    "a@evil.example", "$x$", "^x^", "<!-- c -->", "!<b>", "\u202ertl", "x\x00y", "{#id .class}", "**a*b**", "a * b",
    "![", "](",
]  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8"), max_size=80) | st.sampled_from(HOSTILE)
WORDS = TEXTS.filter(lambda text: visible(text) != "")


def visible(text: str) -> str:
    """What a reader should see: blanks united, controls gone."""
    kept = "".join(c for c in text if not (ord(c) < 32 and c not in "\t\n\x0b\x0c\r") and not 127 <= ord(c) < 160)
    return " ".join(kept.replace("\ufffe", "").replace("\uffff", "").split())


def reader(linkify: bool = False) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": linkify}).enable(["table", "strikethrough"])


def shown(tokens) -> str:
    return "".join(child.content for token in tokens for child in token.children or [])


@settings(max_examples=400, deadline=None)
@given(text=WORDS, place=st.sampled_from(["paragraph", "item", "quote", "heading", "emphasis"]))
def test_any_text_shows_verbatim_wherever_it_stands(text: str, place: str) -> None:
    escaped = escape_markdown(text)
    before, after = {"paragraph": ("", ""), "item": ("- ", ""), "quote": ("> ", ""), "heading": ("## ", ""),
                     "emphasis": ("*x ", " x*")}[place]  # fmt: skip
    tokens = reader().parse(before + escaped + after)
    expected = visible(text) if place != "emphasis" else f"x {visible(text)} x"
    assert shown(tokens) == expected
    kinds = {child.type for token in tokens for child in token.children or []}
    assert kinds <= {"text", "text_special", "em_open", "em_close"} if place == "emphasis" else kinds <= {"text"}
    opened = [token.type for token in tokens if token.type.endswith("_open")]
    assert opened == {"paragraph": ["paragraph_open"], "emphasis": ["paragraph_open"], "heading": ["heading_open"],
                      "item": ["bullet_list_open", "list_item_open", "paragraph_open"],
                      "quote": ["blockquote_open", "paragraph_open"]}[place]  # fmt: skip


def post_of(text: str) -> Post:
    said = Quote(author=text, text=text, source="a1", clock="20:51")
    picture = Picture(file="abc-640.webp", alt=text, source="b2", author=text, caption=text)
    link = Link(url="https://example.com/?q=<\"'>) b&copy;", title=text, source="c3", author=text)
    paragraph = Paragraph(text=text, sources=("a1", "b2"), quotes=(said,), pictures=(picture,), links=(link,))
    return Post(
        title=text, dek=text, sections=(Section(heading=text, paragraphs=(paragraph,)),),
        decisions=(Statement(text=text, sources=("d4",)),), open_questions=(Statement(text=text, sources=("a1",)),),
        tags=(text,), people=(text,), language="en", note=text,
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(text=WORDS)
def test_no_text_makes_a_link_a_picture_or_a_block_of_its_own(text: str) -> None:
    tokens = reader().parse(body_markdown(post_of(text)))
    links = [c.attrGet("href") for t in tokens for c in t.children or [] if c.type == "link_open"]
    pictures = [c.attrGet("src") for t in tokens for c in t.children or [] if c.type == "image"]
    assert [link for link in links if not link.startswith("message:")] == [
        "https://example.com/?q=%3C%22'%3E)%20b&copy;"
    ]
    assert pictures == ["media:abc-640.webp"]
    assert [t.type for t in tokens if t.type.endswith("_open") and t.level == 0] == [
        "paragraph_open", "heading_open", "paragraph_open", "blockquote_open", "paragraph_open", "bullet_list_open",
        "heading_open", "bullet_list_open", "heading_open", "bullet_list_open",
    ]  # fmt: skip
    assert not [t for t in tokens if t.type in ("html_block", "fence", "code_block", "hr", "table_open")]


def test_every_paragraph_item_and_quote_links_its_sources() -> None:
    tokens = reader().parse(body_markdown(post_of("words")))
    for at, token in enumerate(tokens):
        if token.type == "paragraph_open":
            inline = tokens[at + 1]
            hrefs = [child.attrGet("href") or "" for child in inline.children if child.type == "link_open"]
            note = {"em_open", "em_close"} <= {child.type for child in inline.children}
            assert note or any(href.startswith("message:") for href in hrefs), inline.content


def test_sources_are_numbered_in_the_order_of_the_post() -> None:
    body = body_markdown(post_of("words"))
    assert "words [¹](message:a1) [²](message:b2)\n" in body
    assert "> words [¹](message:a1)\n>\n> — [words, 20:51](message:a1)\n" in body
    assert "![words](media:abc-640.webp) “words” — words [²](message:b2)\n" in body
    assert "- words [⁴](message:d4)" in body
    assert body.startswith("*words*\n\n## words\n")
    assert body.endswith("\n")


FRONT = {"date": datetime(2026, 3, 2, 20, 51, tzinfo=UTC), "model": "local/extractive", "signature": "ab" * 16}


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_front_matter_is_yaml_that_gives_back_what_was_put_in(text: str) -> None:
    window = (FRONT["date"], datetime(2026, 3, 2, 22, 0, tzinfo=UTC))
    written = to_markdown(post_of(text), window=window, **FRONT)
    front, body = parse_front_matter(written)
    assert front["title"] == front["dek"] == text
    assert (front["tags"], front["people"]) == ([text], [text])
    assert front["sources"] == ["a1", "b2", "c3", "d4"]
    assert front["window"] == ["2026-03-02T20:51:00+00:00", "2026-03-02T22:00:00+00:00"]
    assert body == body_markdown(post_of(text))
    assert yaml.safe_load(written.split("\n---\n")[0]) == json.loads(json.dumps(front))
    assert parse_front_matter(to_markdown(post_of(text), window=window, title="other", **FRONT))[0]["title"] == "other"


@pytest.mark.parametrize("text", ["", "---\ntitle: 1", "no front\n---\nmatter", "---\nbroken\n---\nx"])
def test_a_file_without_front_matter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"front matter"):
        parse_front_matter(text)
