"""The files of a ZIP under the names by which the chat speaks of them.

Archivers garble names (cp437), decompose accents, and repeat them; members are known by position, so none is lost.
"""

from collections.abc import Callable, Iterable, Sequence

from stages.archive.records import Attachment
from stages.ingest.names import fold
from stages.ingest.zips import Member


def folded(members: Sequence[Member]) -> dict[str, Member]:
    """Members by the form of their name that is compared; the first of several."""
    found: dict[str, Member] = {}
    for member in members:
        found.setdefault(fold(member.name), member)
    return found


def attachments(
    members: Sequence[Member], written: Iterable[str], rename: Callable[[str], str]
) -> tuple[list[Attachment], list[str]]:
    """Every member as an attachment, named as the chat writes it, then renamed; and the names no member has.

    A name that several members bear is kept for the first; the others get a number, so that none is lost.
    """
    by_fold = {fold(name): name for name in sorted(written)}
    if not members:
        return [], sorted(by_fold.values())
    names = {member.position: by_fold[fold(member.name)] for member in members if fold(member.name) in by_fold}
    missing = {key: name for key, name in by_fold.items() if name not in set(names.values())}
    skeletons: dict[str, list[str]] = {}
    for name in missing.values():
        skeletons.setdefault(_skeleton(name), []).append(name)
    strangers: dict[str, list[Member]] = {}
    for member in members:
        if member.position not in names:
            strangers.setdefault(_skeleton(member.name), []).append(member)
    for skeleton, group in skeletons.items():
        # letters that an archiver garbled: what is left of the name must leave no choice
        if len(group) == 1 and len(strangers.get(skeleton, ())) == 1:
            names[strangers[skeleton][0].position] = group[0]
    taken: set[str] = set()
    result = []
    for member in members:
        name = rename(names.get(member.position, member.name))
        result.append(Attachment(_free(name, taken), "", member.position, member.size))
    return result, sorted(set(by_fold.values()) - set(names.values()))


def _skeleton(name: str) -> str:
    return "".join(sign for sign in name if sign.isascii() and sign not in "_?#")


def _free(name: str, taken: set[str]) -> str:
    stem, dot, extension = name.rpartition(".")
    free, number = name, 2
    while free in taken:
        free = f"{stem} ({number}){dot}{extension}" if dot else f"{name} ({number})"
        number += 1
    taken.add(free)
    return free
