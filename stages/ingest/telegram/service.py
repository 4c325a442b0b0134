"""Events of a chat as short English sentences, and what of them stays the same in every export."""

from typing import Any, Final

from stages.ingest.telegram.people import listed, peer

CALLS: Final = frozenset({"phone_call", "group_call", "conference_call"})
_SOMEONE: Final = "Someone"
_SAYS: Final = {
    "create_group": "{actor} created the group {title} with {members}",
    "create_channel": "{actor} created the channel {title}",
    "edit_group_title": "{actor} changed the name of the group to {title}",
    "edit_group_photo": "{actor} changed the photo of the group",
    "delete_group_photo": "{actor} removed the photo of the group",
    "invite_members": "{actor} added {members}",
    "remove_members": "{actor} removed {members}",
    "join_group_by_link": "{actor} joined the group by a link",
    "join_group_by_request": "{actor} joined the group after a request",
    "migrate_to_supergroup": "{actor} turned the group into a supergroup",
    "migrate_from_group": "The group {title} was turned into a supergroup",
    "pin_message": "{actor} pinned a message",
    "clear_history": "{actor} cleared the history",
    "score_in_game": "{actor} scored {score} in a game",
    "send_payment": "A payment was made",
    "refunded_payment": "A payment was refunded",
    "take_screenshot": "{actor} took a screenshot",
    "joined_telegram": "{actor} joined Telegram",
    "proximity_reached": "{from} is now {distance} metres away from {to}",
    "requested_phone_number": "{actor} asked for a phone number",
    "invite_to_group_call": "{actor} invited {members} to the voice chat",
    "group_call_scheduled": "{actor} scheduled a voice chat",
    "set_messages_ttl": "{actor} set messages to be deleted after {period} seconds",
    "edit_chat_theme": "{actor} changed the theme of the chat",
    "set_chat_wallpaper": "{actor} changed the wallpaper of the chat",
    "set_same_chat_wallpaper": "{actor} set the same wallpaper for the chat",
    "topic_created": "{actor} created the topic {title}",
    "suggest_profile_photo": "{actor} suggested a profile photo",
    "send_premium_gift": "{actor} sent a gift",
    "send_stars_gift": "{actor} sent a gift",
    "send_star_gift": "{actor} sent a gift",
    "boost_apply": "{actor} boosted the group",
    "giveaway_launch": "A giveaway began",
    "giveaway_results": "A giveaway ended",
    "allow_sending_messages": "A bot was allowed to send messages",
    "web_app_bot_allowed": "A bot was allowed to send messages",
    "attach_menu_bot_allowed": "A bot was allowed to send messages",
    "send_passport_values": "Passport data were sent",
}
_STABLE: Final = (
    "title", "new_title", "message_id", "score", "discard_reason", "period", "schedule_date", "information_text",
)  # fmt: skip


def is_call(message: dict[str, Any]) -> bool:
    """Whether an event is a call, or the end of one."""
    action = message.get("action")
    return type(action) is str and action in CALLS


def sentence(message: dict[str, Any]) -> str:
    """What happened, with names as they are (people without one are "Someone")."""
    action = message.get("action")
    actor = _name(message, "actor")
    if is_call(message):
        return _call(message, actor, voice_chat=action == "group_call")
    members = listed(message.get("members"))
    if action in ("invite_members", "remove_members") and members == [message.get("actor")] and members[0]:
        return f"{actor} {'joined' if action == 'invite_members' else 'left'} the group"
    if action == "topic_edit":
        title = _quoted(message.get("new_title"))
        return f"{actor} renamed the topic to {title}" if title else f"{actor} changed the topic"
    if action == "set_messages_ttl" and not message.get("period"):
        return f"{actor} turned off the deletion of messages"
    says = _SAYS.get(action) if type(action) is str else None
    if says is None:
        return _unknown(message, action, actor)
    if not members:
        says = says.replace(" with {members}", "")
    if not _quoted(message.get("title")):
        says = says.replace(" {title}", "")
    return says.format_map(
        {
            "actor": actor,
            "members": _together(members),
            "title": _quoted(message.get("title")),
            "from": _name(message, "from"),
            "to": _name(message, "to"),
            "score": _plain(message.get("score")),
            "distance": _plain(message.get("distance")),
            "period": _plain(message.get("period")),
        }
    )


def stable(message: dict[str, Any]) -> str:
    """The event without names where it has ids: equal in two exports between which somebody was renamed."""
    who = peer(message.get("actor_id")) or peer(message.get("from_id")) or message.get("actor") or ""
    return "\x1f".join(
        [str(message.get("action") or ""), str(who), *(_plain(message[key]) for key in _STABLE if key in message)]
    )


def _call(message: dict[str, Any], actor: str, *, voice_chat: bool) -> str:
    duration = message.get("duration_seconds", message.get("duration"))
    lasted = _lasting(duration) if type(duration) is int and duration > 0 else ""
    if voice_chat:
        return f"Voice chat of {lasted}" if lasted else f"{actor} started a voice chat"
    reason = message.get("discard_reason")
    if lasted:
        return f"{actor} called ({lasted})"
    return f"{actor} called ({reason})" if type(reason) is str and reason else f"{actor} called"


def _lasting(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes and rest else f"{minutes} min" if minutes else f"{rest} s"


def _unknown(message: dict[str, Any], action: object, actor: str) -> str:
    said = message.get("information_text")
    if type(said) is str and said:
        return said
    words = action.replace("_", " ") if type(action) is str and action else "event"
    known = message.get("actor") or peer(message.get("actor_id"))
    return f"{actor}: {words}" if known else words[:1].upper() + words[1:]


def _name(message: dict[str, Any], key: str) -> str:
    name = message.get(key)
    return name if type(name) is str and name else peer(message.get(f"{key}_id")) or _SOMEONE


def _together(members: list[str | None]) -> str:
    names = [name or _SOMEONE.lower() for name in members]
    if not names:
        return _SOMEONE.lower()
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _quoted(value: Any) -> str:
    return f"“{value}”" if type(value) is str and value else ""


def _plain(value: Any) -> str:
    return str(value) if type(value) in (int, float, str) else ""
