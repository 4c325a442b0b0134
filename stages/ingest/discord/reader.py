"""Reads an export of DiscordChatExporter in JSON: every channel a chat, its partitions in order."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from stages.errors import BadInput
from stages.ingest.discord.content import Known
from stages.ingest.discord.convert import Converter
from stages.ingest.discord.messages import Damage, read_messages
from stages.ingest.discord.parts import Part, by_channel, counted, utf8_chunks, words
from stages.ingest.discord.people import People
from stages.ingest.draft import Draft
from stages.ingest.reader import Chat, ReadOptions, Source, Summary, Unparsed

_FORMAT: Final = "DiscordChatExporter, JSON"


@dataclass
class _Told:
    """What went wrong, over all files."""

    lost: int = 0
    where: str = ""
    cut: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)

    def take(self, damage: Damage, where: str) -> None:
        self.lost += damage.lost
        if damage.lost and not self.where:
            self.where = f"byte {damage.first} of {where[:1].lower()}{where[1:]}"
        if damage.cut:
            self.cut.append(where)
        if damage.replaced:
            self.replaced.append(where)


class JsonReader:
    """One export in JSON. ``by_events`` reads every file the general way."""

    def __init__(
        self,
        source: Source,
        parts: list[Part],
        options: ReadOptions,
        *,
        beside: Collection[int] = (),
        by_events: bool = False,
    ) -> None:
        self._source = source
        self._options = options
        self._by_events = by_events
        self._beside = len(beside)
        self.consumed = frozenset({part.position for part in parts if part.position is not None} | set(beside))
        self._channels = by_channel(parts)
        self._chosen = self._choose()
        self._people = People()
        self._scanned = False
        self._told = _Told()
        self._entries: dict[int, int] = {}
        self._repeated = 0
        self._converting = 0
        self._timed_by_id = 0

    def names(self) -> Collection[str]:
        """Users of the chats that are read, and whom direct messages are named after."""
        self._scan()
        found = set(self._people.names)
        for index in self._chosen:
            channel = self._channels[index][0].channel
            if channel.direct and channel.name:
                found.update({channel.name, *filter(None, (name.strip() for name in channel.name.split(",")))})
        return found

    def drafts(self) -> Iterator[Draft]:
        """Batches of some twenty thousand messages, chat by chat."""
        self._scan()
        known = Known(users=self._people.users)
        known.channels = {
            parts[0].channel.id: parts[0].channel.name for parts in self._channels if not parts[0].channel.direct
        }
        files = [member.name for member in self._source.members or ()]
        for index in self._chosen:
            parts = self._channels[index]
            converter = Converter(parts[0].channel, self._people, known, files, self._options.zone)
            for part in parts:
                damage = Damage()
                for messages in read_messages(part, damage, by_events=self._by_events):
                    for at in range(0, len(messages), 5_000):
                        converter.add(messages[at : at + 5_000])
                        if draft := converter.batch():
                            yield draft
                self._told.take(damage, part.where)
            if draft := converter.batch(last=True):
                yield draft
            self._entries[index] = converter.entries
            self._repeated += converter.repeated
            self._converting += converter.lost
            self._timed_by_id += converter.timed_by_id
        self._refuse_little()

    def summary(self) -> Summary:
        """Chats, damage, and how the messages were told apart."""
        told = self._told
        summary = Summary(
            format=_FORMAT,
            evidence="every message carries its time with an offset from UTC",
            chats=[
                Chat(index + 1, parts[0].channel.id, parts[0].channel.name, words(parts[0].channel.kind), entries)
                for index, parts in enumerate(self._channels)
                if (entries := self._count(index)) is not None
            ],
        )
        if told.cut:
            where = told.cut[0] if len(told.cut) == 1 else f"{told.cut[0]} (and {len(told.cut) - 1} more)"
            summary.warnings.append(
                f"{where} is cut off before its end: the messages that are missing can only come from a new export."
            )
        if told.replaced:
            summary.warnings.append(f"{told.replaced[0]} holds characters that are no valid text; they were replaced.")
        if self._repeated:
            summary.warnings.append(
                f"{counted(self._repeated, 'message')} in the export more than once; the first of each was taken."
            )
        if self._timed_by_id:
            summary.warnings.append(
                f"{counted(self._timed_by_id, 'message')} without a time that can be read; it was taken from the id."
            )
        if self._beside:
            summary.warnings.append(
                f"{counted(self._beside, 'file')} an export in CSV or HTML beside those in JSON, and was not read."
            )
        if lost := told.lost + self._converting:
            summary.unparsed = Unparsed(lost, told.where or "a message without a time", "{…}")
            summary.warnings.append(
                f"{counted(lost, 'message')} damaged and left out, the first at {summary.unparsed.where}."
            )
        return summary

    def _count(self, index: int) -> int:
        return self._entries.get(index, 0)

    def _scan(self) -> None:
        if not self._scanned:
            self._scanned = True
            for index in self._chosen:
                for part in self._channels[index]:
                    with part.open() as stream:
                        self._people.scan(utf8_chunks(stream))

    def _choose(self) -> list[int]:
        wanted = self._options.chat
        if wanted is None:
            return list(range(len(self._channels)))
        channels = [parts[0].channel for parts in self._channels]
        by_id = [index for index, channel in enumerate(channels) if channel.id == wanted]
        by_name = [index for index, channel in enumerate(channels) if channel.name == wanted.lstrip("#")]
        if by_id:
            return by_id
        if len(by_name) == 1:
            return by_name
        if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(channels):
            return [int(wanted) - 1]
        raise BadInput(
            f"{'Several chats' if by_name else 'No chat'} of the export {'are' if by_name else 'is'} called so; "
            f"it holds {len(channels)}, numbered from 1: give a number or the channel's id."
        )

    def _refuse_little(self) -> None:
        lost = self._told.lost + self._converting
        entries = sum(self._entries.values())
        if lost > entries + self._repeated:
            raise BadInput(
                f"Only {entries} of {entries + lost} messages could be read, the first that could not is at "
                f"{self._told.where or 'a message without a time'}; export the channel again."
            )
        if not entries:
            raise BadInput("The Discord export holds no message; export the channel again.")
