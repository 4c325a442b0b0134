"""What a site's robots.txt asks for, read once per site for a fetcher's life (RFC 9309), by protego.

No such file (any 4xx) allows everything. A site whose file cannot be had (5xx, no connection, too slow) is left alone
for this run, and so are its links: they fail as transient.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stages.enrich.fetch.answers import DeniedError, TooSlowError
from stages.enrich.fetch.client import NAME
from stages.enrich.fetch.links import Link
from stages.resilience.errors import CallError, PermanentError, RefusedError, TransientError

if TYPE_CHECKING:
    from protego import Protego

LONGEST: Final = 512 * 1024
"""Bytes of a robots.txt that are read; the standard asks for 500 KiB."""

LONGEST_DELAY: Final = 60.0
"""Seconds between two requests that a site may ask for; more is taken for this."""

_LARGE: Final = 1 << 14
_AGENT: Final = re.compile(r"\s*user[- ]?agent\b", re.IGNORECASE)
_OTHERS: Final = "User-agent: others"

Load = Callable[[Link], Awaitable[bytes]]


@dataclass(frozen=True)
class Rules:
    """``rules`` None allows everything. ``delay`` in seconds, 0 where the site asks for none."""

    rules: "Protego | None" = None
    large: bool = False
    delay: float = 0.0

    async def allows(self, link: Link) -> bool:
        if self.rules is None:
            return True
        if self.large:
            return await asyncio.to_thread(self.rules.can_fetch, link.url, NAME)
        return self.rules.can_fetch(link.url, NAME)


class Robots:
    """The rules of each site. ``load`` fetches a robots.txt, all its tries included; one call a site at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._sites: dict[str, asyncio.Task[Rules | CallError]] = {}

    async def rules(self, link: Link) -> Rules:
        """Raises what keeps the file from being read; a :class:`RefusedError` is not remembered."""
        task = self._sites.get(link.origin)
        if task is None:
            task = self._sites[link.origin] = asyncio.create_task(self._read(link))
        found = task.result() if task.done() else await asyncio.shield(task)
        if isinstance(found, Rules):
            return found
        if isinstance(found, RefusedError) and self._sites.get(link.origin) is task:
            del self._sites[link.origin]
        raise found.with_traceback(None)

    async def close(self) -> None:
        tasks = list(self._sites.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, link: Link) -> Rules | CallError:
        try:
            body = await self._load(Link(link.scheme, link.host, link.port, "/robots.txt", link.address))
        except DeniedError:
            return Rules()
        except TooSlowError:
            return TransientError("The site's robots.txt cannot be had, so it is left alone for now.")
        except (RefusedError, PermanentError) as error:
            return error
        except CallError:
            return TransientError("The site's robots.txt cannot be had, so it is left alone for now.")
        text = _ours(body.decode("utf-8", "replace"))
        large = len(text) > _LARGE
        return await asyncio.to_thread(_parsed, text, True) if large else _parsed(text, False)


def _ours(text: str) -> str:
    """The file with the names of all other robots made one: thousands of them cost protego the square."""
    lines: list[str] = []
    for line in text.removeprefix("\ufeff").splitlines():
        if _AGENT.match(line):
            name = line.lower()
            if "*" not in name and NAME.lower() not in name:
                if lines and lines[-1] == _OTHERS:
                    continue
                line = _OTHERS
        lines.append(line)
    return "\n".join(lines)


def _parsed(text: str, large: bool) -> Rules:
    from protego import Protego

    try:
        rules = Protego.parse(text)
    except Exception:  # noqa: BLE001  whatever a site's file makes the parser raise, it is no rule
        return Rules()
    return Rules(rules, large, min(max(rules.crawl_delay(NAME) or 0.0, 0.0), LONGEST_DELAY))
