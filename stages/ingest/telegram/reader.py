"""Telegram Desktop's ``result.json`` as a reader: a survey of the document, then its messages chat by chat."""

import re
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any, BinaryIO, Final

from stages.errors import BadInput
from stages.ingest.draft import NO_KEY, Draft, DraftBuilder
from stages.ingest.reader import Chat, ReadOptions, Source, Summary, Unparsed
from stages.ingest.telegram.find import Found
from stages.ingest.telegram.message import Row, read_message
from stages.ingest.telegram.stream import Broken, JsonStream
from stages.ingest.telegram.survey import ChatSeen, Survey, survey
from stages.ingest.telegram.times import moments
from stages.ingest.telegram.topics import Topics
from stages.ingest.telegram.walk import Step, walk
from stages.ingest.text import decoded, text_encoding

_ROWS: Final = 20_000
_CHARACTERS: Final = 16 << 20
_AGAIN: Final = "export the chat again, in the format Machine-readable JSON."


class TelegramReader:
    """One export; see :class:`stages.ingest.reader.Reader`. Two passes, each as fast as JSON is parsed."""

    def __init__(self, source: Source, found: Found, options: ReadOptions) -> None:
        self._source = source
        self._member = found.member
        self._options = options
        self.consumed: Collection[int] = () if found.member is None else (found.member.position,)
        self._what = str(source.path) if found.member is None else f"result.json in the ZIP {source.path}"
        self._dateless = 0
        self._strange = ""
        self._first_dateless = ""
        self._unsupported = 0
        self._twice = 0
        self._shared = 0
        self._silent = 0
        self._read: dict[int, int] = {}

    def names(self) -> Collection[str]:
        """Surveys the export. Raises :class:`BadInput` where it holds no message that can be read, or not the chat."""
        with closing(self._open()) as file:
            self._found = survey(JsonStream(file, self._options.block_bytes))
        self._refuse(self._found)
        self._chosen = self._choose(self._found.chats)
        return self._found.names

    def drafts(self) -> Iterator[Draft]:
        """The messages, chat by chat. Raises :class:`BadInput` where more than half of them cannot be read."""
        with closing(self._open()) as file:
            stream = JsonStream(file, self._options.block_bytes)
            yield from self._drafts(stream)
        lost = self._dateless + self._found.damage.count
        if lost > sum(self._read.values()):
            raise BadInput(f"{self._what} holds {lost} messages that cannot be read, most of them; {_AGAIN}")

    def summary(self) -> Summary:
        """What was seen; sentences name no person."""
        found = self._found
        several = len(found.chats) > 1
        clock = "in part local times" if found.clocks and found.local_only else "UTC times"
        clock = "local times" if found.local_only and not found.clocks else clock
        return Summary(
            format=f"Telegram Desktop, JSON of {'an account' if several else 'one chat'}, {clock}",
            evidence=f"JSON with {len(found.chats)} list{'s' if several else ''} of Telegram's messages",
            warnings=self._warnings(),
            chats=[
                Chat(at + 1, chat.id, chat.name, chat.kind.replace("_", " "), self._read.get(at, chat.entries))
                for at, chat in enumerate(found.chats)
            ],
            unparsed=self._unparsed(),
        )

    def _open(self) -> BinaryIO:
        file = self._source.open() if self._member is None else self._source.open(self._member)
        head = self._source.head
        if self._member is not None:
            with closing(self._source.open(self._member)) as probe:
                head = probe.read(1 << 16)
        return decoded(file, text_encoding(self._what, head))

    def _refuse(self, found: Survey) -> None:
        entries = sum(chat.entries for chat in found.chats)
        lost = found.damage.count
        if found.broken and not entries:
            how = "ends" if found.broken.cut else "is no valid JSON"
            raise BadInput(
                f"{self._what} {how} at byte {found.broken.offset}, before the first whole message; {_AGAIN}"
            )
        if lost > entries:
            raise BadInput(
                f"{self._what} holds {lost} messages that are no valid JSON, more than can be read, the first at byte "
                f"{found.damage.offset}; {_AGAIN}"
            )
        if not found.chats:
            raise BadInput(f"{self._what} is a Telegram export without chats; {_AGAIN}")
        if not entries:
            raise BadInput(f"{self._what} is a Telegram export without messages; {_AGAIN}")

    def _choose(self, chats: list[ChatSeen]) -> frozenset[int]:
        """The places of the chats that are read."""
        wanted = self._options.chat
        if wanted is None:
            return frozenset(range(len(chats)))
        if wanted.isdecimal() and 1 <= int(wanted) <= len(chats):
            return frozenset({int(wanted) - 1})
        for fits in (
            [at for at, chat in enumerate(chats) if wanted in (chat.id, chat.stable) and chat.id],
            [at for at, chat in enumerate(chats) if wanted == chat.name],
            [at for at, chat in enumerate(chats) if wanted.casefold().strip() == chat.name.casefold().strip()],
        ):
            if len(fits) == 1:
                return frozenset(fits)
            if fits:
                numbers = ", ".join(str(at + 1) for at in fits[:10])
                raise BadInput(f"{len(fits)} chats of the export bear that name; give one by its number: {numbers}.")
        raise BadInput(
            f"The export has no such chat; it holds {len(chats)}: give one by its number (1 to {len(chats)}), id or "
            "name."
        )

    def _drafts(self, stream: JsonStream) -> Iterator[Draft]:
        at = -1
        opened: ChatInHand | None = None
        try:
            for step, what in walk(stream):
                if step is Step.MESSAGES:
                    if not what:
                        at += 1
                        opened = self._begin(at)
                    elif opened is not None:
                        yield from self._take(opened, at, what)
                elif step is Step.END and opened is not None:
                    yield from opened.rest()
                    opened = None
        except Broken:
            # said by the survey, which met it first
            if opened is not None:
                yield from opened.rest()

    def _begin(self, at: int) -> "ChatInHand | None":
        if at not in self._chosen:
            return None
        self._read[at] = 0
        return ChatInHand(self._found.chats[at])

    def _take(self, chat: "ChatInHand", at: int, messages: list[Any]) -> Iterator[Draft]:
        for message, moment in zip(messages, moments(messages, self._options.zone), strict=True):
            if moment is None:
                self._without_date(message)
                continue
            row = read_message(message, chat.seen.stable, chat.seen.kind, chat.seen.name)
            key = row.key
            if key in chat.seen.repeated:
                told = chat.told(row, moment.utc)
                if told is None:
                    self._twice += 1
                    continue
                key = key if told else NO_KEY
                self._shared += not told
            if row.author is None and row.kind not in ("system", "call"):
                self._silent += 1
            chat.add(row, key, moment.utc, moment.local, message)
            self._read[at] += 1
            if chat.is_full():
                yield from chat.rest()

    def _without_date(self, message: Any) -> None:
        if type(message) is dict and message.get("type") == "unsupported":
            self._unsupported += 1
            return
        self._dateless += 1
        if self._dateless == 1:
            number = message.get("id") if type(message) is dict else None
            self._first_dateless = f"message {number}" if type(number) is int else "a message without a number"
            self._strange = repr(message)[:400]

    def _unparsed(self) -> Unparsed | None:
        damage = self._found.damage
        if damage.count:
            begins = damage.begins.decode("utf-8", "replace")
            return Unparsed(damage.count + self._dateless, f"byte {damage.offset}", _masked(begins))
        if self._dateless:
            return Unparsed(self._dateless, self._first_dateless, _masked(self._strange))
        return None

    def _warnings(self) -> list[str]:
        found = self._found
        said = []
        if found.broken:
            how = "ends in the middle" if found.broken.cut else "is damaged"
            said.append(
                f"The export {how} at byte {found.broken.offset}; what stands before was read, and what follows is "
                "missing: export the chat again."
            )
        if found.beyond is not None:
            said.append(f"What follows the export's end at byte {found.beyond} was not read.")
        if found.damage.count:
            said.append(
                f"{_messages(found.damage.count)} no valid JSON and left out, the first at byte {found.damage.offset}."
            )
        if self._dateless:
            said.append(
                f"{_messages(self._dateless)} without a date and left out, the first is {self._first_dateless}."
            )
        if self._unsupported:
            said.append(f"{_messages(self._unsupported)} of a type that Telegram Desktop did not export.")
        if self._twice:
            said.append(f"{_messages(self._twice)} in the export twice and read once.")
        if self._shared:
            said.append(f"{_messages(self._shared)} numbered like another one; replies lead to the first.")
        if self._silent:
            said.append(f"{_messages(self._silent)} without a sender.")
        same = found.homonyms()
        if same:
            bear = (
                "name is borne by several people, who" if same == 1 else "names are borne by several people each, who"
            )
            said.append(f"{same} {bear} are one author here; Telegram tells them apart by their ids.")
        ahead = found.clock_error(self._options.zone)
        if ahead is not None:
            said.append(
                f"{_messages(found.local_only)} dated by a local clock alone, and the others show that it was "
                f"{ahead / 3600:+.4g} h from UTC, not in the zone given: settle it with --timezone."
            )
        return said


