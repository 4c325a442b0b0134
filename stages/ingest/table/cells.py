"""Values of JSON and Parquet as the strings of a table's cells."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_DEEPEST: Final = 4
_HALF: Final = re.compile("[\ud800-\udfff]")
_MOST_COLUMNS: Final = 400
_TEXTS: Final = (pa.string(), pa.large_string(), pa.string_view())


def paths(value: Mapping[str, Any], found: dict[tuple[str, ...], None], at: tuple[str, ...] = ()) -> None:
    """Add the paths of an object's keys, those of nested objects included, in the order in which they are met."""
    for key, inner in value.items():
        if len(found) >= _MOST_COLUMNS:
            return
        found[(*at, key)] = None
        if isinstance(inner, dict) and len(at) + 1 < _DEEPEST:
            paths(inner, found, (*at, key))


def at_path(value: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path of an object; None where nothing does."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def cell(value: Any) -> str | None:
    """A value of JSON as a cell: strings as they are, numbers without exponents, lists and objects as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def prose(value: Any) -> str | None:
    """A message's text: a cell, or the pieces of a list of strings and of objects with a text, one after the other."""
    if isinstance(value, list):
        pieces = [piece.get("text") if isinstance(piece, dict) else piece for piece in value]
        return "".join(piece for piece in pieces if isinstance(piece, str))
    return cell(value)


def number(value: float) -> str | None:
    """A float in plain figures with at most nine behind the point; None for what is no number."""
    if not math.isfinite(value):
        return None
    return f"{value:.9f}".rstrip("0").removesuffix(".")


def text_array(values: Iterable[str | None]) -> pa.StringArray:
    """Strings as a column; halves of surrogates and NULs, which JSON can write, become U+FFFD."""
    found = list(values)
    try:
        return pa.array(found, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if text is None else _HALF.sub("\ufffd", text) for text in found], pa.string())


def as_strings(column: pa.Array) -> pa.Array:
    """A column of any of Parquet's types as strings. Times, dates and lists of strings stay what they are."""
    kind = column.type
    if kind == pa.string() or pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column
    if pa.types.is_dictionary(kind):
        return as_strings(column.dictionary_decode())
    if kind in _TEXTS or pa.types.is_integer(kind) or pa.types.is_time(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.string())
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "true", "false")
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else number(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array(
            [None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()], pa.string()
        )
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and kind.value_type in _TEXTS:
        return column.cast(pa.list_(pa.string()))
    return text_array(cell(value) for value in column.to_pylist())


def as_texts(column: pa.Array) -> pa.StringArray:
    """A column as strings, whatever it is."""
    if pa.types.is_list(column.type):
        return text_array(cell(value) for value in column.to_pylist())
    return column if column.type == pa.string() else column.cast(pa.string())
