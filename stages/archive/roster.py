"""Who was seen in a chat, as keyed MACs: what each export adds, and what it could not know of the others.

Exports of one run are parsed side by side, each with the names that the archive had before the run. What another
export of the run brought is unknown to its rows, and two people may have got one alias in two exports. Both are put
right here when the exports are merged, one after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from stages.archive.records import USER, NameRecord
from stages.privacy.alias import Aliases


def stored_names(cursor: duckdb.DuckDBPyConnection) -> list[NameRecord]:
    """Every name, number and address that was ever seen in the chat, as MACs."""
    rows = cursor.execute("SELECT mac, head, words, kind, common, alias FROM names ORDER BY kind, mac").fetchall()
    return [NameRecord(*row) for row in rows]


def learn_names(cursor: duckdb.DuckDBPyConnection, names: Sequence[NameRecord], run_id: str) -> list[NameRecord]:
    """Keep the names that are new and return them."""
    had = {(mac, kind) for mac, kind in cursor.execute("SELECT mac, kind FROM names").fetchall()}
    new = list({(name.mac, name.kind): name for name in names if (name.mac, name.kind) not in had}.values())
    if new:
        rows = pa.table(
            {
                "mac": pa.array([name.mac for name in new], pa.string()),
                "head": pa.array([name.head for name in new], pa.string()),
                "words": pa.array([name.words for name in new], pa.int32()),
                "kind": pa.array([name.kind for name in new], pa.string()),
                "common": pa.array([name.common for name in new], pa.bool_()),
                "alias": pa.array([name.alias for name in new], pa.string()),
            }
        )
        cursor.register("learnt", rows)
        cursor.execute("INSERT INTO names SELECT * FROM learnt")
        cursor.execute("DELETE FROM names_of_run WHERE run_id <> ?", [run_id])
        cursor.execute("INSERT INTO names_of_run SELECT ?, mac, kind FROM learnt", [run_id])
        cursor.unregister("learnt")
    return new


def searched(names: Sequence[NameRecord]) -> list[NameRecord]:
    """Those that are looked for in texts: all but the identities of authors."""
    return [name for name in names if name.words]


def missed_names(cursor: duckdb.DuckDBPyConnection, names: Sequence[NameRecord], run_id: str) -> list[NameRecord]:
    """Names that other exports of the run brought and this one (``names``) did not."""
    rows = cursor.execute(
        """SELECT mac, head, words, kind, common, alias FROM names SEMI JOIN (
             SELECT mac, kind FROM names_of_run WHERE run_id = ?) USING (mac, kind) ORDER BY kind, mac""",
        [run_id],
    ).fetchall()
    own = {(name.mac, name.kind) for name in names}
    return searched([record for record in (NameRecord(*row) for row in rows) if (record.mac, record.kind) not in own])


def settle_aliases(cursor: duckdb.DuckDBPyConnection, names: Sequence[NameRecord], key: bytes) -> dict[str, str]:
    """Old alias -> the one to have, for people of an export who are somebody else's namesakes in the archive.

    A person whom the archive knows keeps the alias that is stored; a stranger who was given an alias that is taken
    gets it with a number, as :class:`Aliases` does within an export. Aliases that were mapped on purpose stay. A user
    whom the source tells by an id keeps the alias that is stored, whatever they are called now. Cost: one look at the
    identities; nothing is drawn where no alias is contested.
    """
    mine = _identities(names)
    stored = stored_names(cursor) if mine else []
    had = _identities(stored)
    moved = {
        mine[mac]: had[mac]
        for mac in mine.keys() & had.keys()
        if mine[mac] != had[mac] and are_akin(mine[mac], had[mac])
    }
    holders: dict[str, set[str]] = {}
    for mac, alias in had.items():
        holders.setdefault(alias, set()).add(mac)
    contested = sorted(
        mac
        for mac, alias in mine.items()
        if mac not in had and alias in holders and not any(mine.get(holder) == alias for holder in holders[alias])
    )
    taken = {**mine, **had}
    for mac in contested:
        drawn = _Drawn(key, {}).free(mac)
        if are_akin(drawn, mine[mac]):
            taken[mac] = moved[mine[mac]] = _Drawn(key, taken).free(mac)
    return moved | _renamed(names, stored)


def _renamed(names: Sequence[NameRecord], stored: Sequence[NameRecord]) -> dict[str, str]:
    """Old alias -> the stored one, for users of the source whom the archive has met under another name."""
    now = {name.mac: name.alias for name in names if name.kind == USER and name.alias}
    had = {name.mac: name.alias for name in stored if name.kind == USER and name.alias}
    return {now[mac]: had[mac] for mac in now.keys() & had.keys() if now[mac] != had[mac]}


def with_aliases(names: Sequence[NameRecord], moved: Mapping[str, str]) -> tuple[NameRecord, ...]:
    """The records with aliases replaced."""
    return tuple(replace(name, alias=moved.get(name.alias, name.alias) if name.alias else None) for name in names)


class _Drawn(Aliases):
    """Aliases for people of whom the MAC alone is known."""

    def free(self, mac: str) -> str:
        """The alias that the MAC points at, with a number where it is taken."""
        return self._free(mac)


def _identities(names: Sequence[NameRecord]) -> dict[str, str]:
    return {name.mac: name.alias for name in names if name.kind == "name" and not name.words and name.alias}


def are_akin(one: str, other: str) -> bool:
    """Whether two aliases are one but for a number."""
    return one.split(" ")[:2] == other.split(" ")[:2]
