"""What was sent in the last period: exact counts for a gate that lets so much pass in any minute. No waiting here."""

from collections import deque


class Ticket:
    """One call that was counted. ``tokens`` may be corrected while the call is still in the period."""

    __slots__ = ("counted", "time", "tokens")

    def __init__(self, time: float, tokens: int) -> None:
        self.time = time
        self.tokens = tokens
        self.counted = True


class SlidingWindow:
    """Requests and tokens of the last ``period`` seconds against their limits (None is no limit).

    Not a bucket: one that refills while it is drained lets twice its size through in one period, and providers count.
    """

    def __init__(self, requests: int | None, tokens: int | None, period: float) -> None:
        self._requests = requests
        self._tokens = tokens
        self._period = period
        self._calls: deque[Ticket] = deque()
        self._used = 0

    def wait(self, now: float, tokens: int) -> float:
        """Seconds until a call of so many tokens has room; 0 when it has. Times never go back."""
        self._forget(now)
        enter = 0
        if self._requests is not None:
            enter = max(0, len(self._calls) - self._requests + 1)
        if self._tokens is not None:
            # more than the limit never has room, so it has when nothing else is there
            free = self._tokens - min(tokens, self._tokens)
            used, n = self._used, 0
            while used > free and n < len(self._calls):
                used -= self._calls[n].tokens
                n += 1
            enter = max(enter, n)
        if not enter:
            return 0.0
        return max(self._calls[enter - 1].time + self._period - now, 1e-4)

    def add(self, now: float, tokens: int) -> Ticket:
        ticket = Ticket(now, tokens)
        if self._requests is None and self._tokens is None:
            ticket.counted = False
            return ticket
        self._calls.append(ticket)
        self._used += tokens
        return ticket

    def correct(self, ticket: Ticket, tokens: int) -> None:
        if ticket.counted:
            self._used += tokens - ticket.tokens
        ticket.tokens = tokens

    def _forget(self, now: float) -> None:
        while self._calls and now - self._calls[0].time >= self._period:
            gone = self._calls.popleft()
            gone.counted = False
            self._used -= gone.tokens
