"""What the app itself writes in every language that is known, on both phones and from WhatsApp Web."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

Parse = Callable[..., Any]
LANGUAGES = {
    entry.name.removesuffix(".json"): json.loads(entry.read_text(encoding="utf-8"))
    for entry in sorted(files("stages.ingest.whatsapp").joinpath("phrases").iterdir(), key=lambda entry: entry.name)
}
USES = {"deleted": "deleted", "live_location": "location"}
IOS_USES = {"omitted_typed": "media", "omitted_document": "media", "omitted_contact": "contact"}


def android(*bodies: str) -> str:
    return "".join(f"13/03/24, 10:00 - {body}\n" for body in ("Ana: hi", *bodies, "Rui: bye"))


def ios(*bodies: str) -> str:
    return "".join(f"[13/03/24, 10:00:00] {body}\n" for body in ("Ana: hi", *bodies, "Rui: bye"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_language_says_for_media_places_and_deleted_messages(parse: Parse, language: str) -> None:
    words = LANGUAGES[language]
    said = [(phrase, kind) for use, kind in USES.items() for phrase in words.get(use, ())]
    said += [(f"<{phrase}>", "media") for phrase in words.get("omitted", ())]
    rows = parse(android(*(f"Ana: {phrase}" for phrase, _ in said))).rows[1:-1]
    assert [(row["text"], row["kind"], row["author"]) for row in rows] == [(*pair, "Ana") for pair in said]
    # an iOS export whose marks were lost
    said = [(phrase, kind) for use, kind in (USES | IOS_USES).items() for phrase in words.get(use, ())]
    rows = parse(ios(*(f"Ana: {phrase}" for phrase, _ in said))).rows[1:-1]
    assert [(row["text"], row["kind"]) for row in rows] == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_missed_calls_of_a_language_are_calls(parse: Parse, language: str) -> None:
    calls = LANGUAGES[language].get("calls", [])
    rows = parse(android(*calls)).rows[1:-1]
    assert [(row["kind"], row["author"]) for row in rows] == [("call", None)] * len(calls)
    rows = parse(ios(*(f"Ana: \u200e{call}" for call in calls))).rows[1:-1]
    assert [row["kind"] for row in rows] == ["call"] * len(calls)


@pytest.mark.parametrize("language", LANGUAGES)
def test_attachments_of_a_language_are_found_without_the_apps_marks(parse: Parse, language: str) -> None:
    words = LANGUAGES[language].get("attached", [])
    rows = parse(android(*(f"Ana: Plan.pdf ({word})\nsee" for word in words))).rows[1:-1]
    assert [row["media"] for row in rows] == [["Plan.pdf"]] * len(words)
    rows = parse(ios(*(f"Ana: <{word}: 7-Plan.pdf>" for word in words))).rows[1:-1]
    assert [row["media"] for row in rows] == [["7-Plan.pdf"]] * len(words)


@pytest.mark.parametrize(
    "notice",
    [
        "Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them.",
        "Messages to this group are now secured with end-to-end encryption. Tap for more info.",
        "Ana created group “Trip: Rome”",
        "You created the group: Trip",
        "Ana changed the subject from “A: b” to “C: d”",
        "Ana changed this group's settings to allow only admins to send messages to this group",
        "You updated the message timer. New messages will disappear from this chat 24 hours after they're sent.",
        "Ana turned on disappearing messages. Tap to change.",
        "Ana pinned a message",
        "Ana joined using this group's invite link",
        "Your security code with Ana changed. Tap to learn more.",
        "This chat is with a business account. Tap to learn more.",
        "This business uses a secure service from Meta to manage this chat. Tap to learn more.",
        "+55 11 98888-7777 changed their phone number to a new number. Tap to message or add the new number.",
        "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.",
        "Du hast die Gruppe erstellt: Reise",
        "Сообщения и звонки защищены сквозным шифрованием.",
        "Mesajlar ve aramalar uçtan uca şifrelidir.",
    ],
)
def test_notices_have_no_author(parse: Parse, notice: str) -> None:
    for parsed in (parse(android(notice)), parse(ios(f"Family: \u200e{notice}"))):
        assert (parsed.rows[1]["kind"], parsed.rows[1]["author"], parsed.rows[1]["text"]) == ("system", None, notice)
        assert parsed.report.authors == ["Ana", "Rui"]


def test_an_export_of_whatsapp_web(parse: Parse) -> None:
    parsed = parse(
        "Messages and calls are end-to-end encrypted. Nobody outside of this chat can read them.\n"
        "[3/4/26, 1:02:03 PM] - Ana added Rui\n"
        "[3/4/26, 1:02:04 PM] Ana: hi\n"
        "[3/4/26, 1:02:05 PM] You: plan.pdf (file attached) look\n"
        "[3/4/26, 1:02:06 PM] You: <image omitted> in Rome\n"
        "[3/4/26, 1:02:07 PM] You: Location: 1.5, -2.5 - https://maps.google.com/?q=1.5,-2.5\n"
        "[3/4/26, 1:02:08 PM] - [Call: video]\n"
    )
    assert [(row["kind"], row["author"], row["media"]) for row in parsed.rows] == [
        ("system", None, []),
        ("text", "Ana", []),
        ("media", "You", ["plan.pdf"]),
        ("media", "You", []),
        ("location", "You", []),
        ("system", None, []),
    ]
    assert parsed.said[0] == ("2026-03-04T13:02:03", None, "Ana added Rui")
    assert (parsed.report.date_order, parsed.report.evidence) == ("mdy", "locale")


def test_twelve_hours_without_a_word_for_the_half_are_said(parse: Parse) -> None:
    lines = [f"13/03/24, {1 + number % 12}:30 - Ana: x" for number in range(60)]
    assert any("twelve hours" in warning for warning in parse("\n".join(lines)).report.warnings)
    assert not any(
        "twelve hours" in warning for warning in parse("\n".join([*lines, "14/03/24, 13:30 - Ana: x"])).report.warnings
    )


def test_names_that_a_second_colon_follows_are_said(parse: Parse) -> None:
    said = parse(android("Dr: House: yes")).report.warnings
    assert any("second colon" in warning for warning in said)
    assert any("No space" in warning for warning in parse(android("Ana:yes")).report.warnings)
