"""The part of a request that names people (a chat by its name, renamed authors) never reaches a server.

It is staged in the archive's inbox, beside the exports, which hold the same names, and goes when they go.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Final

from flows.request import PublishRequest
from stages.errors import BadInput

_PREFIX: Final = ".request-"


def without_private(request: PublishRequest, inbox: Path) -> PublishRequest:
    """The request as a server may see it; what names people is left in the inbox, readable by its owner alone."""
    named = bool(request.chat) and not (request.chat == "all" or str(request.chat).isdecimal())
    if not named and not request.aliases:
        return request
    private = {"chat": request.chat, "aliases": list(request.aliases)}
    content = json.dumps(private, ensure_ascii=False).encode()
    name = _PREFIX + hashlib.sha256(content).hexdigest()[:12]
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / name).unlink(missing_ok=True)
    with os.fdopen(os.open(inbox / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return request.model_copy(update={"chat": None, "aliases": (), "private": name})


def with_private(request: PublishRequest) -> PublishRequest:
    """The whole request again. Raises :class:`BadInput` when its staged part is gone."""
    if request.private is None:
        return request
    name = request.private
    file = Path(request.archive) / "inbox" / name
    if "/" in name or not name.startswith(_PREFIX) or not file.is_file():
        raise BadInput("The staged part of this request is gone; run the command again instead of the flow run.")
    private = json.loads(file.read_text(encoding="utf-8"))
    return request.model_copy(update={"chat": private["chat"], "aliases": tuple(private["aliases"]), "private": None})


def drop_private(inbox: Path) -> None:
    """Forget what was staged."""
    for file in inbox.glob(f"{_PREFIX}*"):
        file.unlink(missing_ok=True)
