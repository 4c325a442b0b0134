"""The offline writer as a model: a prompt's messages in, the answer's JSON out."""

from collections.abc import Mapping, Sequence

import orjson

from stages.write.extractive.composition import compose
from stages.write.extractive.transcript import read_transcript


def answer(messages: Sequence[Mapping[str, str]]) -> str:
    """Answer the last prompt of ours among the messages. ``ValueError`` where there is none."""
    for message in reversed(messages):
        if message["role"] == "user" and message["content"].startswith("{"):
            return orjson.dumps(compose(read_transcript(message["content"]))).decode()
    raise ValueError("local/extractive answers prompts of Streamliner alone")
