"""Messages of signal-export one after the other, from its Markdown and from its JSON lines, in one form."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Final, NamedTuple

import orjson

from stages.ingest.signal.body import Body, cleaned, take_apart
from stages.ingest.signal.header import Form, Header, read_header
from stages.ingest.unparsed import masked

_EPOCH: Final = datetime(1970, 1, 1)
_LINE: Final = 1 << 20
_FEW: Final = 3


class Entry(NamedTuple):
    """A message: where it stands, its local time (seconds, and microseconds beside them), who, and what."""

    line: int
    local: int
    micro: int
    sender: str
    body: Body


@dataclass
class Seen:
    """What was met on the way through one file."""

    preamble: int = 0
    lost: int = 0
    first: int | None = None
    looks_like: str = ""
    strays: int = 0
    first_stray: int | None = None

    def lose(self, line: int, text: str) -> None:
        self.lost += 1
        if self.first is None:
            self.first, self.looks_like = line, masked(text)


@dataclass
class Shape:
    """Which lines of a Markdown file are headers: those of the forms, where ``apart`` only after an empty line."""

    forms: frozenset[Form] = frozenset()
    apart: bool = False
    headers: int = 0
    others: int = 0
    people: set[str] = field(default_factory=set)

    def takes(self, header: Header, after_empty: bool) -> bool:
        return header.form in self.forms and (after_empty or not self.apart)


def survey(opening: Callable[[], BinaryIO]) -> Shape:
    """The shape of a Markdown file, and everybody who writes or reacts in it. One pass, memory of the names."""
    found: Counter[tuple[Form, bool]] = Counter()
    for _, line, empty in _lines(opening):
        header = read_header(line)
        if header and header.local is not None:
            found[header.form, empty] += 1
    if not found:
        return Shape()
    totals: Counter[Form] = Counter()
    for (form, _), count in found.items():
        totals[form] += count
    main, count = totals.most_common(1)[0]
    # signal-export ends every message with an empty line; what is pasted into one seldom begins after such a line
    apart = found[main, True] * 10 >= count * 9 and count > 1
    forms = {
        form
        for form in totals
        if form == main or (found[form, True] if apart else totals[form]) >= max(_FEW, count // 20)
    }
    shape = Shape(frozenset(forms), apart)
    for entry in markdown_entries(opening, shape, Seen()):
        shape.people.add(entry.sender)
        shape.people.update(entry.body.people)
        shape.headers += 1
    shape.others = sum(totals.values()) - shape.headers
    return shape


def markdown_entries(opening: Callable[[], BinaryIO], shape: Shape, seen: Seen) -> Iterator[Entry]:
    """The messages of a Markdown file; a line that is no header belongs to the message before it."""
    head: tuple[int, Header] | None = None
    body: list[str] = []
    for number, line, empty in _lines(opening):
        header = read_header(line)
        if header is not None and shape.takes(header, empty):
            if header.local is not None:
                if head is not None:
                    yield _entry(head, body)
                head, body = (number, header), [line[header.body :]]
                continue
            seen.lose(number, line)
        elif header is not None:
            seen.strays += 1
            seen.first_stray = seen.first_stray or number
        if head is None:
            seen.preamble += bool(line.strip())
        else:
            body.append(line)
    if head is not None:
        yield _entry(head, body)


def json_entries(opening: Callable[[], BinaryIO], seen: Seen) -> Iterator[Entry]:
    """The messages of a file of JSON lines."""
    with opening() as stream:
        for number, raw in enumerate(stream, 1):
            raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if not raw.strip():
                continue
            entry = _from_json(number, raw)
            if entry is None:
                seen.lose(number, raw[:200].decode("utf-8", "replace"))
            else:
                yield entry


def _entry(head: tuple[int, Header], body: list[str]) -> Entry:
    number, header = head
    assert header.local is not None
    return Entry(number, header.local, 0, cleaned(header.sender), take_apart("\n".join(body)))


def _lines(opening: Callable[[], BinaryIO]) -> Iterator[tuple[int, str, bool]]:
    """(number, line without its end, whether nothing or an empty line stands before it)."""
    with opening() as stream:
        lead = stream.read(2)
    encoding = "utf-16" if lead in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with opening() as stream, io.TextIOWrapper(stream, encoding, errors="replace") as text:
        number, empty = 0, True
        while line := text.readline(_LINE):
            number += 1
            bare = line.rstrip("\n")
            yield number, bare, empty
            empty = not bare.strip()


def _from_json(number: int, raw: bytes) -> Entry | None:
    try:
        value: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            value = orjson.loads(raw.decode("utf-8", "replace").encode())
        except orjson.JSONDecodeError:
            return None
    if not isinstance(value, dict):
        return None
    try:
        moment = datetime.fromisoformat(str(value.get("date")))
    except ValueError:
        return None
    since = moment.replace(tzinfo=None) - _EPOCH
    body = take_apart(f"{value.get('quote') or ''}{value.get('body') or ''}")
    reactions = [each for each in value.get("reactions") or () if each]
    media, missing = list(body.media), False
    for each in value.get("attachments") or ():
        if isinstance(each, dict):
            missing |= bool(each.get("missing_kind"))
            name = str(each.get("name") or "") or str(each.get("path") or "").rpartition("/")[2]
            media += [cleaned(name)] if name else []
    text, kind = body.text, body.kind
    sticker = value.get("sticker")
    if isinstance(sticker, dict):
        kind, label = "media", str(sticker.get("emoji") or "sticker")
        text = "\n".join(part for part in (text, label) if part)
        if sticker.get("extension") and sticker.get("packId"):
            media.append(f"exported_stickers/{sticker['packId']}/{sticker.get('id')}.{sticker['extension']}")
    if media or missing:
        kind = "media"
        text = text or ("" if media else "(media not exported)")
    if value.get("deleted"):
        kind, text, media = "deleted", "(This message was deleted)", []
    elif value.get("call"):
        kind = "call"
    return Entry(
        number,
        since.days * 86_400 + since.seconds,
        since.microseconds,
        cleaned(str(value.get("sender") or "")).strip(),
        Body(text, kind, tuple(media), len(reactions) or None, body.quote, tuple(_reacting(reactions))),
    )


def _reacting(reactions: list[Any]) -> Iterator[str]:
    for each in reactions:
        name = each.get("name") if isinstance(each, dict) else each[0] if isinstance(each, list) else None
        if isinstance(name, str) and name:
            yield name
