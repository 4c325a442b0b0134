"""One conversation as phones export it: texts for the tests of merging."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

START = datetime(2026, 3, 11, 18, 4, 7)
WORDS = {
    "en": {
        "omitted": "<Media omitted>", "attached": "file attached", "ios": "attached", "image": "image omitted",
        "deleted": "This message was deleted", "edited": "<This message was edited>",
        "created": "{} created group “Trip”",
        "safe": "Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, can read "
        "or listen to them. Tap to learn more.",
    },
    "pt": {
        "omitted": "<Mídia oculta>", "attached": "arquivo anexado", "ios": "anexado", "image": "imagem ocultada",
        "deleted": "Mensagem apagada", "edited": "<Mensagem editada>",
        "created": "{} criou o grupo “Trip”",
        "safe": "As mensagens e ligações são protegidas com a criptografia de ponta a ponta. Ninguém fora desta "
        "conversa pode ler ou ouvi-las, nem mesmo o WhatsApp. Toque para saber mais.",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """One message: ``what`` is text, photo (``text`` its caption), deleted, or a notice's key in WORDS."""

    at: datetime
    author: str | None
    text: str = ""
    what: str = "text"
    number: int = 0
    edited: bool = False


def conversation(count: int = 60, *, seconds: int = 25) -> list[Said]:
    """A chat of three in a group, some messages a minute, with media, deleted messages and repeats."""
    chat = [Said(START, None, what="safe"), Said(START + timedelta(seconds=2), None, "Ana Prado", what="created")]
    people = ("Ana Prado", "Bruno Lemke", "Clara Voss")
    for number in range(count):
        when = START + timedelta(seconds=30 + number * seconds)
        author = people[(number * 7 + number // 5) % 3]
        if number % 9 == 4:
            chat.append(Said(when, author, f"caption {number}" if number % 2 else "", "photo", number))
        elif number % 17 == 11:
            chat.append(Said(when, author, what="deleted"))
        elif number % 6 == 5:
            chat.append(Said(when, author, "ok"))
        else:
            chat.append(Said(when, author, f"what about plan {number}?"))
    return chat


def android(chat: Sequence[Said], language: str = "en", *, media: bool = False) -> str:
    """Minutes, ``dd/mm/yyyy, hh:mm - ``; LF."""
    words = WORDS[language]
    lines = []
    for said in chat:
        head = said.at.strftime("%d/%m/%Y, %H:%M - ")
        if said.what in ("safe", "created"):
            lines.append(head + words[said.what].format(said.text))
            continue
        body = said.text
        if said.what == "photo":
            name = f"IMG-{said.at:%Y%m%d}-WA{said.number:04}.jpg"
            body = f"\u200e{name} ({words['attached']})" if media else words["omitted"]
            body += f"\n{said.text}" if said.text and media else ""
        elif said.what == "deleted":
            body = words["deleted"]
        if said.edited:
            body += f" {words['edited']}"
        lines.append(f"{head}{said.author}: {body}")
    return "\n".join(lines) + "\n"


def ios(chat: Sequence[Said], language: str = "en", *, media: bool = False) -> str:
    """Seconds, ``[dd/mm/yyyy, hh:mm:ss] ``; CRLF; notices under the group's name."""
    words = WORDS[language]
    lines = []
    for said in chat:
        head = said.at.strftime("[%d/%m/%Y, %H:%M:%S] ")
        if said.what in ("safe", "created"):
            lines.append(f"{head}Trip: \u200e{words[said.what].format(said.text)}")
            continue
        body = said.text
        if said.what == "photo":
            head = "\u200e" + head
            name = f"{said.number:08}-PHOTO-{said.at:%Y-%m-%d-%H-%M-%S}.jpg"
            body = f"\u200e<{words['ios']}: {name}>" if media else f"\u200e{words['image']}"
        elif said.what == "deleted":
            body = f"\u200e{words['deleted']}"
        if said.edited:
            body += f" \u200e{words['edited']}"
        lines.append(f"{head}{said.author}: {body}")
    return "\r\n".join(lines) + "\r\n"


def edited(chat: Sequence[Said], position: int, text: str) -> list[Said]:
    """The chat with one message edited."""
    fresh = list(chat)
    fresh[position] = replace(fresh[position], text=text, edited=True)
    return fresh
