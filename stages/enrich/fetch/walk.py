"""The way of one link through its redirects, and the time that it has left."""

from stages.enrich.fetch.answers import TooSlowError
from stages.enrich.fetch.links import Link
from stages.resilience.errors import PermanentError


class Walk:
    """A later try goes on from the hop that failed: redirects that were answered are not asked for again."""

    def __init__(self, link: Link, most: int) -> None:
        self.link = link
        self.hops = 0
        self.tries = 0
        self._most = most
        self._seen = {link.url}
        self._remaining = 0.0

    def begin(self, seconds: float) -> None:
        """A new try, with so many seconds for all its requests."""
        self.tries += 1
        self._remaining = seconds

    @property
    def remaining(self) -> float:
        """Seconds left of this try. Raises :class:`TooSlowError` when there are none."""
        if self._remaining <= 0:
            raise TooSlowError("The page took longer than fetch.total_timeout_seconds.")
        return self._remaining

    def spend(self, seconds: float) -> None:
        self._remaining -= seconds

    def follow(self, link: Link) -> None:
        """Raises :class:`PermanentError` for a circle and for more redirects than one link may take."""
        self.hops += 1
        if link.url in self._seen:
            raise PermanentError("The page redirects in a circle.")
        if self.hops > self._most:
            raise PermanentError(f"The page redirects more than {self._most} times (fetch.max_redirects).")
        self._seen.add(link.url)
        self.link = link
