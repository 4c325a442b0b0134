"""Parquet files that people hand to a single stage: judged before use, written by rename."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stages.archive.schema import MESSAGES
from stages.errors import BadInput


def messages_file(path: Path) -> Path:
    """The path, when it is a Parquet file with the columns of messages. Reads the footer only.

    Raises :class:`BadInput` with what is missing.
    """
    if not path.is_file():
        raise BadInput(f"There is no file {path}; `streamliner parse EXPORT --out {path.name}` makes one.")
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"{path} is not a Parquet file ({type(error).__name__}).") from None
    missing = [name for name in MESSAGES.names if name not in schema.names]
    if missing:
        raise BadInput(
            f"{path} has no column {missing[0]!r}; `streamliner parse EXPORT --out FILE` writes all of them."
        )
    return path


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table (zstd), whole or not at all. Raises :class:`BadInput` where the folder cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pq.write_table(table, partial, compression="zstd")
        os.replace(partial, path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or type(error).__name__}.") from None
    finally:
        partial.unlink(missing_ok=True)
