"""Descriptions and transcripts against a real model's server: what it is sent, and what of its answers is shown."""

import asyncio
import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from stages.enrich.describe import SOUND_LARGEST, describe_picture, transcribe
from stages.llm import Door
from stages.resilience.errors import (
    BreakerOpenError,
    CallError,
    InvalidAnswerError,
    ModelRefusedError,
    PermanentError,
    TransientError,
)
from stages.settings import Settings
from tests.stages.enrich.pictures import encoded, photograph, sticker
from tests.stages.llm.model_server import Answer, ModelServer

SEEN = "A dog runs along a beach under a grey sky."
SECRET = "Maria de Lourdes"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    running = ModelServer()
    running.answers = [Answer(SEEN)]
    yield running
    running.close()


@pytest.fixture
def door(server: ModelServer) -> Door:
    return door_to(server)


def door_to(server: ModelServer, **llm: Any) -> Door:
    given = {"model": "openai/test-model", "api_base": server.base, "timeout_seconds": 30} | llm
    retry = {"attempts": 2, "wait_initial_seconds": 0.001, "wait_max_seconds": 0.01}
    return Door(Settings.model_validate({"llm": given, "retry": retry}))


def hide(text: str) -> str:
    return text.replace("Maria", "Heron")


def describe(
    door: Door, picture: bytes | Path, language: str = "en", conceal: Callable[[str], str] = hide
) -> str | None:
    return asyncio.run(describe_picture(picture, door, language, conceal=conceal, max_pixels=4_000_000))


def sent(server: ModelServer, at: int = 0) -> bytes:
    uri = server.requests[at]["messages"][1]["content"][0]["image_url"]["url"]
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return base64.b64decode(body)


def test_a_picture_is_described_in_one_call(server: ModelServer, door: Door, tmp_path: Path) -> None:
    data = encoded(photograph(1))
    assert describe(door, data, "pt") == SEEN
    (tmp_path / "a.jpg").write_bytes(data)
    assert describe(door, tmp_path / "a.jpg", "en-GB") == SEEN
    assert door.usage.calls == len(server.requests) == 2
    tasks = [request["messages"][0]["content"] for request in server.requests]
    assert "Portuguese" in tasks[0]
    assert "English" in tasks[1]


def test_pixels_alone_are_sent(server: ModelServer, door: Door) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x0112] = SECRET, SECRET, 6
    exif.get_ifd(0x8825)[2] = (38.0, 42.0, 0.0)
    describe(
        door, encoded(photograph(1, (1600, 1200)), exif=exif, comment=SECRET.encode()) + b"PK\x03\x04" + SECRET.encode()
    )
    data = sent(server)
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.size) == ("JPEG", (768, 1024))  # upright
    assert SECRET.encode() not in data
    assert not set(picture.info) & {"exif", "icc_profile", "xmp", "comment"}
    describe(door, encoded(sticker(1), "WEBP"))
    assert min(Image.open(io.BytesIO(sent(server, 1))).getpixel((2, 2))) > 240  # type: ignore[type-var, arg-type]


