"""Parquet files that people hand to a single stage: judged before use, written by rename."""

import os
import stat
import uuid
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


def messages_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer of messages in the encodings that are read fastest: planning reads ``seq``, ``ts`` and sizes alone."""
    # bounds of texts and ids help nobody
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=["author", "kind", "text_bytes"],
        column_encoding={"seq": "DELTA_BINARY_PACKED"},
        write_statistics=["seq", "ts"],
    )


def output_file(out: str, source: Path) -> Path:
    """Where a result goes that a person asked for with ``--out``, judged before any work is done.

    Raises :class:`BadInput` for a folder, for what is no regular file, for ``source`` itself, and where the folder to
    write in is not there.
    """
    folder = os.path.dirname(out) or "."
    if not out or os.path.isdir(out):
        raise BadInput(f"--out must be the path of a Parquet file to write, not {out!r}.")
    try:
        exists = stat.S_ISREG(os.stat(out).st_mode)
        if not exists:
            raise BadInput(f"--out {out} is not a regular file: name a Parquet file to write.")
    except FileNotFoundError:
        exists = False
    except OSError as error:  # a name that is too long, a circle of links
        raise BadInput(f"--out {out} cannot be written: {error.strerror}.") from None
    if exists and os.path.exists(source) and os.path.samefile(out, source):
        raise BadInput(f"--out {out} is the file that is read: name another file.")
    if not os.path.isdir(folder):
        raise BadInput(f"--out {out} cannot be written: there is no folder {folder}.")
    return Path(out)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table (zstd), whole or not at all. Raises :class:`BadInput` where the folder cannot be written."""
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        pq.write_table(table, partial, compression="zstd")
        os.replace(partial, path)
    except OSError as error:
        raise BadInput(f"--out {path} cannot be written: {error.strerror or type(error).__name__}.") from None
    finally:
        partial.unlink(missing_ok=True)
