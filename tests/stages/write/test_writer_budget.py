"""A window is written in as many prompts as the model's context asks for: the fewest, even, and none too long."""

import asyncio
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.llm import Door
from stages.llm.context import ModelContext, model_context, quarter_bytes
from stages.settings import LlmSettings
from stages.write.budget import DEFAULT_TOKENS, Budget
from stages.write.window import parse_block, render_window
from stages.write.writer import write_windows
from tests.stages.llm.model_server import Answer
from tests.stages.write.conftest import window_of

ROOT = Path(__file__).parents[3]


def talk_of(lines: int, letters: int = 60) -> str:
    return "\n".join(
        f"Quiet Heron: Shed {n} needs paint, nails and a lock by Friday {'yes ' * (letters // 4)}" for n in range(lines)
    )


def asked(server: Any, settings: Any, talk: str, **given: Any) -> list[list[dict[str, str]]]:
    """The prompts that writing this talk sends."""
    server.answers = [Answer('{"posts": []}')]
    asyncio.run(write_windows([window_of(talk, **given)], Door(settings)))
    return [request["messages"] for request in server.requests]


def lines_of(prompts: list[list[dict[str, str]]]) -> list[list[str]]:
    return [[line[4] for line in parse_block(prompt[1]["content"])] for prompt in prompts]


def test_every_prompt_and_its_answer_fit_the_context_of_a_known_model(server, remote) -> None:
    talk, answer = talk_of(600), 500
    prompts = asked(server, remote(model="openai/gpt-4", max_tokens=answer), talk)
    context = model_context("openai/gpt-4")
    sent = [int(context.count([message["content"] for message in prompt]).sum()) for prompt in prompts]
    assert len(prompts) > 2
    assert max(sent) + answer < context.tokens
    assert max(sent) - min(sent) < 200
    # one prompt fewer would not do
    rules = int(context.count([prompts[0][0]["content"]])[0])
    assert sum(sent) - len(sent) * rules > (len(prompts) - 1) * (context.tokens - rules - 2 * answer - 300)
    written = [line.partition(": ")[2].strip() for line in talk.splitlines()]
    assert list(itertools.chain(*lines_of(prompts))) == written


@pytest.mark.parametrize(
    ("model", "prompts"),
    [("openai/gpt-4o-mini", 1), ("openai/test-model", 3), ("openai/gpt-4", 30)],
    ids=["a wide context", "an unknown one", "a narrow one"],
)
def test_how_many_prompts_depends_on_the_model(server, remote, model: str, prompts: int) -> None:
    made = asked(server, remote(model=model, max_tokens=2_000), talk_of(2_600, 80), every=1)
    assert prompts == len(made) if prompts < 4 else len(made) > prompts
    assert len(set(itertools.chain(*lines_of(made)))) == 2_600


@pytest.mark.parametrize("over", [0, 1], ids=["to the byte", "one byte more"])
def test_a_window_of_an_unknown_model_is_cut_past_its_160000_bytes(server, remote, over: int) -> None:
    lines = [f"Quiet Heron: Shed {n} needs paint {'x' * 1_000}" for n in range(150)]
    room = 4 * DEFAULT_TOKENS - len(render_window(window_of("\n".join(lines))).block.encode())
    assert 0 < room < 2_000
    lines[0] += "x" * (room // 2)
    lines[-1] += "x" * (room - room // 2 + over)
    prompts = asked(server, remote(), "\n".join(lines))
    assert [len(part) for part in lines_of(prompts)] == ([75, 75] if over else [150])


def test_letters_of_several_bytes_count_in_full(server, remote) -> None:
    prompts = asked(
        server,
        remote(),
        "\n".join(f"Quiet Heron: Крыша сарая протекает, велосипед промок {'ах ' * 50}{n}" for n in range(800)),
    )
    assert len(prompts) == 2
    assert all(len(prompt[1]["content"].encode()) <= 4 * DEFAULT_TOKENS + 200 for prompt in prompts)


def test_messages_without_a_line_stay_with_their_part_and_time_standing_still_is_cut_too(server, remote) -> None:
    more = {seq: {"kind": "deleted", "text": "This message was deleted"} for seq in range(0, 900, 3)}
    prompts = asked(server, remote(), talk_of(900, 400), every=0, more=more)
    parts = lines_of(prompts)
    assert [len(part) for part in parts] == [300, 300]
    assert [prompt[1]["content"].count('\n["2026-') for prompt in prompts] == [1, 1]


def test_the_counter_is_asked_once_for_a_window_that_is_cut_and_never_for_one_that_fits_by_its_bytes() -> None:
    calls: list[int] = []

    def count(texts: Any) -> Any:
        calls.append(len(texts))
        return quarter_bytes(texts)

    budget = Budget(LlmSettings(max_tokens=100), ModelContext(6_000, count, True))
    small, large = window_of(talk_of(4)), window_of(talk_of(400))
    assert budget.parts(small.messages, render_window(small), "auto") == [small.messages]
    assert calls == []
    parts = budget.parts(large.messages, render_window(large), "auto")
    assert len(parts) > 2
    assert calls == [3, 400]  # what else is sent, then the lines
    assert sum(part.num_rows for part in parts) == 400


def test_a_context_that_the_answer_alone_would_fill_still_takes_some_of_the_chat() -> None:
    window = window_of(talk_of(100))
    budget = Budget(LlmSettings(max_tokens=9_000), ModelContext(4_000, quarter_bytes, False))
    parts = budget.parts(window.messages, render_window(window), "auto")
    assert parts[0].num_rows > 10
    one_by_one = Budget(LlmSettings(), ModelContext(1, lambda texts: np.full(len(texts), 9), False))
    assert len(one_by_one.parts(window.messages, render_window(window), "auto")) == 100


def test_the_offline_writer_cuts_without_litellm() -> None:
    program = f"""
import asyncio, json, sys
from tests.stages.write.conftest import window_of
from tests.stages.write.test_writer_budget import talk_of
from stages.llm import Door
from stages.settings import Settings
from stages.write.writer import write_windows
for name in {["litellm", "tiktoken"]!r}:
    sys.modules[name] = None
door = Door(Settings())
asyncio.run(write_windows([window_of(talk_of(2_600))], door))
print(json.dumps(door.usage.calls))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout) == 3
