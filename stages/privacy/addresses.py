"""E-mail addresses, links, and the escapes in which they are written."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

_LOCAL: Final = re.compile(r"[\w.+%'\-\u0300-\u036f]{1,64}\Z")
_DOMAIN: Final = re.compile(r"(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_]{2,24}")
_FILES: Final = frozenset((
    "jpg", "jpeg", "png", "gif", "webp", "avif", "heic", "heif", "bmp", "svg", "tgs", "mp4", "mkv", "avi", "webm",
    "mp3", "m4a", "aac", "wav", "flac", "ogg", "oga", "ogv", "opus", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx",
    "txt", "csv", "json", "html", "vcf",
))  # fmt: skip
"""Endings of files, none of which is a domain's: apps name pictures ``photo_1@10-01-2025_12-09-00.jpg``."""
_LINK: Final = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}://|(?:mailto|tel|sms|callto):|www\.)\S+"
    r"|(?<![\w@.\-])(?:[a-z0-9][a-z0-9\-]{0,62}\.){1,8}[a-z]{2,24}(?::\d{1,5})?[/?]\S*",
    re.IGNORECASE,
)
_LIKELY: Final = re.compile(r"(?:mailto|tel|sms|callto):|www\.|\.[a-z]{2,24}(?::\d{1,5})?[/?]", re.IGNORECASE)
_ESCAPE: Final = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
    r"|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[nrtbf\"'/\\]"
)
_SIMPLE: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where e-mail addresses stand, in characters, from the left. Cost: linear, whatever the text."""
    past = 0
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.search(text, max(past, at - 64), at)
        domain = _DOMAIN.match(text, at + 1, at + 256)
        stop = 0 if domain is None else _end_of(domain)
        if local is not None and stop:
            start = local.start() + len(local.group()) - len(local.group().lstrip(".'-%\u0300\u0301"))
            if start < at:
                past = stop
                # two that ran into one another are hidden as one
                while text.startswith("@", past) and (domain := _DOMAIN.match(text, past + 1, past + 256)):
                    past = domain.end()
                yield start, past
        at = text.find("@", max(at + 1, past))


def _end_of(domain: re.Match[str]) -> int:
    """Where a domain ends: before a file's ending; 0 where no domain is left then."""
    name, _, ending = domain.group().rpartition(".")
    if ending.lower() not in _FILES:
        return domain.end()
    return domain.start() + len(name) if _DOMAIN.fullmatch(name) else 0


def links(text: str) -> list[tuple[int, int]]:
    """Where addresses of pages stand, in characters: with a scheme, with ``www.``, or a domain with a path."""
    if not ("/" in text or ":" in text or "?" in text or "www." in text):
        return []
    if "://" not in text and (not ("." in text or ":" in text) or not _LIKELY.search(text)):
        return []
    return [match.span() for match in _LINK.finditer(text)]


class View:
    """A text as it reads with percent escapes, HTML entities and backslash escapes resolved once.

    ``text`` is the reading; :meth:`source` leads back to what was written. An escape that resolves to nothing (bytes
    that are no UTF-8, an unknown entity) stands for itself. ``signs`` are first characters of the escapes to read.
    """

    def __init__(self, written: str, signs: str = "%&\\") -> None:
        self.text = written
        self._edges: list[tuple[int, int, int, int]] = []
        if not any(sign in written for sign in signs):
            return
        pieces: list[str] = []
        past = size = 0
        for match in _ESCAPE.finditer(written):
            start = match.start()
            if written[start] not in signs:
                continue
            for escape, plain in _resolve(match):
                pieces.append(written[past:start])
                size += start - past
                past = start + len(escape)
                if plain != escape:
                    self._edges.append((size, size + len(plain), start, past))
                pieces.append(plain)
                size += len(plain)
                start = past
        pieces.append(written[past:])
        self.text = "".join(pieces)
        self._starts = [edge[0] for edge in self._edges]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """What was written for ``text[start:end]`` (not empty), in characters; whole escapes."""
        if not self._edges:
            return start, end
        return self._place(start, last=False), self._place(end - 1, last=True) + 1

    def _place(self, position: int, *, last: bool) -> int:
        index = bisect_right(self._starts, position) - 1
        if index < 0:
            return position
        _, end, written_start, written_end = self._edges[index]
        if position < end:
            return written_end - 1 if last else written_start
        return written_end + position - end


def _resolve(match: re.Match[str]) -> Iterator[tuple[str, str]]:
    """(as written, as read) for each character that an escape, or a run of percent escapes, stands for."""
    written = match.group()
    if match.group("percent"):
        yield from _resolve_percent(written)
    elif written[0] == "&":
        import html

        yield written, html.unescape(written)
    elif written[1] in "ux":
        plain = "".join(chr(int(unit, 16)) for unit in re.findall(r"\\[ux]([0-9A-Fa-f]+)", written))
        yield written, plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    else:
        yield written, _SIMPLE.get(written[1], written[1])


def _resolve_percent(written: str) -> Iterator[tuple[str, str]]:
    data = bytes.fromhex(written.replace("%", ""))
    start = 0
    while start < len(data):
        for size in (1, 2, 3, 4):
            try:
                plain = data[start : start + size].decode("utf-8")
            except UnicodeDecodeError:
                continue
            yield written[3 * start : 3 * (start + size)], plain
            start += size
            break
        else:
            yield written[3 * start : 3 * start + 3], written[3 * start : 3 * start + 3]
            start += 1
