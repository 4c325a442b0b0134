"""JSON lines of messages, and a JSON array of them; nested keys are columns with dots (``user.name``)."""

import itertools
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from stages.errors import BadInput
from stages.ingest.reader import Reader, ReadOptions, Source
from stages.ingest.table.cells import at_path, cell
from stages.ingest.table.encoding import Text, look
from stages.ingest.table.json_rows import JsonRows, columns_of, form_of, refuse_none
from stages.ingest.table.names import known_fields
from stages.ingest.table.reader import TableReader
from stages.ingest.table.rows import Damage, Rows
from stages.ingest.text import text_encoding

PLATFORM: Final = "jsonl"
_SAMPLE: Final = 2_000
_FEW: Final = 50


def matches(source: Source) -> bool:
    """Whether the file is JSON lines, or an array of objects, whose keys name a chat. Reads its beginning alone."""
    if source.members is not None:
        return False
    try:
        text = Text(text_encoding(source.path, source.head))
    except BadInput:
        return False
    form = form_of(source, text)
    if form is None:
        return False
    objects = list(itertools.islice(JsonRows(form).objects(text.opened(source.open())), _FEW))
    return len(known_fields([".".join(path) for path in columns_of(objects)])) >= 2


def open_reader(source: Source, options: ReadOptions) -> Reader:
    """A reader of the objects. Raises :class:`BadInput` for what is no JSON of objects, or no chat."""
    if source.members is not None:
        raise BadInput("A ZIP is no JSON; unpack it and give the JSON file itself.")
    return TableReader(JsonTable(source), options)


class JsonTable:
    """JSON as a table (see :class:`stages.ingest.table.rows.Table`)."""

    what = "The JSON"
    named = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = look(source)
        self._form = refuse_none(source, form_of(source, self._text))
        self.unit = self._form.unit
        self.form = self._form.words
        if self._text.encoding != "utf-8":
            self.form += f", {self._text.encoding}"
        objects = list(itertools.islice(JsonRows(self._form).objects(self._open()), _SAMPLE))
        self._paths = columns_of(objects)
        self.columns = tuple(".".join(path) for path in self._paths)
        self.sample = [[cell(at_path(found, path)) for path in self._paths] for found in objects[: 8 * _FEW]]
        self.least = 0
        self.prose: int | None = None
        self.more: dict[str, tuple[int, ...]] = {}
        self._pass = JsonRows(self._form)

    def read(self, wanted: Sequence[int]) -> Iterator[Rows]:
        """All objects."""
        self._pass = JsonRows(self._form)
        text = None if self.prose is None else self._paths[self.prose]
        yield from self._pass.read(self._open(), [self._paths[at] for at in wanted], text)

    def damage(self) -> Damage:
        """What is no object."""
        done = self._pass.damage
        said = [*self._text.said, *done.said]
        if done.count > len(done.said):
            said.append(
                f"{done.count - len(done.said)} {self.unit}s hold no JSON object and were not read; "
                f"the first is {self.unit} {done.first}."
            )
        return Damage(done.count, done.first, done.looks_like, said)

    def _open(self) -> BinaryIO:
        return self._text.opened(self._source.open())
