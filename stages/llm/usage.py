"""What a call gave, and the count of all calls through a door."""

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """A model's answer. ``cost_usd`` is None where nobody knows the price; ``finish`` is why the model stopped."""

    text: str
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    finish: str = "stop"


@dataclass(frozen=True)
class Call:
    """One request that was sent to a model: ``use`` is what it held (text, picture, sound), ``outcome`` is answered,
    given_up or the class of its failure, ``seconds`` what it took. Tokens and cost are those of an answer; ``cost_usd``
    is None where nobody knows the price."""

    model: str
    use: str
    outcome: str
    seconds: float
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True)
class Usage:
    """Totals: ``calls`` counts every call that was sent, retries and the offline provider's too.

    ``cost_usd`` is None as soon as one answer has no known price; ``known_cost_usd`` sums those that have one.
    ``errors`` counts failed calls by error class; ``refused`` those that were never sent.
    """

    calls: int
    succeeded: int
    refused: int
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    known_cost_usd: float
    errors: dict[str, int]


class Counters:
    """Running totals, safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = self._succeeded = self._refused = self._tokens_in = self._tokens_out = 0
        self._cost = 0.0
        self._unpriced = False
        self._errors: Counter[str] = Counter()

    def sent(self) -> None:
        with self._lock:
            self._calls += 1

    def refused(self) -> None:
        with self._lock:
            self._refused += 1

    def failed(self, error_class: str) -> None:
        with self._lock:
            self._errors[error_class] += 1

    def answered(self, reply: Reply) -> None:
        with self._lock:
            self._succeeded += 1
            self._tokens_in += reply.tokens_in
            self._tokens_out += reply.tokens_out
            if reply.cost_usd is None:
                self._unpriced = True
            else:
                self._cost += reply.cost_usd

    @property
    def spent(self) -> float:
        """US dollars of the answers whose price is known."""
        with self._lock:
            return self._cost

    def snapshot(self) -> Usage:
        with self._lock:
            return Usage(
                calls=self._calls,
                succeeded=self._succeeded,
                refused=self._refused,
                tokens_in=self._tokens_in,
                tokens_out=self._tokens_out,
                cost_usd=None if self._unpriced else self._cost,
                known_cost_usd=self._cost,
                errors=dict(self._errors),
            )
