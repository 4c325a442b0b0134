"""Who is who in a workspace: users by their ids, and everybody whose name may stand in a text.

Names of apps are kept apart: they are nobody's, and hiding them would take links to their sites apart.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from stages.ingest.slack.values import Entry, entry, name_of, string

_LABELLED: Final = re.compile(rb'@([UWB][A-Z0-9]+)\|((?:[^<>"\\]|\\(?!u003[eE]).){1,200}?)(?:>|\\u003[eE])')
_SLACKBOT: Final = "USLACKBOT"


@dataclass
class People:
    """Names by user id and bot id. Memory: some names a person.

    A user's name is the display name, else the real name, else the name of the account; who is in no list of users is
    known by the first profile that a message carries, else by the first mention with a name. ``posters`` are names
    that apps post under, which may be a person's; ``apps`` are names of apps in lower case.
    """

    listed: dict[str, str] = field(default_factory=lambda: {_SLACKBOT: "Slackbot"})
    inline: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    bots: dict[str, str] = field(default_factory=dict)
    persons: set[str] = field(default_factory=set)
    posters: set[str] = field(default_factory=set)
    apps: set[str] = field(default_factory=lambda: {"slackbot"})

    def add_users(self, users: Iterable[Entry]) -> None:
        """Take in a list of users, deleted ones and apps included."""
        for user in users:
            identity = string(user.get("id"))
            profile = entry(user.get("profile"))
            spellings = _spellings(profile, user)
            if not identity or not spellings:
                continue
            self.listed[identity] = spellings[0]
            if user.get("is_bot") or user.get("is_workflow_bot") or identity == _SLACKBOT:
                self.apps.update(name.casefold() for name in spellings)
                bot = string(profile.get("bot_id"))
                if bot:
                    self.bots[bot] = spellings[0]
            else:
                self.persons.update(spellings)

    def add_logs(self, logs: Iterable[Entry]) -> None:
        """Take in the log of integrations: names of apps, and of those who set them up."""
        for log in logs:
            for key in ("service_type", "app_type"):
                self.apps.add(name_of(log.get(key)).partition(" (")[0].casefold())
            name = name_of(log.get("user_name"))
            if name:
                self.persons.add(name)

    def observe(self, messages: Iterable[Any]) -> None:
        """Take in names that messages carry themselves. Cost: some look-ups a message."""
        for message in messages:
            if isinstance(message, dict):
                self._message(message)
                for key in ("message", "previous_message"):
                    if key in message:
                        self._message(entry(message[key]))

    def observe_labels(self, data: bytes) -> None:
        """Take in names within mentions (``<@U1|name>``) from the bytes of a day file."""
        if b"|" not in data:
            return
        for identity, raw in set(_LABELLED.findall(data)):
            try:
                name = name_of(orjson.loads(b'"%b"' % raw))
            except orjson.JSONDecodeError:
                continue
            if name:
                self.posters.add(name)
                self.labels.setdefault(identity.decode(), name)

    def names(self) -> set[str]:
        """Everybody whose name must be hidden."""
        return self.persons | {name for name in self.posters if name and name.casefold() not in self.apps}

    def name(self, identity: str) -> str:
        """A user's name, or the id of one whom nothing names."""
        return self.known(identity) or identity

    def known(self, identity: str) -> str:
        """A user's name, or nothing."""
        return self.listed.get(identity) or self.inline.get(identity) or self.labels.get(identity) or ""

    def _message(self, message: Entry) -> None:
        profile = message.get("user_profile")
        if profile:
            self._profile(string(message.get("user")), entry(profile))
        bot = message.get("bot_profile")
        if bot:
            self._bot(string(message.get("bot_id")), entry(bot))
        name = message.get("username")
        if name:
            self.posters.add(name_of(name))

    def _profile(self, identity: str, profile: Entry) -> None:
        if identity in self.listed and identity in self.inline:
            return
        spellings = _spellings(profile, profile)
        self.persons.update(spellings)
        if identity and spellings:
            self.inline[identity] = spellings[0]

    def _bot(self, identity: str, profile: Entry) -> None:
        name = name_of(profile.get("name"))
        if name:
            self.apps.add(name.casefold())
            self.bots.setdefault(identity or string(profile.get("id")), name)


def _spellings(profile: Entry, user: Entry) -> list[str]:
    """Every way in which somebody is named, the one that is shown first."""
    found = [
        name_of(profile.get("display_name")),
        name_of(profile.get("real_name")),
        name_of(user.get("real_name")),
        name_of(user.get("name")),
        name_of(profile.get("display_name_normalized")),
        name_of(profile.get("real_name_normalized")),
        name_of(f"{string(profile.get('first_name'))} {string(profile.get('last_name'))}"),
    ]
    return [name for at, name in enumerate(found) if name and name not in found[:at]]
