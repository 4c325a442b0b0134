"""Why a call failed, as classes by which a caller decides; none of them carries what a server said.

A server's own words may repeat the prompt or the key, so a failure is told in words of ours alone.
"""

from stages.errors import StreamlinerError


class CallError(StreamlinerError):
    """A call that did not succeed. ``error_class`` is transient | throttled | permanent | refused."""

    error_class = "permanent"


class TransientError(CallError):
    """Time-outs, connections, 5xx: the same call may succeed later. Consecutive ones open a breaker."""

    error_class = "transient"


class ThrottledError(CallError):
    """The server asks for patience. ``retry_after``: the seconds that it asked for, None where it named none."""

    error_class = "throttled"

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class PermanentError(CallError):
    """The same call would fail again: a refused key, a wrong request, a content filter."""


class ModelRefusedError(PermanentError):
    """The key, or the model itself, is refused: whatever else is asked of it would be refused as well."""


class ContextTooLongError(PermanentError):
    """The prompt is longer than the model reads; a shorter one may succeed."""


class InvalidAnswerError(PermanentError):
    """The server answered, but not with a completion: broken JSON, an empty body, another shape."""


class RefusedError(CallError):
    """The call was not sent at all, so what wanted it stays as it was: pending."""

    error_class = "refused"


class BreakerOpenError(RefusedError):
    """The server failed too often in a row and is left alone for a while."""


class CostLimitError(RefusedError):
    """The limit of money was reached."""


class NoNetworkError(RefusedError):
    """There is no network at all: no name can be resolved, or no route leads anywhere."""


class OutOfTimeError(RefusedError):
    """The time of the batch or run does not reach so far; a later run takes it up."""
