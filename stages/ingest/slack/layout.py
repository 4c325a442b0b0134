"""What lies where in the ZIP: lists of conversations, their folders, day files, and the files that people shared."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from stages.ingest.names import fold
from stages.ingest.slack.values import Entry, string
from stages.ingest.zips import Member

USERS: Final = ("users.json", "org_users.json")
CONVERSATIONS: Final = {
    "channels.json": "public channel",
    "groups.json": "private channel",
    "mpims.json": "group direct message",
    "dms.json": "direct message",
}
"""Lists of conversations and what they list, in the order in which conversations are numbered."""
LOGS: Final = "integration_logs.json"
DIRECT: Final = frozenset(("group direct message", "direct message"))

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}\.json", re.ASCII)
_DIRECT_FOLDER: Final = re.compile(r"D[A-Z0-9]{7,}", re.ASCII)
_SHARED: Final = re.compile(r"(?:^|/)(F[A-Z0-9]{5,})(?:/[^/]+|[-_.][^/]*)$", re.ASCII)
_RESERVED: Final = "attachments"
_PICTURES: Final = "__avatars/"

Folder = tuple[str, str]


@dataclass
class Conversation:
    """A channel or direct conversation that has day files, in the order of their dates."""

    number: int
    id: str
    name: str
    kind: str
    days: list[Member]
    entries: int = 0

    @property
    def direct(self) -> bool:
        return self.kind in DIRECT


@dataclass
class Layout:
    """The members of a ZIP by what they are. ``days`` by (root, folder) in the order of the ZIP, each by date."""

    users: list[Member] = field(default_factory=list)
    lists: dict[str, list[Member]] = field(default_factory=dict)
    logs: list[Member] = field(default_factory=list)
    pictures: list[Member] = field(default_factory=list)
    days: dict[Folder, list[Member]] = field(default_factory=dict)

    @classmethod
    def of(cls, members: Iterable[Member]) -> "Layout":
        """Cost: one look at each path."""
        layout = cls()
        for member in members:
            if member.path.startswith(_PICTURES) or f"/{_PICTURES}" in member.path:
                layout.pictures.append(member)
                continue
            if not member.name.endswith(".json"):
                continue
            *folders, _ = [part for part in member.path.split("/") if part not in ("", ".")]
            if any(part.startswith("__") or part == _RESERVED for part in folders):
                continue
            if member.name in USERS:
                layout.users.append(member)
            elif member.name in CONVERSATIONS:
                layout.lists.setdefault(member.name, []).append(member)
            elif member.name == LOGS:
                layout.logs.append(member)
            elif folders and _DAY.fullmatch(member.name):
                folder = unicodedata.normalize("NFC", folders[-1])
                layout.days.setdefault(("/".join(folders[:-1]), folder), []).append(member)
        layout.days = {folder: _in_order(days) for folder, days in layout.days.items()}
        return layout

    def consumed(self) -> frozenset[int]:
        """The positions of members that nobody sent: lists, day files, and the pictures of users."""
        groups = (self.users, self.logs, self.pictures, *self.lists.values(), *self.days.values())
        return frozenset(member.position for group in groups for member in group)

    def indexed(self) -> bool:
        """Whether a list of users or conversations says that this is Slack's."""
        return len(self.lists) > 1 or bool(self.users and (self.lists or self.days)) or bool(self.lists and self.days)

    def conversations(self, lists: Mapping[str, list[tuple[str, Entry]]]) -> list[Conversation]:
        """Those that have day files: listed ones first, then folders that no list names, direct ones last.

        ``lists`` are the entries of each list with the root that the list stands in.
        """
        left = dict(self.days)
        alone: dict[str, Folder | None] = {}
        for folder in left:
            alone[folder[1]] = None if folder[1] in alone else folder
        found: list[Conversation] = []
        by_id: dict[str, Conversation] = {}
        for name, kind in CONVERSATIONS.items():
            for root, listed in lists.get(name, ()):
                names = _names(listed)
                # a list may stand elsewhere than its folders, where no other folder has the name
                places = [*((root, name) for name in names), *(alone.get(name) for name in names)]
                place = next((folder for folder in places if folder in left), None)
                if place is None:
                    continue
                days = left.pop(place)
                identity = string(listed.get("id")) or place[1]
                before = by_id.get(identity)
                if before is not None:
                    # parts of an export that were put into one ZIP
                    before.days = _in_order([*before.days, *days])
                    continue
                by_id[identity] = Conversation(0, identity, string(listed.get("name")) or place[1], kind, days)
                found.append(by_id[identity])
        for root, name in list(left):
            found.append(Conversation(0, name, name, _kind_of(name), left.pop((root, name))))
        found.sort(key=lambda conversation: conversation.direct)
        for at, conversation in enumerate(found, 1):
            conversation.number = at
        return found


def root_of(member: Member) -> str:
    """The folder that a list stands in."""
    return "/".join(part for part in member.path.split("/")[:-1] if part not in ("", "."))


def shared_files(members: Iterable[Member]) -> dict[str, str]:
    """File id -> the name under which the ZIP's file is known, as tools that download files place them.

    ``__uploads/F123/image.png`` and ``attachments/F123-image.png`` both are F123. A base name that several files
    bear is said with the id before it.
    """
    found: dict[str, Member] = {}
    times: Counter[str] = Counter()
    for member in members:
        match = _SHARED.search(member.path)
        if not match or found.setdefault(match.group(1), member) is member:
            times[fold(member.name)] += 1
    return {
        identity: member.name if times[fold(member.name)] == 1 else "/".join(member.path.split("/")[-2:])
        for identity, member in found.items()
    }


def _names(listed: Entry) -> list[str]:
    """What the folder of a listed conversation may be called."""
    values = (string(listed.get(key)) for key in ("name", "id", "name_normalized"))
    return [unicodedata.normalize("NFC", value) for value in values if value]


def _in_order(days: list[Member]) -> list[Member]:
    return sorted(days, key=lambda member: (member.name, member.position))


def _kind_of(folder: str) -> str:
    if _DIRECT_FOLDER.fullmatch(folder):
        return "direct message"
    if folder.startswith("mpdm-"):
        return "group direct message"
    return "file conversation" if folder.startswith("FC:") else "channel"
