"""A Slack export as drafts: conversation by conversation, day by day. Memory is bounded by a day file."""

from collections.abc import Collection, Iterator
from typing import Final

from stages.errors import BadInput
from stages.ingest.draft import Draft
from stages.ingest.reader import Chat, ReadOptions, Source, Summary
from stages.ingest.slack.days import Damage, day_blocks, day_entries, json_list, place
from stages.ingest.slack.layout import CONVERSATIONS, Conversation, Layout, root_of, shared_files
from stages.ingest.slack.messages import Messages, Tally
from stages.ingest.slack.mrkdwn import Mrkdwn
from stages.ingest.slack.people import People
from stages.ingest.slack.rows import Rows
from stages.ingest.slack.uploads import Uploads
from stages.ingest.slack.values import Entry, name_of, string
from stages.ingest.zips import Member

_ROWS: Final = 20_000
_LETTERS: Final = 8 << 20
_SNIFFED: Final = 5


def matches(source: Source) -> bool:
    """Whether a ZIP has the lists that Slack writes, or day files whose entries have Slack's time stamps."""
    if source.members is None:
        return False
    layout = Layout.of(source.members)
    return layout.indexed() or any(_is_day(source, member) for member in _some_days(layout))


def open_reader(source: Source, options: ReadOptions) -> "SlackReader":
    """A reader of the export. Reads the lists of users and conversations, no messages.

    Raises :class:`BadInput` where the ZIP has no day file, or no conversation is the one that is asked for.
    """
    return SlackReader(source, options)


def _some_days(layout: Layout) -> list[Member]:
    return [days[0] for days in layout.days.values() if days[0].size > 2][:_SNIFFED]


def _is_day(source: Source, member: Member) -> bool:
    try:
        with source.open(member) as stream:
            head = stream.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n")
    except BadInput:
        return False
    return head.startswith(b"[") and b'"ts"' in head


