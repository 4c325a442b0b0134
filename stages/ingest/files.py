"""The files of a ZIP under the names by which the chat speaks of them.

Archivers garble names (cp437), decompose accents, cut what is long and repeat names; members are known by position,
so none is lost. A name that could be that of two files is nobody's: better missing than the wrong picture.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from stages.archive.records import Attachment
from stages.ingest.names import fold, is_skeleton_of, loose, readings, skeleton, split_extension
from stages.ingest.zips import Member

Keys = Callable[[str], Iterable[str]]

_LONG: Final = 60
"""Characters of a stem from which on it may have been cut (file systems keep 255 bytes)."""


def folded(members: Sequence[Member]) -> dict[str, Member]:
    """Members by the form of their name that is compared, also as it was before it was garbled; the first of many."""
    found: dict[str, Member] = {}
    for member in members:
        found.setdefault(fold(member.name), member)
    for member in members:
        for reading in readings(member.name):
            found.setdefault(fold(reading), member)
    return found


def attachments(
    members: Sequence[Member], written: Iterable[str], rename: Callable[[str], str]
) -> tuple[list[Attachment], list[str]]:
    """Every member as an attachment, named as the chat writes it, then renamed; and the names no member has.

    A member has an attachment for each spelling that the chat uses. A name that several members bear is that of the
    first; the others get a number, so that none is lost. Linear in members and names.
    """
    wanted = sorted(set(written))
    owners = _resolved(members, wanted)
    names: dict[int, list[str]] = defaultdict(list)
    for name, member in owners.items():
        hidden = rename(name)
        if hidden not in names[member.position]:
            names[member.position].append(hidden)
    free = _FreeNames()
    # what the chat speaks of keeps its name; whatever else is called so gives way
    spoken = {member.position: [free.take(name) for name in names.get(member.position, ())] for member in members}
    result = [
        Attachment(name, "", member.position, member.size)
        for member in members
        for name in spoken[member.position] or [free.take(rename(member.name))]
    ]
    return result, [name for name in wanted if name not in owners]


def _resolved(members: Sequence[Member], wanted: Sequence[str]) -> dict[str, Member]:
    """The member that each name means. Names that fewer changes explain are settled first."""
    owners = _by_path(members, [name for name in wanted if "/" in name])
    first: dict[str, Member] = {}
    for member in members:
        first.setdefault(fold(member.name), member)
    for name in wanted:
        if name not in owners and fold(name) in first:
            owners[name] = first[fold(name)]
    stems: Keys = lambda name: _stem(loose(name))  # noqa: E731
    bare: Keys = lambda name: () if split_extension(name)[1] else (loose(name),)  # noqa: E731
    whole: Keys = lambda name: (loose(name),)  # noqa: E731
    levels: tuple[tuple[Keys, Keys, Callable[[str, str], bool]], ...] = (
        (whole, whole, _always),
        (whole, lambda name: (loose(reading) for reading in readings(name)), _always),
        (_lossy, _lossy, lambda name, stranger: is_skeleton_of(stranger, name)),
        (_long_stem, _long_stem, _same_start),
        (bare, stems, _always),
        (stems, bare, _always),
    )
    for of_written, of_member, fits in levels:
        missing = [name for name in wanted if name not in owners]
        if not missing:
            break
        named = {fold(member.name) for member in owners.values()}
        strangers = {name: member for name, member in first.items() if name not in named}
        for name, stranger in _pairs(missing, strangers, of_written, of_member):
            if fits(fold(name), stranger):
                owners[name] = strangers[stranger]
    return owners


def _by_path(members: Sequence[Member], wanted: Sequence[str]) -> dict[str, Member]:
    """Names that are paths within the export, wherever in the ZIP the export's folder is."""
    owners: dict[str, Member] = {}
    for depth in sorted({name.strip("/").count("/") + 1 for name in wanted}):
        ends: dict[str, list[Member]] = defaultdict(list)
        for member in members:
            ends["/".join(fold(member.path).split("/")[-depth:])].append(member)
        for name in wanted:
            key = fold(name).strip("/")
            if key.count("/") + 1 == depth and len(ends.get(key, ())) == 1:
                owners[name] = ends[key][0]
    return owners


def _pairs(
    missing: Iterable[str], strangers: Iterable[str], of_written: Keys, of_member: Keys
) -> Iterator[tuple[str, str]]:
    """Pairs that share a key which no other name of either side has."""
    by_key: dict[str, set[str]] = defaultdict(set)
    for name in strangers:
        for key in of_member(name):
            if key:
                by_key[key].add(name)
    speakers: dict[str, list[str]] = defaultdict(list)
    for name in missing:
        for key in of_written(name):
            speakers[key].append(name)
    taken: set[str] = set()
    for key, names in speakers.items():
        found = by_key.get(key, set())
        if len({fold(name) for name in names}) == 1 and len(found) == 1 and not found & taken:
            taken |= found
            for name in names:
                yield name, next(iter(found))


def _always(_name: str, _stranger: str) -> bool:
    return True


def _stem(name: str) -> tuple[str, ...]:
    stem, extension = split_extension(name)
    return (stem,) if extension else ()


def _lossy(name: str) -> tuple[str, ...]:
    left = skeleton(fold(name))
    return (left,) if len(left) < len(name) else ()


def _long_stem(name: str) -> tuple[str, ...]:
    if len(name) < _LONG:
        return ()
    stem, extension = split_extension(loose(name))
    return (f"{stem[:_LONG]}.{extension}",) if len(stem) >= _LONG else ()


def _same_start(name: str, stranger: str) -> bool:
    one, other = (split_extension(loose(form))[0] for form in (name, stranger))
    return one.startswith(other) or other.startswith(one)


class _FreeNames:
    """Names that nobody has yet; a repeated one gets the next number before its extension."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def take(self, name: str) -> str:
        stem, dot, extension = name.rpartition(".")
        free, number = name, self._next.get(name, 2)
        while free in self._taken:
            free = f"{stem} ({number}){dot}{extension}" if dot else f"{name} ({number})"
            number += 1
        self._next[name] = number
        self._taken.add(free)
        return free
