"""Which models of a run have refused the key or themselves: who has heard that once asks no more."""

from threading import Lock

from stages.resilience.errors import ModelRefusedError


class Refusals:
    """What was refused in a run, by model and by what it was asked with; shared by doors in any thread.

    A model may take texts and no pictures, so what refuses the one has not refused the other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._sentences: dict[tuple[str, str], str] = {}

    def check(self, model: str, use: str) -> None:
        """Raises :class:`ModelRefusedError`, with the sentence of the first call that was refused."""
        with self._lock:
            sentence = self._sentences.get((model, use))
        if sentence is not None:
            raise ModelRefusedError(sentence)

    def remember(self, model: str, use: str, error: ModelRefusedError) -> None:
        with self._lock:
            self._sentences.setdefault((model, use), str(error))
