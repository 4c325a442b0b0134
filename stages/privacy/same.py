"""People who were renamed: two raw names, one person, one alias, one id for each message."""

from collections.abc import Mapping, Sequence

from stages.archive.records import NameRecord
from stages.errors import BadInput
from stages.privacy.alias import Aliases, identity


def renamed(
    pairs: Sequence[str], key: bytes, known: Sequence[NameRecord], region: str | None = None
) -> tuple[Mapping[str, str], tuple[NameRecord, ...]]:
    """(raw name -> the raw name under which the person is kept, records that give both names one alias).

    ``pairs`` are OLD=NEW. A person is kept under the old name, or under the new one where the archive (``known``)
    has met that alone: ids and pages that are there do not change. Raises :class:`BadInput` for what is no pair, and
    where the archive holds the two as different people.
    """
    if not pairs:
        return {}, ()
    met = {row.mac: row.alias for row in known if row.kind == "name" and row.words == 0 and row.alias}
    given = Aliases(key, met)
    same: dict[str, str] = {}
    records: list[NameRecord] = []
    for number, pair in enumerate(pairs, 1):
        old, parted, new = (part.strip() for part in pair.partition("="))
        if not (old and parted and new) or old == new:
            raise BadInput(f"--alias number {number} is not OLD=NEW, two different names with an equals sign between.")
        before, after = (given.mac(identity(name, region)) for name in (old, new))
        if before in met and after in met and met[before] != met[after]:
            raise BadInput(
                f"--alias number {number}: the archive holds messages of both names as two people already; "
                "publish the exports into a new archive with this option."
            )
        kept, other = (new, old) if after in met and before not in met else (old, new)
        kept = same.get(kept, kept)
        who = identity(kept, region)
        alias = given.give([who])[who]
        # both, else the alias would look taken to the one who is kept
        macs = (given.mac(who), given.mac(identity(other, region)))
        records += [NameRecord(mac, mac, 0, "name", True, alias) for mac in macs]
        same[other] = kept
    return same, tuple(records)