class ChatInHand:
    """A chat that is being read: the rows of its next draft, its topics, and what of its numbers was met twice."""

    def __init__(self, seen: ChatSeen) -> None:
        self.seen = seen
        self._builder = DraftBuilder(seen.stable)
        self._characters = 0
        self._topics = Topics()
        self._told: dict[int, set[tuple[int, str | None, str]]] = {}

    def add(self, row: Row, key: int, utc: int, local: int, message: dict[str, Any]) -> None:
        title = message.get("title") if message.get("action") == "topic_created" else None
        topic = self._topics.opened(key, title) if type(title) is str else self._topics.of(key, row.reply)
        self._builder.add(
            utc,
            row.author,
            row.text,
            kind=row.kind,
            media=row.media,
            edited=row.edited,
            local=local,
            signer=row.signer,
            wording=row.wording,
            key=key,
            reply=row.reply,
            reactions=row.reactions,
            topic=topic,
            links=row.links,
        )
        self._characters += len(row.text)

    def told(self, row: Row, utc: int) -> bool | None:
        """Whether a message is the first with its number; None where it was read before."""
        others = self._told.setdefault(row.key, set())
        content = (utc, row.signer, row.wording)
        if content in others:
            return None
        others.add(content)
        return len(others) == 1

    def is_full(self) -> bool:
        return len(self._builder) >= _ROWS or self._characters >= _CHARACTERS

    def rest(self) -> Iterator[Draft]:
        """The rows so far as a draft, if there are any."""
        if len(self._builder):
            self._characters = 0
            yield self._builder.take()


def _messages(count: int) -> str:
    return f"{count} message{' is' if count == 1 else 's are'}"


def _masked(text: str) -> str:
    return re.sub(r"[^\W\d_]", "x", " ".join(text.split()))[:60]
