"""How many candidates are taken up at most: in a window, of a kind, links of a run; and what that leaves out.

The choice is one statement over (messages, first message, kind, window) and depends on nothing else: the same chat
published again takes up nothing more. A candidate belongs to the window that its first message is new in. Windows are
planned from the settings where they are needed, not read from the plan that is stored: that plan comes later in a
first run, and may be of other settings; what is taken up must not depend on which step ran before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.enrich.urls import quoted
from stages.settings import Settings

KINDS: Final = "enrich.kinds"
PER_WINDOW: Final = "enrich.max_per_window"
PER_KIND: Final = "enrich.max_per_kind"
LINKS: Final = "fetch.max_links"

_NOUNS: Final = {
    "url": ("link", "links"),
    "image": ("picture", "pictures"),
    "video": ("video", "videos"),
    "audio": ("sound file", "sound files"),
    "document": ("document", "documents"),
}

# each limit numbers what the one before has let through, so that nothing uses up room that it does not get
_CHOICE: Final = f"""
    WITH placed AS (
        SELECT row, kind, n_messages, window_index
        FROM candidates ASOF LEFT JOIN windows ON first_seq >= own_start_seq),
    in_window AS (
        SELECT *, row_number() OVER (PARTITION BY window_index ORDER BY n_messages DESC, row) > $per_window AS past_1
        FROM placed),
    in_kind AS (
        SELECT *, row_number() OVER (PARTITION BY past_1, kind ORDER BY n_messages DESC, row) > $per_kind AS past_2
        FROM in_window),
    in_run AS (
        SELECT *, kind = 'url' AND
            row_number() OVER (PARTITION BY past_1 OR past_2, kind ORDER BY n_messages DESC, row) > $links AS past_3
        FROM in_kind)
    SELECT row, kind, CASE WHEN past_1 THEN {quoted(PER_WINDOW)} WHEN past_2 THEN {quoted(PER_KIND)}
        ELSE {quoted(LINKS)} END AS setting
    FROM in_run WHERE past_1 OR past_2 OR past_3
"""


@dataclass(frozen=True)
class Limits:
    """``links`` of a run, candidates of one kind, and candidates that one window brings: the most of each. ``kinds``
    are taken up at all."""

    links: int
    per_kind: int
    per_window: int
    kinds: tuple[str, ...] = tuple(_NOUNS)

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Those of the settings."""
        enrich = settings.enrich
        return cls(settings.fetch.max_links, enrich.max_per_kind, enrich.max_per_window, tuple(sorted(enrich.kinds)))


@dataclass(frozen=True)
class LeftOut:
    """``candidates`` of a kind were left out by the limit that a setting names."""

    kind: str
    setting: str
    candidates: int


def limit_candidates(
    candidates: pa.Table, limits: Limits, windows: Callable[[], pa.Table]
) -> tuple[pa.Table, tuple[LeftOut, ...]]:
    """Keep what most messages speak of, then what came first, within the limits; in the same order.

    Returns the rest, and what was left out by kind and by the first limit that it passed. ``windows`` plans them
    (``window_index``, ``own_start_seq``); it is called where more candidates were found than a window may bring, and
    the statement runs where more were found than the least limit.
    """
    of_kind = {row["values"]: row["counts"] for row in pc.value_counts(candidates["kind"]).to_pylist()}
    unwanted = tuple(
        LeftOut(kind, KINDS, number) for kind, number in sorted(of_kind.items()) if kind not in limits.kinds
    )
    if unwanted:
        candidates = candidates.filter(pc.is_in(candidates["kind"], pa.array(limits.kinds, pa.string())))
        of_kind = {kind: number for kind, number in of_kind.items() if kind in limits.kinds}
    if (
        candidates.num_rows <= limits.per_window
        and max(of_kind.values(), default=0) <= limits.per_kind
        and of_kind.get("url", 0) <= limits.links
    ):
        return candidates, unwanted
    planned = windows().select(["window_index", "own_start_seq"]) if candidates.num_rows > limits.per_window else _ALL
    rows = np.arange(candidates.num_rows)  # in the order of first message and key
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("windows", planned)
        connection.register(
            "candidates", candidates.select(["kind", "first_seq", "n_messages"]).append_column("row", pa.array(rows))
        )
        given = {"links": limits.links, "per_kind": limits.per_kind, "per_window": limits.per_window}
        past = connection.execute(_CHOICE, given).to_arrow_table()
    keep = np.ones(candidates.num_rows, bool)
    keep[past["row"].to_numpy()] = False
    counted = past.group_by(["kind", "setting"]).aggregate([([], "count_all")]).to_pylist()
    left_out = sorted((row["kind"], row["setting"], row["count_all"]) for row in counted)
    return candidates.filter(pa.array(keep)), (*unwanted, *(LeftOut(*row) for row in left_out))


def as_rows(left_out: Iterable[LeftOut]) -> list[dict[str, Any]]:
    """What was left out, for JSON: ``kind``, ``setting``, ``candidates``."""
    return [asdict(row) for row in left_out]


def left_out_sentences(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each of :func:`as_rows`."""
    for row in rows:
        number, (one, many) = row["candidates"], _NOUNS[row["kind"]]
        what = f"1 {one} is" if number == 1 else f"{number:,} {many} are"
        if row["setting"] == KINDS:
            yield f"{what} left out, as {KINDS} says."
        else:
            yield f"{what} past {row['setting']} and left out; more messages speak of others."


_ALL: Final = pa.table({"window_index": pa.array([0], pa.int64()), "own_start_seq": pa.array([0], pa.int64())})
