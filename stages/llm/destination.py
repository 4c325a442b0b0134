"""Where text goes: to a function on this machine, to a server on its loopback, or away."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from stages.errors import BadInput
from stages.settings import Settings

LOCAL: Final = "local/"
EXTRACTIVE: Final = "local/extractive"


def is_offline(model: str) -> bool:
    """Whether the model is a function of ours, which needs no server."""
    return model == EXTRACTIVE


def is_loopback(address: str) -> bool:
    """Whether an address is certainly this machine's own; anything that is not plainly so is not."""
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return False
    if not host:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def leaves_machine(settings: Settings) -> str | None:
    """To whom text would go, in words for a person; None where it stays on this machine."""
    return _receiver(settings.llm.model, settings.llm.api_base)


def media_leaves_machine(settings: Settings) -> dict[str, str]:
    """To whom ``pictures`` and ``sound`` would go, in words for a person; without those that stay on this machine."""
    llm = settings.llm
    models = {"pictures": llm.vision_model, "sound": llm.transcription_model}
    receivers = {what: _receiver(model, llm.api_base) for what, model in models.items() if model is not None}
    return {what: receiver for what, receiver in receivers.items() if receiver is not None}


def _receiver(model: str, base: str | None) -> str | None:
    if is_offline(model):
        return None
    if base is None:
        provider = model.partition("/")[0]
        return f"the provider {provider} (model {model})" if "/" in model else f"the provider of the model {model}"
    if is_loopback(base):
        return None
    return f"{_host(base)} (model {model})"


def check_model(settings: Settings) -> None:
    """Raise :class:`BadInput` where no call could ever be sent: an unknown provider, a malformed address.

    That holds for the writer's model and for those of pictures and sound. Costs nothing where the offline model is the
    only one; for others it imports litellm.
    """
    llm = settings.llm
    told = {"llm.vision_model": llm.vision_model, "llm.transcription_model": llm.transcription_model}
    for name, model in told.items():
        if model is not None and model.startswith(LOCAL):
            raise BadInput(f"The setting {name} cannot be {model!r}: no offline model tells of pictures or sound.")
    if not is_offline(llm.model):
        if llm.model.startswith(LOCAL):
            raise BadInput(f"There is no offline model {llm.model!r}; the one there is is {EXTRACTIVE}.")
        _check(llm.model, llm.api_base, f", or {EXTRACTIVE} for the offline writer.")
    for name, model in told.items():
        if model is not None:
            _check(model, llm.api_base, f" ({name}).")


def _check(model: str, base: str | None, otherwise: str) -> None:
    if base is not None and (urlsplit(base).scheme not in ("http", "https") or not _host(base)):
        raise BadInput("The setting llm.api_base must be an http:// or https:// address with a host.")
    from stages.llm.remote import knows_provider

    if not model.strip() or not knows_provider(model, base):
        raise BadInput(
            f"No provider is known for the model {model!r}: write provider/name, for example openai/gpt-4o-mini"
            f"{otherwise}"
        )


def _host(base: str) -> str:
    """Host and port alone: an address may carry a password."""
    try:
        parts = urlsplit(base)
        return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return ""
