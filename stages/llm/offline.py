"""Models that are functions of ours: they take a prompt's messages like any model and answer at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.llm.usage import Reply

Messages = Sequence[Mapping[str, Any]]
"""``role`` and ``content`` each; the content is text, or for a remote model a list of parts, pictures among them."""


def complete_offline(messages: Messages) -> Reply:
    """The answer of ``local/extractive``: no key, no network, no randomness, free. Linear in the prompt."""
    from stages.write.extractive.provider import answer

    text = answer(messages)
    return Reply(text, sum(_tokens(message["content"]) for message in messages), _tokens(text), 0.0)


def _tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes, rounded up."""
    return -(-len(text.encode("utf-8")) // 4)
