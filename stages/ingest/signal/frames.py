"""Frames of Signal's backup format: who the recipients are, and what a message says."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final

from stages.ingest.signal.body import cleaned

_OPEN: Final = "\u2068"
_CLOSE: Final = "\u2069"
_SIMPLE: Final = {
    "JOINED_SIGNAL": "joined Signal.",
    "IDENTITY_UPDATE": "has a new safety number.",
    "IDENTITY_VERIFIED": "was marked as verified.",
    "IDENTITY_DEFAULT": "is no longer marked as verified.",
    "CHANGE_NUMBER": "changed their phone number.",
    "END_SESSION": "reset the secure session.",
    "CHAT_SESSION_REFRESH": "refreshed the secure session.",
    "BAD_DECRYPT": "sent a message that could not be read.",
    "PAYMENTS_ACTIVATED": "activated payments.",
    "PAYMENT_ACTIVATION_REQUEST": "asked to activate payments.",
    "UNSUPPORTED_PROTOCOL_MESSAGE": "sent a message that needs a newer Signal.",
    "REPORTED_SPAM": "was reported as spam.",
    "BLOCKED": "was blocked.",
    "UNBLOCKED": "was unblocked.",
    "MESSAGE_REQUEST_ACCEPTED": "was accepted.",
}
_KEY_BITS: Final = 20


class People:
    """Recipients by their number in the export; ``files`` are the names of the files that came along."""

    def __init__(self, files: Iterable[str] = ()) -> None:
        self.names: set[str] = set()
        self.files = {name.partition(".")[0].lower(): name for name in files}
        self._shown: dict[str, str] = {}
        self._signers: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._by_aci: dict[str, str] = {}
        self._owner = "Me"

    def own(self, account: dict[str, Any]) -> None:
        """Take in the owner."""
        name = _full(account.get("givenName"), account.get("familyName")) or str(account.get("username") or "")
        if name:
            self._owner = name
            self.names.add(name)

    def add(self, recipient: dict[str, Any]) -> None:
        """Take in a recipient: a contact, a group, or the owner."""
        number = str(recipient.get("id"))
        if isinstance(contact := recipient.get("contact"), dict):
            self._contact(number, contact)
        elif isinstance(group := recipient.get("group"), dict):
            title = (group.get("snapshot") or {}).get("title")
            self._shown[number] = str((title or {}).get("title") or "") if isinstance(title, dict) else str(title or "")
            self._signers[number], self._kinds[number] = str(group.get("masterKey") or number), "group"
        elif "self" in recipient:
            self._shown[number], self._signers[number], self._kinds[number] = self._owner, "self", "notes to oneself"
        else:
            self._shown[number], self._signers[number] = "Signal", "signal"

    def shown(self, number: str) -> str:
        return self._shown.get(number) or f"Recipient {number}"

    def title(self, number: str) -> str:
        """The name of a chat with a recipient."""
        return self._shown.get(number, "")

    def kind(self, number: str) -> str:
        return self._kinds.get(number, "direct messages")

    def signer(self, number: str) -> str:
        return self._signers.get(number, number)

    def by_aci(self, aci: Any) -> str:
        """The framed name of somebody by the service's id."""
        return framed(self._by_aci.get(str(aci), "Unknown"))

    def _contact(self, number: str, contact: dict[str, Any]) -> None:
        nickname = contact.get("nickname")
        phone = contact.get("e164")
        names = [
            _full(nickname.get("given"), nickname.get("family")) if isinstance(nickname, dict) else "",
            _full(contact.get("systemGivenName"), contact.get("systemFamilyName")),
            str(contact.get("systemNickname") or ""),
            _full(contact.get("profileGivenName"), contact.get("profileFamilyName")),
            f"+{phone}" if phone and str(phone) != "0" else "",
            str(contact.get("username") or ""),
        ]
        known = [name.strip() for name in names if name.strip()]
        self.names.update(known)
        self._shown[number] = known[0] if known else f"Recipient {number}"
        self._signers[number] = str(contact.get("aci") or contact.get("pni") or phone or number)
        if contact.get("aci"):
            self._by_aci[str(contact["aci"])] = self._shown[number]


