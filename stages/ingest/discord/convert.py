"""One channel's messages as rows: who, when, what, and what hangs on it.

A few microseconds a message; memory is eight bytes a message, to know an id again, and the names of attachments.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import numpy as np

from stages.ingest.columns import Ints
from stages.ingest.discord.content import (
    OPEN,
    Known,
    addresses,
    both_forms,
    cleaned,
    embedded,
    framed,
    poll_text,
)
from stages.ingest.discord.events import WRITTEN, canonical, sentence
from stages.ingest.discord.parts import Channel
from stages.ingest.discord.people import People, shown_name
from stages.ingest.discord.rows import Rows
from stages.ingest.draft import NO_KEY, Draft
from stages.ingest.names import fold
from stages.ingest.zone import LocalTimes

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)
_DISCORD_EPOCH: Final = 1_420_070_400_000
_BATCH: Final = 20_000
_RARE: Final = ("attachments", "embeds", "stickers", "forwardedMessage", "poll")
_HANGING: Final = (*_RARE, "mentions", "reactions", "reference")
_PLAIN: Final = 8
"""Keys of a message that nothing hangs on: id, type, timestamps, isPinned, content, author."""
_SHOWN: Final = object()
"""The key of what was found out about an author; no key of JSON is equal to it."""


class _More(NamedTuple):
    """A message with what hangs on it."""

    text: str = ""
    wording: str = ""
    kind: str = "text"
    media: Sequence[str] = ()
    links: Sequence[str] = ()


class Seen:
    """Which ids came before. Exports are in order, so most ids are compared with two numbers only."""

    def __init__(self) -> None:
        self._runs: list[Ints] = []

    def fresh(self, keys: list[int]) -> list[bool]:
        """Whether each id comes for the first time; all are known from then on."""
        column = np.array(keys, np.int64)
        _, first = np.unique(column, return_index=True)
        new = np.zeros(len(column), np.bool_)
        new[first] = True
        ranked = np.sort(column[new])
        for run in self._runs:
            if len(ranked) and run[0] <= ranked[-1] and run[-1] >= ranked[0]:
                new &= ~np.isin(column, run)
        new |= column == NO_KEY
        self._remember(np.sort(column[new & (column != NO_KEY)]))
        return [bool(value) for value in new.tolist()]

    def _remember(self, ranked: Ints) -> None:
        """Keep sorted runs, each more than twice as long as the next."""
        if not len(ranked):
            return
        self._runs.append(ranked)
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate((self._runs[-1], last)), kind="stable")


class Converter:
    """Takes messages of one channel and gives batches of rows."""

    def __init__(self, channel: Channel, people: People, known: Known, files: Iterable[str], zone: LocalTimes) -> None:
        self._channel = channel
        self._people = people
        self._known = known
        self._files = {fold(name): name for name in files}
        self._zone = zone
        self._rows = Rows(channel.id, channel.name if channel.thread and channel.name else None)
        self._seen = Seen()
        self._attached: dict[str, str] = {}
        self.entries = 0
        self.repeated = 0
        self.lost = 0
        self.timed_by_id = 0

    def add(self, messages: list[dict[str, Any]]) -> None:
        """Take messages in the order of the source; what came before is left out, what has no time is counted."""
        keys = [_snowflake(message.get("id")) for message in messages]
        entries = lost = repeated = 0
        add, author_of = self._rows.add, self._author
        for message, key, fresh in zip(messages, keys, self._seen.fresh(keys), strict=True):
            if not fresh:
                repeated += 1
                continue
            content, written, author = message.get("content"), message.get("timestamp"), message.get("author")
            # a plain text is most of a chat
            if (
                len(message) <= _PLAIN
                and message.get("type") == "Default"
                and message.get("timestampEdited") is None
                and not any(map(message.get, _HANGING))
                and isinstance(content, str)
                and isinstance(written, str)
                and isinstance(author, dict)
                and isinstance(signer := author.get("id"), str)
                and "<" not in content
                and (utc := _instant(written)) is not None
            ):
                content = cleaned(content)
                add(utc, author_of(author), content, signer, content, key)
                entries += 1
            elif self._row(message, key):
                entries += 1
            else:
                lost += 1
        self.entries += entries
        self.lost += lost
        self.repeated += repeated

    def batch(self, *, last: bool = False) -> Draft | None:
        """The rows so far where there are many, or any and it is the last call."""
        if not len(self._rows) or (len(self._rows) < _BATCH and not last):
            return None
        return self._rows.take()

    def _row(self, message: dict[str, Any], key: int) -> bool:
        utc = self._time(message.get("timestamp"), key)
        if utc is None:
            return False
        author = message.get("author")
        user: dict[Any, Any] = author if isinstance(author, dict) else {}
        signer = user.get("id")
        signer = None if signer is None else str(signer)
        kind = str(message.get("type", "Default"))
        content = message.get("content")
        if not isinstance(content, str):
            content = ""
        mentions = _dicts(message.get("mentions"))
        if kind not in WRITTEN and self._is_event(canonical(kind), content, message):
            self._event(canonical(kind), content, user, signer, mentions, utc, key)
            return True
        names = _spellings(mentions) if mentions and "@" in content else {}
        name = self._author(user)
        text, wording = both_forms(content, names, self._known)
        more = None
        if any(map(message.get, _RARE)):
            more = self._more(message, text, wording, names)
            text, wording = more.text, more.wording
        row = self._rows.add(utc, name, text, signer, wording, key)
        reference, reactions = message.get("reference"), message.get("reactions")
        edited = message.get("timestampEdited") is not None
        if more or reference or edited:
            self._rows.mark(
                row,
                kind=more.kind if more else "",
                edited=edited,
                reply=self._reply(reference) if reference else NO_KEY,
            )
        if more or reactions:
            self._rows.attach(
                row,
                media=more.media if more else (),
                links=more.links if more else (),
                reactions=_reactions(reactions) if reactions else None,
            )
        return True

    def _more(self, message: dict[str, Any], text: str, wording: str, names: dict[str, str]) -> "_More":
        """What hangs on a message, and its text with that of it."""
        forwarded = message.get("forwardedMessage")
        attachments, stickers = _dicts(message.get("attachments")), _dicts(message.get("stickers"))
        embeds = _dicts(message.get("embeds"))
        if isinstance(forwarded, dict):
            attachments = attachments + _dicts(forwarded.get("attachments"))
            stickers = stickers + _dicts(forwarded.get("stickers"))
            embeds = embeds + _dicts(forwarded.get("embeds"))
            again, same = both_forms(str(forwarded.get("content") or ""), names, self._known)
            text, wording = _joined(text, again), _joined(wording, same)
        poll = cleaned(poll_text(message.get("poll")))
        if poll:
            text, wording = _joined(text, poll), _joined(wording, poll)
        links: list[str] = []
        if embeds and text.strip():
            links = addresses(embeds, text)
        elif embeds:
            text, wording = both_forms(embedded(embeds), {}, self._known)
        media = [name for each in attachments if (name := self._media(each))]
        media += [name for each in stickers if (name := self._local(each.get("sourceUrl")))]
        if stickers and not text.strip():
            text = wording = "\n".join(f"[sticker: {cleaned(str(each.get('name') or '?'))}]" for each in stickers)
        if not wording:
            # two pictures in one second stay two
            wording = "\n".join(cleaned(str(each.get("fileName") or "")) for each in attachments)
        kind = "poll" if poll else "media" if attachments or stickers else "text"
        return _More(text, wording, kind, media, links)

    def _is_event(self, kind: str, content: str, message: dict[str, Any]) -> bool:
        """Whether nobody wrote the message. A type that nobody knows is somebody's where it holds something."""
        if not kind.isdigit():
            return True
        if int(kind) in (21, 46):
            return not content
        return int(kind) <= 46 or not (content or message.get("attachments") or message.get("embeds"))

    def _event(
        self, kind: str, content: str, user: dict[Any, Any], signer: str | None, mentions: list[dict[str, Any]],
        utc: int, key: int,
    ) -> None:  # fmt: skip
        said = stable = cleaned(content)
        for each in mentions:
            shown = _shown(each)
            if shown and shown in said and OPEN not in said:
                said = said.replace(shown, framed(shown), 1)
                stable = stable.replace(shown, f"<@{each.get('id')}>", 1)
        row = self._rows.add(
            utc,
            None,
            sentence(kind, said, framed(self._author(user)) if user else ""),
            signer,
            f"{kind}\n{stable}",
            key,
        )
        self._rows.mark(row, kind="call" if kind == "Call" else "system")

    def _author(self, user: dict[Any, Any]) -> str:
        name: str | None = user.get(_SHOWN)
        if name is None:
            # an author is one object for all of their messages: looked up once
            name = user[_SHOWN] = self._people.author(user)
            for role in _dicts(user.get("roles")):
                self._known.roles[str(role.get("id"))] = cleaned(str(role.get("name") or ""))
        return name

    def _time(self, written: Any, key: int) -> int | None:
        """Microseconds since 1970; an id of Discord holds the time as well."""
        if isinstance(written, str):
            if (utc := _instant(written)) is not None:
                return utc
            try:
                local = (datetime.fromisoformat(written) - _NAIVE) // _MICROSECOND
            except (ValueError, TypeError):
                pass
            else:
                seconds = int(self._zone.to_utc(np.array([local // 1_000_000]))[0])
                return seconds * 1_000_000 + local % 1_000_000
        if key <= 1 << 22:
            return None
        self.timed_by_id += 1
        return ((key >> 22) + _DISCORD_EPOCH) * 1_000

    def _reply(self, reference: Any) -> int:
        if not isinstance(reference, dict) or reference.get("type") == "Forward":
            return NO_KEY
        channel = str(reference.get("channelId") or self._channel.id)
        return _snowflake(reference.get("messageId")) if channel == self._channel.id else NO_KEY

    def _media(self, attachment: dict[str, Any]) -> str:
        """An attachment's name: that of the file in the ZIP, else its own, told apart where it comes again."""
        local = self._local(attachment.get("url"))
        if local:
            return local
        url = attachment.get("url")
        name = str(attachment.get("fileName") or "") or (
            _base(unquote(urlsplit(url).path)) if isinstance(url, str) else ""
        )
        name = cleaned(_base(name))
        if not name:
            return ""
        name = self._files.get(fold(name), name)
        number = str(attachment.get("id") or url or "")
        if self._attached.setdefault(name, number) == number:
            return name
        stem, dot, extension = name.rpartition(".")
        again = _snowflake(attachment.get("id"))
        mark = str(again) if again != NO_KEY else str(len(self._attached))
        name = f"{stem}-{mark}{dot}{extension}" if dot and stem else f"{name}-{mark}"
        self._attached.setdefault(name, number)
        return name

    def _local(self, url: Any) -> str:
        """The base name of a file that was downloaded with the export; empty for an address."""
        if not isinstance(url, str) or not url or "://" in url[:12] or url.startswith("//"):
            return ""
        name = _base(url)
        for each in (name, unquote(name)):
            if fold(each) in self._files:
                return self._files[fold(each)]
        return cleaned(name)


def _dicts(value: Any) -> list[dict[str, Any]]:
    if not value or not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, dict)]


def _shown(user: dict[str, Any]) -> str:
    return shown_name(str(user.get("name") or ""), "", str(user.get("nickname") or ""))


def _instant(written: str) -> int | None:
    """Microseconds since 1970 of a time with an offset; None for what is none or has none."""
    try:
        return (datetime.fromisoformat(written) - _EPOCH) // _MICROSECOND
    except (ValueError, TypeError):
        return None


def _spellings(mentions: list[dict[str, Any]]) -> dict[str, str]:
    """Ids of mentioned users by what a text may call them: the shown name, in old exports the plain one."""
    names = {shown: str(each.get("id")) for each in mentions if (shown := _shown(each))}
    for each in mentions:
        name = str(each.get("name") or "").strip()
        if name:
            names.setdefault(name, str(each.get("id")))
    return names


def _snowflake(value: Any) -> int:
    if isinstance(value, str):
        if not (value.isdigit() and value.isascii() and len(value) < 20):
            return NO_KEY
        value = int(value)
    return value if isinstance(value, int) and 0 < value < 1 << 63 else NO_KEY


def _reactions(value: Any) -> int | None:
    if not value or not isinstance(value, list):
        return None
    counts = [each.get("count") for each in value if isinstance(each, dict)]
    return min(sum(count for count in counts if isinstance(count, int) and count > 0), (1 << 31) - 1)


def _joined(first: str, second: str) -> str:
    return "\n".join(part for part in (first, second) if part)


def _base(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
