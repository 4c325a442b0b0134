"""Candidates against a naive reading of the rules, one character at a time, on random text in twelve scripts."""

# ruff: noqa: E501 - the tables read best with a case a line

import unicodedata
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.enrich.candidates import find_candidates, find_mentions

ASCII_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
INVISIBLE = "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202c\u202e\u2060\u2066\u2068\u2069\ufeff"
CJK_MARKS = "、。！？，；：（）「」『』【】《》〈〉"
QUOTES = "«»‘‚“”„‹›"
PAIRS = {"(": ")", "[": "]"}


def ends_address(c: str) -> bool:
    return (
        unicodedata.category(c) in ("Zs", "Zl", "Zp", "Cc") or c in '<>"`{}|\\^' or c in INVISIBLE + CJK_MARKS + QUOTES
    )


def group_end(text: str, at: int, depth: int = 3) -> int | None:
    """Where the bracket at ``at`` is closed, looking ``depth`` levels deep."""
    opening, closing = text[at], PAIRS[text[at]]
    at += 1
    while at < len(text) and not ends_address(text[at]):
        if text[at] == closing:
            return at + 1
        if text[at] == opening:
            inner = group_end(text, at, depth - 1) if depth > 1 else None
            if inner is None:
                return None
            at = inner
        else:
            at += 1
    return None


def tail_end(text: str, at: int) -> int:
    while at < len(text) and not ends_address(text[at]) and text[at] not in ")]":
        at = (group_end(text, at) or at + 1) if text[at] in PAIRS else at + 1
    return at


def is_latin(c: str) -> bool:
    return c in "0123456789" or (c.isalpha() and unicodedata.name(c, "").startswith("LATIN"))


def last_label_end(text: str, at: int, letter_first: bool) -> int | None:
    end = at
    while end < len(text) and (is_latin(text[end]) or text[end] == "-"):
        end += 1
    latin = text[at:end].rstrip("-")
    if latin and latin[0] != "-" and not (letter_first and latin[0] in "0123456789"):
        return at + len(latin)
    if at < len(text) and unicodedata.category(text[at])[0] == "L":
        end = at + 1
        while end < len(text) and (unicodedata.category(text[end])[0] in "LMN" or text[end] == "-"):
            end += 1
        return end
    return None


def host_end(text: str, at: int, dots: int, letter_first: bool) -> int | None:
    starts, place = [at], at
    while place < len(text):
        label = place
        while label < len(text) and (
            unicodedata.category(text[label])[0] in "LNM"
            or unicodedata.category(text[label]) == "So"
            or text[label] in "_-"
        ):
            label += 1
        if label == place or label == len(text) or text[label] != ".":
            break
        place = label + 1
        starts.append(place)
    for start in reversed(starts[dots:]):
        end = last_label_end(text, start, letter_first)
        if end is not None:
            return end
    return None


def rest_end(text: str, at: int) -> int:
    port = at + 1
    while text[at : at + 1] == ":" and port < len(text) and text[port] in "0123456789":
        port += 1
    at = port if port > at + 1 else at
    return tail_end(text, at + 1) if text[at : at + 1] in ("/", "?", "#") and at < len(text) else at


def address_end(text: str, at: int) -> int | None:
    user = at
    while user < len(text) and not ends_address(text[user]) and text[user] not in "()[]/?#@":
        user += 1
    for start in (user + 1, at) if user > at and text[user : user + 1] == "@" else (at,):
        if text[start : start + 1] == "[":
            close = text.find("]", start)
            if close > start + 1 and all(c in "0123456789abcdefABCDEF:." for c in text[start + 1 : close]):
                return rest_end(text, close + 1)
        end = host_end(text, start, 0, False)
        if end is not None:
            return rest_end(text, end)
    return None


