"""The circuit breaker against a naive model of it, by any order of calls, ends and time; and between threads."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from stages.resilience.breaker import CircuitBreaker, Permit
from stages.resilience.errors import BreakerOpenError

FAILURES, RESET = 3, 60.0


class BreakerMachine(RuleBasedStateMachine):
    """The model: a list of what the current stretch of the breaker's life has seen."""

    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = CircuitBreaker(FAILURES, RESET, clock=lambda: self.now)
        self.state = "closed"
        self.row = 0
        self.opened_at = 0.0
        self.stretch = 0

    @rule(seconds=st.floats(0, 90))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=permits)
    def call(self) -> tuple[Permit, int] | None:
        due = self.state == "open" and self.now - self.opened_at >= RESET
        if self.state == "closed" or due:
            if due:
                self.state, self.stretch = "probing", self.stretch + 1
            return self.breaker.enter(), self.stretch
        with pytest.raises(BreakerOpenError):
            self.breaker.enter()
        return None

    @rule(permit=consumes(permits), outcome=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def a_call_ends(self, permit: tuple[Permit, int] | None, outcome: str) -> None:
        if permit is None:
            return
        getattr(permit[0], outcome)()
        if permit[1] != self.stretch:
            return
        if self.state == "probing":
            self.stretch += 1
            self.row = 0
            if outcome == "succeeded":
                self.state = "closed"
            else:
                self.state = "open"
                self.opened_at = self.now if outcome == "failed" else self.opened_at
        elif outcome == "succeeded":
            self.row = 0
        elif outcome == "failed":
            self.row += 1
            if self.row == FAILURES:
                self.state, self.opened_at, self.row = "open", self.now, 0
                self.stretch += 1

    @invariant()
    def they_agree(self) -> None:
        assert self.breaker.state == self.state

    @precondition(lambda self: self.state == "probing")
    @rule()
    def one_probe_at_a_time(self) -> None:
        with pytest.raises(BreakerOpenError):
            self.breaker.enter()


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def run_in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_many_threads_one_gets_the_probe() -> None:
    now = [0.0]
    breaker = CircuitBreaker(1, 60, clock=lambda: now[0])
    breaker.enter().failed()
    now[0] = 61.0
    start = threading.Barrier(16)
    through: list[Permit] = []
    refused: list[BreakerOpenError] = []

    def call() -> None:
        start.wait()
        try:
            through.append(breaker.enter())
        except BreakerOpenError as error:
            refused.append(error)

    run_in_threads(call, 16)
    assert (len(through), len(refused)) == (1, 15)


def test_no_failure_is_lost_between_threads() -> None:
    breaker = CircuitBreaker(400, 60)
    start = threading.Barrier(8)

    def fail() -> None:
        start.wait()
        for _ in range(50):
            breaker.enter().failed()

    run_in_threads(fail, 8)
    assert breaker.state == "open"
