"""A message's text in two forms: as it is read, and as it stays the same in every export of the chat.

By default DiscordChatExporter writes names in place of mentions; with ``--markdown false`` it leaves ``<@id>``. Read,
both show ``@name`` framed by isolates, so that a name which is a common word is still known for one; in the stable
form both are ``<@id>``, because names change.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

OPEN: Final = "\u2068"
CLOSE: Final = "\u2069"
_MARKS: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_SYNTAX: Final = re.compile(
    r"<(?:@!?(?P<user>\d{1,20})|@&(?P<role>\d{1,20})|#(?P<channel>\d{1,20})"
    r"|a?(?P<emoji>:\w{1,64}:)\d{1,20}|t:(?P<time>-?\d{1,13})(?::[A-Za-z])?|(?P<command>/[^<>:\n]{1,100}):\d{1,20})>"
)


@dataclass
class Known:
    """Names by id, as far as the export has told them."""

    users: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)


def cleaned(text: str) -> str:
    """The text without direction marks, with line feeds as line ends."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else _MARKS.sub("", text)


def framed(name: str) -> str:
    """A mention of somebody, which privacy hides whatever the name is."""
    return f"@{OPEN}{name}{CLOSE}"


def both_forms(text: str, mentioned: Mapping[str, str], known: Known) -> tuple[str, str]:
    """(text to read, stable text); ``mentioned`` are the ids of mentioned users by their shown names."""
    text = cleaned(text)
    shown = stable = text
    if "<" in text:
        shown = _SYNTAX.sub(lambda match: _shown(match, known), text)
        stable = _SYNTAX.sub(_stable, text)
    if mentioned and "@" in text:
        shown = _at_names(shown, mentioned, framed)
        stable = _at_names(stable, mentioned, lambda name: f"<@{mentioned[name]}>")
    return shown, stable


def embedded(embeds: Iterable[Any]) -> str:
    """What the cards of a message say: title, description, fields, address; a picture's address where that is all."""
    parts: list[str] = []
    for embed in embeds:
        if not isinstance(embed, dict):
            continue
        lines = [_text(embed.get("title")), _text(embed.get("description"))]
        lines += [
            ": ".join(filter(None, (_text(each.get("name")), _text(each.get("value")))))
            for each in embed.get("fields") or ()
            if isinstance(each, dict)
        ]
        lines.append(_text(embed.get("url")))
        lines = [line for line in lines if line] or [_picture(embed)]
        parts += [line for line in lines if line]
    return "\n".join(parts)


def addresses(embeds: Iterable[Any], text: str) -> list[str]:
    """The addresses of cards that the text does not show."""
    found: list[str] = []
    for embed in embeds:
        url = embed.get("url") if isinstance(embed, dict) else None
        if (
            isinstance(url, str)
            and url.startswith(("http://", "https://"))
            and url.rstrip("/") not in text
            and url not in found
        ):
            found.append(url)
    return found


def poll_text(poll: Any) -> str:
    """A poll's question and answers, a line each; empty where there is no poll."""
    if not isinstance(poll, dict):
        return ""
    answers = [_said(answer) for answer in poll.get("answers") or ()]
    return "\n".join([_said(poll.get("question")), *(f"- {answer}" for answer in answers if answer)]).strip()


def _said(value: Any) -> str:
    if isinstance(value, dict):
        inner = value.get("text") or value.get("poll_media") or value.get("pollMedia") or value.get("media")
        return _said(inner)
    return _text(value)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _picture(embed: Mapping[str, Any]) -> str:
    for key in ("image", "thumbnail", "video"):
        picture = embed.get(key)
        if isinstance(picture, dict):
            for name in ("canonicalUrl", "url"):
                url = _text(picture.get(name))
                if url.startswith(("http://", "https://")):
                    return url
    return ""


def _shown(match: re.Match[str], known: Known) -> str:
    kind, value = match.lastgroup, match[match.lastgroup or 0]
    if kind == "user":
        name = known.users.get(value)
        return framed(name) if name else "@unknown-user"
    if kind == "role":
        return f"@{known.roles.get(value, 'unknown-role')}"
    if kind == "channel":
        return f"#{known.channels.get(value, 'unknown-channel')}"
    if kind == "time":
        try:
            return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%d %H:%M UTC")
        except (ValueError, OverflowError, OSError):
            return match[0]
    return value


def _stable(match: re.Match[str]) -> str:
    kind, value = match.lastgroup, match[match.lastgroup or 0]
    if kind == "user":
        return f"<@{value}>"
    return value if kind in ("emoji", "command") else match[0]


def _at_names(text: str, names: Mapping[str, str], written: Callable[[str], str]) -> str:
    """``@name`` of each name replaced, the longest name at each place; what merely begins like one stays."""
    longest_first = sorted(names, key=len, reverse=True)
    parts: list[str] = []
    past = 0
    at = text.find("@")
    while at >= 0:
        for name in longest_first:
            end = at + 1 + len(name)
            if text.startswith(name, at + 1) and not _goes_on(text, end):
                parts += [text[past:at], written(name)]
                past = end
                break
        at = text.find("@", max(at + 1, past))
    return "".join([*parts, text[past:]]) if parts else text


def _goes_on(text: str, end: int) -> bool:
    if end >= len(text):
        return False
    sign = text[end]
    return sign.isascii() and (sign.isalnum() or sign == "_") and (text[end - 1].isalnum() or text[end - 1] == "_")
