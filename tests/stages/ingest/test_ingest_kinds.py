"""What a message is: system, deleted, edited, media, polls, calls, places, contacts; by marks, forms, then phrases."""

from collections.abc import Callable
from typing import Any

import pytest

Parse = Callable[..., Any]
PHOTO = "00000035-PHOTO-2024-03-13-10-01-00.jpg"
VOICE = "00000004-AUDIO-2024-03-13-10-01-00.opus"


def android(body: str) -> str:
    return f"13/03/24, 10:00 - Ana: hi\n13/03/24, 10:01 - {body}\n13/03/24, 10:02 - Rui: bye\n"


def ios(body: str, mark: str = "") -> str:
    last = "[13/03/24, 10:02:00] Rui: \u200edocument omitted"
    return f"[13/03/24, 10:00:00] Ana: hi\n{mark}[13/03/24, 10:01:00] {body}\n{last}\n"


@pytest.mark.parametrize(
    ("body", "kind", "media"),
    [
        ("Ana: hello (yes)", "text", []),
        ("Ana: <b>", "text", []),
        ("Ana: <script>", "text", []),
        ("Ana: <img src=x onerror=alert(1)>", "text", []),
        ("Ana: <Media omitted>", "media", []),
        ("Ana: <Mídia oculta>", "media", []),
        ("Ana: <Ein Wort das niemand kennt>", "media", []),
        ("Ana: <メディアなし>", "media", []),
        ("Ana: <Media omitted>\nlook at this", "media", []),
        ("Ana: <Medien ausgeschlossen>\nseht\n\nher", "media", []),
        ("Ana: <Media omitted> is what it says", "text", []),
        ("Ana: <my own words>\nlook at this", "text", []),
        ("Ana: null", "media", []),
        ("Ana:", "media", []),
        ("Ana: IMG-20240313-WA0001.jpg (file attached)", "media", ["IMG-20240313-WA0001.jpg"]),
        ("Ana: \u200eIMG-20240313-WA0001.jpg (irgendwas)", "media", ["IMG-20240313-WA0001.jpg"]),
        ("Ana: \u200eRelatório final (1).pdf (arquivo anexado)", "media", ["Relatório final (1).pdf"]),
        ("Ana: notes.txt (see above)", "text", []),
        ("Ana: \u200eRui Costa.vcf (file attached)", "contact", ["Rui Costa.vcf"]),
        ("Ana: This message was deleted", "deleted", []),
        ("Ana: Mensagem apagada", "deleted", []),
        ("Ana: Você apagou esta mensagem", "deleted", []),
        ("Ana: Diese Nachricht wurde gelöscht.", "deleted", []),
        ("Ana: Данное сообщение удалено", "deleted", []),
        ("Ana: This message was deleted, he said", "text", []),
        ("Ana: location: https://maps.google.com/?q=19.6228056,-99.1226566", "location", []),
        ("Ana: ubicación: https://maps.google.com/?q=-19.62,99.1", "location", []),
        ("Ana: Cafe (Street 5): https://foursquare.com/v/4b5", "location", []),
        ("Ana: POLL:\nPizza?\nOPTION: yes (1 vote)\nOPTION: no (0 votes)", "poll", []),
        ("Ana: \u200eENCUESTA:\n¿Pizza?\n\u200eOPCIÓN: sí (\u200e1 voto)", "poll", []),
        ("Missed voice call", "call", []),
        ("Chamada de vídeo perdida", "call", []),
        ("Ana added Rui", "system", []),
        ("Messages and calls are end-to-end encrypted. Tap to learn more.", "system", []),
    ],
)
def test_android(parse: Parse, body: str, kind: str, media: list[str]) -> None:
    row = parse(android(body)).rows[1]
    assert (row["kind"], row["media"]) == (kind, media)
    assert row["author"] == (None if not body.startswith("Ana:") else "Ana")