UNUSABLE = {
    "nothing": "",
    "dots": "...",
    "too long": "A dog. " * 60,
    "far too long": "dog " * 10_000,
    "markup": "A dog <img src=x onerror=alert(1)>",
    "markdown": "**A dog** on [a beach](http://x)",
    "a fence": "```\nA dog\n```",
    "an address": "A dog; see www.example.org",
    "a mail address": "A card from dog@example.org",
    "a number": "A note with the number +351 912 345 678",
    "it declines": "I'm sorry, but I can't help with identifying people.",
    "it declines in Portuguese": "Desculpe, não posso ajudar com isso.",
    "it declines as itself": "As an AI language model, I do not see.",
    "it talks": "Sure! Here is the alt text: a dog.",
    "a name": "Maria stands on a beach.",
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_answer_that_cannot_be_shown_is_asked_for_once_more(server: ModelServer, door: Door, kind: str) -> None:
    server.answers = [Answer(UNUSABLE[kind]), Answer(SEEN)]
    assert describe(door, encoded(photograph(1))) == SEEN
    assert len(server.requests) == 2
    again = server.requests[1]["messages"]
    assert [message["role"] for message in again] == ["system", "user", "assistant", "user"]
    server.answers = [Answer(UNUSABLE[kind])]
    server.requests.clear()
    with pytest.raises(InvalidAnswerError, match="described the picture twice"):
        describe(door, encoded(photograph(1)))
    assert len(server.requests) == 2


def test_an_answer_that_was_cut_off_is_not_shown(server: ModelServer, door: Door) -> None:
    server.answers = [Answer("A dog runs along a", finish="length")]
    with pytest.raises(InvalidAnswerError):
        describe(door, encoded(photograph(1)))


def test_what_is_no_completion_is_asked_for_once_more(server: ModelServer, door: Door, tmp_path: Path) -> None:
    server.answers = [Answer(body='{"no": 1}'), Answer(SEEN)]
    assert describe(door, encoded(photograph(1))) == SEEN
    assert server.requests[0]["messages"] == server.requests[1]["messages"]
    server.answers = [Answer(body='{"no": 1}')]
    server.requests.clear()
    for ask in (lambda: describe(door, encoded(photograph(1))), lambda: heard(door, tmp_path, OPUS, "audio/ogg")):
        server.requests.clear()
        with pytest.raises(InvalidAnswerError):
            ask()
        assert len(server.requests) == 2


def test_what_is_harmless_in_an_answer_is_tidied(server: ModelServer, door: Door) -> None:
    server.answers = [Answer('"A dog\n  runs\u202e; 3 < 4 & 5 > 2."\n')]
    assert describe(door, encoded(photograph(1))) == "A dog runs; 3 < 4 & 5 > 2."


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(photograph(1))[:900]], ids=["empty", "words", "cut"])
def test_what_is_no_picture_asks_no_model(server: ModelServer, door: Door, tmp_path: Path, data: bytes) -> None:
    assert describe(door, data) is None
    assert describe(door, tmp_path / "none.jpg") is None
    assert server.requests == []


def test_offline_nothing_is_described_or_counted(tmp_path: Path) -> None:
    door = Door(Settings())
    assert describe(door, encoded(photograph(1))) is None
    assert heard(door, tmp_path, OPUS, "audio/ogg") is None
    assert door.usage.calls == 0


@pytest.mark.parametrize(
    ("answer", "error", "requests"),
    [
        (Answer(status=400), PermanentError, 1),
        (Answer(status=401), ModelRefusedError, 1),
        (Answer(status=500), TransientError, 2),
    ],
    ids=["400", "401", "500"],
)
def test_a_model_that_cannot_be_asked_is_an_error_of_its_class(
    server: ModelServer, door: Door, tmp_path: Path, answer: Answer, error: type[CallError], requests: int
) -> None:
    server.answers = [answer]
    for ask in (lambda: describe(door, encoded(photograph(1))), lambda: heard(door, tmp_path, OPUS, "audio/ogg")):
        server.requests.clear()
        with pytest.raises(error):
            ask()
        assert len(server.requests) == requests


def test_a_server_that_is_down_is_left_alone(server: ModelServer) -> None:
    server.answers = [Answer(status=503)]
    door = door_to(server, concurrency=3)
    outcomes = []
    for _ in range(6):
        with pytest.raises(CallError) as raised:
            describe(door, encoded(photograph(1)))
        outcomes.append(type(raised.value))
    assert outcomes[3:] == [BreakerOpenError] * 3
    assert len(server.requests) == 5


OPUS = b"OggS" + bytes(400)


def heard(door: Door, folder: Path, data: bytes, mime: str, **how: Any) -> str | None:
    path = folder / "PTT-Maria.opus"
    path.write_bytes(data)
    return asyncio.run(transcribe(path, mime, door, conceal=hide, **how))


def said(text: str) -> Answer:
    return Answer(body=json.dumps({"text": text}))


