"""What went wrong or was doubtful while an export was read, counted, and put into sentences."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stages.ingest.reader import Unparsed
from stages.ingest.telegram.stream import Broken, Damage
from stages.ingest.telegram.times import Clocks
from stages.ingest.unparsed import masked
from stages.ingest.zone import LocalTimes


@dataclass
class Report:
    """Counts of messages: ``dateless`` ones are left out, as are ``unsupported`` ones, which Telegram Desktop did not
    export, and the second of those that stand there ``twice``; ``shared`` are those whose number another one bears,
    ``silent`` those without a sender, ``local_only`` those dated by a clock without a zone. ``beyond`` is where
    something follows the document's end.
    """

    damage: Damage = field(default_factory=Damage)
    broken: Broken | None = None
    beyond: int | None = None
    dateless: int = 0
    unsupported: int = 0
    twice: int = 0
    shared: int = 0
    silent: int = 0
    local_only: int = 0
    homonyms: int = 0
    clocks: Clocks = field(default_factory=Clocks)
    _first: str = ""
    _looks: str = ""

    def without_date(self, message: Any) -> None:
        """Counts what is no dated message."""
        known = type(message) is dict
        if known and message.get("type") == "unsupported":
            self.unsupported += 1
            return
        self.dateless += 1
        if self.dateless == 1:
            number = message.get("id") if known else None
            self._first = f"message {number}" if type(number) is int else "a message without a number"
            self._looks = masked(str(message))

    def meet(self, senders: Iterable[tuple[str | None, str | None]]) -> None:
        """Counts names that are borne by several people."""
        bearers = Counter(name for name, sign in set(senders) if name is not None and sign is not None)
        self.homonyms = sum(count > 1 for count in bearers.values())

    def lost(self) -> int:
        """Messages that could not be read."""
        return self.damage.count + self.dateless

    def unparsed(self) -> Unparsed | None:
        """The first of them."""
        damage = self.damage
        if damage.count:
            return Unparsed(self.lost(), f"byte {damage.offset}", masked(damage.begins.decode("utf-8", "replace")))
        return Unparsed(self.dateless, self._first, self._looks) if self.dateless else None

    def sentences(self, zone: LocalTimes) -> list[str]:
        """All of it in words, without any name."""
        said = []
        if self.broken:
            how = "ends in the middle" if self.broken.cut else "is damaged"
            said.append(
                f"The export {how} at byte {self.broken.offset}: what stands before was read, and what follows is "
                "missing; export the chat again."
            )
        if self.beyond is not None:
            said.append(f"What follows the export's end at byte {self.beyond} was not read.")
        if self.damage.count:
            at = self.damage.offset
            said.append(f"{_messages(self.damage.count)} no valid JSON and left out, the first at byte {at}.")
        if self.dateless:
            said.append(f"{_messages(self.dateless)} without a date and left out, the first is {self._first}.")
        if self.unsupported:
            said.append(f"{_messages(self.unsupported)} of a type that Telegram Desktop did not export.")
        if self.twice:
            said.append(f"{_messages(self.twice)} in the export twice and read once.")
        if self.shared:
            said.append(f"{_messages(self.shared)} numbered like another one; replies lead to the first.")
        if self.silent:
            said.append(f"{_messages(self.silent)} without a sender.")
        if self.homonyms:
            bear = "name is borne" if self.homonyms == 1 else "names are borne each"
            said.append(
                f"{self.homonyms} {bear} by several people, who are one author here; Telegram tells them apart by ids."
            )
        ahead = self.clocks.error(zone) if self.local_only else None
        if ahead is not None:
            said.append(
                f"{_messages(self.local_only)} dated by a local clock alone, and the others show that it was "
                f"{ahead / 3600:+.4g} h from UTC, which is not the zone given: settle it with --timezone."
            )
        return said


def _messages(count: int) -> str:
    return f"{count} message{' is' if count == 1 else 's are'}"
