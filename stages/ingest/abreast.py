"""Drafts on their way through concealing, here and in a second process at once, and out again in their order."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from stages.ingest.aside import Aside, Learnt
from stages.ingest.conceal import Concealed, Concealer
from stages.ingest.draft import Draft
from stages.ingest.emit import Emission

_AHEAD: Final = 2
"""Batches that the second process has before it: one in work, one that waits."""
_MOST: Final = 4
"""Batches in memory at once."""


def emit_alone(drafts: Iterator[Draft], concealer: Concealer, emission: Emission) -> None:
    """Conceal every draft here. The next one is read while this one is concealed: that needs little interpreter."""
    with ThreadPoolExecutor(1) as ahead:
        pending = ahead.submit(next, drafts, None)
        while (draft := pending.result()) is not None:
            pending = ahead.submit(next, drafts, None)
            if len(draft):
                emission.take(draft, concealer.conceal(emission.opened(draft)))


def emit_abreast(drafts: Iterator[Draft], concealer: Concealer, aside: Aside, emission: Emission) -> Learnt:
    """Conceal drafts in the second process while it has time, else here: both are at work all the time. Returns what
    the other has learnt."""
    waiting: deque[tuple[Draft, Future[Concealed] | Concealed]] = deque()

    def take_first() -> None:
        draft, concealed = waiting.popleft()
        emission.take(draft, concealed if isinstance(concealed, Concealed) else concealed.result())

    for draft in drafts:
        if not len(draft):
            continue
        messages = emission.opened(draft)
        away = aside.load < _AHEAD
        waiting.append((draft, aside.conceal(messages) if away else concealer.conceal(messages)))
        while waiting and (len(waiting) > _MOST or _is_done(waiting[0][1])):
            take_first()
    learnt = aside.finish()
    while waiting:
        take_first()
    return learnt


def _is_done(concealed: Future[Concealed] | Concealed) -> bool:
    return isinstance(concealed, Concealed) or concealed.done()