@pytest.mark.parametrize(
    ("body", "mark", "kind", "media"),
    [
        ("Ana: image omitted", "", "text", []),
        ("Ana: \u200eimage omitted", "\u200e", "media", []),
        ("Ana: \u200eimagem ocultada", "\u200e", "media", []),
        ("Ana: look at this \u200eimage omitted", "\u200e", "media", []),
        ("Ana: seht\n\nher \u200eVideo weggelassen", "", "media", []),
        ("Ana: no image omitted", "", "text", []),
        ("Ana: \u200eimage omitted is what it says", "\u200e", "media", []),
        ("Ana: \u200eworten in keiner Liste", "\u200e", "media", []),
        ("Ana: \u200eContact card omitted", "\u200e", "contact", []),
        ("Ana: Plan.pdf • \u200e2 pages \u200edocument omitted", "\u200e", "media", []),
        (f"Ana: \u200e<attached: {PHOTO}>", "\u200e", "media", [PHOTO]),
        (f"Ana: <adjunto: {VOICE}>", "", "media", [VOICE]),
        ("Ana: \u200e<attached: 00000974-Rui Costa.vcf>", "\u200e", "contact", ["00000974-Rui Costa.vcf"]),
        (f"Ana: look \u200e<anexado: {PHOTO}>", "\u200e", "media", [PHOTO]),
        ("Ana: Plan.pdf • \u200e2 Seiten \u200e<Anhang: 00000037-Plan.pdf>", "\u200e", "media", ["00000037-Plan.pdf"]),
        ("Ana: \u200eThis message was deleted.", "\u200e", "deleted", []),
        ("Ana: \u200eEsta mensagem foi apagada.", "", "deleted", []),
        ("Ana: \u200eMissed voice call", "", "call", []),
        ("Ana: \u200eVoice call, \u200e5 min", "", "call", []),
        ("Ana: \u200eLocation: https://maps.google.com/?q=1.5,-2.5", "\u200e", "location", []),
        ("Ana: \u200ePOLL:\nPizza?\n\u200eOPTION: yes (\u200e1 vote)", "\u200e", "poll", []),
    ],
)  # fmt: skip
def test_ios(parse: Parse, body: str, mark: str, kind: str, media: list[str]) -> None:
    row = parse(ios(body, mark)).rows[1]
    assert (row["kind"], row["media"], row["author"]) == (kind, media, "Ana")


@pytest.mark.parametrize(
    "body",
    [
        "Family: \u200eMessages and calls are end-to-end encrypted.",
        "Family: \u200eAna created this group",
        "Ana: \u200eAna changed the group description",
        "You created group “Family”",
        "Familie: \u200eEtwas das in keiner Liste steht",
    ],
)
def test_a_notice_of_ios_has_no_author_under_whatever_name_it_stands(parse: Parse, body: str) -> None:
    parsed = parse(ios(body))
    assert (parsed.rows[1]["kind"], parsed.rows[1]["author"]) == ("system", None)
    assert parsed.report.authors == ["Ana", "Rui"]
    assert parsed.report.counts["unauthored"] == 1
    # a name that writes itself is given up with a word
    assert any("notice" in warning for warning in parsed.report.warnings) == body.startswith("Ana:")


@pytest.mark.parametrize(
    "text",
    [
        "sample <This message was edited>",
        "sample \u200e<This message was edited>",
        "exemplo <Mensagem editada>",
        "Beispiel \u200e<Diese Nachricht wurde bearbeitet.>",
        "zin \u200e<Woorden die niemand kent>",
        "two\nlines \u200e<This message was edited>",
    ],
)
@pytest.mark.parametrize("form", [android, ios])
def test_an_edited_message_is_marked_and_keeps_its_text(parse: Parse, form: Callable[[str], str], text: str) -> None:
    row = parse(form(f"Ana: {text}")).rows[1]
    assert row["edited"]
    assert row["kind"] == "text"
    assert row["text"] == text.replace("\u200e", "")


def test_the_attachment_phrase_and_the_caption_stay_in_the_text(parse: Parse) -> None:
    row = parse(android("Ana: \u200eIMG-20240313-WA0001.jpg (Datei angehängt)\nFrohe Ostern.")).rows[1]
    assert row["text"] == "IMG-20240313-WA0001.jpg (Datei angehängt)\nFrohe Ostern."
    assert row["media"] == ["IMG-20240313-WA0001.jpg"]


def test_counts_add_up(parse: Parse) -> None:
    counts = parse(android("Ana: <Media omitted>")).report.counts
    assert counts["entries"] == counts["authored"] + counts["unauthored"] == 3
    kinds = ("text", "media", "system", "deleted", "poll", "call", "location", "contact")
    assert sum(counts[kind] for kind in kinds) == 3
    assert list(counts) == ["entries", "authored", "unauthored", *kinds]
