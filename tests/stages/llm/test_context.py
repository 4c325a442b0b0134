"""What is known of a model's context and tokens without asking anybody."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.llm.context import model_context, quarter_bytes

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("model", "tokens", "exact"),
    [
        ("openai/gpt-4o-mini", 128_000, True),
        ("gpt-4o-mini", 128_000, True),
        ("openai/gpt-4", 8_192, True),
        ("azure/gpt-4o", 128_000, True),
        ("anthropic/claude-sonnet-4-5", 200_000, False),
        ("ollama/llama3", 8_192, False),
        ("openai/test-model", None, False),
        ("openai/claude-sonnet-4-5", None, False),
        ("sample_spec", None, False),
        ("local/extractive", None, False),
    ],
)
def test_contexts_are_those_of_the_list_that_litellm_carries(model: str, tokens: int | None, exact: bool) -> None:
    context = model_context(model)
    assert (context.tokens, context.exact) == (tokens, exact)


@settings(max_examples=80, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=80), max_size=8))
def test_each_text_has_its_count_and_none_more_tokens_than_bytes(texts: list[str]) -> None:
    sizes = [len(text.encode()) for text in texts]
    assert quarter_bytes(texts).tolist() == [(size + 3) // 4 for size in sizes]
    for model in ("openai/gpt-4o-mini", "openai/gpt-4", "ollama/llama3"):
        counts = model_context(model).count(texts).tolist()
        assert len(counts) == len(texts)
        assert all(count <= size for count, size in zip(counts, sizes, strict=True))


def test_lines_of_json_add_up_to_their_block() -> None:
    lines = [json.dumps([f"m{n}", "20:04", "Quiet Heron", 'Olá, "o" telhado?\n' * (n % 5)]) + "\n" for n in range(300)]
    for model in ("openai/gpt-4o-mini", "openai/gpt-4"):
        count = model_context(model).count
        assert count(lines).sum() == count(["".join(lines)])[0]


def test_counting_needs_no_network_and_the_offline_model_no_litellm() -> None:
    program = """
import socket, sys
from stages.llm.context import model_context
assert model_context("local/extractive").count(["12345"]).tolist() == [2]
assert not {"litellm", "tiktoken"} & set(sys.modules)
def refuse(*_, **__):
    raise AssertionError("asked the network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
for model in ("openai/gpt-4o-mini", "openai/gpt-4", "openai/unknown", "ollama/unknown", "replicate/llama-2-70b"):
    assert model_context(model).count(["hello world"])[0] >= 2
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