def link_at(text: str, at: int, free: int) -> tuple[int, bool] | None:
    """(end, whether it is a link) of the address whose scheme begins at ``at``, given that its left side allows one.
    Up to ``free`` the text belongs to an address before."""
    before = text[at - 1] if at else ""
    if before not in ASCII_WORD + "+" or not before:
        for scheme in ("https://", "http://"):
            if text[at : at + len(scheme)].lower() == scheme and text[at : at + len(scheme)].isascii():
                end = address_end(text, at + len(scheme))
                if end is not None:
                    return end, True
    apart = before not in ASCII_WORD + "+@./-=&%#?\\" or not before or text[max(free, at - 2) : at] == ".."
    if apart and text[at : at + 4].lower() == "www.":
        end = host_end(text, at + 4, 1, True)
        if end is not None:
            return rest_end(text, end), True
    if before not in ASCII_WORD + "+" or not before:
        end = at
        while end < len(text) and text[end] in ASCII_WORD + "+":
            end += 1
        if end > at and text[at] not in "0123456789+" and text[end : end + 3] == "://":
            return tail_end(text, end + 3), False
    return None


def closes(c: str) -> bool:
    category = unicodedata.category(c)
    return (
        c in ".,;:!?'*(["
        or category == "So"
        or (category[0] == "P" and not c.isascii())
        or c in "\ufe0e\ufe0f\u200c\u200d\u20e3"
        or "\U0001f3fb" <= c <= "\U0001f3ff"
    )


def links(text: str) -> list[str]:
    for mark in ",;":
        for start in ("https://", "http://", "www."):
            place = 0
            while (place := text.lower().find(mark + start, place)) >= 0:
                text = text[: place + 1] + " " + text[place + 1 :]
                place += 2
    found, at, free = [], 0, 0
    while at < len(text):
        # the character before a link belongs to the match, so it must not belong to the one before
        here = link_at(text, at, free) if at == 0 or at > free else None
        if here is None:
            at += 1
            continue
        end, is_link = here
        if is_link:
            before, link = text[at - 1 : at] if at else "", text[at:end]
            while closes(link[-1]) or (before in ("_", "~") and link[-1] in "_~"):
                link = link[:-1]
            found.append(link)
        at = free = end
    return found


def lowered(text: str) -> str:
    return "".join(c.lower() for c in text)


def key_of(link: str) -> str:
    scheme, mark, rest = ("", "", link) if link[:4].lower() == "www." else link.partition("://")
    cut = min((place for place in (rest.find(c) for c in "/?#") if place >= 0), default=len(rest))
    authority, tail = rest[:cut], rest[cut:]
    user, at, host = authority.rpartition("@")
    tail, hash_mark, fragment = tail.partition("#")
    path, question, query = tail.partition("?")
    if question:
        names = query.split("&")
        kept = [
            n
            for n in names
            if not lowered(n).startswith("utm_") and lowered(n).split("=")[0] not in ("fbclid", "gclid")
        ]
        if kept != names:
            query = "&".join(kept)
            question = "?" if query else ""
    return lowered(scheme) + mark + user + at + lowered(host) + path + question + query + hash_mark + fragment


def naive(texts: list[str]) -> list[dict[str, object]]:
    rows: dict[str, dict[str, object]] = {}
    for seq, text in enumerate(texts):
        for link in dict.fromkeys(links(text)):
            row = rows.setdefault(
                key_of(link), {"key": key_of(link), "kind": "url", "value": link, "first_seq": seq, "seen": set()}
            )
            row["seen"].add(seq)  # type: ignore[attr-defined]
    found = sorted(rows.values(), key=lambda row: (row["first_seq"], str(row["key"]).encode()))
    return [{**row, "n_messages": len(row["seen"])} for row in found]  # type: ignore[arg-type]


