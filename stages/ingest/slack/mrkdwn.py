"""Slack's markup as plain text: mentions, channels, links and dates as they are read, emphasis as it was written."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from stages.ingest.slack.values import name_of, plain, string, unescaped

_TOKEN: Final = re.compile(r"<([^<>\n]{1,8192})>")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:")
_SECRET: Final = re.compile(r"([?&](?:amp;)?)(?:t|token|pub_secret)=xox[a-z]?-[^&#\s<>|\"')\]]*(&(?:amp;)?)?")
_BARE_SECRET: Final = re.compile(r"xoxe[.-][0-9A-Za-z.-]{8,}")


def without_tokens(text: str) -> str:
    """The text without the export's keys, which Slack puts into the addresses of files."""
    if "xox" not in text:
        return text
    text = _SECRET.sub(lambda match: match.group(1) if match.group(2) else "", text)
    return _BARE_SECRET.sub("", text)


class Mrkdwn:
    """Turns texts with ids into texts with names; ``name`` names a user, ``channels`` are names by id.

    Cost: nothing for a text without brackets and escapes, else one pass.
    """

    def __init__(self, name: Callable[[str], str], channels: Mapping[str, str]) -> None:
        self._name = name
        self._channels = channels
        self._mentions: dict[str, str] = {}

    def text(self, source: str) -> str:
        """The text to be read; mentions are framed by isolates, as privacy looks for them."""
        if "<" not in source:
            return unescaped(source)
        parts: list[str] = []
        past = 0
        for match in _TOKEN.finditer(source):
            parts += (unescaped(source[past : match.start()]), self._token(match.group(1)))
            past = match.end()
        parts.append(unescaped(source[past:]))
        return "".join(parts)

    def _token(self, inside: str) -> str:
        target, _, label = inside.partition("|")
        sign = target[0] if target else ""
        if sign == "@":
            return self._mention(target[1:], label)
        if sign == "#":
            name = label or self._channels.get(target[1:]) or target[1:]
            return f"#{unescaped(name)}"
        if sign == "!":
            return self._special(target[1:], label) or f"<{unescaped(inside)}>"
        if _ADDRESS.match(target):
            return self._link(unescaped(target), unescaped(label).strip())
        return f"<{unescaped(inside)}>"

    def _mention(self, identity: str, label: str) -> str:
        found = self._mentions.get(identity)
        if found is None:
            name = self._name(identity)
            name = name if name and name != identity else name_of(label) or identity
            found = f"@\u2068{name}\u2069"
            if not label:
                self._mentions[identity] = found
        return found

    def _special(self, command: str, label: str) -> str:
        shown = unescaped(label)
        word = command.partition("^")[0]
        if word in ("here", "channel", "everyone", "group"):
            return f"@{word}"
        if word == "subteam":
            name = shown or command.partition("^")[2]
            return name if name.startswith("@") else f"@{name}"
        return shown

    def _link(self, url: str, label: str) -> str:
        scheme, _, rest = url.partition(":")
        if scheme in ("mailto", "tel"):
            return f"{label} ({rest})" if label and label != rest and label != url else rest
        same = label.rstrip("/") in ("", url.rstrip("/"), rest.removeprefix("//").rstrip("/"))
        return url if same else f"{label} ({url})"


def source_text(value: object) -> str:
    """A text of Slack in the form that ids are made of: with ids, even line ends, no marks, no keys."""
    return without_tokens(plain(string(value)))
