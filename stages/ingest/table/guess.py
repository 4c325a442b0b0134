"""Which column is what, where nobody said so: by well-known names, checked against the first rows' values.

A guess is made only where it is plain. Two columns that could both be it are refused, and the sentence says how to
choose; a table that is no chat is refused as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from stages.errors import BadInput
from stages.ingest.table.mapping import FIELDS, NEEDED, listed, written
from stages.ingest.table.names import CLOCKS, DATES, GROUPS, KNOWN, folded, spellings
from stages.ingest.table.times import TimeColumn, readable
from stages.ingest.table.values import edited as read_edited
from stages.ingest.table.values import kind_of, missing
from stages.ingest.zone import LocalTimes

_MOST: Final = 0.6
_FEW: Final = 5


@dataclass(frozen=True)
class _Columns:
    """What is known of a table: names and, per column, the first values that are there."""

    names: Sequence[str]
    sample: Sequence[Sequence[str | None]]
    what: str

    def values(self, at: int) -> list[str]:
        return [value for row in self.sample if (value := row[at]) is not None and value.strip()]

    def named(self, group: frozenset[str], taken: set[int]) -> list[int]:
        return [at for at, name in enumerate(self.names) if at not in taken and spellings(name) & group]


def guess(
    columns: Sequence[str],
    sample: Sequence[Sequence[str | None]],
    *,
    what: str,
    named: bool = True,
    given: Mapping[str, tuple[int, ...]] | None = None,
) -> dict[str, tuple[int, ...]]:
    """Field -> positions of its columns, what was ``given`` included. ``what`` begins a sentence ("The CSV").

    Raises :class:`BadInput` where the time, the author or the text is in no column or could be in several.
    """
    found = dict(given or {})
    taken = {at for positions in found.values() for at in positions}
    table = _Columns(columns, sample, what)
    if named:
        finders: dict[str, Callable[[_Columns, set[int]], tuple[int, ...]]] = {
            "ts": _time, "author": _author, "text": _text,
        }  # fmt: skip
        for field in FIELDS:
            if field in found or (field == "reply_to" and "id" not in found):
                continue
            positions = finders[field](table, taken) if field in finders else _optional(table, field, taken)
            if positions:
                found[field] = positions
                taken.update(positions)
    lacking = [field for field in NEEDED if field not in found]
    if lacking:
        _refuse(table, lacking, named)
    return {field: found[field] for field in FIELDS if field in found}


def _refuse(table: _Columns, lacking: list[str], named: bool) -> None:
    words = {"ts": "the time", "author": "the author", "text": "the text"}
    shown = listed(table.names, named=named)
    example = ",".join(f"{field}={'#' + str(at + 1) if not named else '…'}" for at, field in enumerate(lacking))
    if len(lacking) == len(NEEDED) and named:
        raise BadInput(
            f"{table.what} is a table, but none of its columns is plainly the time, the author or the text of a "
            f"message ({shown}); if it is a chat, say which they are with --map {example}."
        )
    plainly = " and ".join(words[field] for field in lacking) if len(lacking) < 3 else "what"
    raise BadInput(f"{table.what} does not say which column holds {plainly} ({shown}); say it with --map {example}.")


def _one(table: _Columns, field: str, positions: list[int]) -> tuple[int, ...]:
    """The only candidate. Raises :class:`BadInput` where several columns differ that could each be it."""
    first = [row[positions[0]] for row in table.sample]
    if all([row[at] for row in table.sample] == first for at in positions[1:]):
        return (positions[0],)
    words = {"ts": "the time", "author": "the author", "text": "the text"}
    names = [written(table.names, (at,)) for at in positions]
    choices = " or ".join(f"--map {field}={name}" for name in names[:4])
    raise BadInput(
        f"{table.what} has {len(names)} columns that could hold {words[field]} ({'; '.join(names)}); "
        f"say which it is with {choices}."
    )


def _time(table: _Columns, taken: set[int]) -> tuple[int, ...]:
    for group in GROUPS["ts"]:
        full, dates, clocks = [], [], []
        for at in table.named(group | DATES | CLOCKS, taken):
            whole, date, clock = readable(list(table.values(at)))
            if whole >= _MOST:
                full.append(at)
            elif date + whole >= _MOST:
                dates.append(at)
            elif clock >= _MOST:
                clocks.append(at)
        if full:
            return (full[0],) if _same_times(table, full) else _one(table, "ts", full)
        if dates and clocks:
            return (*_one(table, "ts", dates), *_one(table, "ts", clocks))
        if dates:
            return _one(table, "ts", dates)
    return ()


def _same_times(table: _Columns, positions: list[int]) -> bool:
    """Whether columns say the same times in different words."""
    found = []
    for at in positions:
        strings = [pa.array([row[at] for row in table.sample], pa.string())]
        times = TimeColumn("row", table.names[at], mapped=True)
        times.observe(strings, np.arange(len(table.sample), dtype=np.int64))
        try:
            times.settle("auto")
        except BadInput:
            return False
        found.append(times.read(strings, LocalTimes("UTC"))[1])
    return all(bool((found[0] == other).all()) for other in found[1:])


def _author(table: _Columns, taken: set[int]) -> tuple[int, ...]:
    for group in GROUPS["author"]:
        found = [at for at in table.named(group, taken) if table.values(at) and not _objects(table.values(at))]
        # sender and sender_name: the first is then a number or an address
        names = {folded(table.names[at]) for at in found}
        found = [at for at in found if folded(table.names[at]) + "name" not in names]
        if found:
            return _one(table, "author", found)
    return ()


def _text(table: _Columns, taken: set[int]) -> tuple[int, ...]:
    for group in GROUPS["text"]:
        found = [at for at in table.named(group, taken) if not _figures(table.values(at))]
        found = [at for at in found if not _objects(table.values(at))]
        filled = [at for at in found if table.values(at)]
        varied = [at for at in filled if len(set(table.values(at))) > 1]
        # an empty column and one that repeats itself stand back behind the one that says things
        best = varied or filled or found
        if best:
            return _one(table, "text", best)
    return ()


def _objects(values: list[str]) -> bool:
    """Whether there are objects alone, whose parts have columns of their own."""
    return bool(values) and all(value.startswith("{") and value.endswith("}") for value in values)


def _figures(values: list[str]) -> bool:
    """Whether there are numbers alone, as of ids and amounts."""
    return len(values) >= _FEW and all(value.strip().lstrip("+-").replace(".", "", 1).isdigit() for value in values)


def _optional(table: _Columns, field: str, taken: set[int]) -> tuple[int, ...]:
    fits = {"chat": _chats, "id": _ids, "kind": _kinds, "media": _files, "edited": _edits}.get(field, _anything)
    ranks = {name: rank for rank, name in enumerate(" ".join(KNOWN[field]).split())}
    found = [at for group in GROUPS[field] for at in table.named(group, taken) if fits(table.values(at))]
    found.sort(key=lambda at: min(ranks.get(name, len(ranks)) for name in spellings(table.names[at])))
    return (found[0],) if found else ()


def _anything(values: list[str]) -> bool:
    # replies and reactions may come late
    return True


def _chats(values: list[str]) -> bool:
    return bool(values) and (len(values) < 2 * _FEW or len(set(values)) * 2 <= len(values))


def _ids(values: list[str]) -> bool:
    return bool(values) and len(set(values)) >= 0.9 * len(values)


def _kinds(values: list[str]) -> bool:
    known = sum(missing(value) or kind_of(value) is not None for value in values)
    return bool(values) and known >= _MOST * len(values)


def _files(values: list[str]) -> bool:
    return not _figures(values) and not all(value.strip().isdigit() for value in values)


def _edits(values: list[str]) -> bool:
    return not read_edited(pa.array(values, pa.string()))[1].any()
