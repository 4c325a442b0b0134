"""What Slack itself writes into a channel: joins, topics, pins, huddles, and the log of edits and deletions."""

from typing import Final

from stages.ingest.slack.mrkdwn import source_text
from stages.ingest.slack.values import Entry, entry, escaped, number, string, strings

ORDINARY: Final = frozenset(
    (
        "", "bot_message", "me_message", "thread_broadcast", "reply_broadcast", "file_share", "file_comment",
        "file_mention", "slackbot_response", "assistant_app_thread", "ai_thread", "document_mention",
    )
)  # fmt: skip
"""Subtypes of messages that somebody wrote."""
CALLS: Final = frozenset(("huddle_thread", "sh_room_created", "sh_room_shared"))
_SAID: Final = {
    "channel_join": "joined the channel",
    "channel_leave": "left the channel",
    "channel_topic": "changed the channel's topic",
    "channel_purpose": "changed the channel's description",
    "channel_name": "renamed the channel",
    "channel_archive": "archived the channel",
    "channel_unarchive": "took the channel out of the archive",
    "channel_convert_to_private": "made the channel private",
    "channel_convert_to_public": "made the channel public",
    "channel_posting_permissions": "changed who may post in the channel",
    "channel_canvas_updated": "changed the channel's canvas",
    "tabbed_canvas_updated": "changed the channel's canvas",
    "bot_add": "added an app",
    "bot_remove": "removed an app",
    "bot_enable": "turned an app on",
    "bot_disable": "turned an app off",
    "pinned_item": "pinned a message",
    "unpinned_item": "unpinned a message",
    "reminder_add": "set a reminder",
    "reminder_delete": "removed a reminder",
    "app_conversation_join": "joined the channel",
    "app_conversation_leave": "left the channel",
    "joiner_notification": "joined Slack",
    "joiner_notification_for_inviter": "accepted an invitation",
    "ekm_access_denied": "This message is not available.",
    "message_limit": "Older messages are hidden.",
}
_FAMILIES: Final = ("channel_", "group_", "mpim_", "im_")


def is_event(subtype: str) -> bool:
    """Whether Slack wrote it about somebody, rather than somebody wrote it."""
    return subtype in _SAID or subtype.startswith(_FAMILIES)


def event_source(message: Entry) -> str:
    """What happened, as markup with ids: Slack's own sentence, with who did it in front where it starts without."""
    subtype = string(message.get("subtype"))
    said = source_text(message.get("text")).strip()
    if not said:
        known = "channel_" + subtype.removeprefix("group_").removeprefix("mpim_")
        said = _SAID.get(subtype) or _SAID.get(known) or escaped(subtype.replace("_", " ")[:60])
    user = string(message.get("user"))
    if user and said[:1].islower() and f"<@{user}" not in said:
        return f"<@{user}> {said}"
    return said


def call_source(message: Entry) -> str:
    """A huddle or call as markup with ids: who began it, how long it took, how many took part."""
    room = entry(message.get("room"))
    who = string(room.get("created_by"))
    what = "a huddle" if message.get("subtype") == "huddle_thread" else "a call"
    begun, ended = number(room.get("date_start")), number(room.get("date_end"))
    people = len(set(strings(room.get("participant_history"))))
    details = []
    if begun and ended >= begun:
        minutes = max(1, round((ended - begun) / 60))
        details.append(f"{minutes} minute" + "s" * (minutes != 1))
    if people:
        details.append(f"{people} person" if people == 1 else f"{people} people")
    if not room and string(message.get("text")):
        return source_text(message.get("text"))
    said = f"<@{who}> started {what}" if who else f"{what.capitalize()} took place"
    return said + (f" ({', '.join(details)})" if details else "")
