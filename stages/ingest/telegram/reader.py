"""Telegram Desktop's ``result.json`` as a reader: a scan for names, then the messages chat by chat."""

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import BinaryIO, Final

from stages.errors import BadInput
from stages.ingest.draft import Draft
from stages.ingest.reader import Chat, ReadOptions, Source, Summary
from stages.ingest.telegram.chat import ChatInHand
from stages.ingest.telegram.find import Found
from stages.ingest.telegram.outline import Head, chosen, outline
from stages.ingest.telegram.people import people
from stages.ingest.telegram.report import Report
from stages.ingest.telegram.stream import Broken, JsonStream
from stages.ingest.telegram.walk import Step, walk
from stages.ingest.text import decoded, text_encoding

_AGAIN: Final = "export the chat again, in the format Machine-readable JSON."


class TelegramReader:
    """One export; see :class:`stages.ingest.reader.Reader`. The document is parsed once, twice to choose a chat."""

    def __init__(self, source: Source, found: Found, options: ReadOptions) -> None:
        self._source = source
        self._member = found.member
        self._options = options
        self.consumed: Collection[int] = () if found.member is None else (found.member.position,)
        self._what = str(source.path) if found.member is None else f"result.json in the ZIP {source.path}"
        self._report = Report()
        self._outline: list[Head] | None = None
        self._heads: list[Head] = []
        self._entries: list[int] = []
        self._senders: set[tuple[str | None, str | None]] = set()
        self._account = False

    def names(self) -> Collection[str]:
        """Scans the bytes. Raises :class:`BadInput` where a chat is wanted that the export does not hold."""
        self._wanted = None if self._options.chat is None else chosen(self._look_ahead(), self._options.chat)
        if self._options.raw:
            return ()
        with closing(self._open()) as file:
            return people(file, self._options.block_bytes)

    def drafts(self) -> Iterator[Draft]:
        """The messages, chat by chat. Raises :class:`BadInput`, at the end at the latest, where none or fewer than
        half of them can be read.
        """
        with closing(self._open()) as file:
            stream = JsonStream(file, self._options.block_bytes)
            self._report.damage = stream.damage
            yield from self._drafts(stream)
        self._report.meet(self._senders)
        self._refuse()

    def summary(self) -> Summary:
        """What was seen; sentences name no person."""
        report, several = self._report, len(self._heads) > 1
        clock = "UTC times"
        if report.local_only:
            clock = "local and UTC times" if report.clocks else "local times"
        return Summary(
            format=f"Telegram Desktop, JSON of {'an account' if self._account else 'one chat'}, {clock}",
            evidence=f"JSON with {len(self._heads)} list{'s' if several else ''} of Telegram's messages",
            warnings=report.sentences(self._options.zone),
            chats=[
                Chat(at + 1, head.id, head.name, head.kind.replace("_", " "), entries)
                for at, (head, entries) in enumerate(zip(self._heads, self._entries, strict=True))
            ],
            unparsed=report.unparsed(),
        )

    def _open(self) -> BinaryIO:
        head = self._source.head
        if self._member is not None:
            with closing(self._source.open(self._member)) as probe:
                head = probe.read(1 << 16)
        encoding = text_encoding(self._what, head)
        return decoded(self._source.open() if self._member is None else self._source.open(self._member), encoding)

    def _look_ahead(self) -> list[Head]:
        if self._outline is None:
            with closing(self._open()) as file:
                self._outline = outline(JsonStream(file, self._options.block_bytes))
        return self._outline

    def _drafts(self, stream: JsonStream) -> Iterator[Draft]:
        fields: dict[str, object] = {}
        chat: ChatInHand | None = None
        try:
            for step, what in walk(stream):
                if step is Step.MESSAGES:
                    if not what:
                        chat = self._begin(fields)
                    elif chat is not None:
                        self._report.clocks.note(what)
                        yield from chat.take(what)
                    else:
                        self._entries[-1] += len(what)
                elif step is Step.FIELD:
                    fields[what[0]] = what[1]
                elif step is Step.BEGIN:
                    self._account = self._account or not what
                    fields = {}
                else:
                    yield from self._end(chat)
                    chat = None
            if stream.peek() >= 0:
                self._report.beyond = stream.offset
        except Broken as broken:
            self._report.broken = broken
            yield from self._end(chat)

    def _begin(self, fields: dict[str, object]) -> ChatInHand | None:
        """The chat whose messages begin; None for one that is not wanted."""
        at = len(self._heads)
        head = Head.of(fields)
        if self._outline is None and "id" not in fields:
            # what the chat is may stand behind its messages
            self._look_ahead()
        if self._outline is not None and at < len(self._outline):
            head = self._outline[at]
        self._heads.append(head)
        self._entries.append(0)
        if self._wanted not in (None, at):
            return None
        return ChatInHand(head, self._options.zone, self._report)

    def _end(self, chat: ChatInHand | None) -> Iterator[Draft]:
        if chat is not None:
            yield from chat.rest()
            self._entries[-1] = chat.entries
            self._senders.update(chat.senders())

    def _refuse(self) -> None:
        report = self._report
        read, lost = sum(self._entries), report.lost()
        if lost > read:
            unparsed = report.unparsed()
            where = f", the first at {unparsed.where}" if unparsed else ""
            raise BadInput(f"{self._what} holds {lost} messages that cannot be read, most of them{where}; {_AGAIN}")
        if read:
            return
        if report.broken:
            how = "ends" if report.broken.cut else "is no valid JSON"
            raise BadInput(
                f"{self._what} {how} at byte {report.broken.offset}, before the first whole message; {_AGAIN}"
            )
        if not self._heads:
            raise BadInput(f"{self._what} is a Telegram export without chats; {_AGAIN}")
        raise BadInput(f"{self._what} is a Telegram export without messages; {_AGAIN}")
