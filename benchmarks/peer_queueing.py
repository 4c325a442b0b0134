"""References, tasks and renames as the peer treats them, written anew from what it does and measures.

References are looked for row by row in Python with a pattern for each way of writing one; a task is inserted as a table
of one row; a file that was renamed is replaced in every text.
"""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import pyarrow as pa

_ATTACHED: Final = re.compile(r"([\w\-.]+\.\w+)\s*\((?:file attached|arquivo anexado|archivo adjunto)\)")
_MARKED: Final = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"']+")
_NAMED: Final = re.compile(r"\b([\w\-]+\.\w{2,})\b")


def candidates(table: pa.Table) -> dict[str, int]:
    """Every reference, with the first row that has it; 3.50 and ok.Vamos among them."""
    found: dict[str, int] = {}
    for batch in table.select(["seq", "text"]).to_batches(max_chunksize=1_000):
        for row in batch.to_pylist():
            for pattern in (_ATTACHED, _MARKED, _ADDRESS, _NAMED):
                for reference in pattern.findall(row["text"]):
                    found.setdefault(reference, row["seq"])
    return found


def enqueuing(path: Path, number: int) -> Callable[[], None]:
    """A task each, by an insert of a table of one row."""
    connection = ibis.duckdb.connect(str(path))
    columns = {"task_id": "string", "task_type": "string", "status": "string", "payload": "string"}
    connection.create_table("tasks", schema=ibis.schema(columns))

    def work() -> None:
        for _ in range(number):
            payload = json.dumps({"url": "https://example.com/some/path", "meta": "data"})
            row: dict[str, Any] = {
                "task_id": str(uuid.uuid4()), "task_type": "enrich", "status": "pending", "payload": payload,
            }  # fmt: skip
            connection.insert("tasks", pa.Table.from_pylist([row]))
        connection.disconnect()

    return work


def old(number: int) -> str:
    return f"IMG-20260311-WA{number:04d}.jpg"


def new(number: int) -> str:
    return f"{number:032x}.jpg"


def messages_with_files(connection: duckdb.DuckDBPyConnection, rows: int, names: int) -> None:
    """Messages of which one in twenty names a file, and which message names which (as ours are stored)."""
    connection.execute(
        f"""CREATE TABLE messages AS
            SELECT range AS seq, CASE WHEN range % 20 = 0
                THEN printf('IMG-20260311-WA%04d.jpg (file attached)', (range // 20) % {names})
                ELSE 'the boat train dinner garden letter window ' || range END AS text
            FROM range({rows})"""
    )
    connection.execute("CREATE TABLE mentions (seq BIGINT, key VARCHAR)")
    connection.execute("INSERT INTO mentions SELECT seq, split_part(text, ' ', 1) FROM messages WHERE seq % 20 = 0")


def nested_replace(connection: duckdb.DuckDBPyConnection, names: int) -> None:
    """Every text with all names replaced, by one expression."""
    expression = "text"
    for number in range(names):
        expression = f"replace({expression}, '{old(number)}', '{new(number)}')"
    connection.execute(f"SELECT sum(strlen({expression})) FROM messages WHERE contains(text, '.jpg')").fetchall()


def updates(connection: duckdb.DuckDBPyConnection, names: int) -> None:
    """An UPDATE for each name, taken back at the end."""
    connection.execute("BEGIN TRANSACTION")
    for number in range(names):
        connection.execute(
            "UPDATE messages SET text = replace(text, ?, ?) WHERE contains(text, ?)",
            [old(number), new(number), old(number)],
        )
    connection.execute("ROLLBACK")
