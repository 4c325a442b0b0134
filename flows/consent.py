"""Text, and pictures and sound, leave this machine only after a yes each: said once, with what and to whom it goes."""

from collections.abc import Callable

from flows.progress import Progress
from stages.errors import BadInput
from stages.settings import Settings

Confirm = Callable[[str], bool]


def require_consent(settings: Settings, progress: Progress, confirm: Confirm | None) -> None:
    """Return when nothing leaves the machine or a person agreed. ``confirm`` asks at a terminal, None cannot ask.

    Raises :class:`BadInput` without a yes. A yes to sending text is none to sending faces and voices.
    """
    text = _of_text(settings)
    if text is not None:
        _agreed(
            text,
            settings.llm.consent,
            "Set STREAMLINER_LLM__CONSENT=true to agree, or use --model local/extractive.",
            "--model local/extractive writes on this machine alone.",
            progress,
            confirm,
        )
    media = _of_media(settings)
    if media is not None:
        _agreed(
            media,
            settings.llm.media_consent,
            "Set STREAMLINER_LLM__MEDIA_CONSENT=true to agree, or leave llm.vision_model and llm.transcription_model "
            "unset.",
            "Without llm.vision_model and llm.transcription_model pictures and sound stay on this machine.",
            progress,
            confirm,
        )


def _agreed(what: str, given: bool, how: str, otherwise: str, progress: Progress, confirm: Confirm | None) -> None:
    if given:
        progress.note(what)
    elif confirm is None:
        raise BadInput(f"{what} {how}")
    elif not confirm(f"{what} Agree?"):
        raise BadInput(f"Nothing was sent. {otherwise}")


def _of_text(settings: Settings) -> str | None:
    """What of the chat's text leaves the machine, and to whom, in words for a person."""
    from stages.llm import leaves_machine

    receiver = leaves_machine(settings)
    if receiver is None:
        return None
    what = (
        f"The windows to be written go to {receiver}: the messages' times and texts, with the names, numbers and "
        "addresses of the chat replaced by pseudonyms."
    )
    if settings.fetch.enabled and settings.enrich.describe_pages:
        what += " So do title and text of the pages that links lead to (enrich.describe_pages)."
    if settings.llm.vision_model is not None or settings.llm.transcription_model is not None:
        what += " So does what models say of the chat's pictures and sound, names replaced."
    return what


def _of_media(settings: Settings) -> str | None:
    from stages.llm import media_leaves_machine

    receivers = media_leaves_machine(settings)
    sentences = []
    if "pictures" in receivers:
        sentences.append(
            f"The chat's pictures go to {receivers['pictures']}: what is to be seen on them, faces and writing "
            "included, without their names, places and times."
        )
    if "sound" in receivers:
        sentences.append(
            f"The chat's voice notes, sound and films of up to 25 MB go to {receivers['sound']}: whole files, with "
            "what is said and seen in them and what the phone wrote beside it, such as a place; without their names."
        )
    return " ".join(sentences) or None