def framed(name: str) -> str:
    """A mention of somebody, which privacy hides whatever the name is."""
    return f"@{_OPEN}{name}{_CLOSE}"


def message(item: dict[str, Any], people: People) -> dict[str, Any] | None:
    """A message as arguments of :meth:`stages.ingest.draft.DraftBuilder.add`, None for what holds none."""
    sent = _number(item.get("dateSent"))
    if sent is None:
        return None
    author = str(item.get("authorId"))
    kind, text, hangs = _said(item, people)
    if not kind:
        return None
    event = kind == "system" or (kind == "call" and "updateMessage" in item)
    quote = _dict(hangs.get("quote"))
    target = _number(quote.get("targetSentTimestamp")) if quote else None
    return {
        "utc": sent * 1_000,
        "author": None if event else people.shown(author),
        "text": text,
        "kind": kind,
        "media": hangs.get("media", ()),
        "edited": bool(item.get("revisions")),
        "signer": people.signer(author),
        "wording": re.sub(f"@?{_OPEN}[^{_CLOSE}]*{_CLOSE}", "@", text) or "\n".join(hangs.get("media", ())),
        "key": _key(sent, author),
        "reply": -1 if target is None else _key(target, str(quote.get("authorId"))),
        "reactions": len(hangs.get("reactions") or ()) or None,
        "links": hangs.get("links", ()),
    }


def _said(item: dict[str, Any], people: People) -> tuple[str, str, dict[str, Any]]:
    """(kind, text, what hangs on it); an empty kind for an item that nobody knows."""
    if isinstance(value := item.get("standardMessage"), dict):
        text = _text(value.get("text"), people)
        media = [name for each in _dicts(value.get("attachments")) if (name := _file(each, people))]
        links = [
            str(url) for each in _dicts(value.get("linkPreview")) if (url := each.get("url")) and str(url) not in text
        ]
        return "media" if value.get("attachments") else "text", text, value | {"media": media, "links": links}
    if isinstance(value := item.get("stickerMessage"), dict):
        sticker = _dict(value.get("sticker"))
        name = _pointer(sticker.get("data"), people)
        return "media", str(sticker.get("emoji") or "[sticker]"), value | {"media": [name] if name else []}
    if "remoteDeletedMessage" in item:
        return "deleted", "(This message was deleted)", {}
    if isinstance(value := item.get("viewOnceMessage"), dict):
        name = _file(value.get("attachment"), people)
        return "media", "(view-once media)", value | {"media": [name] if name else []}
    if isinstance(value := item.get("poll"), dict):
        answers = [f"- {cleaned(str(each.get('option') or ''))}" for each in _dicts(value.get("options"))]
        return "poll", "\n".join([cleaned(str(value.get("question") or "")), *answers]), value
    if isinstance(value := item.get("contactMessage"), dict):
        return "contact", _card(value.get("contact")), value
    if isinstance(value := item.get("directStoryReplyMessage"), dict):
        reply = value.get("textReply")
        text = _text(reply.get("text"), people) if isinstance(reply, dict) else str(value.get("emoji") or "")
        return "text", text, value
    if isinstance(value := item.get("paymentNotification"), dict):
        return "text", f"Payment: {value.get('amountMob') or '?'} MOB {value.get('note') or ''}".strip(), {}
    if "giftBadge" in item:
        return "text", "[gift badge]", {}
    if isinstance(value := item.get("updateMessage"), dict):
        return *_update(value, str(item.get("authorId")), people), {}
    return "", "", {}


