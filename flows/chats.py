"""Which chats make up an archive, so that a stranger among its exports is said: an archive is one chat's chronicle."""

from collections.abc import Iterable

from stages.ingest.export import ParseReport

_PARTED = " "


class Chats:
    """The platforms of an archive's exports, and its chats by the MACs of the sources' own ids (WhatsApp has none)."""

    def __init__(self, platforms: Iterable[str] = (), kept: str | None = None) -> None:
        self._platforms = set(platforms)
        self._chats = set((kept or "").split())

    def kept(self) -> str:
        """What the archive is to keep of them."""
        return _PARTED.join(sorted(self._chats))

    def take(self, label: str, report: ParseReport) -> str | None:
        """Take in an export; a sentence where nothing of it belongs to a chat that is there."""
        chats = {f"{report.platform}:{mac}" for mac in report.sources}
        ours = {chat for chat in self._chats if chat.startswith(f"{report.platform}:")}
        said = None
        if self._platforms and report.platform not in self._platforms:
            there = " and ".join(sorted(self._platforms))
            said = f"{label} is a chat of {report.platform}, and the archive holds one of {there}"
        elif chats and ours and chats.isdisjoint(ours):
            said = f"{label} is another chat than the archive's"
        self._platforms.add(report.platform)
        self._chats |= chats
        advice = "they are one chronicle now; publish it into an archive of its own to keep them apart"
        return None if said is None else f"{said}: {advice}."
