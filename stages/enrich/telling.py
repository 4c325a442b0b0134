"""Which candidates a model tells of, by the settings."""

from stages.llm.destination import is_offline
from stages.settings import Settings


def told_by_models(settings: Settings) -> frozenset[str]:
    """The kinds of candidates whose words a configured model makes: pages from their text, pictures, what is said."""
    llm = settings.llm
    told: set[str] = set()
    if settings.fetch.enabled and settings.enrich.describe_pages and not is_offline(llm.model):
        told.add("url")
    if llm.vision_model is not None:
        told.add("image")
    if llm.transcription_model is not None:
        told |= {"audio", "video"}
    return frozenset(told)
