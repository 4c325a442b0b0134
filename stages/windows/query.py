"""The one query that planning puts to an engine: the time, and the place in the order packed with the line's weight.

One expression for every engine that Ibis speaks to; only the name of the function that counts bytes differs.
"""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stages.windows.columns import MEND, MOST_ROWS, TableError, check_schema, impossible_sizes, micros, whole
from stages.windows.render import LINE_BYTES

if TYPE_CHECKING:
    import ibis.expr.operations as ops
    import ibis.expr.types as ir

Ints = NDArray[np.int64]

_WEIGHT_BITS: Final = 32
_WEIGHT_MASK: Final = (1 << _WEIGHT_BITS) - 1
_NO_SEQ, _NO_SIZE = -1, -2
# small enough to stay in a processor's cache between the engine's writing and our reading
_BATCH_ROWS: Final = 1 << 17
# engines that count the bytes of text and keep times with a zone, the first two of them tested here
_BYTE_COUNTS: Final = {"duckdb": "strlen"} | dict.fromkeys(
    ("datafusion", "bigquery", "clickhouse", "databricks", "mysql", "postgres", "pyspark", "risingwave", "snowflake"),
    "octet_length",
)


def fetch(source: "ir.Table") -> Iterator[tuple[Ints, Ints, Ints]]:
    """Batches of (seq, microseconds, bytes of the line) in the engine's order; one query, nothing sorted.

    Raises :class:`TableError` for columns that cannot be used and for an engine that cannot count bytes.
    """
    for batch in _batches(source):
        place = whole(batch.column("place"))
        if len(place) and (least := int(place.min())) < 0:
            if least == _NO_SIZE:
                raise impossible_sizes()
            raise TableError(f"The column seq has values that are null, negative or far too large: {MEND}.")
        yield place >> _WEIGHT_BITS, micros(batch.column("ts")), place & _WEIGHT_MASK


def _batches(source: "ir.Table") -> Iterator[pa.RecordBatch]:
    table = duckdb_table(source)
    if table is None:
        return iter(_query(source, source.get_backend().name).to_pyarrow_batches(chunk_size=_BATCH_ROWS))
    return iter(source.get_backend().raw_sql(in_words(table, _packed)).to_arrow_reader(_BATCH_ROWS))


def duckdb_table(source: "ir.Table") -> "ops.DatabaseTable | None":
    """What ``source`` is where it is nothing but a table of DuckDB: by its name it can be asked in words of ours."""
    import ibis.expr.operations as ops

    table = source.op()
    return table if type(table) is ops.DatabaseTable and source.get_backend().name == "duckdb" else None


def in_words(table: "ops.DatabaseTable", query: "Callable[[ir.Table], ir.Table]") -> str:
    """``query`` of a table of DuckDB as SQL, remembered since Ibis takes milliseconds to write it; no connection is."""
    return _words(table.name, table.namespace, table.schema, query)


@lru_cache(maxsize=128)
def _words(name: str, namespace: Any, schema: Any, query: "Callable[[ir.Table], ir.Table]") -> str:
    import ibis
    import ibis.expr.operations as ops

    table = ops.UnboundTable(name=name, namespace=namespace, schema=schema).to_expr()
    return str(ibis.to_sql(query(table), dialect="duckdb"))


def _packed(table: "ir.Table") -> "ir.Table":
    return _query(table, "duckdb")


def _query(source: "ir.Table", engine: str) -> "ir.Table":
    """``ts``, and ``place`` = seq * 2^32 + weight, or below 0 where there is no usable seq or size."""
    import ibis

    check_schema(source.schema().to_pyarrow())
    if engine not in _BYTE_COUNTS:
        raise TableError(
            f"Ibis's engine {engine} has no known way to count the bytes of text: plan with DuckDB, or hand over"
            " the table as Arrow (to_pyarrow_batches)."
        )
    utf8_bytes = _byte_count(_BYTE_COUNTS[engine])
    names = source.columns
    size = source.text_bytes if "text_bytes" in names else utf8_bytes(_as(source.text, "string"))
    size = _as(size.coalesce(0), "int64")
    seq = _as(source.seq, "int64")
    line: Any = LINE_BYTES + 1
    if "author" in names:
        # nobody, or an empty name, is written as one sign
        line = ibis.greatest(utf8_bytes(_as(source.author, "string")), 1).coalesce(1) + LINE_BYTES
    placed = seq.between(0, MOST_ROWS - 1)
    place = ibis.cases(
        (placed & size.between(0, MOST_ROWS - 1), seq * (1 << _WEIGHT_BITS) + size + line),
        (placed, _NO_SIZE),
        else_=_NO_SEQ,
    )
    return source.select(ts=source.ts, place=_as(place, "int64"))


def _as(value: Any, kind: str) -> Any:
    if str(value.type()).lstrip("!") == kind:
        return value
    # what does not fit is null, and refused as such
    return value.try_cast(kind) if value.type().is_uint64() else value.cast(kind)


@cache
def _byte_count(name: str) -> Any:
    import ibis

    @ibis.udf.scalar.builtin(name=name)  # type: ignore[untyped-decorator]
    def utf8_bytes(text: str) -> int: ...  # type: ignore[empty-body]

    return utf8_bytes
