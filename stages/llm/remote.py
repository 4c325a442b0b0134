"""Calls through litellm: configured once, sent from one event loop, every failure mapped to a class of ours.

litellm is imported here alone and only when a remote model is asked: it costs seconds. It caches its HTTP clients by
the identity of the event loop, which Python hands out again, so all calls of the process are sent from one loop that
stays; that also makes one semaphore hold for callers in any thread.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Coroutine, Iterator
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final, TypeVar

from stages.llm.offline import Messages, complete_offline
from stages.llm.usage import Reply
from stages.resilience.errors import (
    CallError,
    ContextTooLongError,
    InvalidAnswerError,
    ModelRefusedError,
    PermanentError,
    ThrottledError,
    TransientError,
)

T = TypeVar("T")

_LOGGERS: Final = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


@cache
def load_litellm() -> Any:
    """litellm with its telemetry, logs and network look-ups off and our offline model among its providers."""
    # read at import: without it litellm fetches its price list from the network
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    import litellm

    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.num_retries = None
    litellm.drop_params = True  # a model that takes no temperature is still asked

    class Extractive(litellm.CustomLLM):  # type: ignore[name-defined, misc]
        """The offline writer as litellm calls any provider."""

        def completion(self, *_: Any, messages: Messages, model_response: Any, **__: Any) -> Any:
            reply = complete_offline(messages)
            model_response.choices[0].message.content = reply.text
            model_response.choices[0].finish_reason = reply.finish
            model_response.usage = litellm.Usage(
                prompt_tokens=reply.tokens_in,
                completion_tokens=reply.tokens_out,
                total_tokens=reply.tokens_in + reply.tokens_out,
            )
            return model_response

        async def acompletion(self, *arguments: Any, **named: Any) -> Any:
            return self.completion(*arguments, **named)

    litellm.custom_provider_map = [{"provider": "local", "custom_handler": Extractive()}]
    # the map is taken in on a first call only, and `get_llm_provider` would not know us before
    setup: Any = litellm.utils.custom_llm_setup
    setup()
    return litellm


def knows_provider(model: str, api_base: str | None) -> bool:
    litellm = load_litellm()
    try:
        litellm.get_llm_provider(model=model, api_base=api_base)
    except litellm.exceptions.BadRequestError:
        return False
    return True


async def on_model_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop of all model calls and wait for it from the caller's; cancelling goes through."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _model_loop()))


def _model_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="model-calls", daemon=True).start()
        return _loop


async def send(
    model: str,
    messages: Messages,
    *,
    api_base: str | None,
    api_key: str | None,
    direct: bool,
    timeout: float,
    max_tokens: int,
    temperature: float,
) -> Reply:
    """One request, never repeated by anything below. Raises a :class:`CallError` of the class that the failure has.

    ``direct``: the address is this machine's own and no proxy of the environment may stand in between.
    """
    litellm = load_litellm()
    litellm.disable_aiohttp_trust_env = direct
    try:
        async with asyncio.timeout(timeout + 1.0):  # a server may drip bytes for ever and never be late with one
            response = await litellm.acompletion(
                model=model,
                messages=[dict(message) for message in messages],
                api_base=api_base,
                api_key=key_for(model, api_base, api_key),
                timeout=timeout,
                max_tokens=max_tokens,
                temperature=temperature,
                max_retries=0,
                num_retries=0,
            )
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001  litellm raises its own, openai's, httpx's and bare exceptions
        raise classify(error) from None
    return _reply(litellm, response)


def key_for(model: str, api_base: str | None, api_key: str | None) -> str | None:
    """The key to send; without one, the key that the environment holds for OpenAI must not go to another address."""
    return "none" if api_key is None and api_base is not None and model.startswith("openai/") else api_key


def _reply(litellm: Any, response: Any) -> Reply:
    choices = getattr(response, "choices", None)
    if not choices:
        raise InvalidAnswerError("The model's server answered without a completion.")
    finish = str(choices[0].finish_reason or "stop")
    if finish == "content_filter":
        raise PermanentError("The provider's content filter held back the answer.")
    usage = getattr(response, "usage", None)
    try:
        cost = float(litellm.completion_cost(completion_response=response))
    except Exception:  # noqa: BLE001  it raises bare exceptions where it knows no price; unknown is a value
        cost = None
    return Reply(
        str(choices[0].message.content or ""),
        int(getattr(usage, "prompt_tokens", 0) or 0),
        int(getattr(usage, "completion_tokens", 0) or 0),
        cost,
        finish,
    )


def classify(error: BaseException) -> CallError:
    """The class of a failed call, judged by the HTTP answer deep in the chain rather than by litellm's wrapping.

    litellm calls a 200 whose body is broken a server error like any 5xx; here it is an invalid answer, which is asked
    for once more in other words and says nothing about the server's health.
    """
    import httpx
    import openai

    chain = list(_chain(error))
    name = type(error).__name__
    codes = [getattr(e, "code", None) for e in chain]
    if name == "ContextWindowExceededError" or "context_length_exceeded" in codes:
        return ContextTooLongError("What was sent is longer than the model reads.")
    if name == "ContentPolicyViolationError" or "content_filter" in codes:
        return PermanentError("The provider's content filter refused what was sent.")
    answered = [e for e in chain if isinstance(e, httpx.HTTPStatusError) or type(e).__module__.startswith("openai")]
    statuses = [response.status_code for e in answered if (response := getattr(e, "response", None)) is not None]
    if statuses:
        return _by_status(statuses[-1], chain)
    if isinstance(error, TimeoutError) or name == "Timeout" or any(isinstance(e, TimeoutError) for e in chain):
        return TransientError("The model's server did not answer in time.")
    if any(isinstance(e, openai.APIConnectionError | httpx.TransportError | OSError) for e in chain):
        return TransientError("The model's server could not be reached, or it closed the connection.")
    status = getattr(error, "status_code", None)
    if status == 500:
        return InvalidAnswerError("The model's server answered with something that is not a completion.")
    if isinstance(status, int):
        return _by_status(status, chain)
    return PermanentError(f"The call to the model failed before an answer came ({name}).")


def _by_status(status: int, chain: list[BaseException]) -> CallError:
    if status == 429:
        return ThrottledError("The model's server asks for fewer calls (429).", _retry_after(chain))
    if status >= 500 or status == 408:
        return TransientError(f"The model's server failed ({status}).")
    if status == 413:
        return ContextTooLongError("What was sent is larger than the model's server takes (413).")
    reasons = {401: "the key was not accepted", 403: "access is denied", 404: "there is no such model or address"}
    # some providers answer 403 to what they will not read, and then take the next
    kind = ModelRefusedError if status in (401, 404) else PermanentError
    return kind(f"The model's server refused the call ({status}: {reasons.get(status, 'a bad request')}).")


def _retry_after(chain: list[BaseException]) -> float | None:
    """Seconds until the server wants to be asked again, from the headers of the deepest answer."""
    for error in reversed(chain):
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        for header, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            value = headers.get(header)
            if value is None:
                continue
            try:
                seconds = float(value) * unit
            except ValueError:
                try:
                    seconds = parsedate_to_datetime(value).timestamp() - time.time()
                except ValueError:
                    continue
            if seconds == seconds:  # a NaN is no number of seconds
                return max(seconds, 0.0)
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(20):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
