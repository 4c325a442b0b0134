"""The heartbeat renews what is being worked on, and nothing that is settled; it never stops the work."""

import threading

from stages.enrich.heartbeat import Heartbeat


class Renewals:
    """Keeps what was renewed; :meth:`wait` returns once there was one more."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self._came = threading.Semaphore(0)

    def __call__(self, keys: list[str]) -> None:
        self.batches.append(keys)
        self._came.release()
        if len(self.batches) == 1:
            raise RuntimeError("the database is busy")

    def wait(self) -> list[str]:
        assert self._came.acquire(timeout=60)
        return self.batches[-1]


def test_what_is_not_settled_is_renewed_and_a_failure_is_left_to_the_next() -> None:
    renewals = Renewals()
    with Heartbeat(renewals, ["a", "b", "c"], 0.001) as heartbeat:
        assert renewals.wait() == ["a", "b", "c"]
        with heartbeat.settling(["b", "unknown"]):
            before = len(renewals.batches)
        while len(renewals.batches) <= before:
            renewals.wait()
        assert renewals.batches[-1] == heartbeat.left == ["a", "c"]
        with heartbeat.settling(heartbeat.left):
            pass
        after = len(renewals.batches)
    assert (heartbeat.left, len(renewals.batches)) == ([], after)


def test_nobody_is_renewed_while_results_are_kept() -> None:
    renewals = Renewals()
    with Heartbeat(renewals, ["a"], 0.001) as heartbeat:
        renewals.wait()
        with heartbeat.settling([]):
            before = len(renewals.batches)
            threading.Event().wait(0.05)
            assert len(renewals.batches) == before