WORDS = [
    "casa", "relatório", "дом", "σπίτι", "בית", "بيت", "घर", "বাড়ি", "บ้าน", "집", "家", "いえ", "տուն", "სახლი", "a", "Ok", "3.50", "1.2.3", "Ünï",
]  # fmt: skip
PIECES = [
    "https://", "http://", "HTTP://", "www.", "WWW.", "ftp://", "//", "git+", "://", "x", "example.com", "Example.COM", "münchen.de",
    "пример.рф", "例え.jp", "परीक्षा.भारत", "localhost", ".", "..", "/", "/a", "/A_(b)", "/a_(b_(c))", "(", ")", "[", "]", "[]", "[::1]", "{", "}",
    "<", ">", '"', "'", "*", "**", "_", "~", "`", "|", "\\", ",", ";", ":", "!", "?", "&", "=", "#", "@", "%20", "-", "+", ":80", "?a=1", "&b=2",
    "?utm_source=x", "&UTM_x", "&fbclid=1", "?gclid=2", "#top", "…", "。", "、", "؟", "،", "।", "։", "。", "—", "’", "“", "”", "«", "»", "「", "」",
    "（", "）", "😀", "👍🏽", "❤️", "\u200d", "\u200c", "\u200b", "\u200e", "\u2068", "\u2069", "\u00a0", " ", " ", " ", "\n", "\t", "\u3000",
]  # fmt: skip
LINKS = [
    "https://example.com/a", "https://Example.com/a", "https://example.com/a?utm_source=b", "https://example.com/a?b=1&gclid=2", "www.example.com",
    "WWW.EXAMPLE.COM", "https://en.wikipedia.org/wiki/A_(b)", "https://пример.рф/дом", "https://youtu.be/abc_", "http://user@example.com:80/a#b",
]  # fmt: skip


BLOCKS = {
    "latin": (0x00C0, 0x024F), "greek": (0x0370, 0x03FF), "cyrillic": (0x0400, 0x04FF), "armenian": (0x0530, 0x058F), "hebrew": (0x0590, 0x05FF),
    "arabic": (0x0600, 0x06FF), "devanagari": (0x0900, 0x097F), "bengali": (0x0980, 0x09FF), "thai": (0x0E00, 0x0E7F), "georgian": (0x10A0, 0x10FF),
    "kana": (0x3040, 0x30FF), "han": (0x4E00, 0x4EFF), "hangul": (0xAC00, 0xACFF), "tamil": (0x0B80, 0x0BFF),
}  # fmt: skip
"""Whole blocks, with their marks, digits and punctuation; what has no meaning yet in them is left out."""


def of_script(script: str) -> st.SearchStrategy[str]:
    """Text of a script's own signs, with links and pieces of links in between, glued on or apart."""
    first, last = BLOCKS[script]
    signs = [chr(code) for code in range(first, last + 1) if unicodedata.category(chr(code)) != "Cn"]
    words = st.text(st.sampled_from(signs), min_size=1, max_size=4)
    joined = st.lists(st.one_of(words, words, st.sampled_from([*PIECES, *LINKS]), st.just(" ")), max_size=10)
    return joined.map("".join)


TEXT = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(LINKS), st.sampled_from(WORDS), st.just(" ")), max_size=14
).map("".join)
MESSAGES = st.lists(TEXT, min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(texts=MESSAGES)
def test_candidates_are_those_of_a_naive_reading(chat: Callable[..., pa.Table], texts: list[str]) -> None:
    found = find_candidates(chat(texts)).to_pylist()
    expected = [
        {name: row[name] for name in ("key", "kind", "value", "first_seq", "n_messages")} for row in naive(texts)
    ]
    assert found == expected


@pytest.mark.parametrize("script", BLOCKS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_candidates_among_every_sign_of_a_script(
    chat: Callable[..., pa.Table], script: str, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(of_script(script), min_size=10, max_size=40))
    expected = [
        {name: row[name] for name in ("key", "kind", "value", "first_seq", "n_messages")} for row in naive(texts)
    ]
    assert find_candidates(chat(texts)).to_pylist() == expected


@settings(max_examples=12, deadline=None)
@given(texts=MESSAGES)
def test_mentions_and_candidates_agree(chat: Callable[..., pa.Table], texts: list[str]) -> None:
    table = chat(texts)
    mentions = find_mentions(table).to_pylist()
    for candidate in find_candidates(table).to_pylist():
        seqs = [row["seq"] for row in mentions if row["key"] == candidate["key"]]
        assert (min(seqs), len(seqs)) == (candidate["first_seq"], candidate["n_messages"])
        assert len(set(seqs)) == len(seqs)


@settings(max_examples=12, deadline=None)
@given(texts=MESSAGES)
def test_a_key_is_its_own_key(chat: Callable[..., pa.Table], texts: list[str]) -> None:
    keys = find_candidates(chat(texts))["key"].to_pylist()
    assert find_candidates(chat(keys))["key"].to_pylist() == keys
