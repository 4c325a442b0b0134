"""Blocks as the markup that they stand for, so that there is one way from markup to text."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from stages.ingest.slack.mrkdwn import source_text
from stages.ingest.slack.values import Entry, entries, entry, escaped, number, string

_DEEPEST: Final = 12
_STYLES: Final = (("code", "`"), ("strike", "~"), ("italic", "_"), ("bold", "*"))


def blocks_source(blocks: object, depth: int = 0) -> str:
    """The readable content of a list of blocks, one after the other, as markup with ids."""
    if depth > _DEEPEST:
        return ""
    return _lines(_block(block, depth) for block in entries(blocks))


def links_of(blocks: object, depth: int = 0) -> list[str]:
    """Addresses behind pictures and buttons, which no text shows."""
    found: list[str] = []
    for block in entries(blocks) if depth <= _DEEPEST else ():
        if block.get("type") in ("image", "button"):
            found += [string(block.get("image_url")), string(block.get("url"))]
        for key in ("elements", "accessory"):
            inner = block.get(key)
            found += links_of([inner] if isinstance(inner, dict) else inner, depth + 1)
    return found


def text_object(value: object) -> str:
    """A text object (``mrkdwn`` or ``plain_text``) or a bare string as markup."""
    if isinstance(value, str):
        return source_text(value)
    text = source_text(entry(value).get("text"))
    if entry(value).get("type") == "plain_text":
        # here brackets are brackets and no markup
        return text.replace("<", "&lt;").replace(">", "&gt;")
    return text


def url_source(value: object) -> str:
    """An address as it stands in markup; it comes escaped or not."""
    return source_text(value).replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _block(block: Entry, depth: int) -> str:
    kind = string(block.get("type"))
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(block, depth)
    return text_object(block.get("text"))


def _rich_text(block: Entry, depth: int) -> str:
    return _lines(_rich_part(part, depth + 1) for part in entries(block.get("elements")))


def _rich_part(part: Entry, depth: int) -> str:
    if depth > _DEEPEST:
        return ""
    kind = string(part.get("type"))
    inner = entries(part.get("elements"))
    if kind == "rich_text_list":
        margin = "    " * min(number(part.get("indent")), 8)
        first = number(part.get("offset")) + 1
        ordered = part.get("style") == "ordered"
        items = (_rich_part(item, depth + 1) for item in inner)
        return _lines(f"{margin}{f'{at}.' if ordered else '•'} {item}" for at, item in enumerate(items, first))
    text = "".join(_rich_element(element, depth) for element in inner)
    if kind == "rich_text_preformatted":
        return f"```{text}```"
    if kind == "rich_text_quote":
        return "\n".join(f"&gt; {line}" for line in text.split("\n"))
    return text


def _rich_element(element: Entry, depth: int) -> str:
    kind = string(element.get("type"))
    if kind == "text":
        return _styled(escaped(source_text(element.get("text"))), entry(element.get("style")))
    if kind == "link":
        label, url = escaped(source_text(element.get("text"))), url_source(element.get("url"))
        return f"<{url}|{label}>" if label else f"<{url}>"
    if kind == "emoji":
        return f":{string(element.get('name'))}:"
    if kind == "user":
        return f"<@{string(element.get('user_id'))}>"
    if kind == "channel":
        return f"<#{string(element.get('channel_id'))}>"
    if kind == "usergroup":
        return f"<!subteam^{string(element.get('usergroup_id'))}>"
    if kind == "broadcast":
        return f"<!{string(element.get('range')) or 'channel'}>"
    if kind == "date":
        return escaped(source_text(element.get("fallback"))) or str(number(element.get("timestamp")))
    if kind == "color":
        return escaped(source_text(element.get("value")))
    if "elements" in element:
        return _rich_part(element, depth + 1)
    return escaped(source_text(element.get("text")))


def _styled(text: str, style: Mapping[str, Any]) -> str:
    bare = text.strip()
    if not bare or not style:
        return text
    shown = bare
    for name, sign in _STYLES:
        if style.get(name):
            shown = f"{sign}{shown}{sign}"
    return text.replace(bare, shown, 1)


def _section(block: Entry, depth: int) -> str:
    fields = block.get("fields")
    accessory = entry(block.get("accessory"))
    picture = _image(accessory, depth) if accessory.get("type") == "image" else ""
    listed = [text_object(field) for field in fields] if isinstance(fields, list) else []
    return _lines([text_object(block.get("text")), *listed, picture])


def _context(block: Entry, depth: int) -> str:
    elements = entries(block.get("elements"))
    shown = (_image(item, depth) if item.get("type") == "image" else text_object(item) for item in elements)
    return " ".join(text for text in shown if text)


def _image(block: Entry, depth: int) -> str:
    title, alt = text_object(block.get("title")), escaped(source_text(block.get("alt_text")))
    return title if title == alt else _lines([title, alt])


def _video(block: Entry, depth: int) -> str:
    title, url = text_object(block.get("title")), url_source(block.get("title_url"))
    return _lines([f"<{url}|{title}>" if url and title else title, text_object(block.get("description"))])


def _call(block: Entry, depth: int) -> str:
    about = entry(entry(block.get("call")).get("v1"))
    return escaped(source_text(about.get("name")))


def _table(block: Entry, depth: int) -> str:
    rows = block.get("rows")
    lines = []
    for row in rows if isinstance(rows, list) else []:
        cells = [
            _rich_text(cell, depth + 1) if "elements" in cell else escaped(source_text(cell.get("text")))
            for cell in entries(row)
        ]
        lines.append(" | ".join(cells))
    return _lines(lines)


def _nothing(block: Entry, depth: int) -> str:
    return ""


_READERS: Final[dict[str, Callable[[Entry, int], str]]] = {
    "rich_text": _rich_text,
    "section": _section,
    "context": _context,
    "image": _image,
    "video": _video,
    "call": _call,
    "table": _table,
    "actions": _nothing,
    "context_actions": _nothing,
    "divider": _nothing,
    "input": lambda block, depth: text_object(block.get("label")),
}


def _lines(parts: Any) -> str:
    return "\n".join(part for part in parts if part)
