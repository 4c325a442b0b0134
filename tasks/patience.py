"""How often Prefect's client tries a request again before it gives up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.context import SettingsContext


@contextmanager
def patient(tries: int) -> Iterator[None]:
    """A block in which a request is tried so many times again. Prefect's own number, five, waits for a minute where
    nobody answers: too long for what the work can do without. Cost: microseconds, for nothing is validated anew."""
    context = SettingsContext.get()
    assert context is not None
    settings = context.settings
    changed: Any = settings.model_copy(update={"client": settings.client.model_copy(update={"max_retries": tries})})
    with SettingsContext(profile=context.profile, settings=changed):
        yield
