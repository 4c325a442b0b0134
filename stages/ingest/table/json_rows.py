"""JSON as batches of rows: an object a line, or the objects of one array, streamed either way."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import ijson
import numpy as np
import orjson
import pyarrow as pa

from stages.errors import BadInput
from stages.ingest.nesting import Shallow
from stages.ingest.reader import Source
from stages.ingest.table.cells import at_path, cell, paths, prose, text_array
from stages.ingest.table.encoding import Text
from stages.ingest.table.names import known_fields
from stages.ingest.table.rows import Damage, Rows
from stages.ingest.unparsed import masked

_BATCH_BYTES: Final = 4 << 20
_BATCH_ITEMS: Final = 2_000
_LONGEST_LINE: Final = 64 << 20
_LOOK: Final = 1 << 20


@dataclass(frozen=True)
class Form:
    """How the objects stand in a file: one a line, or in the array at ``prefix`` (as ijson writes it)."""

    prefix: str | None

    @property
    def unit(self) -> str:
        return "line" if self.prefix is None else "object"

    @property
    def words(self) -> str:
        if self.prefix is None:
            return "JSON lines"
        at = self.prefix.removesuffix("item").removesuffix(".")
        return f"JSON array at {at}" if at else "JSON array"


@dataclass
class JsonRows:
    """One pass over a file's objects."""

    form: Form
    damage: Damage = field(default_factory=Damage)

    def objects(self, stream: BinaryIO) -> Iterator[dict[str, Any]]:
        """Every object, for a look at the first of them. Closes the stream."""
        for _, objects in self._batches(stream):
            yield from objects

    def read(self, stream: BinaryIO, wanted: Sequence[tuple[str, ...]], text: tuple[str, ...] | None) -> Iterator[Rows]:
        """Batches of the values at some paths; the one of the ``text`` is joined where it is a list of pieces."""
        for numbers, objects in self._batches(stream):
            yield Rows(np.array(numbers, np.int64), [_column(objects, path, path == text) for path in wanted])

    def _batches(self, stream: BinaryIO) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
        """Objects with their numbers (of their lines, or in their array); what is none is counted."""
        with stream:
            found = self._lines(stream) if self.form.prefix is None else self._items(stream, self.form.prefix)
            for numbers, objects in found:
                if objects:
                    yield numbers, objects

    def _lines(self, stream: BinaryIO) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
        number = 0
        while True:
            size, lines = 0, []
            while size < _BATCH_BYTES and (line := stream.readline(_LONGEST_LINE)):
                size += len(line)
                lines.append(line)
            if not lines:
                return
            numbers, objects = [], []
            for line in lines:
                number += 1
                found = parsed(line)
                if found is not None:
                    numbers.append(number)
                    objects.append(found)
                elif line.strip():
                    self._broken(number, line[:400].decode("utf-8", "replace"))
            yield numbers, objects

    def _items(self, stream: BinaryIO, prefix: str) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
        number = 0
        numbers: list[int] = []
        objects: list[dict[str, Any]] = []
        try:
            for found in ijson.items(Shallow(stream), prefix, use_float=True):
                number += 1
                if not isinstance(found, dict):
                    self._broken(number, str(found)[:400])
                    continue
                numbers.append(number)
                objects.append(found)
                if len(objects) >= _BATCH_ITEMS:
                    yield numbers, objects
                    numbers, objects = [], []
        except (ijson.JSONError, UnicodeDecodeError, ValueError):
            self.damage.said.append(
                f"The JSON is broken or cut off behind object {number}; what stands before was read, the rest was not."
            )
            self._broken(number + 1, "")
        yield numbers, objects

    def _broken(self, number: int, shown: str) -> None:
        self.damage.count += 1
        if self.damage.first is None:
            self.damage.first, self.damage.looks_like = number, masked(shown.strip())


def _column(objects: Sequence[dict[str, Any]], path: tuple[str, ...], text: bool) -> pa.StringArray:
    key = path[0]
    values = [found.get(key) for found in objects] if len(path) == 1 else [at_path(found, path) for found in objects]
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, TypeError, UnicodeEncodeError):
        return text_array(map(prose if text else cell, values))


def parsed(line: bytes) -> dict[str, Any] | None:
    """One line's object; None for what is none."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            # it takes what many writers write: NaN, whole numbers of any length, halves of surrogates
            found = json.loads(line.decode("utf-8", "replace"), strict=False)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def form_of(source: Source, text: Text) -> Form | None:
    """How the objects stand in a file, from its beginning; None where there are none."""
    with text.opened(source.open()) as stream:
        head = stream.read(_LOOK)
        start = head.lstrip()[:1]
        if start == b"{":
            first = head.lstrip().split(b"\n", 1)[0]
            if len(first) >= len(head.lstrip()) and len(head) == _LOOK:
                first += stream.readline(_LONGEST_LINE)
            objects = [parsed(line) for line in [first, *head.lstrip().split(b"\n")[1:6]] if line.strip()]
            whole = [found for found in objects if found is not None]
            if objects[0] is None:
                several = len(whole) * 2 > len(objects)
            else:
                several = len(objects) > 1 or not _has_array(objects[0])
            if several:
                return Form(None)
        elif start != b"[":
            return None
    prefix = _array(source, text)
    return None if prefix is None else Form(prefix)


def _has_array(found: dict[str, Any]) -> bool:
    """Whether a single object is not a message but holds them."""
    columns = columns_of([found])
    return len(known_fields([".".join(path) for path in columns])) < 3


def _array(source: Source, text: Text) -> str | None:
    """Where the array of objects stands whose first one looks most like a message: the first with known names."""
    first: str | None = None
    keys: set[str] = set()
    with text.opened(source.open()) as stream:
        try:
            for events, (prefix, event, value) in enumerate(ijson.parse(Shallow(stream))):
                if events > 20_000:
                    break
                if event == "start_map" and prefix.endswith("item") and prefix.count("item") == 1 and first is None:
                    first, keys = prefix, set()
                elif event == "map_key" and first is not None and prefix.startswith(first):
                    inner = prefix[len(first) :].strip(".")
                    keys.add(f"{inner}.{value}" if inner else value)
                elif event == "end_map" and prefix == first:
                    if len(known_fields(sorted(keys))) >= 2 or prefix == "item":
                        return first
                    first = None
        except (ijson.JSONError, UnicodeDecodeError, ValueError):
            return first
    return first


def columns_of(objects: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The paths of all keys of some objects."""
    found: dict[tuple[str, ...], None] = {}
    for item in objects:
        paths(item, found)
    return list(found)


def refuse_none(source: Source, form: Form | None) -> Form:
    """The form. Raises :class:`BadInput` where there is none."""
    if form is None:
        raise BadInput(f"{source.path} is neither JSON lines nor a JSON array of objects.")
    return form
