"""Which column of a table is what: as it is written on the command line, and against the columns that there are."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from stages.errors import BadInput

NEEDED: Final = ("ts", "author", "text")
FIELDS: Final = (*NEEDED, "id", "reply_to", "chat", "kind", "media", "edited", "reactions", "topic")
_PAIR: Final = re.compile(r'\s*(?P<field>[^=,"]*?)\s*=\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*(?=,|$)|(?P<plain>[^,]*))')
_WHOLE: Final = re.compile(r'\s*"(?P<field>[^=,"]*?)\s*=\s*(?P<quoted>(?:[^"]|"")*)"\s*(?=,|$)')
_MOST_SHOWN: Final = 24
_LONGEST_SHOWN: Final = 40


def parse_mapping(text: str) -> dict[str, str]:
    """``ts=Date,author=Who,text="Body, long"`` as canonical field -> column of the source.

    A column's name may hold ``=`` and spaces; one with a comma is quoted (``""`` is a quote then). ``#3`` is the third
    column, ``Date+Time`` two that belong together. Raises :class:`BadInput` for what is none, an unknown or repeated
    field.
    """
    found: dict[str, str] = {}
    at = 0
    while at <= len(text):
        pair = _WHOLE.match(text, at) or _PAIR.match(text, at)
        if pair is None:
            raise BadInput(
                "--map takes pairs of a field and a column, for example --map ts=Date,author=Who,text=Body "
                '(a column\'s name with a comma in quotes: text="Body, long").'
            )
        quoted = pair["quoted"]
        field = pair["field"].strip().lower()
        column = quoted.replace('""', '"') if quoted is not None else pair["plain"].strip()
        if field not in FIELDS:
            raise BadInput(f"--map knows no field {field!r}; there are {', '.join(FIELDS)}.")
        if field in found:
            raise BadInput(f"--map names the field {field} twice; each field has one column.")
        if not column:
            raise BadInput(f"--map names no column for {field}, for example {field}=Column.")
        found[field] = column
        at = pair.end() + 1
    return found


def resolve(
    mapping: Mapping[str, str], columns: Sequence[str], *, named: bool, what: str
) -> dict[str, tuple[int, ...]]:
    """Field -> positions of its columns (two only for ``ts``). Raises :class:`BadInput` for a column that is none."""
    result: dict[str, tuple[int, ...]] = {}
    for field, name in mapping.items():
        if field not in FIELDS:
            raise BadInput(f"--map knows no field {field!r}; there are {', '.join(FIELDS)}.")
        found = _positions(name, columns)
        parts = [_positions(part.strip(), columns) for part in name.split("+")]
        if not found and field == "ts" and len(parts) > 1 and all(len(part) == 1 for part in parts):
            found = [part[0] for part in parts]
            result[field] = tuple(found)
            continue
        if not found:
            raise BadInput(f"{what} has no column {name!r} for {field}; {listed(columns, named=named)}.")
        if len(found) > 1:
            numbers = " or ".join(f"#{at + 1}" for at in found[:4])
            raise BadInput(
                f"{what} has {len(found)} columns {name!r}; say which is meant with --map {field}={numbers}."
            )
        result[field] = (found[0],)
    return {field: result[field] for field in FIELDS if field in result}


def _positions(name: str, columns: Sequence[str]) -> list[int]:
    """Where a column stands: by its name as it is, then in any case and without spaces around it, then by number."""
    exact = [at for at, column in enumerate(columns) if column == name]
    if exact:
        return exact
    folded = name.strip().casefold()
    loose = [at for at, column in enumerate(columns) if column.strip().casefold() == folded]
    if loose:
        return loose
    number = re.fullmatch(r"#(\d{1,6})", name.strip())
    return [int(number[1]) - 1] if number and 1 <= int(number[1]) <= len(columns) else []


def listed(columns: Sequence[str], *, named: bool) -> str:
    """The columns for a sentence; where the file does not name them, how many there are."""
    if not named:
        return f"it has no header, and its columns are #1 to #{len(columns)}"
    shown = [name if len(name) <= _LONGEST_SHOWN else name[:_LONGEST_SHOWN] + "…" for name in columns[:_MOST_SHOWN]]
    shown = [" ".join(name.split()) or f"#{at + 1}" for at, name in enumerate(shown)]
    more = f" and {len(columns) - _MOST_SHOWN} more" if len(columns) > _MOST_SHOWN else ""
    return f"its columns are {'; '.join(shown)}{more}"


def written(columns: Sequence[str], positions: Sequence[int]) -> str:
    """A field's column as it would be written in ``--map``; by number where its name would not do."""
    return "+".join(
        columns[at] if columns[at].strip() and columns.count(columns[at]) == 1 else f"#{at + 1}" for at in positions
    )
