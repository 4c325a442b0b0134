"""How much a model reads at once, and how many tokens a text is to it.

Both come from what litellm carries with it: a list of models and two tokenizers. Nothing is looked up in the network,
and the offline model asks neither, for the import costs seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stages.llm.destination import is_offline

Ints = NDArray[np.int64]
Count = Callable[[Sequence[str]], Ints]

_COUNTED_EXACTLY: Final = ("openai", "azure", "text-completion-openai")
_NEAR: Final = "o200k_base"
"""What stands in for a tokenizer that is not at hand."""


@dataclass(frozen=True)
class ModelContext:
    """``tokens``: most that a prompt and its answer may have together, None where nobody knows.

    ``count``: the tokens of each of some texts, shape (texts,), linear. ``exact`` where that is the model's own
    tokenizer and not one that is near it. No text has more tokens than UTF-8 bytes.
    """

    tokens: int | None
    count: Count
    exact: bool


def quarter_bytes(texts: Sequence[str]) -> Ints:
    """``ceil(bytes / 4)`` of each text: what counts as a token where no tokenizer is known."""
    return np.array([-(-len(text.encode("utf-8")) // 4) for text in texts], np.int64)


@cache
def model_context(model: str) -> ModelContext:
    """What is known of ``model`` (``provider/name``); for one that litellm does not list, quarters of bytes count.

    Free for the offline model, else it imports litellm; a tokenizer is loaded (about half a second) by the first count.
    """
    known = None if is_offline(model) else _listed(model)
    tokens = known and (known.get("max_input_tokens") or known.get("max_tokens"))
    if known is None or not isinstance(tokens, int) or tokens < 1:
        return ModelContext(None, quarter_bytes, False)
    own = _encoding_of(model.rpartition("/")[2]) if known.get("litellm_provider") in _COUNTED_EXACTLY else None
    return ModelContext(tokens, _counter(own or _NEAR), own is not None)


def _listed(model: str) -> dict[str, Any] | None:
    """litellm's entry of a model. Read from its list: asking litellm itself may ask a server."""
    from stages.llm.remote import load_litellm

    models: dict[str, dict[str, Any]] = load_litellm().model_cost
    if model in models:
        return models[model]
    provider, _, name = model.partition("/")
    entry = models.get(name)
    return entry if entry is not None and entry.get("litellm_provider") == provider else None


def _encoding_of(name: str) -> str | None:
    """The tokenizer of an OpenAI model that litellm carries, or None."""
    import tiktoken

    try:
        encoding = tiktoken.encoding_name_for_model(name)
    except KeyError:
        return None
    # the words are the same, only marks that no chat holds differ
    encoding = "o200k_base" if encoding == "o200k_harmony" else encoding
    return encoding if encoding in ("o200k_base", "cl100k_base") else None


def _counter(encoding: str) -> Count:
    def count(texts: Sequence[str]) -> Ints:
        encode = _tokenizer(encoding).encode_ordinary
        return np.fromiter((len(encode(text)) for text in texts), np.int64, len(texts))

    return count


@cache
def _tokenizer(encoding: str) -> Any:
    # says where the files are that litellm carries; without it tiktoken fetches them from the network
    import litellm.litellm_core_utils.default_encoding  # noqa: F401
    import tiktoken

    return tiktoken.get_encoding(encoding)