class SlackReader:
    """One export that is being read; see :class:`stages.ingest.reader.Reader`."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        if source.members is None:
            raise BadInput(f"{source.path} is no ZIP; give the ZIP that Slack made.")
        self._source = source
        self._layout = layout = Layout.of(source.members)
        if not layout.days:
            raise BadInput(
                f"The Slack export {source.path} holds no messages: it has no file like channel/2024-01-31.json; "
                "export again with a range of dates in which something was written."
            )
        self.consumed = layout.consumed()
        self._warnings: list[str] = []
        self._people = People()
        for member in layout.users:
            self._people.add_users(self._list(member, "users"))
        for member in layout.logs:
            self._people.add_logs(self._list(member, "integrations"))
        if not layout.users:
            self._warnings.append("The ZIP has no users.json: names are those that the messages carry, else ids.")
        lists = {name: [pair for member in members for pair in self._listed(member)]
                 for name, members in layout.lists.items()}  # fmt: skip
        self._conversations = layout.conversations(lists)
        named = {string(item.get("id")): name_of(item.get("name")) for pairs in lists.values() for _, item in pairs}
        self._chosen = self._choose(options)
        self._markup = Mrkdwn(self._people.name, named)
        self._uploads = Uploads(shared_files(source.members))
        self._damage = Damage()
        self._tally = Tally()

    def names(self) -> Collection[str]:
        """Everybody in the list of users, and whom messages name by themselves.

        Cost: a search through the bytes; JSON is read for it only where somebody writes whom no list names.
        """
        unheard = Damage()
        for conversation in self._chosen:
            for member in conversation.days:
                unknown = [self._people.scan(block) for block in day_blocks(self._source, member)]
                if any(unknown):
                    for found in day_entries(self._source, member, unheard):
                        self._people.observe(found)
        return self._people.names()

    def drafts(self) -> Iterator[Draft]:
        """The messages of one conversation after the other, day by day."""
        for conversation in self._chosen:
            rows = Rows(conversation.id)
            messages = Messages(rows, self._people, self._markup, self._uploads, self._tally)
            before = self._tally.read
            for member in conversation.days:
                first = 1
                for found in day_entries(self._source, member, self._damage):
                    messages.read(found, place(member), first)
                    first += len(found)
                    if len(rows) >= _ROWS or rows.letters >= _LETTERS:
                        yield rows.take()
            if len(rows):
                yield rows.take()
            conversation.entries = self._tally.read - before
        self._refuse_if_broken()

    def summary(self) -> Summary:
        """What was seen; after the last draft."""
        days = sum(len(conversation.days) for conversation in self._chosen)
        found = [name for name in ("users.json", "org_users.json") if any(m.name == name for m in self._layout.users)]
        found += [name for name in CONVERSATIONS if name in self._layout.lists]
        return Summary(
            format="Slack export (ZIP of JSON, one file a channel and day), times to the microsecond in UTC",
            evidence=", ".join([*found, _many(days, "day file")]),
            warnings=[*self._warnings, *self._said()],
            chats=[Chat(c.number, c.id, c.name, c.kind, c.entries) for c in self._chosen],
            unparsed=self._tally.as_unparsed(),
        )

    def _listed(self, member: Member) -> list[tuple[str, Entry]]:
        root = root_of(member)
        return [(root, item) for item in self._list(member, "conversations")]

    def _list(self, member: Member, what: str) -> list[Entry]:
        found = json_list(self._source, member)
        if found is None:
            self._warnings.append(
                f"The list of {what} {member.name} (entry {member.position} of the ZIP) is damaged; "
                "names and numbers of conversations may differ from those in Slack."
            )
        return found or []

    def _choose(self, options: ReadOptions) -> list[Conversation]:
        direct = [conversation for conversation in self._conversations if conversation.direct]
        if options.chat is None:
            if options.direct_messages or not direct:
                return self._conversations
            self._warnings.append(
                f"{_many(len(direct), 'direct conversation')} left out: "
                "direct messages are read only where they are asked for."
            )
            left = [conversation for conversation in self._conversations if not conversation.direct]
            if not left:
                raise BadInput(
                    f"The Slack export {self._source.path} holds nothing but direct messages; "
                    "they are read only where they are asked for."
                )
            return left
        asked = options.chat.strip().removeprefix("#")
        found = [c for c in self._conversations if asked in (c.id, c.name)] or [
            c for c in self._conversations if asked == str(c.number)
        ]
        if len(found) != 1:
            what = "none" if not found else f"{len(found)}"
            raise BadInput(
                f"Of the {len(self._conversations)} conversations of the Slack export {what} has this number, id or "
                f"name; give a number from 1 to {len(self._conversations)}."
            )
        if found[0].direct and not options.direct_messages:
            raise BadInput(
                f"Conversation {found[0].number} of the Slack export is a direct one; "
                "such are read only where direct messages are asked for."
            )
        return found

    def _refuse_if_broken(self) -> None:
        """Refuse an export of which more is broken than was understood."""
        total = sum(member.size for conversation in self._chosen for member in conversation.days)
        damage, tally = self._damage, self._tally
        if damage.files and (2 * damage.lost > total or not tally.read):
            if damage.refusals and damage.refusals[0].args:
                raise damage.refusals[0]
            raise BadInput(
                f"{damage.files} of the day files in the Slack export could not be read, the first is {damage.first}: "
                f"{damage.why}; export again."
            )
        if tally.unparsed > tally.read:
            raise BadInput(
                f"{tally.unparsed} entries of the Slack export are no messages and {tally.read} are; the first one "
                f"without a time stamp is in {tally.first_unparsed[0]} and looks like {tally.first_unparsed[1]}"
            )
        if not tally.read:
            raise BadInput(f"The day files of the Slack export {self._source.path} hold no message.")

    def _said(self) -> list[str]:
        damage, tally = self._damage, self._tally
        said = []
        if damage.files:
            said.append(
                f"{_many(damage.files, 'day file')} could not be read to the end, the first is {damage.first}: "
                f"{damage.why}; what stood before was read, the rest was left out."
            )
        if damage.replaced:
            said.append(
                f"{_many(damage.replaced, 'character')} that cannot be read as text became U+FFFD, "
                f"the first in {damage.replaced_in}."
            )
        if tally.unparsed:
            said.append(
                f"{_many(tally.unparsed, 'entry', 'entries')} without a time stamp left out, the first is "
                f"{tally.first_unparsed[0]}."
            )
        if tally.again:
            said.append(f"{_many(tally.again, 'repeat')} of messages left out.")
        if tally.revisions:
            said.append(f"{_many(tally.revisions, 'record')} of edits left out; the messages themselves were read.")
        if tally.deleted_later:
            said.append(
                f"{_many(tally.deleted_later, 'message')} deleted on a later day than written; "
                "the export holds the text, and it was kept."
            )
        if tally.unknown:
            most = ", ".join(f"{name} ({times})" for name, times in tally.unknown.most_common(5))
            said.append(f"{_many(sum(tally.unknown.values()), 'entry', 'entries')} of kinds not known: {most}.")
        return said


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"
