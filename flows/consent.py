"""Text leaves this machine only after a yes: said once, with what it is and to whom it goes."""

from collections.abc import Callable

from flows.progress import Progress
from stages.errors import BadInput
from stages.settings import Settings


def require_consent(settings: Settings, progress: Progress, confirm: Callable[[str], bool] | None) -> None:
    """Return when no text leaves the machine or a person agreed. ``confirm`` asks at a terminal, None cannot ask.

    Raises :class:`BadInput` without a yes.
    """
    from stages.llm import leaves_machine

    receiver = leaves_machine(settings)
    if receiver is None:
        return
    what = (
        f"The windows to be written go to {receiver}: the messages' times and texts, with the names, numbers and "
        "addresses of the chat replaced by pseudonyms."
    )
    if settings.fetch.enabled and settings.enrich.describe_pages:
        what += " So do title and text of the pages that links lead to (enrich.describe_pages)."
    if settings.llm.consent:
        progress.note(what)
    elif confirm is None:
        raise BadInput(f"{what} Set STREAMLINER_LLM__CONSENT=true to agree, or use --model local/extractive.")
    elif not confirm(f"{what} Agree?"):
        raise BadInput("Nothing was sent. --model local/extractive writes on this machine alone.")
