"""Calls to a remote model: what is retried, what is not, how often the server hears from us, and what is counted."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from stages.llm import Door
from stages.resilience.errors import (
    BreakerOpenError,
    ContextTooLongError,
    CostLimitError,
    InvalidAnswerError,
    ModelRefusedError,
    PermanentError,
    ThrottledError,
    TransientError,
)
from stages.write.batch import CostLimit

ROOT = Path(__file__).parents[3]
PROMPT = [{"role": "user", "content": "say hello"}]


def complete(door):
    return asyncio.run(door.complete(PROMPT))


def test_an_answer_comes_with_its_tokens_and_an_unknown_price(server, settings_for) -> None:
    door = Door(settings_for(temperature=0.7, max_tokens=99))
    reply = complete(door)
    assert (reply.text, reply.tokens_in, reply.tokens_out, reply.cost_usd) == ("hello", 7, 3, None)
    asked = server.requests[0]
    assert asked["messages"] == PROMPT
    assert (asked["model"], asked["temperature"], asked["max_tokens"]) == ("test-model", 0.7, 99)
    usage = door.usage
    assert (usage.calls, usage.succeeded, usage.cost_usd, usage.errors) == (1, 1, None, {})


def test_a_known_model_has_a_price(server, settings_for, answer) -> None:
    completion = json.loads(answer().bytes()) | {"model": "gpt-4o-mini"}
    server.answers = [answer(body=json.dumps(completion))]
    door = Door(settings_for(model="openai/gpt-4o-mini"))
    cost = complete(door).cost_usd
    assert cost is not None
    assert 0 < cost < 0.001
    assert door.usage.cost_usd == pytest.approx(cost)


@pytest.mark.parametrize(
    ("given", "error", "requests"),
    [
        ({"status": 500, "body": '{"error": {"message": "x"}}'}, TransientError, 3),
        ({"status": 502, "body": "<html>bad gateway</html>"}, TransientError, 3),
        ({"status": 503, "body": ""}, TransientError, 3),
        ({"drop": True}, TransientError, 3),
        ({"status": 429, "body": '{"error": {"message": "slow down"}}'}, ThrottledError, 3),
        ({"status": 400, "body": '{"error": {"message": "bad"}}'}, PermanentError, 1),
        ({"status": 401, "body": '{"error": {"message": "bad key sk-secret"}}'}, ModelRefusedError, 1),
        ({"status": 403, "body": '{"error": {"message": "no"}}'}, PermanentError, 1),
        ({"status": 404, "body": '{"error": {"message": "no such model"}}'}, ModelRefusedError, 1),
        (
            {
                "status": 400,
                "body": '{"error": {"message": "This model\'s maximum context length is 4096 tokens.", '
                '"code": "context_length_exceeded", "type": "invalid_request_error"}}',
            },
            ContextTooLongError,
            1,
        ),
        (
            {"status": 400, "body": '{"error": {"message": "filtered", "code": "content_filter"}}'},
            PermanentError,
            1,
        ),
        ({"finish": "content_filter"}, PermanentError, 1),
        ({"body": '{"id": "x", "choi'}, InvalidAnswerError, 1),
        ({"body": ""}, InvalidAnswerError, 1),
        ({"body": "<html>hello</html>"}, InvalidAnswerError, 1),
        ({"body": '{"unexpected": 1}'}, InvalidAnswerError, 1),
        ({"body": '{"choices": []}'}, InvalidAnswerError, 1),
        ({"body": "[1, 2]"}, InvalidAnswerError, 1),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)
def test_each_failure_is_tried_as_often_as_its_class_says(server, settings_for, answer, given, error, requests) -> None:
    server.answers = [answer(**given)]
    door = Door(settings_for())
    with pytest.raises(error) as raised:
        complete(door)
    assert len(server.requests) == requests
    assert door.usage.calls == requests
    assert door.usage.errors == {error.error_class: requests}
    assert type(raised.value) is error
    assert "secret" not in str(raised.value)
    assert str(raised.value).endswith(".")


def test_a_server_that_recovers_is_asked_until_it_answers(server, settings_for, answer) -> None:
    server.answers = [answer(status=500), answer(status=429), answer("there")]
    door = Door(settings_for())
    assert complete(door).text == "there"
    assert (door.usage.calls, door.usage.succeeded, door.usage.errors) == (3, 1, {"transient": 1, "throttled": 1})


def test_one_attempt_means_one_request(server, settings_for, answer) -> None:
    server.answers = [answer(status=500)]
    with pytest.raises(TransientError):
        complete(Door(settings_for(retry={"attempts": 1})))
    assert len(server.requests) == 1


@pytest.mark.parametrize("header", [{"Retry-After": "0.3"}, {"retry-after-ms": "300"}])
def test_retry_after_is_honoured(server, settings_for, answer, header) -> None:
    server.answers = [answer(status=429, headers=header), answer()]
    complete(Door(settings_for(retry={"wait_max_seconds": 5})))
    assert server.times[1] - server.times[0] >= 0.3


@pytest.mark.parametrize("spelt", ["seconds", "date"])
def test_retry_after_is_capped(server, settings_for, answer, spelt: str) -> None:
    value = "3600" if spelt == "seconds" else formatdate(time.time() + 3600, usegmt=True)
    server.answers = [answer(status=429, headers={"Retry-After": value}), answer()]
    complete(Door(settings_for(retry={"wait_max_seconds": 0.2})))
    assert 0.2 <= server.times[1] - server.times[0] < 600


def test_there_is_no_wait_after_the_last_try(server, settings_for, answer) -> None:
    server.answers = [answer(status=429, headers={"Retry-After": "60"})]
    began = time.monotonic()
    with pytest.raises(ThrottledError):
        complete(Door(settings_for(retry={"attempts": 1, "wait_max_seconds": 60})))
    assert time.monotonic() - began < 55


def test_a_late_answer_is_a_failure_that_is_retried(server, settings_for, answer) -> None:
    server.answers = [answer(delay=1.0), answer("in time")]
    assert complete(Door(settings_for(timeout_seconds=0.4))).text == "in time"
    assert len(server.requests) == 2


def test_an_answer_that_drips_for_ever_ends_in_time(server, settings_for, answer) -> None:
    server.answers = [answer(drip=0.2)]
    began = time.monotonic()
    with pytest.raises(TransientError):
        complete(Door(settings_for(timeout_seconds=0.5, retry={"attempts": 1})))
    assert time.monotonic() - began < 5


def test_no_server_at_all_is_transient(settings_for) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    door = Door(settings_for(api_base=base))
    with pytest.raises(TransientError):
        complete(door)
    assert door.usage.calls == 3


def test_the_breaker_ends_a_run_in_bounded_time_and_keeps_the_rest_unsent(server, settings_for, answer) -> None:
    server.answers = [answer(status=503)]
    door = Door(settings_for(breaker={"failures": 5, "reset_seconds": 3600}, retry={"attempts": 4}))
    outcomes = [type(_error(door)).__name__ for _ in range(10)]
    assert outcomes == ["TransientError"] + ["BreakerOpenError"] * 9
    assert len(server.requests) == 5
    assert (door.usage.calls, door.usage.refused) == (5, 9)


def test_doors_to_one_server_share_its_breaker(server, settings_for, answer) -> None:
    server.answers = [answer(status=500)]
    settings = settings_for(breaker={"failures": 3, "reset_seconds": 3600})
    assert isinstance(_error(Door(settings)), TransientError)
    assert isinstance(_error(Door(settings)), BreakerOpenError)


def test_throttling_and_broken_answers_open_no_breaker(server, settings_for, answer) -> None:
    server.answers = [answer(status=429)] * 3 + [answer(body="{")] * 3 + [answer(status=400)] * 3 + [answer("fine")]
    door = Door(settings_for(breaker={"failures": 2, "reset_seconds": 3600}))
    errors = [type(_error(door)) for _ in range(7)]
    assert errors == [ThrottledError] + [InvalidAnswerError] * 3 + [PermanentError] * 3
    assert complete(door).text == "fine"


def test_a_probe_closes_the_breaker_again(server, settings_for, answer) -> None:
    server.answers = [answer(status=500)] * 2 + [answer("back")]
    door = Door(settings_for(breaker={"failures": 2, "reset_seconds": 0.2}, retry={"attempts": 2}))
    assert isinstance(_error(door), TransientError)
    assert isinstance(_error(door), BreakerOpenError)
    time.sleep(0.25)
    assert complete(door).text == "back"


def test_the_server_never_sees_more_calls_at_once_than_allowed(server, settings_for, answer) -> None:
    server.answers = [answer(delay=0.03)]
    settings = settings_for(concurrency=3)

    async def several(door: Door) -> None:
        await asyncio.gather(*(door.complete(PROMPT) for _ in range(8)))

    threads = [threading.Thread(target=lambda: asyncio.run(several(Door(settings)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 32
    assert 1 < server.peak <= 3


def test_a_limit_of_cost_stops_new_calls(server, settings_for, answer) -> None:
    completion = json.loads(answer().bytes()) | {"model": "gpt-4o-mini"}
    server.answers = [answer(body=json.dumps(completion))]
    door = Door(settings_for(model="openai/gpt-4o-mini"), limit_cost=1e-9)
    complete(door)
    assert isinstance(_error(door), CostLimitError)
    assert len(server.requests) == 1
    allowed = [True, False]
    door = Door(settings_for(), may_call=lambda: allowed.pop(0))
    complete(door)
    assert isinstance(_error(door), CostLimitError)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 404])
def test_what_refuses_the_key_or_the_model_is_asked_once_by_all_doors_of_a_run(
    server, settings_for, answer, status: int
) -> None:
    server.answers = [answer(status=status)]
    run = CostLimit(None)
    first, second = run.door(settings_for()), run.door(settings_for())
    refused = _error(first)
    assert isinstance(refused, ModelRefusedError)
    again = _error(second)
    assert (type(again), str(again)) == (ModelRefusedError, str(refused))
    assert (first.usage.calls, second.usage.calls, second.usage.refused) == (1, 0, 1)
    assert len(server.requests) == 1
    # another model may be there, and this one may take texts though it takes no pictures
    assert isinstance(_error(run.door(settings_for(model="openai/other"))), ModelRefusedError)
    picture = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}]}]
    with pytest.raises(ModelRefusedError):
        asyncio.run(second.complete(picture))
    assert len(server.requests) == 3
    # the next run asks again
    assert isinstance(_error(CostLimit(None).door(settings_for())), ModelRefusedError)
    assert len(server.requests) == 4


def test_access_denied_to_one_prompt_says_nothing_of_the_next(server, settings_for, answer) -> None:
    server.answers = [answer(status=403), answer("there")]
    door = CostLimit(None).door(settings_for())
    assert isinstance(_error(door), PermanentError)
    assert complete(door).text == "there"


def test_cancelling_a_caller_leaves_the_door_usable(server, settings_for, answer) -> None:
    server.answers = [answer(delay=0.5), answer("again")]
    door = Door(settings_for(concurrency=1))

    async def impatient() -> str:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(door.complete(PROMPT), 0.2)
        return (await door.complete(PROMPT)).text

    assert asyncio.run(impatient()) == "again"


def test_a_key_of_the_environment_goes_to_its_own_provider_only(server, settings_for, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    complete(Door(settings_for()))
    complete(Door(settings_for(api_key="sk-mine")))
    assert server.keys == ["Bearer none", "Bearer sk-mine"]


def test_nothing_of_a_prompt_is_logged(server, settings_for, answer, caplog, capfd) -> None:
    server.answers = [answer(status=500), answer(status=400, body='{"error": {"message": "say hello"}}')]
    with caplog.at_level(logging.DEBUG):
        assert isinstance(_error(Door(settings_for())), PermanentError)
    out, err = capfd.readouterr()
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith(("LiteLLM", "stamina")))
    assert "say hello" not in ours + out + err
    assert out + err == ""


def test_a_proxy_never_stands_between_us_and_loopback(server, settings_for, tmp_path) -> None:
    """In a process of its own: proxies of the environment are read once."""
    program = f"""
import asyncio, os
os.environ |= {{name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")}}
from stages.llm import Door
from stages.settings import Settings
llm = {{"model": "openai/test-model", "api_base": {server.base!r}, "timeout_seconds": 20}}
door = Door(Settings.model_validate({{"llm": llm, "retry": {{"attempts": 1}}}}))
print(asyncio.run(door.complete([{{"role": "user", "content": "x"}}])).text)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PATH": "/usr/bin"}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "hello\n"
    assert ran.stderr == ""


def _error(door: Door) -> BaseException:
    with pytest.raises(Exception) as raised:  # noqa: PT011  the class is what the test is about
        complete(door)
    return raised.value