def _update(update: dict[str, Any], author: str, people: People) -> tuple[str, str]:
    who = framed(people.shown(author))
    if isinstance(call := update.get("individualCall"), dict):
        what = "video call" if call.get("type") == "VIDEO_CALL" else "voice call"
        state = {"NOT_ACCEPTED": " that was not answered", "MISSED": " that was missed",
                 "MISSED_NOTIFICATION_PROFILE": " that was missed"}.get(str(call.get("state")), "")  # fmt: skip
        return "call", f"{who} started a {what}{state}."
    if isinstance(call := update.get("groupCall"), dict):
        return (
            "call",
            f"{framed(people.shown(str(call.get('startedCallRecipientId') or author)))} started a group call.",
        )
    if isinstance(simple := update.get("simpleUpdate"), dict):
        return "system", f"{who} {_SIMPLE.get(str(simple.get('type')), 'caused an event.')}"
    if isinstance(change := update.get("profileChange"), dict):
        names = [framed(cleaned(str(change.get(key) or "?"))) for key in ("previousName", "newName")]
        return "system", f"{names[0]} is now called {names[1]}."
    if isinstance(timer := update.get("expirationTimerChange"), dict):
        minutes = (_number(timer.get("expiresInMs")) or 0) // 60_000
        what = f"set messages to disappear after {minutes} minutes." if minutes else "turned off disappearing messages."
        return "system", f"{who} {what}"
    if isinstance(group := update.get("groupChange"), dict):
        said = [_group(name, value, people) for each in _dicts(group.get("updates")) for name, value in each.items()]
        return "system", "\n".join(said) or "The group was changed."
    name = next(iter(update), "")
    return "system", f"{who}: {_words(name) or 'an event'}."


def _group(name: str, value: Any, people: People) -> str:
    """A change of a group by the name of the change, and everybody whom it names."""
    fields = value if isinstance(value, dict) else {}
    named = [people.by_aci(aci) for key, aci in fields.items() if key.endswith("Aci") and aci]
    title = cleaned(str(fields.get("newGroupName") or ""))
    parts = [_words(name.removesuffix("Update")), *named, *([f"“{title}”"] if title else [])]
    return f"Change of the group: {', '.join(parts)}."


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()


def _text(value: Any, people: People) -> str:
    """A text with the names of mentions where the app has a placeholder; ranges count UTF-16 units."""
    if not isinstance(value, dict):
        return ""
    body = str(value.get("body") or "")
    ranges = [each for each in _dicts(value.get("bodyRanges")) if each.get("mentionAci")]
    if not ranges:
        return cleaned(body)
    units = body.encode("utf-16-le", "surrogatepass")
    parts, past = [], 0
    for each in sorted(ranges, key=lambda each: _number(each.get("start")) or 0):
        start = 2 * (_number(each.get("start")) or 0)
        if start < past:
            continue
        parts.append(cleaned(units[past:start].decode("utf-16-le", "replace")))
        parts.append(people.by_aci(each["mentionAci"]))
        past = start + 2 * (_number(each.get("length")) or 1)
    parts.append(cleaned(units[past:].decode("utf-16-le", "replace")))
    return "".join(parts)


def _card(contact: Any) -> str:
    """A contact card: the name, framed, then numbers and addresses."""
    if not isinstance(contact, dict):
        return ""
    name = _dict(contact.get("name"))
    full = _full(name.get("givenName"), name.get("familyName")) or str(contact.get("organization") or "")
    lines = [framed(cleaned(full))] if full else []
    lines += [str(each.get("value")) for key in ("number", "email") for each in _dicts(contact.get(key))]
    return "\n".join(lines)


def _file(attachment: Any, people: People) -> str:
    return _pointer(attachment.get("pointer"), people) if isinstance(attachment, dict) else ""


def _pointer(pointer: Any, people: People) -> str:
    """The name of a file: as it lies beside the export under its digest, else as it was sent."""
    if not isinstance(pointer, dict):
        return ""
    locator = _dict(pointer.get("locatorInfo"))
    digest, key = _bytes(locator.get("plaintextHash")), _bytes(locator.get("localKey"))
    for name in (digest.hex(), hashlib.sha256(digest + key).hexdigest()):
        if digest and name in people.files:
            return people.files[name]
    return cleaned(str(pointer.get("fileName") or ""))


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < 1 << 42 else None


def _key(sent: int, author: str) -> int:
    """A message's number: its time of sending and its author, by which Signal itself knows it."""
    return sent << _KEY_BITS | ((_number(author) or 0) & ((1 << _KEY_BITS) - 1))


def _full(given: Any, family: Any) -> str:
    return " ".join(str(part).strip() for part in (given, family) if part and str(part).strip())
