"""Transcripts through the door: what is sent, how failures are tried again, what is counted."""

import asyncio

import pytest

from stages.llm import Door
from stages.resilience.errors import (
    InvalidAnswerError,
    ModelRefusedError,
    PermanentError,
    ThrottledError,
    TransientError,
)
from stages.settings import Settings

SOUND = b"OggS\x00\xff\r\n--sound" * 40


def hear(door, **how):
    return asyncio.run(door.transcribe(SOUND, "audio.ogg", "audio/ogg", **how))


def test_a_sound_goes_as_a_form_and_its_words_come_back(server, settings_for, answer) -> None:
    server.answers = [answer(body='{"text": "bom dia"}')]
    door = Door(settings_for())
    reply = hear(door, language="pt")
    assert (reply.text, reply.cost_usd) == ("bom dia", None)
    (asked,) = server.requests
    assert asked["file"] == ("audio.ogg", "audio/ogg", SOUND)
    assert (asked["model"], asked["language"], asked["response_format"]) == ("test-model", "pt", "json")
    assert (door.usage.calls, door.usage.succeeded) == (1, 1)
    hear(door)
    assert "language" not in server.requests[1]


def test_a_known_model_is_priced_by_the_second(server, settings_for, answer) -> None:
    server.answers = [answer(body='{"text": "bom dia"}')]
    door = Door(settings_for(model="openai/whisper-1"))
    assert hear(door, seconds=60.0).cost_usd == pytest.approx(0.006, rel=0.2)
    assert hear(door).cost_usd is None


@pytest.mark.parametrize(
    ("given", "error", "requests"),
    [
        ({"status": 500, "body": '{"error": {"message": "x"}}'}, TransientError, 3),
        ({"drop": True}, TransientError, 3),
        ({"status": 429, "body": '{"error": {"message": "slow"}}'}, ThrottledError, 3),
        ({"status": 400, "body": '{"error": {"message": "bad sk-secret"}}'}, PermanentError, 1),
        ({"status": 401, "body": '{"error": {"message": "bad key sk-secret"}}'}, ModelRefusedError, 1),
        ({"body": '{"unexpected": 1}'}, InvalidAnswerError, 1),
        ({"body": '{"text": null}'}, InvalidAnswerError, 1),
    ],
    ids=["500", "dropped", "429", "400", "401", "no-text", "null"],
)
def test_each_failure_is_tried_as_often_as_its_class_says(server, settings_for, answer, given, error, requests) -> None:
    server.answers = [answer(**given)]
    door = Door(settings_for())
    with pytest.raises(error) as raised:
        hear(door)
    assert len(server.requests) == door.usage.calls == requests
    assert "secret" not in str(raised.value)
    assert type(raised.value) is error


def test_the_offline_model_hears_nothing_and_counts_nothing() -> None:
    door = Door(Settings())
    with pytest.raises(PermanentError, match="offline"):
        hear(door)
    assert door.usage.calls == 0


def test_transcripts_and_completions_share_one_limit(server, settings_for, answer) -> None:
    server.answers = [answer(delay=0.05, body='{"text": "x", "choices": []}')]
    door = Door(settings_for(concurrency=2))

    async def several() -> None:
        await asyncio.gather(*(door.transcribe(SOUND, "audio.ogg", "audio/ogg") for _ in range(6)))

    asyncio.run(several())
    assert server.peak == 2
