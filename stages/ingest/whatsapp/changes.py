"""Chats whose headers change their shape on the way: the order of the dates of each shape, told from its neighbours.

A shape that proves its order by itself keeps it. One that proves nothing is read in the order that puts its messages
in time beside those of its neighbours; where both do, the neighbours' order is a guess and said to be one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np

from stages.errors import BadInput
from stages.ingest.whatsapp.dates import IN_WORDS, DateEvidence, DateOrder, decide, to_days


class Moment(NamedTuple):
    """A header's shape (its index), its date as written and its second of the day."""

    shape: int
    fields: tuple[int, int, int]
    clock: int

    def seconds(self, order: str) -> int | None:
        """Seconds since 1970 in an order of the date, None where there is no such day."""
        days, good = to_days(np.array(self.fields, np.int64).reshape(3, 1), order)
        return int(days[0]) * 86_400 + self.clock if good[0] else None


Change: TypeAlias = tuple[Moment, Moment]
"""Two neighbours of different shapes, in the order of the file."""


def settle_orders(known: Sequence[DateEvidence], changes: Sequence[Change], asked: str) -> list[DateOrder]:
    """The order of each shape. Raises :class:`BadInput` where none fits, or the one asked for fits no shape."""
    if len(known) == 1:
        return [decide(known[0], asked)]
    orders = [decide(evidence) for evidence in known] if asked == "auto" else _as_asked(known, asked)
    for index, order in enumerate(orders):
        if order.evidence in ("default", "locale"):
            orders[index] = _by_neighbours(index, order, orders, known[index], changes)
    return orders


def _as_asked(known: Sequence[DateEvidence], asked: str) -> list[DateOrder]:
    """The order asked for where it fits; a shape that proves another one keeps that."""
    orders: list[DateOrder] = []
    refused: list[BadInput] = []
    for evidence in known:
        try:
            orders.append(decide(evidence, asked))
        except BadInput as error:
            refused.append(error)
            found = decide(evidence)
            said = f"--date-order {asked} does not fit {evidence.rows} of the messages; their dates prove another."
            orders.append(replace(found, warnings=(*found.warnings, said)))
    if len(refused) == len(known):
        raise refused[0]
    return orders


def _by_neighbours(
    index: int, order: DateOrder, orders: Sequence[DateOrder], evidence: DateEvidence, changes: Sequence[Change]
) -> DateOrder:
    beside = [pair for pair in changes if index in (pair[0].shape, pair[1].shape)]
    sure = [pair for pair in beside if not all(orders[time.shape].evidence in ("default", "locale") for time in pair)]
    usual = [name for name in evidence.usual if evidence.fits(name)]
    if not sure or len(usual) < 2:
        return order
    back = {name: sum(_steps_back(pair, index, name, orders) for pair in sure) for name in usual}
    first, second = usual
    if back[first] != back[second]:
        return DateOrder(min(usual, key=lambda name: back[name]), "chronology", False)
    theirs = {orders[time.shape].order for pair in sure for time in pair if time.shape != index}
    same = [name for name in usual if name in theirs]
    if len(same) != 1:
        return order
    said = (
        f"Nothing proves the order of {evidence.rows} dates that are written otherwise than the rest; they were read "
        f"as {IN_WORDS[same[0]]} like these. Settle it with --date-order."
    )
    return DateOrder(same[0], "default", True, warnings=(said,))


def _steps_back(pair: Change, index: int, name: str, orders: Sequence[DateOrder]) -> int:
    first, second = (time.seconds(name if time.shape == index else orders[time.shape].order) for time in pair)
    # minutes and seconds differ between shapes
    return int(first is not None and second is not None and second // 60 < first // 60)
