"""Transcripts through litellm: the second kind of request that a model's server takes."""

import asyncio
from typing import Any

from stages.llm.remote import classify, key_for, load_litellm
from stages.llm.usage import Reply
from stages.resilience.errors import InvalidAnswerError


async def hear(
    model: str,
    sound: tuple[str, bytes, str],
    *,
    api_base: str | None,
    api_key: str | None,
    direct: bool,
    timeout: float,
    language: str | None,
    seconds: float | None,
) -> Reply:
    """One request, never repeated by anything below; ``sound`` is (name, bytes, media type).

    Raises a :class:`CallError` of the class that the failure has. The reply has no tokens, and a price only where
    the model has one and ``seconds`` are known.
    """
    litellm = load_litellm()
    litellm.disable_aiohttp_trust_env = direct
    known = {"language": language} if language else {}
    try:
        async with asyncio.timeout(timeout + 1.0):  # a server may drip bytes for ever and never be late with one
            response = await litellm.atranscription(
                model=model,
                file=sound,
                api_base=api_base,
                api_key=key_for(model, api_base, api_key),
                timeout=timeout,
                response_format="json",
                max_retries=0,
                num_retries=0,
                **known,
            )
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001  litellm raises its own, openai's, httpx's and bare exceptions
        raise classify(error) from None
    text = getattr(response, "text", None)
    if not isinstance(text, str):
        raise InvalidAnswerError("The model's server answered without a transcript.")
    return Reply(text, 0, 0, _cost(litellm, model, response, seconds))


def _cost(litellm: Any, model: str, response: Any, seconds: float | None) -> float | None:
    if seconds is None:
        return None
    try:
        response._hidden_params["audio_transcription_duration"] = seconds
        cost = float(litellm.completion_cost(completion_response=response, model=model, call_type="atranscription"))
    except Exception:  # noqa: BLE001  it raises bare exceptions where it knows no price; unknown is a value
        return None
    return cost or None  # it says nothing where it knows no price by the second
