"""What messages of Discord that nobody wrote say: a sentence with the name of who did it.

DiscordChatExporter writes the verb ("Joined the server."); kinds that it does not know come as their number and mostly
without any words.
"""

from typing import Final

WRITTEN: Final = frozenset(
    {"Default", "Reply", "ChatInputCommand", "ContextMenuCommand", "ApplicationCommand", "0", "19", "20", "23"}
)
"""Types that people or bots write."""

_SENTENCES: Final = {
    "RecipientAdd": "added somebody to the group.",
    "RecipientRemove": "removed somebody from the group.",
    "Call": "started a call.",
    "ChannelNameChange": "changed the channel name.",
    "ChannelIconChange": "changed the channel icon.",
    "ChannelPinnedMessage": "pinned a message.",
    "GuildMemberJoin": "joined the server.",
    "ThreadCreated": "started a thread.",
    "8": "boosted the server.",
    "9": "boosted the server to level 1.",
    "10": "boosted the server to level 2.",
    "11": "boosted the server to level 3.",
    "12": "followed another channel.",
    "14": "The server may no longer be found in Discovery.",
    "15": "The server may be found in Discovery again.",
    "16": "The server does not meet the rules of Discovery.",
    "17": "The server does not meet the rules of Discovery.",
    "21": "A thread was started from a message.",
    "22": "Invite somebody to the server.",
    "24": "A message was stopped by a rule of the server.",
    "25": "subscribed to a role.",
    "27": "started a stage.",
    "28": "ended a stage.",
    "29": "is now a speaker.",
    "31": "changed the topic of the stage.",
    "36": "turned on the server's security actions.",
    "37": "turned off the server's security actions.",
    "38": "reported a raid.",
    "39": "reported a false alarm.",
    "44": "bought something in the server.",
    "46": "The poll has closed.",
}
_NUMBERS: Final = {
    "1": "RecipientAdd", "2": "RecipientRemove", "3": "Call", "4": "ChannelNameChange", "5": "ChannelIconChange",
    "6": "ChannelPinnedMessage", "7": "GuildMemberJoin", "UserJoin": "GuildMemberJoin", "18": "ThreadCreated",
    "ThreadStarterMessage": "21", "GuildBoost": "8", "UserPremiumGuildSubscription": "8",
    "AutoModerationAction": "24", "PollResult": "46",
}  # fmt: skip
_SAID_BY_CSV: Final = frozenset(
    {
        "Joined the server.", "Pinned a message.", "Started a thread.", "Changed the channel icon.",
        "Changed the channel name.", "Left the group.", "Added a recipient.", "Removed a recipient.",
    }
)  # fmt: skip


def canonical(kind: str) -> str:
    """One name for each type, whether it was written by name or by number."""
    return _NUMBERS.get(kind, kind)


def sentence(kind: str, content: str, who: str) -> str:
    """What happened. ``content`` is what the exporter says, without the name; ``who`` did it, empty if unknown."""
    said = content.strip() if not content.strip().isdigit() else ""
    if not said:
        said = _SENTENCES.get(kind, f"An event of type {kind} happened.")
        if said[0].isupper():
            return said
    if not who:
        return said[0].upper() + said[1:]
    return f"{who} {said[0].lower()}{said[1:]}"


def is_fixed_sentence(content: str) -> bool:
    """Whether a text is one of those that the exporter writes for events.

    CSV files do not say which messages are events: a text that is exactly such a sentence is taken for one. Somebody
    who typed the same words is then read as an event, and a warning says how many there were.
    """
    if content in _SAID_BY_CSV:
        return True
    return (content.startswith("Started a call that lasted ") and content.endswith(" minutes.")) or (
        content.endswith(" the group.") and content.startswith(("Added ", "Removed ")) and "\n" not in content
    )
