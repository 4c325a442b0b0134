"""The offline model is a provider like any other, and needs nothing that the others need."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stages.errors import BadInput
from stages.llm import Door, check_model, leaves_machine, media_leaves_machine
from stages.llm.remote import load_litellm, on_model_loop
from stages.settings import Settings

ROOT = Path(__file__).parents[3]
BLOCK = """<<<CHAT
["2026-03-02"]
["m1","20:51","Quiet Heron","Shall we repaint the garden shed before the summer party?"]
["m2","20:52","Brave Otter","Yes, the shed looks dreadful. I have green paint left from the fence."]
["m3","20:55","Quiet Heron","Green it is. Saturday at ten?"]
CHAT>>>"""
FACTS = '{"language":"auto","people":["Quiet Heron","Brave Otter"],"own_messages":3}'
PROMPT = [{"role": "system", "content": "Write."}, {"role": "user", "content": f"{FACTS}\n{BLOCK}"}]


def test_the_door_and_litellm_give_the_same_answer() -> None:
    direct = asyncio.run(Door(Settings()).complete(PROMPT))
    litellm = load_litellm()
    sync = litellm.completion(model="local/extractive", messages=PROMPT, max_retries=0)
    call = litellm.acompletion(model="local/extractive", messages=PROMPT, max_retries=0)
    async_ = asyncio.run(on_model_loop(call))
    for response in (sync, async_):
        assert response.choices[0].message.content == direct.text
        assert response.choices[0].finish_reason == direct.finish
        assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (direct.tokens_in, direct.tokens_out)
    assert "shed" in json.loads(direct.text)["posts"][0]["dek"]


def test_the_offline_model_imports_no_client_and_opens_no_socket() -> None:
    program = f"""
import asyncio, socket, sys
made = []
class Watched(socket.socket):
    def connect(self, address):
        made.append(address)
        return super().connect(address)
socket.socket = Watched
from stages.llm import Door
from stages.settings import Settings
door = Door(Settings())
asyncio.run(door.complete({PROMPT!r}))
heavy = {{"litellm", "openai", "httpx", "aiohttp", "stamina"}} & set(sys.modules)
assert not heavy, heavy
assert not made, made
assert (door.usage.calls, door.usage.cost_usd) == (1, 0.0)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("model", "base", "receiver"),
    [
        ("local/extractive", None, None),
        ("local/extractive", "https://models.example.com/v1", None),
        ("openai/gpt-4o-mini", "http://127.0.0.1:8000/v1", None),
        ("openai/gpt-4o-mini", "http://127.9.9.9/v1", None),
        ("openai/gpt-4o-mini", "http://localhost:8000", None),
        ("openai/gpt-4o-mini", "http://[::1]:8000", None),
        ("openai/gpt-4o-mini", None, "openai"),
        ("gpt-4o-mini", None, "gpt-4o-mini"),
        ("ollama/llama3", None, "ollama"),
        ("openai/x", "https://models.example.com/v1", "models.example.com"),
        ("openai/x", "http://127.0.0.1@models.example.com/v1", "models.example.com"),
        ("openai/x", "http://localhost.example.com:80/v1", "localhost.example.com:80"),
        ("openai/x", "http://192.168.1.9:8000/v1", "192.168.1.9:8000"),
        ("openai/x", "http://user:secret@models.example.com/v1", "models.example.com"),
    ],
)
def test_it_is_said_to_whom_text_would_go(model: str, base: str | None, receiver: str | None) -> None:
    said = leaves_machine(Settings.model_validate({"llm": {"model": model, "api_base": base}}))
    if receiver is None:
        assert said is None
    else:
        assert said is not None
        assert receiver in said
        assert "secret" not in said


@pytest.mark.parametrize(
    ("llm", "says"),
    [
        ({"model": "local/other"}, "local/extractive"),
        ({"model": "nobody-knows/this"}, "provider/name"),
        ({"model": " "}, "provider/name"),
        ({"model": "openai/x", "api_base": "ftp://host/"}, "llm.api_base"),
        ({"model": "openai/x", "api_base": "models.example.com"}, "llm.api_base"),
        ({"vision_model": "nobody-knows/this"}, "provider/name.*llm.vision_model"),
        ({"vision_model": "local/extractive"}, "llm.vision_model"),
        ({"transcription_model": ""}, "llm.transcription_model"),
        ({"transcription_model": "openai/x", "api_base": "ftp://host/"}, "llm.api_base"),
    ],
)
def test_a_model_that_cannot_be_called_is_bad_input(llm: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        check_model(Settings.model_validate({"llm": llm}))


def test_it_is_said_to_whom_pictures_and_sound_would_go() -> None:
    def goes(**llm: str) -> dict[str, str]:
        return media_leaves_machine(Settings.model_validate({"llm": llm}))

    assert goes() == goes(model="openai/x") == {}
    assert goes(vision_model="openai/x", api_base="http://127.0.0.1:1/v1") == {}
    assert goes(vision_model="openai/x") == {"pictures": "the provider openai (model openai/x)"}
    assert goes(transcription_model="openai/y", api_base="https://a.example/v1") == {
        "sound": "a.example (model openai/y)"
    }


def test_models_that_can_be_called_pass() -> None:
    for llm in (
        {},
        {"vision_model": "openai/gpt-4o-mini", "transcription_model": "openai/whisper-1"},
        {"model": "openai/gpt-4o-mini"},
        {"model": "openai/x", "api_base": "http://127.0.0.1:1/v1"},
    ):
        check_model(Settings.model_validate({"llm": llm}))