@pytest.mark.parametrize(
    ("mime", "name"),
    [("audio/ogg", "audio.ogg"), ("audio/mpeg", "audio.mp3"), ("audio/mp4", "audio.m4a"), ("audio/wav", "audio.wav"),
     ("audio/flac", "audio.flac"), ("video/mp4", "audio.mp4"), ("video/webm", "audio.webm")],
)  # fmt: skip
def test_a_sound_is_sent_by_the_name_of_its_kind(
    server: ModelServer, door: Door, tmp_path: Path, mime: str, name: str
) -> None:
    server.answers = [said(" Olá, é a Maria.\nAté logo! ")]
    assert heard(door, tmp_path, OPUS, mime) == "Olá, é a Heron. Até logo!"
    (asked,) = server.requests
    assert asked["file"] == (name, mime, OPUS)
    assert "Maria" not in str({key: value for key, value in asked.items() if key != "file"})
    assert door.usage.calls == 1


def test_the_language_is_told_where_it_is_known(server: ModelServer, door: Door, tmp_path: Path) -> None:
    server.answers = [said("Olá")]
    heard(door, tmp_path, OPUS, "audio/ogg", language="pt")
    heard(door, tmp_path, OPUS, "audio/ogg")
    assert [request.get("language") for request in server.requests] == ["pt", None]


@pytest.mark.parametrize(
    "text",
    ["", " \n ", "...", "♪ ♪", "[Music]", "Thanks for watching!", "Obrigado por assistir.", "[BLANK_AUDIO]",
     "Legendas pela comunidade Amara.org", "Subtitles by the Amara.org community", "<|nospeech|>"],
    ids=lambda text: text.strip()[:20] or "nothing",
)  # fmt: skip
def test_what_models_hear_in_silence_is_no_transcript(
    server: ModelServer, door: Door, tmp_path: Path, text: str
) -> None:
    server.answers = [said(text)]
    assert heard(door, tmp_path, OPUS, "audio/ogg", seconds=60.0) == ""
    assert len(server.requests) == 1


@pytest.mark.parametrize("text", ["word " * 200, "não sei o que dizer, " * 40], ids=["one-word", "one-sentence"])
def test_what_goes_round_in_circles_is_asked_for_once_more(
    server: ModelServer, door: Door, tmp_path: Path, text: str
) -> None:
    server.answers = [said(text), said("Olá")]
    assert heard(door, tmp_path, OPUS, "audio/ogg", seconds=60.0) == "Olá"
    server.answers = [said(text)]
    with pytest.raises(InvalidAnswerError, match="wrote down twice"):
        heard(door, tmp_path, OPUS, "audio/ogg", seconds=60.0)
    assert len(server.requests) == 4


def test_more_than_can_be_said_was_made_up(server: ModelServer, door: Door, tmp_path: Path) -> None:
    words = " ".join(f"{number} dogs" for number in range(40))
    server.answers = [said(words)]
    with pytest.raises(InvalidAnswerError):
        heard(door, tmp_path, OPUS, "audio/ogg", seconds=2.0)
    assert heard(door, tmp_path, OPUS, "audio/ogg", seconds=20.0) == words
    assert heard(door, tmp_path, OPUS, "audio/ogg") == words


def test_a_long_speech_is_cut_between_words_after_its_names_are_hidden(
    server: ModelServer, door: Door, tmp_path: Path
) -> None:
    server.answers = [said(" ".join(f"Maria {number}" for number in range(5_000)))]
    text = heard(door, tmp_path, OPUS, "audio/ogg", seconds=3_600.0)
    assert text is not None
    assert len(text) <= 20_000
    assert "Mar" not in text
    assert text.endswith("…")


def test_what_no_provider_takes_is_not_sent(server: ModelServer, door: Door, tmp_path: Path) -> None:
    for mime in ("audio/amr", "audio/x-caf", "video/x-matroska", "image/jpeg", "application/pdf"):
        assert heard(door, tmp_path, OPUS, mime) is None
    assert heard(door, tmp_path, b"", "audio/ogg") is None
    with (tmp_path / "long.opus").open("wb") as file:
        file.truncate(SOUND_LARGEST + 1)
    for path in (tmp_path / "long.opus", tmp_path / "none.opus", tmp_path):
        assert asyncio.run(transcribe(path, "audio/ogg", door, conceal=hide)) is None
    assert server.requests == []
