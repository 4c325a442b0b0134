"""Who stands in a JSON export: every user's names, by one scan over the bytes.

Users are the only objects that have a name and, beside it, a discriminator, nickname or mark of a bot; emojis, roles,
stickers and channels have names too. In JSON a quote inside a string is escaped, so what looks like a key is one.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

_STRING: Final = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_USER: Final = re.compile(
    rb'"name"\s*:\s*%b\s*,\s*"discriminator"\s*:\s*"?(\d*)"?(?:\s*,\s*"nickname"\s*:\s*%b)?' % (_STRING, _STRING),
    re.DOTALL,
)
_ID_BEFORE: Final = re.compile(rb'"id"\s*:\s*"?(\d+)"?\s*,\s*$')
# other tools write the same keys in another order
_OTHERWISE: Final = tuple(
    re.compile(pattern % _STRING, re.DOTALL)
    for pattern in (
        rb'"nickname"\s*:\s*%b',
        rb'"name"\s*:\s*%b\s*,\s*"(?:discriminator|nickname|isBot)"',
        rb'"(?:discriminator"\s*:\s*"?\d*"?|isBot"\s*:\s*\w+|nickname"\s*:\s*null)\s*,\s*"name"\s*:\s*%b',
    )
)
_KEY: Final = b'"discriminator"'
_LAST: Final = b'"isBot"'
_BORDER: Final = 2_048
"""No user's names take more bytes, so what is cut at the end of a block is found in the next."""


def shown_name(name: str, discriminator: str, nickname: str) -> str:
    """How a user is shown: the nickname, else the full name."""
    return nickname.strip() or full_name(name, discriminator)


def full_name(name: str, discriminator: str) -> str:
    """The name that tells a user from all others: ``name#1234`` of old, the bare name today."""
    name = name.strip()
    return f"{name}#{discriminator}" if name and discriminator.strip("0") else name


@dataclass
class People:
    """Names of all users of an export, by id, and by whom each shown name is borne."""

    names: set[str] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=dict)
    _bearers: dict[str, set[str]] = field(default_factory=dict)

    def scan(self, chunks: Iterable[bytes]) -> None:
        """Take in a file. Cost: linear; memory is that of the names."""
        seen: set[bytes] = set()
        for block in _overlapping(chunks):
            at = block.find(_KEY)
            if at < 0:
                self._search(block)
            while at >= 0:
                # what one user has between name and mark of a bot is the same wherever the user stands
                start, end = block.rfind(b'"name"', max(at - _BORDER, 0), at), block.find(_LAST, at, at + _BORDER)
                written = block[start:end]
                if start < 0 or end < 0:
                    self._search(block[max(at - _BORDER, 0) : at + _BORDER])
                elif written not in seen:
                    seen.add(written)
                    self._take(block, start, end)
                at = block.find(_KEY, at + len(_KEY))

    def _take(self, block: bytes, start: int, end: int) -> None:
        match = _USER.match(block, start, end)
        if match is None:
            self._search(block[start : end + len(_LAST)])
            return
        number = _ID_BEFORE.search(block, max(start - 100, 0), start)
        self._add(number[1].decode() if number else "", _text(match[1]), match[2].decode(), _text(match[3] or b""))

    def _search(self, block: bytes) -> None:
        """Names wherever they stand, for files whose users have other keys, or the same in another order."""
        for pattern in _OTHERWISE:
            self.names.update(text for text in map(_text, pattern.findall(block)) if text)

    def author(self, user: dict[Any, Any]) -> str:
        """The name under which a user's messages stand: as shown, in full where two users are shown alike."""
        number, name = str(user.get("id") or ""), str(user.get("name") or "")
        discriminator, nickname = str(user.get("discriminator") or ""), str(user.get("nickname") or "")
        shown = shown_name(name, discriminator, nickname)
        if not shown:
            return f"Unknown user {number}".strip()
        if len(self._bearers.get(shown, ())) > 1:
            return full_name(name, discriminator) or shown
        return shown

    def _add(self, number: str, name: str, discriminator: str, nickname: str) -> None:
        shown = shown_name(name, discriminator, nickname)
        if not shown:
            self.names.add(f"Unknown user {number}")
            return
        self._bearers.setdefault(shown, set()).add(full_name(name, discriminator))
        self.users.setdefault(number, shown)
        self.names.update(text for text in (name, nickname, shown, full_name(name, discriminator)) if text)


def _overlapping(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, each with the end of the one before it in front."""
    end = b""
    for chunk in chunks:
        block = end + chunk
        yield block
        end = block[-_BORDER:]


def _text(raw: bytes) -> str:
    if b"\\" not in raw:
        return raw.decode("utf-8", "replace")
    try:
        text = json.loads(b'"%b"' % raw, strict=False)
    except ValueError:
        return raw.decode("utf-8", "replace")
    return str(text).encode("utf-8", "replace").decode()
