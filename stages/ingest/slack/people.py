"""Who is who in a workspace: users by their ids, and everybody whose name may stand in a text.

Names of apps are kept apart: they are nobody's, and hiding them would take links to their sites apart.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from stages.ingest.slack.values import Entry, entry, name_of, string

_LABELLED: Final = re.compile(rb'@([UWB][A-Z0-9]+)\|((?:[^<>"\\]|\\(?!u003[eE]).){1,200}?)(?:>|\\u003[eE])')
_PROFILE: Final = b'"user_profile"'
_PROFILE_BYTES: Final = 4_096
_BOT: Final = b'"bot_profile"'
_BOT_ID: Final = re.compile(rb'"id"\s*:\s*"(B[A-Z0-9]+)"')
_BOT_NAME: Final = re.compile(rb'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')
_USERNAME: Final = re.compile(rb'"username"\s*:\s*"((?:[^"\\]|\\.){1,400})"')
_USER: Final = re.compile(rb'"user"\s*:\s*"([UW][A-Z0-9]+)"')
_MOST_SPANS: Final = 20_000
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
    _profiles: set[bytes] = field(default_factory=set)

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
        """Take in the profiles that messages carry. Cost: some look-ups a message."""
        for message in messages:
            for item in (entry(message), entry(entry(message).get("message"))):
                if item.get("user_profile"):
                    self._profile(string(item.get("user")), entry(item["user_profile"]))
                if item.get("bot_profile"):
                    self._bot(string(item.get("bot_id")), entry(item["bot_profile"]))

    def scan(self, data: bytes) -> bool:
        """Take in the names in the bytes of a day file; whether its messages must be observed one by one as well.

        They must where somebody writes whom no list names. Names stand behind keys, and a quote within a string is
        escaped, so that what looks like a key is one. Cost: a few searches, about a tenth of parsing.
        """
        for span in _spans(data, _PROFILE, _PROFILE_BYTES, self._profiles):
            try:
                profile = orjson.loads(span + b"}")
            except orjson.JSONDecodeError:
                return True
            self.persons.update(_spellings(profile, profile))
        for span in _spans(data, _BOT, _PROFILE_BYTES, self._profiles):
            identity, name = _BOT_ID.search(span), _BOT_NAME.search(span)
            if not identity or not name:
                return True
            self._bot(identity.group(1).decode(), {"name": _json_string(name.group(1))})
        if b'"username"' in data:
            self.posters.update(name_of(_json_string(raw)) for raw in set(_USERNAME.findall(data)))
        if b"|" in data:
            for raw_id, raw in set(_LABELLED.findall(data)):
                label = name_of(_json_string(raw))
                if label:
                    self.posters.add(label)
                    self.labels.setdefault(raw_id.decode(), label)
        writers = {raw.decode() for raw in set(_USER.findall(data))}
        return bool(writers - self.listed.keys() - self.inline.keys())

    def names(self) -> set[str]:
        """Everybody whose name must be hidden."""
        return self.persons | {name for name in self.posters if name and name.casefold() not in self.apps}

    def name(self, identity: str) -> str:
        """A user's name, or the id of one whom nothing names."""
        return self.known(identity) or identity

    def known(self, identity: str) -> str:
        """A user's name, or nothing."""
        return self.listed.get(identity) or self.inline.get(identity) or self.labels.get(identity) or ""

    def _profile(self, identity: str, profile: Entry) -> None:
        spellings = _spellings(profile, profile)
        self.persons.update(spellings)
        if identity and spellings:
            self.inline.setdefault(identity, spellings[0])

    def _bot(self, identity: str, profile: Entry) -> None:
        name = name_of(profile.get("name"))
        if name:
            self.apps.add(name.casefold())
            self.bots.setdefault(identity or string(profile.get("id")), name)


def _spans(data: bytes, key: bytes, most: int, met: set[bytes]) -> Iterator[bytes]:
    """The distinct objects behind a key, from their opening to their first closing bracket or ``most`` bytes."""
    at = data.find(key)
    while at >= 0:
        begin = data.find(b"{", at + len(key), at + len(key) + 4)
        if begin >= 0:
            end = data.find(b"}", begin, begin + most)
            span = data[begin : end if end >= 0 else begin + most]
            if span not in met:
                if len(met) >= _MOST_SPANS:
                    met.clear()
                met.add(span)
                yield span
        at = data.find(key, at + len(key))


def _json_string(raw: bytes) -> str:
    try:
        return string(orjson.loads(b'"%b"' % raw))
    except orjson.JSONDecodeError:
        return ""


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
